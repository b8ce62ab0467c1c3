/* Hash signatures: what was put in is found, nothing else is, and damage is said. */
#include "match/hashes.h"
#include "random.h"
#include "tap.h"

#include <errno.h>

enum { ROOM = 8 };

struct one {
    struct hash_signature signature;
    uint8_t value[32];
    char name[64], label[96];
};

static void make_name(struct one *one, uint32_t i)
{
    static const char *const families[] = {"Win.Trojan.Agent", "Doc.Dropper", "{MD5}php.shell",
                                           "Unix.Malware-2020", "A-B-C"};
    const char *family = families[random_below(5)];
    switch (random_below(6)) {
    case 0:
        snprintf(one->name, sizeof one->name, "%s-%u", family, i);
        break;
    case 1:
        snprintf(one->name, sizeof one->name, "%s-%u-%u", family, i, random_below(3));
        break;
    case 2:
        snprintf(one->name, sizeof one->name, "%s.%u.Sub", family, random_below(9));
        break;
    case 3:
        snprintf(one->name, sizeof one->name, "%s-%03u", family, random_below(40));
        break;
    case 4:
        snprintf(one->name, sizeof one->name, "%s-%u%09u", family, 1 + random_below(40), i);
        break;
    default:
        snprintf(one->name, sizeof one->name, "%u-%u", random_below(4), random_below(2));
    }
}

/* `alike`: bytes of the digests that are the same in all. */
static void make(struct one *all, uint32_t n, uint32_t alike)
{
    uint32_t line = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct one *one = &all[i];
        for (uint32_t k = 0; k < 32; k++)
            one->value[k] = k < alike ? 7 : (uint8_t)random_below(256);
        if (i && random_below(50) == 0)
            memcpy(one->value, all[random_below(i)].value, 32);
        make_name(one, i);
        line = random_below(9) ? line + 1 : random_below(1000);
        uint32_t size = random_below(9) ? random_below(3000000) : 4000000000u + i;
        if (random_below(4) == 0)
            size = random_below(20) * 512;
        bool official = random_below(20) != 0;
        one->signature = (struct hash_signature){
            .scope = random_below(10) ? HASH_FILE : (enum hash_scope)random_below(HASH_SCOPES),
            .digest =
                random_below(10) ? HASH_MD5 : (enum hash_digest)random_below(HASH_DIGESTS),
            .size = random_below(30) ? size : (uint32_t)HASH_ANY_SIZE,
            .value = one->value,
            .name = bytes_of(one->name),
            .official = official,
            .source = random_below(3),
            .line = line,
        };
        snprintf(one->label, sizeof one->label, "%s%s", one->name,
                 official ? "" : ".UNOFFICIAL");
    }
}

static bytes seal(const struct one *all, uint32_t n, struct arena *arena)
{
    static const char *const files[] = {"main.hdb", "daily.hsb", "own.mdb"};
    struct hashes_build *build = hashes_new(arena);
    for (uint32_t i = 0; i < 3; i++)
        CHECK_INT(hashes_source(build, bytes_of(files[i])), i);
    CHECK_INT(hashes_source(build, bytes_of("main.hdb")), 0);
    bool added = true;
    for (uint32_t i = 0; i < n; i++)
        added = added && hashes_add(build, &all[i].signature);
    CHECK(added && hashes_count(build) == n);
    bytes table = {0};
    struct why why = {""};
    CHECK(hashes_seal(build, arena, &table, &why) == 0);
    CHECK_STR(why.text, "");
    return table;
}

/* Whether `number` is among what fits signature `of` as it is, and all that is found does fit.
 */
static bool finds(const struct hashes *hashes, const struct one *all, uint32_t of,
                  uint64_t size)
{
    const struct hash_signature *want = &all[of].signature;
    uint32_t found[ROOM], n = 0;
    if (hashes_find(hashes, want->scope, want->digest, size, want->value, found, ROOM, &n) < 0)
        return false;
    bool there = false;
    for (uint32_t i = 0; i < n; i++) {
        const struct hash_signature *got = &all[found[i]].signature;
        there = there || found[i] == of;
        if (got->scope != want->scope || got->digest != want->digest ||
            (got->size != HASH_ANY_SIZE && got->size != size) ||
            memcmp(got->value, want->value, hash_length(want->digest)) != 0 ||
            (i && found[i] <= found[i - 1]))
            return false;
    }
    return there == (want->size == HASH_ANY_SIZE || want->size == size) || n == ROOM;
}

static void finds_what_was_put_in(uint32_t n, uint32_t alike)
{
    static struct one all[12000];
    static const char *const files[] = {"main.hdb", "daily.hsb", "own.mdb"};
    struct arena *arena = arena_new((size_t)256 << 20);
    make(all, n, alike);
    bytes table = seal(all, n, arena);
    struct hashes hashes;
    struct why why = {""};
    CHECK(hashes_open(table, &hashes, &why) == 0);
    CHECK_STR(why.text, "");
    CHECK_INT(hashes.count, n);
    uint32_t lost = 0, wrong = 0, misnamed = 0, unwanted = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct hash_signature *one = &all[i].signature;
        uint64_t size = one->size == HASH_ANY_SIZE ? random_below(5000000) : one->size;
        lost += !finds(&hashes, all, i, size);
        wrong += !finds(&hashes, all, i, size + 1) || !finds(&hashes, all, i, 1ull << 33);
        unwanted += !hashes_wants(&hashes, one->scope, one->digest, size);
        struct hash_label label;
        misnamed += hashes_label(&hashes, i, &label) < 0 ||
                    strcmp(label.name, all[i].label) != 0 || label.line != one->line ||
                    strcmp(label.source, files[one->source]) != 0;
        /* One bit of the digest is another digest. */
        uint8_t other[32];
        uint32_t found[ROOM], count;
        memcpy(other, one->value, 32);
        uint32_t bit = random_below((uint32_t)hash_length(one->digest) * 8);
        other[bit / 8] = (uint8_t)(other[bit / 8] ^ 1 << bit % 8);
        wrong += hashes_find(&hashes, one->scope, one->digest, size, other, found, ROOM,
                             &count) < 0 ||
                 (count && alike < 12);
    }
    CHECK_INT(lost, 0);
    CHECK_INT(wrong, 0);
    CHECK_INT(unwanted, 0);
    CHECK_INT(misnamed, 0);
    struct hash_label label;
    CHECK(hashes_label(&hashes, n, &label) == -EBADMSG);
    CHECK(hashes_label(&hashes, UINT32_MAX, &label) == -EBADMSG);
    arena_free(arena);
}

/* Sizes without signatures are told from those with, exactly below 4 MiB. */
static void the_gate_is_exact(void)
{
    struct arena *arena = arena_new(64 << 20);
    struct hashes_build *build = hashes_new(arena);
    uint8_t value[16] = {1};
    struct hash_signature one = {.scope = HASH_SECTION, .value = value};
    one.source = hashes_source(build, bytes_of("x.mdb"));
    one.name = bytes_of("X-1");
    static const uint32_t sizes[] = {1, 512, 65535, 65536, 4194303, 4194304, 90000000};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        one.size = sizes[i];
        CHECK(hashes_add(build, &one));
    }
    bytes table;
    struct hashes hashes;
    CHECK(hashes_seal(build, arena, &table, NULL) == 0);
    CHECK(hashes_open(table, &hashes, NULL) == 0);
    bool exact = true;
    for (uint32_t size = 0, i = 0; size < 4194304; size++) {
        bool is_there = size == sizes[i];
        exact = exact && hashes_wants(&hashes, HASH_SECTION, HASH_MD5, size) == is_there;
        i += is_there;
    }
    CHECK(exact);
    CHECK(hashes_wants(&hashes, HASH_SECTION, HASH_MD5, 4194304));
    CHECK(hashes_wants(&hashes, HASH_SECTION, HASH_MD5, 90000000));
    CHECK(!hashes_wants(&hashes, HASH_SECTION, HASH_MD5, 90000000 + (1ull << 32)));
    CHECK(!hashes_wants(&hashes, HASH_FILE, HASH_MD5, 512));
    CHECK(!hashes_wants(&hashes, HASH_SECTION, HASH_SHA1, 512));
    CHECK(table.len < 60000);
    arena_free(arena);
}

static void none_is_a_table_too(void)
{
    struct arena *arena = arena_new(64 << 20);
    bytes table = {(const uint8_t *)"x", 1};
    struct hashes hashes;
    uint32_t found[ROOM], n = 7;
    uint8_t value[32] = {0};
    CHECK(hashes_seal(hashes_new(arena), arena, &table, NULL) == 0);
    CHECK_INT(table.len, 0);
    CHECK(hashes_open(table, &hashes, NULL) == 0);
    CHECK(!hashes_wants(&hashes, HASH_FILE, HASH_MD5, 0));
    CHECK(hashes_find(&hashes, HASH_FILE, HASH_MD5, 0, value, found, ROOM, &n) == 0);
    CHECK_INT(n, 0);
    arena_free(arena);
}

/* A flipped bit is said at opening or at use, or harms nothing; no wrong name ever. */
static void damage_is_said(void)
{
    enum { N = 700 };
    static struct one all[N];
    struct arena *arena = arena_new(64 << 20);
    make(all, N, 0);
    bytes table = seal(all, N, arena);
    uint8_t *copy = arena_push(arena, table.len);
    memcpy(copy, table.at, table.len);
    struct hashes hashes;
    struct why why;
    bool refused = true;
    for (size_t n = 1; n < table.len; n += 611)
        refused = refused && hashes_open((bytes){copy, n}, &hashes, &why) < 0;
    CHECK(refused);
    uint32_t silent = 0, opened = 0, said = 0;
    for (uint32_t round = 0; round < 1000; round++) {
        size_t at = random_below((uint32_t)table.len);
        copy[at] = (uint8_t)(copy[at] ^ 1 << random_below(8));
        if (hashes_open((bytes){copy, table.len}, &hashes, &why) == 0) {
            opened++;
            for (uint32_t i = 0; i < 40; i++) {
                uint32_t k = (round * 40 + i) % N, found[ROOM], n;
                const struct hash_signature *one = &all[k].signature;
                struct hash_label label;
                if (hashes_find(&hashes, one->scope, one->digest, one->size, one->value, found,
                                ROOM, &n) < 0) {
                    said++;
                    continue;
                }
                silent += n == 0;
                if (hashes_label(&hashes, k, &label) == 0)
                    silent += strcmp(label.name, all[k].label) != 0;
            }
        }
        copy[at] = table.at[at];
    }
    CHECK_INT(silent, 0);
    CHECK(opened > 0 && said > 0);
    arena_free(arena);
}

int main(void)
{
    finds_what_was_put_in(1, 0);
    finds_what_was_put_in(63, 0);
    finds_what_was_put_in(3000, 0);
    finds_what_was_put_in(12000, 0);
    /* Digests that someone chose. */
    finds_what_was_put_in(500, 15);
    finds_what_was_put_in(2000, 3);
    finds_what_was_put_in(300, 32);
    the_gate_is_exact();
    none_is_a_table_too();
    damage_is_said();
    return tap_done();
}
