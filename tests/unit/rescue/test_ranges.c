/* Families without a mark, named by where noise begins and ends in files that are not noise. */
#include "rescue/format.h"
#include "rescue/formats/ranges.h"
#include "shim/privatekey.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static uint64_t state = 88172645463325252;

static void noise(uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        at[i] = (uint8_t)(state >> 32);
    }
}

/* Text with noise in parts, and a trailer of noise. */
static uint8_t *make(const struct ranges_part *parts, size_t count, size_t size, size_t trailer)
{
    static const char text[] = "It was a dark and stormy night; the rain fell in torrents. ";
    uint8_t *file = malloc(size + trailer);
    for (size_t i = 0; i < size; i++)
        file[i] = (uint8_t)text[i % (sizeof text - 1)];
    for (size_t i = 0; i < count; i++)
        noise(file + parts[i].at, parts[i].length);
    noise(file + size, trailer);
    return file;
}

/* The family that is named, "" when none is for certain. */
static const char *named(uint8_t *file, size_t size)
{
    struct source source = source_of_bytes((bytes){file, size}, (bytes){0});
    const struct format *found[4];
    struct recognition fits[4];
    size_t n = format_recognise(&source, found, fits, 4);
    return n && fits[0].fit == FIT_IS ? found[0]->family : "";
}

static void edges_are_counted(void)
{
    const struct ranges_part parts[] = {{0, 5001}, {20011, 7000}};
    const struct ranges_part late[] = {{0, 5001}, {20075, 7000}};
    const struct ranges_part more[] = {{0, 5001}, {40000, 7000}};
    uint8_t *file = make(parts, 2, 60000, 600);
    struct source source = source_of_bytes((bytes){file, 60600}, (bytes){0});
    CHECK_INT(ranges_edges(&source, parts, 2, 60000), 4);
    CHECK_INT(ranges_edges(&source, parts, 2, 60600), 3);
    CHECK(ranges_edges(&source, late, 2, 60000) < 4);
    CHECK_INT(ranges_edges(&source, more, 2, 60000), -1);
    CHECK_INT(ranges_edges(&source, parts, 2, 20000), -1);
    free(file);
}

static void akira_for_linux(void)
{
    /* 15 percent of 1,000,003 in 3 parts. */
    const size_t size = 1000003, block = 50000, step = (size - 2 * block) / 3;
    const struct ranges_part parts[] = {{0, block}, {step, block}};
    const struct ranges_part off[] = {{0, block + 64}, {step - 64, block}};
    uint8_t *file = make(parts, 2, size, 512);
    CHECK_STR(named(file, size + 512), "akira-linux");
    free(file);
    file = make(off, 2, size, 512);
    CHECK_STR(named(file, size + 512), "");
    free(file);
}

static void lokilocker(void)
{
    const size_t size = 3000017, spot = 0x40000;
    const struct ranges_part parts[] = {
        {0, spot}, {size / 2 - spot / 2, spot}, {size - spot, spot}};
    uint8_t *file = make(parts, 3, size, 256);
    CHECK_STR(named(file, size + 256), "lokilocker");
    free(file);
}

static void proton(void)
{
    const size_t size = 4000037, block = 0x40000;
    const struct ranges_part parts[] = {{0, block}, {size / 3, block}, {size - block, block}};
    uint8_t *file = make(parts, 3, size, 176), secret[32] = {77};
    CHECK_STR(named(file, size + 176), "");
    CHECK(x25519_public(secret, file + size + 24));
    secret[5] = 9;
    CHECK(x25519_public(secret, file + size + 144));
    CHECK_STR(named(file, size + 176), "proton");
    free(file);
}

static void noise_alone_is_none(void)
{
    for (size_t i = 0; i < 50; i++) {
        uint8_t *file = make(NULL, 0, 0, 100000 + i * 1009);
        CHECK_STR(named(file, 100000 + i * 1009), "");
        free(file);
    }
}

int main(void)
{
    edges_are_counted();
    akira_for_linux();
    lokilocker();
    proton();
    noise_alone_is_none();
    return tap_done();
}
