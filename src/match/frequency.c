#include "match/frequency.h"

#include "match/frequency_path.h"

__asm__(".section .rodata\n"
        ".balign 64\n"
        "candor_frequency:\n"
        ".incbin \"" FREQUENCY_PATH "\"\n"
        "candor_frequency_end:\n"
        ".text\n");

extern const uint8_t trained[] __asm__("candor_frequency");

enum {
    CERTAIN = 255,
    /* A hashed run of four shares its cell with others: the average cell has a share of 2^-16.
     * A cell two octaves above that holds something frequent of its own. */
    CROWD = 8 * FREQUENCY_QUAD_BITS - 16,
};

static uint32_t octaves_pair(uint8_t first, uint8_t second)
{
    return trained[first | second << 8];
}

static uint8_t other_case(uint8_t byte)
{
    uint8_t flipped = byte ^ 0x20;
    return ascii_lower(byte) != ascii_lower(flipped) ? byte : flipped;
}

/* The most frequent of the spellings: good enough where the scale is octaves. */
static uint32_t octaves_pair_folded(uint8_t a, uint8_t b)
{
    uint8_t c = a ^ 0x20, d = b ^ 0x20;
    uint32_t best = octaves_pair(a, b),
             other[3] = {octaves_pair(a, d), octaves_pair(c, b), octaves_pair(c, d)};
    for (size_t i = 0; i < COUNT(other); i++)
        best = other[i] < best ? other[i] : best;
    return best;
}

static uint32_t cost_of(uint32_t octaves)
{
    return octaves >= CERTAIN ? 0 : CERTAIN - octaves;
}

uint32_t frequency_pair(uint8_t first, uint8_t second)
{
    return cost_of(octaves_pair(first, second));
}

/* Share of one byte, taken as that of its most frequent pair with a plain guess for the rest:
 * 12 less than the least of its row in the table (tests/unit/match/test_literals.c has them).
 */
static const uint8_t octaves_byte[256] = {
    11,  46,  53,  57,  61,  65,  69,  69,  64,  74,  45,  75,  78,  78,  75,  65,  73,  81,
    76,  81,  80,  85,  85,  86,  81,  86,  88,  88,  86,  90,  90,  77,  22,  88,  67,  75,
    78,  87,  92,  76,  79,  69,  91,  96,  58,  73,  69,  79,  76,  76,  87,  87,  88,  93,
    92,  96,  88,  94,  65,  82,  70,  68,  75,  94,  78,  73,  70,  72,  67,  78,  80,  84,
    54,  71,  97,  89,  65,  82,  81,  83,  79,  97,  70,  75,  76,  82,  84,  92,  95,  89,
    88,  85,  78,  82,  93,  65,  89,  52,  72,  60,  57,  50,  65,  63,  57,  51,  75,  72,
    58,  56,  56,  50,  61,  69,  51,  55,  54,  64,  67,  76,  78,  69,  82,  78,  79,  81,
    100, 99,  78,  101, 96,  80,  74,  72,  97,  102, 93,  78,  105, 82,  93,  81,  99,  98,
    78,  103, 102, 101, 93,  105, 105, 92,  94,  105, 104, 105, 101, 105, 104, 88,  93,  106,
    107, 103, 105, 109, 108, 108, 97,  105, 97,  91,  102, 108, 108, 109, 96,  109, 108, 109,
    96,  109, 105, 107, 94,  101, 99,  108, 91,  92,  97,  101, 77,  99,  98,  86,  94,  103,
    100, 88,  97,  102, 109, 111, 97,  109, 109, 106, 96,  109, 100, 110, 104, 108, 109, 111,
    99,  106, 104, 105, 108, 104, 105, 86,  97,  108, 107, 107, 105, 101, 103, 97,  86,  99,
    104, 103, 94,  102, 100, 89,  95,  97,  93,  86,  96,  95,  93,  90,  89,  89,  86,  83,
    75,  77,  70,  46,
};

/* With each pair as if it depended only on the byte before it: P(ab) P(bc) P(cd) / (P(b) P(c)),
 * with 2^-6 for the share of a single byte. */
void frequency_quads(const uint8_t *at, uint32_t count, uint8_t *ret)
{
    uint8_t pairs[FREQUENCY_ROW + 2];
    uint8_t cells[FREQUENCY_ROW];
    bool any = false;
    for (uint32_t i = 0; i < count; i++) {
        cells[i] = trained[FREQUENCY_PAIRS + frequency_quad_index(load_le32(at + i))];
        any |= cells[i] >= CROWD;
    }
    for (uint32_t i = 0; any && i < count + 2; i++)
        pairs[i] = (uint8_t)octaves_pair_folded(at[i], at[i + 1]);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t octaves = cells[i];
        if (octaves >= CROWD) {
            uint32_t sum = (uint32_t)pairs[i] + pairs[i + 1] + pairs[i + 2];
            uint32_t chain = sum > 96 ? sum - 96 : 0;
            octaves = chain > octaves ? chain : octaves;
        }
        ret[i] = (uint8_t)cost_of(octaves);
    }
}

uint32_t frequency_short(bytes text, bool nocase)
{
    uint8_t a = text.at[0], b = text.len > 1 ? text.at[1] : 0,
            c = text.len > 2 ? text.at[2] : 0;
    if (text.len == 1) {
        uint32_t one = octaves_byte[a], other = nocase ? octaves_byte[other_case(a)] : CERTAIN;
        return cost_of(one < other ? one : other);
    }
    uint32_t sum = nocase ? octaves_pair_folded(a, b) : octaves_pair(a, b);
    if (text.len > 2) {
        uint32_t second = nocase ? octaves_pair_folded(b, c) : octaves_pair(b, c);
        sum += second > 48 ? second - 48 : 0;
    }
    return cost_of(sum);
}
