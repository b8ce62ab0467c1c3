/* What is read of texts by vectors, in each variant, against what is said of it byte by byte:
 * flat_text, marks_of, bytes_find. Texts end where the readable memory ends. */
#include "base/cpu.h"
#include "filetype/marks.h"
#include "random.h"
#include "tap.h"
#include "unpack/normal/flat.h"

#include <string.h>
#include <sys/mman.h>

enum { SIZE = 1 << 14, ROUNDS = 3000 };

/* From all bytes alike to blanks and letters, with marks in between. */
static void fill(uint8_t *to, size_t size)
{
    static const char *const pieces[] = {
        "<a ", "href",   "\nFrom: ", "\nMIME-Version: ", "<img", "<Workbook",
        "MZ",  "PK\3\4", "    ",     "\r\n\t",           "obj",  "aab"};
    uint32_t kind = random_below(4);
    for (size_t i = 0; i < size;) {
        const char *piece = pieces[random_below((uint32_t)COUNT(pieces))];
        size_t length = strlen(piece);
        if (random_below(40) == 0 && length <= size - i) {
            memcpy(to + i, piece, length);
            i += length;
        } else {
            to[i++] = kind == 0   ? (uint8_t)random_below(256)
                      : kind == 1 ? (uint8_t) " aZ\n\1\x7f\x80~"[random_below(8)]
                      : kind == 2 ? (uint8_t)(' ' + random_below(95))
                                  : (uint8_t) "ab"[random_below(2)];
        }
    }
}

static size_t flatten(bytes text, uint8_t *to)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        bool blank = c == ' ' || (c >= 9 && c <= 13);
        if ((c < ' ' && !blank) || c >= 0x80 || (blank && n && to[n - 1] == ' '))
            continue;
        to[n++] = blank ? ' ' : c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
    }
    return n;
}

static bool same_flat(bytes text, size_t short_of)
{
    static uint8_t want[SIZE], got[SIZE + 1];
    size_t n = flatten(text, want);
    struct output out = {.at = got, .size = n + 1 > short_of ? n + 1 - short_of : 0};
    if (!short_of)
        out.size = text.len + 1;
    flat_text(text, &out);
    bool full = n > out.size;
    return out.full == full && out.n == (full ? out.size : n) && memcmp(got, want, out.n) == 0;
}

static bool same_marks(bytes text)
{
    struct marks got = marks_of(text), want = marks_of_plain(text);
    return got.type == want.type && got.whole == want.whole;
}

static bool same_find(bytes text)
{
    uint8_t word[20];
    size_t from = random_below((uint32_t)text.len + 2), want = SIZE_MAX;
    bytes needle = {word, random_below(sizeof word + 1)};
    for (size_t i = 0; i < needle.len; i++)
        word[i] = (uint8_t) "ab\n "[random_below(random_below(4) ? 2 : 4)];
    if (random_below(2) && text.len >= needle.len && needle.len)
        memcpy(word, text.at + random_below((uint32_t)(text.len - needle.len) + 1), needle.len);
    for (size_t i = from; want == SIZE_MAX && i + needle.len <= text.len; i++)
        if (memcmp(text.at + i, word, needle.len) == 0)
            want = i;
    return bytes_find(text, needle, from) == want;
}

static uint32_t race(uint8_t *end)
{
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        size_t size = random_below(i % 5 ? 700 : SIZE);
        bytes text = {end - size, size};
        fill(end - size, size);
        if (!same_flat(text, 0) || !same_flat(text, random_below(80)) || !same_marks(text) ||
            !same_find(text))
            wrong++;
    }
    return wrong;
}

int main(void)
{
    static const char *const names[] = {"scalar", "avx2", "avx512"};
    uint8_t *memory =
        mmap(NULL, SIZE + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + SIZE, 4096, PROT_NONE) < 0)
        return 1;
    for (int level = CPU_AVX512; level >= CPU_SCALAR; level--) {
        cpu_force((enum cpu_level)level);
        if ((int)cpu_level() != level) {
            tap_skip(names[level], "this processor does not have it");
            continue;
        }
        uint32_t wrong = race(memory + SIZE);
        if (!CHECK(wrong == 0))
            printf("# %s: %u wrong\n", names[level], wrong);
    }
    return tap_done();
}
