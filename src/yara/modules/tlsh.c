/* The hash, from the paper's section 3 and its published constants:
 *
 *   A window of five bytes slides over the data; each of six triplets of it (the newest byte
 * and two others) is mapped by Pearson's hash to a bucket, which is counted. A checksum runs
 * along. The counts' quartiles q1 <= q2 <= q3 then turn each of the first 128 buckets into two
 * bits.
 *
 *   text: "T1", then in hexadecimal, the halves of the first three bytes swapped:
 *     checksum | class of length | q1*100/q3 % 16 and q2*100/q3 % 16 | 32 bytes, last bucket
 * first
 */
#include "yara/modules/tlsh.h"

#include <string.h>

enum { BUCKETS = 128, CODE = BUCKETS / 4, WINDOW = 5, LEAST = 50 };

/* P. Pearson, "Fast Hashing of Variable-Length Text Strings", 1990: the sample permutation. */
static const uint8_t pearson[256] = {
    1,   87,  49,  12,  176, 178, 102, 166, 121, 193, 6,   84,  249, 230, 44,  163, 14,  197,
    213, 181, 161, 85,  218, 80,  64,  239, 24,  226, 236, 142, 38,  200, 110, 177, 104, 103,
    141, 253, 255, 50,  77,  101, 81,  18,  45,  96,  31,  222, 25,  107, 190, 70,  86,  237,
    240, 34,  72,  242, 20,  214, 244, 227, 149, 235, 97,  234, 57,  22,  60,  250, 82,  175,
    208, 5,   127, 199, 111, 62,  135, 248, 174, 169, 211, 58,  66,  154, 106, 195, 245, 171,
    17,  187, 182, 179, 0,   243, 132, 56,  148, 75,  128, 133, 158, 100, 130, 126, 91,  13,
    153, 246, 216, 219, 119, 68,  223, 78,  83,  88,  201, 99,  122, 11,  92,  32,  136, 114,
    52,  10,  138, 30,  48,  183, 156, 35,  61,  26,  143, 74,  251, 94,  129, 162, 63,  152,
    170, 7,   115, 167, 241, 206, 3,   150, 55,  59,  151, 220, 90,  53,  23,  131, 125, 173,
    15,  238, 79,  95,  89,  16,  105, 137, 225, 224, 217, 160, 37,  123, 118, 73,  2,   157,
    46,  116, 9,   145, 134, 228, 207, 212, 202, 215, 69,  229, 27,  188, 67,  124, 168, 252,
    42,  4,   29,  108, 21,  247, 19,  205, 39,  203, 233, 40,  186, 147, 198, 192, 155, 33,
    164, 191, 98,  204, 165, 180, 117, 76,  140, 36,  210, 172, 41,  54,  159, 8,   185, 232,
    113, 196, 231, 47,  146, 120, 51,  65,  28,  144, 254, 221, 93,  189, 194, 139, 112, 43,
    71,  109, 184, 209,
};

/* The longest data of each class of length. */
static const uint32_t class_end[170] = {
    1,          2,          3,          5,          7,          11,         17,
    25,         38,         57,         86,         129,        194,        291,
    437,        656,        854,        1110,       1443,       1876,       2439,
    3171,       3475,       3823,       4205,       4626,       5088,       5597,
    6157,       6772,       7450,       8195,       9014,       9916,       10907,
    11998,      13198,      14518,      15970,      17567,      19323,      21256,
    23382,      25720,      28292,      31121,      34233,      37656,      41422,
    45564,      50121,      55133,      60646,      66711,      73382,      80721,
    88793,      97672,      107439,     118183,     130002,     143002,     157302,
    173032,     190335,     209369,     230306,     253337,     278670,     306538,
    337191,     370911,     408002,     448802,     493682,     543050,     597356,
    657091,     722800,     795081,     874589,     962048,     1058252,    1164078,
    1280486,    1408534,    1549388,    1704327,    1874759,    2062236,    2268459,
    2495305,    2744836,    3019320,    3321252,    3653374,    4018711,    4420582,
    4862641,    5348905,    5883796,    6472176,    7119394,    7831333,    8614467,
    9475909,    10423501,   11465851,   12612437,   13873681,   15261050,   16787154,
    18465870,   20312458,   22343706,   24578077,   27035886,   29739474,   32713425,
    35984770,   39583245,   43541573,   47895730,   52685306,   57953837,   63749221,
    70124148,   77136564,   84850228,   93335252,   102668779,  112935659,  124229227,
    136652151,  150317384,  165349128,  181884040,  200072456,  220079703,  242087671,
    266296456,  292926096,  322218735,  354440623,  389884688,  428873168,  471760495,
    518936559,  570830240,  627913311,  690704607,  759775136,  835752671,  919327967,
    1011260767, 1112386880, 1223623232, 1345985727, 1480584256, 1628642751, 1791507135,
    1970657856, 2167723648, 2384496256, 2622945920, 2885240448, 3173764736, 3491141248,
    3840255616, 4224281216,
};

static uint8_t mapped(uint8_t salted, uint8_t a, uint8_t b, uint8_t c)
{
    return pearson[pearson[pearson[salted ^ a] ^ b] ^ c];
}

/* Counts triplets; returns the checksum. The salts are pearson[] of 1, 2, 3, 5, 7, 11 and 13.
 */
static uint8_t count(bytes data, uint32_t bucket[static 256])
{
    uint8_t checksum = 0;
    for (size_t i = WINDOW - 1; i < data.len; i++) {
        const uint8_t *p = data.at + i;
        checksum = mapped(1, p[0], p[-1], checksum);
        bucket[mapped(49, p[0], p[-1], p[-2])]++;
        bucket[mapped(12, p[0], p[-1], p[-3])]++;
        bucket[mapped(178, p[0], p[-2], p[-3])]++;
        bucket[mapped(166, p[0], p[-2], p[-4])]++;
        bucket[mapped(84, p[0], p[-1], p[-4])]++;
        bucket[mapped(230, p[0], p[-3], p[-4])]++;
    }
    return checksum;
}

static void sort(uint32_t *at, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        uint32_t x = at[i];
        size_t k = i;
        for (; k && at[k - 1] > x; k--)
            at[k] = at[k - 1];
        at[k] = x;
    }
}

static uint8_t length_class(size_t len)
{
    uint8_t class = 0;
    while (class < COUNT(class_end) - 1 && len > class_end[class])
        class ++;
    return class;
}

static uint8_t swapped(uint8_t byte)
{
    return (uint8_t)(byte << 4 | byte >> 4);
}

static uint32_t ratio(uint32_t q, uint32_t q3)
{
    return (uint32_t)((float)(q * 100) / (float)q3) % 16;
}

static void write_hex(const uint8_t *from, size_t size, char *ret)
{
    for (size_t i = 0; i < size; i++) {
        ret[2 * i] = "0123456789ABCDEF"[from[i] >> 4];
        ret[2 * i + 1] = "0123456789ABCDEF"[from[i] & 15];
    }
    ret[2 * size] = 0;
}

bool tlsh_text(bytes data, struct budget *budget, char ret[static TLSH_TEXT + 1])
{
    ret[0] = 0;
    if (data.len < LEAST || !budget_charge(budget, data.len))
        return false;
    uint32_t bucket[256] = {0}, sorted[BUCKETS];
    uint8_t checksum = count(data, bucket);

    memcpy(sorted, bucket, sizeof sorted);
    sort(sorted, BUCKETS);
    uint32_t q1 = sorted[BUCKETS / 4 - 1], q2 = sorted[BUCKETS / 2 - 1];
    uint32_t q3 = sorted[BUCKETS - BUCKETS / 4 - 1];
    /* More than half of the buckets must have been hit. */
    if (q3 == 0 || sorted[BUCKETS / 2 - 1] == 0)
        return false;

    uint8_t out[3 + CODE] = {swapped(checksum), swapped(length_class(data.len)),
                             (uint8_t)(ratio(q1, q3) << 4 | ratio(q2, q3))};
    for (size_t i = 0; i < BUCKETS; i++) {
        unsigned bits = bucket[i] > q3 ? 3 : bucket[i] > q2 ? 2 : bucket[i] > q1 ? 1 : 0;
        uint8_t *byte = &out[3 + CODE - 1 - i / 4];
        *byte = (uint8_t)(*byte | bits << i % 4 * 2);
    }
    memcpy(ret, "T1", 2);
    write_hex(out, sizeof out, ret + 2);
    return true;
}
