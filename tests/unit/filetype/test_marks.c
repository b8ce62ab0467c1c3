/* marks_of skips what no mark can begin with: it must see what looking at every byte sees. */
#include "filetype/marks.h"
#include "tap.h"

#include <stdlib.h>

static uint64_t state = 1;

static uint32_t draw(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

/* Marks, parts of them, and what is nearly one. */
static const char *const pieces[] = {"MZ",
                                     "PE\0\0",
                                     "PK\3\4",
                                     "<html>",
                                     "<HEAD>",
                                     "<a ",
                                     "<A ",
                                     "href",
                                     "HREF",
                                     "hReF",
                                     "<?xml version=\"1.0\"",
                                     "<Workbook",
                                     "<ss:Workbook",
                                     "<wordDocument",
                                     "\nFrom: ",
                                     "\nfrom: ",
                                     "\nMIME-Version: ",
                                     "\nContent-Type: ",
                                     "\nReceived: ",
                                     "\nMessage-ID: ",
                                     "Delivered-To:",
                                     "Received:",
                                     "%PDF-1.",
                                     "\1CD001",
                                     "CD001",
                                     "\0BEA01",
                                     "Rar!\x1a\x07",
                                     "7z\xbc\xaf\x27\x1c",
                                     "InstallShield",
                                     "MSCF\0\0\0\0",
                                     "-lh5-",
                                     "U\xaa",
                                     "`\xea.......\0\2",
                                     "progid=\"Word.Document\"?>",
                                     "<HWPML",
                                     "\xef\xbb\xbf<?xml version=\"1.0\"",
                                     "\x19\x04\0\x10",
                                     "/RGB\nID",
                                     "<xdp:xdp",
                                     "MIME-Version: ",
                                     "<",
                                     "\n",
                                     "M",
                                     "P",
                                     "h"};

static const size_t lengths[] = {2, 4,  4,  6,  6,  3,  3, 4, 4, 4,  19, 9, 12, 13, 7,
                                 7, 15, 15, 11, 13, 13, 9, 7, 6, 5,  6,  6, 6,  13, 8,
                                 5, 2,  11, 25, 6,  22, 4, 8, 8, 14, 1,  1, 1,  1,  1};

static size_t fill(uint8_t *to, size_t size)
{
    size_t n = 0, gap = 1 + draw(400);
    while (n < size) {
        uint32_t kind = draw((uint32_t)COUNT(pieces) + 8);
        if (kind < COUNT(pieces)) {
            for (size_t i = 0; i < lengths[kind] && n < size; i++)
                to[n++] = (uint8_t)pieces[kind][i];
        } else {
            for (size_t k = draw((uint32_t)gap); k && n < size; k--)
                to[n++] = kind & 1 ? (uint8_t)draw(256) : (uint8_t)(' ' + draw(90));
        }
    }
    return n;
}

int main(void)
{
    static uint8_t data[8192];
    unsigned types[FILETYPES] = {0}, differ = 0, kinds = 0;
    CHECK(COUNT(lengths) == COUNT(pieces));
    for (int i = 0; i < 30000; i++) {
        bytes view = {data, fill(data, draw(i % 3 ? 900 : sizeof data))};
        struct marks fast = marks_of(view), plain = marks_of_plain(view);
        differ += fast.type != plain.type || fast.whole != plain.whole;
        types[plain.type]++;
    }
    CHECK_INT(differ, 0);
    for (size_t i = 0; i < COUNT(types); i++)
        kinds += types[i] != 0;
    printf("# %u types were told\n", kinds);
    CHECK(kinds >= 12);
    return tap_done();
}
