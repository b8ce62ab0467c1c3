/* Looking for several patterns in one pass, against looking for each by itself: what is said of
 * a pattern must be so. */
#include "base/cpu.h"
#include "match/plain.h"
#include "match/together.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OBJECT = 20000, ROUNDS = 300, TEXT = 24 };

static uint64_t state;

static uint32_t random_below(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state >> 20) % n);
}

/* Few letters and many bytes of all kinds: near matches, and matches at both ends. */
static void fill(uint8_t *object, size_t size)
{
    static const char letters[] = "abcABC\0 ";
    uint32_t wild = random_below(3);
    for (size_t i = 0; i < size; i++)
        object[i] = random_below(4) < wild ? (uint8_t)random_below(256)
                                           : (uint8_t)letters[random_below(8)];
}

/* Out of the object as it stands, or with a byte changed. */
static size_t take_text(bytes object, uint8_t text[static TEXT])
{
    size_t length = 3 + random_below(TEXT - 3);
    size_t at = random_below((uint32_t)(object.len - length) + 1);
    if (random_below(6) == 0)
        at = random_below(2) ? 0 : object.len - length;
    memcpy(text, object.at + at, length);
    if (random_below(3))
        text[random_below((uint32_t)length)] = (uint8_t)random_below(256);
    return length;
}

static size_t write_hex(const uint8_t *text, size_t length, char *to)
{
    size_t n = 0, any = random_below(2) ? random_below((uint32_t)length) : length;
    for (size_t i = 0; i < length; i++)
        n += (size_t)snprintf(to + n, 3, i == any ? "??" : "%02x", text[i]);
    return n;
}

/* A program of a kind that comes; .at NULL where the text makes none. */
static bytes make_program(bytes object, struct arena *arena)
{
    static const uint32_t flags[] = {PATTERN_ASCII, PATTERN_ASCII | PATTERN_NOCASE,
                                     PATTERN_ASCII | PATTERN_WIDE | PATTERN_NOCASE,
                                     PATTERN_ASCII | PATTERN_FULLWORD,
                                     PATTERN_ASCII | PATTERN_XOR};
    uint8_t text[TEXT];
    char hex[2 * TEXT + 1];
    size_t length = take_text(object, text), n = write_hex(text, length, hex);
    struct pattern_code code;
    struct pattern_fault fault;
    struct pattern_source source = {.kind = PATTERN_TEXT,
                                    .flags = flags[random_below(COUNT(flags))],
                                    .xor_max = 255,
                                    .text = arena_copy(arena, (bytes){text, length})};
    bool fits;
    switch (random_below(3)) {
    case 0:
        if (!plain_compile((bytes){(const uint8_t *)hex, n},
                           random_below(2) ? PATTERN_NOCASE : 0, arena, &code, &fits) ||
            !fits)
            return (bytes){0};
        return code.program;
    case 1:
        source.kind = PATTERN_HEX;
        source.flags = PATTERN_ASCII;
        source.text = arena_copy(arena, (bytes){(const uint8_t *)hex, n});
        break;
    default:
        break;
    }
    return pattern_compile(&source, arena, &code, &fault) == 0 ? code.program : (bytes){0};
}

struct tally {
    uint32_t absent, present, open, wrong;
};

static void race(struct tally *tally, uint8_t *memory, struct arena *arena)
{
    bytes object = {memory, 100 + random_below(OBJECT - 100)}, programs[TOGETHER_MOST];
    enum together answers[TOGETHER_MOST];
    struct budget budget = {.steps = 1ull << 40};
    uint32_t count = 1 + random_below(TOGETHER_MOST);
    arena_reset(arena);
    fill(memory, object.len);
    for (uint32_t i = 0; i < count;) {
        programs[i] = make_program(object, arena);
        i += programs[i].at != NULL;
    }
    together_look(programs, count, object, arena, &budget, answers);
    for (uint32_t i = 0; i < count; i++) {
        bool exists = pattern_exists(programs[i], object, 0, arena, &budget);
        tally->absent += answers[i] == TOGETHER_ABSENT;
        tally->present += answers[i] == TOGETHER_PRESENT;
        tally->open += answers[i] == TOGETHER_OPEN;
        tally->wrong += answers[i] == TOGETHER_ABSENT && exists;
        tally->wrong += answers[i] == TOGETHER_PRESENT && !exists;
    }
}

int main(void)
{
    static const char *const names[] = {"scalar", "avx2", "avx512"};
    uint8_t *memory = malloc(OBJECT);
    struct arena *arena = arena_new((size_t)64 << 20);
    for (int level = CPU_AVX512; level >= CPU_SCALAR; level--) {
        struct tally tally = {0};
        cpu_force((enum cpu_level)level);
        if ((int)cpu_level() != level) {
            tap_skip(names[level], "this processor does not have it");
            continue;
        }
        state = 0x9E3779B97F4A7C15u;
        for (uint32_t number = 0; number < ROUNDS; number++)
            race(&tally, memory, arena);
        printf("# %s: %u absent, %u present, %u open\n", names[level], tally.absent,
               tally.present, tally.open);
        CHECK_INT(tally.wrong, 0);
        CHECK(tally.absent > ROUNDS / 4 && tally.present > ROUNDS / 4 && tally.open);
    }
    arena_free(arena);
    free(memory);
    return tap_done();
}
