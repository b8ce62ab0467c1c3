/* ZipCrypto: the cipher, the attack by known bytes, the password. What `zip -P` writes is tried
 * in tests/e2e/rescue_zip.py. */
#include "rescue/zip/attack.h"
#include "rescue/zip/core.h"
#include "rescue/zip/password.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>

enum { MEMBER = 64 };

static uint64_t state = 1;

static uint32_t draw(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 32);
}

struct member {
    uint8_t plain[MEMBER], encrypted[MEMBER];
    struct zip_keys keys;
    struct attack_known known[MEMBER];
    size_t n;
    struct arena *arena;
    struct attack attack;
};

static const char head[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\6\0\0\0";

/* A member whose bytes [from, to) are known, and `more` single ones behind them. */
static struct member make_member(const char *password, uint64_t from, uint64_t to, size_t more)
{
    struct member m = {.keys = zipcrypto_of_password(bytes_of(password))};
    for (size_t i = 0; i < MEMBER; i++)
        m.plain[i] = (uint8_t)draw();
    memcpy(m.plain + ZIPCRYPTO_HEADER, head, sizeof head);
    memcpy(m.encrypted, m.plain, MEMBER);
    struct zip_keys keys = m.keys;
    zipcrypto_encrypt(&keys, m.encrypted, MEMBER);
    for (uint64_t at = from; at < to; at++)
        m.known[m.n++] = (struct attack_known){at, m.plain[at]};
    for (size_t i = 0; i < more; i++)
        m.known[m.n++] = (struct attack_known){to + 3 * i + 2, m.plain[to + 3 * i + 2]};
    m.arena = arena_new(ATTACK_ARENA);
    return m;
}

static int begin(struct member *m, struct why *why)
{
    return attack_begin((bytes){m->encrypted, MEMBER}, m->known, m->n, m->arena, &m->attack,
                        why);
}

/* Where the true value stands, by the keys; UINT32_MAX: it is not there. */
static uint32_t true_value(const struct member *m)
{
    struct zip_keys keys = m->keys;
    for (uint64_t i = 0; i < m->attack.row + ATTACK_ROW - 1; i++)
        zipcrypto_next(&keys, m->plain[i]);
    for (uint32_t i = 0; i < m->attack.values; i++)
        if (m->attack.z[i] == (keys.z & ~3u))
            return i;
    return UINT32_MAX;
}

static bool is_same(struct zip_keys a, struct zip_keys b)
{
    return a.x == b.x && a.y == b.y && a.z == b.z;
}

static void keys_go_on_and_back(void)
{
    struct zip_keys start = zipcrypto_of_password(bytes_of("geheim")), keys = start;
    uint8_t data[100], copy[100];
    for (size_t i = 0; i < sizeof data; i++)
        copy[i] = data[i] = (uint8_t)draw();
    zipcrypto_encrypt(&keys, data, sizeof data);
    CHECK(memcmp(data, copy, sizeof data) != 0);
    for (size_t i = sizeof data; i--;)
        zipcrypto_back(&keys, data[i]);
    CHECK(is_same(keys, start));
    zipcrypto_decrypt(&keys, data, sizeof data);
    CHECK(memcmp(data, copy, sizeof data) == 0);
    /* As the attack has it: FACTOR * INVERSE is 1. */
    CHECK_INT(ZIPCRYPTO_FACTOR * ZIPCRYPTO_INVERSE, 1);
}

static void check_attack(struct member m, const char *name)
{
    static const enum cpu_level levels[] = {CPU_SCALAR, CPU_AVX2, CPU_AVX512};
    struct why why = {""};
    CHECK_INT(begin(&m, &why), 0);
    uint32_t at = true_value(&m);
    printf("# %s: %u values, the true one is number %u\n", name, m.attack.values, at);
    CHECK(at < m.attack.values);
    for (size_t i = 0; i < COUNT(levels) && levels[i] <= cpu_level(); i++) {
        struct zip_keys found = {0};
        CHECK(attack_run(&m.attack, at, at + 1, levels[i], NULL, &found));
        CHECK(is_same(found, m.keys));
        CHECK(!attack_run(&m.attack, at ? 0 : 1, at ? 1 : 2, levels[i], NULL, &found));
    }
    CHECK(attack_fits((bytes){m.encrypted, MEMBER}, m.known, m.n, m.keys));
    CHECK(!attack_fits((bytes){m.encrypted, MEMBER}, m.known, m.n, (struct zip_keys){1, 2, 3}));
    arena_free(m.arena);
}

static void keys_are_found(void)
{
    check_attack(make_member("geheim99", 12, 24, 0), "12 in a row");
    check_attack(make_member("x", 12, 36, 0), "24 in a row");
    check_attack(make_member("a longer password", 11, 20, 4), "9 in a row and 4");
    check_attack(make_member("", 20, 28, 6), "8 in a row and 6");
}

static void a_stopped_run_finds_nothing(void)
{
    static const volatile bool stop = true;
    struct member m = make_member("geheim99", 12, 40, 0);
    struct zip_keys found;
    CHECK_INT(begin(&m, NULL), 0);
    CHECK(!attack_run(&m.attack, 0, m.attack.values, cpu_level(), &stop, &found));
    arena_free(m.arena);
}

static void too_little_is_refused(void)
{
    struct why why = {""};
    struct member few = make_member("a", 12, 23, 0);
    CHECK_INT(begin(&few, &why), -EINVAL);
    CHECK_STR(why.text, "11 bytes are known: 12 are needed");
    arena_free(few.arena);
    struct member apart = make_member("a", 12, 19, 6);
    CHECK_INT(begin(&apart, &why), -EINVAL);
    CHECK_STR(why.text, "7 known bytes stand in a row: 8 are needed");
    arena_free(apart.arena);
    struct member behind = make_member("a", 12, 30, 0);
    behind.known[3].at = MEMBER;
    CHECK_INT(begin(&behind, &why), -EINVAL);
    arena_free(behind.arena);
    struct member twice = make_member("a", 12, 30, 0);
    twice.known[3].at = twice.known[2].at;
    CHECK_INT(begin(&twice, &why), -EINVAL);
    arena_free(twice.arena);
}

/* The vector code finds the same ways in the same order of chunks as the plain one. */
static void ways_race(enum cpu_level level, core_ways *vector)
{
    struct attack_core *core = malloc(sizeof *core);
    struct core_way *a = malloc(sizeof *a), *b = malloc(sizeof *b);
    uint64_t ways = 0, sum = 0;
    if (cpu_level() < level)
        tap_skip("the ways of vectors", "this processor has none of that size");
    for (unsigned i = 0; i < 40 && cpu_level() >= level; i++) {
        struct core_list list;
        uint8_t plain[ATTACK_ROW];
        for (unsigned k = 0; k < 8; k++) {
            plain[k] = (uint8_t)draw();
            list.y[k] = (uint8_t)draw();
        }
        list.back = (uint8_t)draw();
        list.z0 = (uint8_t)(draw() & 0xfc);
        core_prepare(core, plain);
        uint32_t from = draw() % CORE_ROOTS, to = from + 1 + draw() % CORE_CHUNK;
        to = to < CORE_ROOTS ? to : CORE_ROOTS;
        size_t n = core_scalar(core, &list, from, to, a);
        size_t m = vector(core, &list, from, to, b);
        for (size_t k = 0; k < n; k++)
            sum += (uint64_t)a->t[0][k] * a->x[0][k];
        for (size_t k = 0; k < m; k++)
            sum -= (uint64_t)b->t[0][k] * b->x[0][k];
        ways += n;
        if (n != m || sum)
            break;
    }
    CHECK(cpu_level() < level || ways > 20);
    CHECK_INT(sum, 0);
    free(core);
    free(a);
    free(b);
}

static void passwords_are_found(void)
{
    static const char *const words[] = {"", "a", "ab7", "Zz09", "short", "sixsix", "Kyiv2022"};
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    struct password_set set = password_set(bytes_of(letters));
    struct password_set few = password_set(bytes_of("Kyiv20aabb"));
    CHECK_INT(set.n, 62);
    CHECK_INT(few.n, 8);
    for (size_t i = 0; i < COUNT(words); i++) {
        struct zip_keys keys = zipcrypto_of_password(bytes_of(words[i]));
        unsigned len = (unsigned)strlen(words[i]);
        const struct password_set *of = len > 6 ? &few : &set;
        char found[PASSWORD_MOST + 1] = "?";
        CHECK(password_try(keys, of, len, 0, of->n, NULL, found));
        CHECK_STR(found, words[i]);
        CHECK(!len || !password_try(keys, of, len - 1, 0, of->n, NULL, found));
    }
    char found[PASSWORD_MOST + 1];
    CHECK(!password_try(zipcrypto_of_password(bytes_of("no-set")), &set, 6, 0, set.n, NULL,
                        found));
    CHECK(!password_try(zipcrypto_of_password(bytes_of("short")), &set, 5, 0, 18, NULL, found));
    CHECK(password_try(zipcrypto_of_password(bytes_of("short")), &set, 5, 18, 19, NULL, found));
}

int main(void)
{
    keys_go_on_and_back();
    keys_are_found();
    a_stopped_run_finds_nothing();
    too_little_is_refused();
    ways_race(CPU_AVX2, core_avx2);
    ways_race(CPU_AVX512, core_avx512);
    passwords_are_found();
    return tap_done();
}
