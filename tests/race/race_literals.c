/* The literal filter against a naive search, on random and extreme input, in each of its
 * variants: what each reports must be what occurs, each literal once, at a place where it is.
 */
#include "base/cpu.h"
#include "match/literals.h"
#include "random.h"
#include "tap.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { LITERALS = 400, CROWD = 26000, OBJECT = 70000, ROUNDS = 60, CONTEXT = 400 };

/* Alphabets from which matches, near matches and long runs come about. */
static uint8_t random_byte(uint32_t alphabet)
{
    static const char letters[] = "abAB[{@`";
    switch (alphabet) {
    case 0:
        return (uint8_t)random_below(256);
    case 1:
        return (uint8_t)letters[random_below(8)];
    case 2:
        return random_below(12) ? 0 : (uint8_t)random_below(3);
    default:
        return random_below(3) ? (uint8_t)('a' + random_below(6)) : 0;
    }
}

struct round {
    struct literal literals[LITERALS + CROWD];
    uint8_t groups[LITERALS + CROWD];
    uint8_t texts[LITERALS][320];
    uint8_t values[LITERALS][CONTEXT], masks[LITERALS][CONTEXT];
    uint32_t count, crowd;
    uint8_t *object; /* ends where the readable memory ends */
    size_t len;
};

/* Some literals count only between bytes of which some bits are known: mostly those that are
 * around them in the object. */
static void round_surround(struct round *round, uint32_t i, size_t at)
{
    struct literal *literal = &round->literals[i];
    size_t len = literal->text.len, lead = random_below(40), after = random_below(40);
    bool is_run = true;
    for (size_t k = 1; k < len; k++)
        is_run &= literal->text.at[k] == literal->text.at[0];
    if (is_run || literal->nocase || random_below(2) || at < lead ||
        at + len + after > round->len)
        return;
    for (size_t k = 0; k < lead + len + after; k++) {
        bool is_text = k >= lead && k < lead + len;
        round->masks[i][k] = is_text ? 0xff : random_below(3) ? 0 : (uint8_t)random_below(256);
        round->values[i][k] = round->object[at - lead + k] & round->masks[i][k];
    }
    if (random_below(8) == 0 && lead)
        round->values[i][random_below((uint32_t)lead)] ^= 1;
    literal->context = (struct literal_context){{round->values[i], lead + len + after},
                                                {round->masks[i], lead + len + after},
                                                (uint32_t)lead};
}

/* Where there are few literals of a class they go to another one: these are more, and of no
 * other use. The first `brief` have eight bytes, the others twelve. */
static void round_crowd(struct round *round, uint32_t count, uint32_t brief)
{
    static uint8_t texts[CROWD][12];
    for (uint32_t i = 0; i < count; i++) {
        for (size_t k = 0; k < sizeof texts[i]; k++)
            texts[i][k] = (uint8_t)random_below(256);
        round->literals[round->count + i] =
            (struct literal){.text = {texts[i], i < brief ? 8 : 12}};
        round->groups[round->count + i] = 0xff;
    }
    round->crowd = count;
}

static void round_fill(struct round *round, uint8_t *end, uint32_t number)
{
    uint32_t alphabet = number % 4;
    round->len = number % 3 == 0 ? random_below(200) : 1 + random_below(OBJECT - 1);
    round->object = end - round->len;
    for (size_t i = 0; i < round->len; i++)
        round->object[i] = random_byte(alphabet);
    round->count = number % 7 ? 1 + random_below(LITERALS) : 0;
    for (uint32_t i = 0; i < round->count; i++) {
        uint32_t len = 1 + random_below(random_below(3) ? 14 : random_below(9) ? 40 : 320);
        for (uint32_t k = 0; k < len; k++)
            round->texts[i][k] = random_byte(alphabet);
        size_t from = SIZE_MAX;
        /* Most are taken from the object, or put into it: some at its very ends. */
        if (len <= round->len && random_below(3)) {
            size_t at = random_below((uint32_t)(round->len - len) + 1);
            at = random_below(10) ? at : random_below(2) ? 0 : round->len - len;
            memcpy(round->texts[i], round->object + at, len);
            from = at;
        }
        round->literals[i] =
            (struct literal){.text = {round->texts[i], len}, .nocase = random_below(3) == 0};
        for (uint32_t k = 0; k < len && round->literals[i].nocase; k++)
            round->texts[i][k] = ascii_lower(round->texts[i][k]);
        if (from != SIZE_MAX)
            round_surround(round, i, from);
        round->groups[i] = (uint8_t)(random_below(4) ? 0xff : 1u << random_below(8));
    }
    static const uint32_t crowds[8] = {[3] = 17000, [5] = CROWD, [6] = 9000, [7] = CROWD};
    round_crowd(round, crowds[number % 8], number % 8 == 3 ? 0 : 9000);
}

static bool is_at(const struct round *round, const struct literal *literal, size_t offset)
{
    const struct literal_context *context = &literal->context;
    const uint8_t *at = round->object + offset;
    if (context->value.len &&
        (offset < context->lead || offset - context->lead + context->value.len > round->len))
        return false;
    for (size_t i = 0; i < context->value.len; i++)
        if ((at[i - context->lead] & context->mask.at[i]) != context->value.at[i])
            return false;
    for (size_t i = 0; i < literal->text.len; i++)
        if ((literal->nocase ? ascii_lower(at[i]) : at[i]) != literal->text.at[i])
            return false;
    return true;
}

static bool occurs(const struct round *round, const struct literal *literal)
{
    for (size_t i = 0; i + literal->text.len <= round->len; i++)
        if (is_at(round, literal, i))
            return true;
    return false;
}

/* How many literals were reported wrongly, or not at all. */
static uint32_t count_wrong(const struct round *round, uint8_t groups,
                            const struct literal_hit *hits, uint32_t n)
{
    static uint8_t seen[LITERALS];
    uint32_t wrong = 0;
    memset(seen, 0, sizeof seen);
    for (uint32_t i = 0; i < n; i++) {
        const struct literal *literal = &round->literals[hits[i].literal];
        bytes object = {round->object, round->len};
        wrong += hits[i].literal < round->count && seen[hits[i].literal]++ != 0;
        wrong += !bytes_has(object, hits[i].offset, literal->text.len) ||
                 !is_at(round, literal, hits[i].offset);
    }
    for (uint32_t i = 0; i < round->count; i++) {
        bool is_wanted = (round->groups[i] & groups) != 0;
        wrong += seen[i] != (is_wanted && occurs(round, &round->literals[i]));
    }
    return wrong;
}

static uint32_t round_race(const struct round *round)
{
    struct arena *arena = arena_new((size_t)256 << 20);
    bytes table;
    uint32_t wrong = 0;
    uint32_t count = round->count + round->crowd;
    if (literals_build(round->literals, round->groups, count, arena, &table, NULL) < 0 ||
        !literals_valid(table, count)) {
        arena_free(arena);
        return 1;
    }
    struct literals_scratch *scratch = literals_scratch_new(table);
    /* More than once: nothing of an object may be left for the next. */
    for (uint32_t again = 0; again < 3; again++) {
        static const uint8_t groups[3] = {0xff, 2, 0xff};
        struct budget budget = {.steps = UINT64_MAX};
        const struct literal_hit *hits;
        uint32_t n;
        wrong += !literals_scan(table, (bytes){round->object, round->len}, groups[again],
                                scratch, &budget, &hits, &n);
        wrong += count_wrong(round, groups[again], hits, n);
    }
    literals_scratch_free(scratch);
    arena_free(arena);
    return wrong;
}

int main(void)
{
    static struct round round;
    static const char *const names[] = {"scalar", "avx2", "avx512"};
    size_t page = 4096, size = (OBJECT / page + 1) * page;
    uint8_t *memory =
        mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + size, page, PROT_NONE) < 0)
        return 1;
    for (int level = CPU_AVX512; level >= CPU_SCALAR; level--) {
        cpu_force((enum cpu_level)level);
        if ((int)cpu_level() != level) {
            tap_skip(names[level], "this processor does not have it");
            continue;
        }
        random_state = 0x9E3779B97F4A7C15u;
        for (uint32_t number = 0; number < ROUNDS; number++) {
            round_fill(&round, memory + size, number);
            uint32_t wrong = round_race(&round);
            if (!CHECK(wrong == 0))
                printf("# %s, round %u: %u wrong\n", names[level], number, wrong);
        }
    }
    return tap_done();
}
