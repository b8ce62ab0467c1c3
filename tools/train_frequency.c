/* train_frequency — counts what clean files are made of, for src/match/frequency.bin.
 *
 *   find /usr/bin /usr/sbin /usr/lib /usr/share /var/lib/dpkg -type f -size -8M | sort |
 *       build/tools/train_frequency src/match/frequency.bin
 *
 * on a Debian 12 with gcc, python3, libwine, openjdk and LibreOffice was what made the one in
 * the source. The layout of the file is described in src/match/frequency.h. Files are told
 * apart by their first bytes into text, ELF, PE and others; of each kind every n-th file is
 * taken, so that no kind and no single file decides; the kinds are then weighed as below. */
#include "match/frequency.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT, ELF, PE, OTHER, KINDS, FILE_MAX = 2 << 20, KIND_MAX = 160 << 20 };

static const double weight[KINDS] = {[TEXT] = 0.40, [ELF] = 0.25, [PE] = 0.20, [OTHER] = 0.15};

struct counts {
    uint64_t total;
    uint64_t pair[FREQUENCY_PAIRS], quad[FREQUENCY_QUADS];
};

static struct counts counts[KINDS];

static int kind_of(const uint8_t *at, size_t len)
{
    if (len >= 4 && memcmp(at,
                           "\x7f"
                           "ELF",
                           4) == 0)
        return ELF;
    if (len >= 2 && memcmp(at, "MZ", 2) == 0)
        return PE;
    size_t odd = 0, head = len < 4096 ? len : 4096;
    for (size_t i = 0; i < head; i++) {
        if (at[i] == 0)
            return OTHER;
        odd += at[i] < 9 || at[i] > 126;
    }
    return odd * 20 <= head ? TEXT : OTHER;
}

static void count_file(const uint8_t *at, size_t len)
{
    struct counts *to = &counts[kind_of(at, len)];
    if (len < 4 || to->total > KIND_MAX)
        return;
    for (size_t i = 0; i + 4 <= len; i++) {
        to->pair[at[i] | at[i + 1] << 8]++;
        to->quad[frequency_quad_index(load_le32(at + i))]++;
    }
    to->total += len - 3;
}

/* Octaves below certainty, in eighths. */
static uint8_t quantise(double share)
{
    double eighths = share > 0 ? -8 * log2(share) : 255;
    return eighths >= 255 ? 255 : eighths <= 0 ? 0 : (uint8_t)lround(eighths);
}

static int write_table(const char *path)
{
    static uint8_t out[FREQUENCY_PAIRS + FREQUENCY_QUADS];
    for (size_t i = 0; i < FREQUENCY_PAIRS + FREQUENCY_QUADS; i++) {
        double share = 0;
        for (int kind = 0; kind < KINDS; kind++) {
            const struct counts *from = &counts[kind];
            uint64_t n = i < FREQUENCY_PAIRS ? from->pair[i] : from->quad[i - FREQUENCY_PAIRS];
            share += from->total ? weight[kind] * (double)n / (double)from->total : 0;
        }
        out[i] = quantise(share);
    }
    FILE *file = fopen(path, "wb");
    if (!file)
        return -1;
    size_t done = fwrite(out, 1, sizeof out, file);
    return fclose(file) == 0 && done == sizeof out ? 0 : -1;
}

int main(int argc, char **argv)
{
    static uint8_t data[FILE_MAX];
    static char path[4096];
    if (argc != 2) {
        fprintf(stderr, "usage: train_frequency OUTPUT < list-of-files\n");
        return 2;
    }
    for (unsigned long number = 0; fgets(path, sizeof path, stdin); number++) {
        path[strcspn(path, "\n")] = 0;
        /* A stride that is no multiple of anything in a sorted list. */
        if (number % 3)
            continue;
        FILE *file = fopen(path, "rb");
        if (!file)
            continue;
        count_file(data, fread(data, 1, sizeof data, file));
        fclose(file);
    }
    for (int kind = 0; kind < KINDS; kind++)
        printf("kind %d: %.1f MB\n", kind, (double)counts[kind].total / 1e6);
    return write_table(argv[1]) == 0 ? 0 : 1;
}
