#include "unpack/normal/flat.h"

#include "base/cpu.h"
#include "unpack/normal/flat_steps.h"

/* What becomes of each byte; 0: it is left out. */
static const uint8_t becomes[256] = {
    ['\t'] = ' ',  ['\n'] = ' ', ['\v'] = ' ', ['\f'] = ' ', ['\r'] = ' ',  [' '] = ' ',
    ['!'] = '!',   ['"'] = '"',  ['#'] = '#',  ['$'] = '$',  ['%'] = '%',   ['&'] = '&',
    ['\''] = '\'', ['('] = '(',  [')'] = ')',  ['*'] = '*',  ['+'] = '+',   [','] = ',',
    ['-'] = '-',   ['.'] = '.',  ['/'] = '/',  ['0'] = '0',  ['1'] = '1',   ['2'] = '2',
    ['3'] = '3',   ['4'] = '4',  ['5'] = '5',  ['6'] = '6',  ['7'] = '7',   ['8'] = '8',
    ['9'] = '9',   [':'] = ':',  [';'] = ';',  ['<'] = '<',  ['='] = '=',   ['>'] = '>',
    ['?'] = '?',   ['@'] = '@',  ['A'] = 'a',  ['B'] = 'b',  ['C'] = 'c',   ['D'] = 'd',
    ['E'] = 'e',   ['F'] = 'f',  ['G'] = 'g',  ['H'] = 'h',  ['I'] = 'i',   ['J'] = 'j',
    ['K'] = 'k',   ['L'] = 'l',  ['M'] = 'm',  ['N'] = 'n',  ['O'] = 'o',   ['P'] = 'p',
    ['Q'] = 'q',   ['R'] = 'r',  ['S'] = 's',  ['T'] = 't',  ['U'] = 'u',   ['V'] = 'v',
    ['W'] = 'w',   ['X'] = 'x',  ['Y'] = 'y',  ['Z'] = 'z',  ['['] = '[',   ['\\'] = '\\',
    [']'] = ']',   ['^'] = '^',  ['_'] = '_',  ['`'] = '`',  ['a'] = 'a',   ['b'] = 'b',
    ['c'] = 'c',   ['d'] = 'd',  ['e'] = 'e',  ['f'] = 'f',  ['g'] = 'g',   ['h'] = 'h',
    ['i'] = 'i',   ['j'] = 'j',  ['k'] = 'k',  ['l'] = 'l',  ['m'] = 'm',   ['n'] = 'n',
    ['o'] = 'o',   ['p'] = 'p',  ['q'] = 'q',  ['r'] = 'r',  ['s'] = 's',   ['t'] = 't',
    ['u'] = 'u',   ['v'] = 'v',  ['w'] = 'w',  ['x'] = 'x',  ['y'] = 'y',   ['z'] = 'z',
    ['{'] = '{',   ['|'] = '|',  ['}'] = '}',  ['~'] = '~',  [0x7f] = 0x7f,
};

/* Where the output cannot run full: a byte is written each time and counted if it stays. */
static size_t plain(bytes text, uint8_t *to, bool *blank)
{
    size_t n = 0;
    bool before = *blank;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = becomes[text.at[i]];
        if (!c)
            continue;
        bool space = c == ' ';
        to[n] = c;
        n += !(space & before);
        before = space;
    }
    *blank = before;
    return n;
}

void flat_text(bytes text, struct output *out)
{
    size_t fits = out->size > out->n ? out->size - out->n - 1 : 0, whole = 0;
    bytes rest = bytes_slice(text, 0, fits);
    bool blank = false;
#if defined(__x86_64__)
    if (cpu_level() != CPU_SCALAR) {
        whole = rest.len & ~(size_t)63;
        bytes blocks = {rest.at, whole};
        out->n += cpu_level() == CPU_AVX512 ? flat_avx512(blocks, out->at + out->n, &blank)
                                            : flat_avx2(blocks, out->at + out->n, &blank);
    }
#endif
    out->n += plain(bytes_slice(rest, whole, rest.len), out->at + out->n, &blank);
    for (size_t i = rest.len; i < text.len && !out->full; i++) {
        uint8_t c = becomes[text.at[i]];
        if (c && !(c == ' ' && blank))
            output_byte(out, c);
        blank = c ? c == ' ' : blank;
    }
}
