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

/* Share of one byte, taken as that of its most frequent pair with a plain guess for the rest.
 */
static uint32_t octaves_byte(uint8_t byte)
{
    uint32_t best = CERTAIN;
    for (int next = 0; next < 256; next += 1) {
        uint32_t pair = octaves_pair(byte, (uint8_t)next);
        best = pair < best ? pair : best;
    }
    return best > 12 ? best - 12 : 0;
}

/* Each pair as if it depended only on the byte before it: P(ab) P(bc) P(cd) / (P(b) P(c)),
 * with 2^-6 for the share of a single byte. */
static uint32_t octaves_chain(const uint8_t *at)
{
    uint32_t sum = octaves_pair_folded(at[0], at[1]) + octaves_pair_folded(at[1], at[2]) +
                   octaves_pair_folded(at[2], at[3]);
    return sum > 96 ? sum - 96 : 0;
}

uint32_t frequency_quad(const uint8_t *at)
{
    uint32_t cell = trained[FREQUENCY_PAIRS + frequency_quad_index(load_le32(at))];
    if (cell < CROWD)
        return cost_of(cell);
    uint32_t chain = octaves_chain(at);
    return cost_of(chain > cell ? chain : cell);
}

uint32_t frequency_short(bytes text, bool nocase)
{
    uint8_t a = text.at[0], b = text.len > 1 ? text.at[1] : 0,
            c = text.len > 2 ? text.at[2] : 0;
    if (text.len == 1) {
        uint32_t one = octaves_byte(a), other = nocase ? octaves_byte(other_case(a)) : CERTAIN;
        return cost_of(one < other ? one : other);
    }
    uint32_t sum = nocase ? octaves_pair_folded(a, b) : octaves_pair(a, b);
    if (text.len > 2) {
        uint32_t second = nocase ? octaves_pair_folded(b, c) : octaves_pair(b, c);
        sum += second > 48 ? second - 48 : 0;
    }
    return cost_of(sum);
}
