/* Compiled scripts of AutoIt.
 *
 *   u32 number of lines, then tokens: u8 kind and
 *   00, 01   u32 number of a keyword or function
 *   05 u32, 10 u64, 20 double
 *   30 to 37 u32 length, UTF-16LE, each unit xor the length: keyword, function, macro,
 * variable, name, property, text, directive 40 to 58 operators; 7f ends a line
 *
 * autoit-ripper 1.2, autoit_ripper/opcodes.py. Keywords and functions are in capitals. */
#include "unpack/program/installer/autoit.h"
#include "unpack/program/program.h"

#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 256 };

static const char *const operators[] = {",",  "=",  ">",  "<",  "<>", ">=", "<=", "(",  ")",
                                        "+",  "-",  "/",  "*",  "&",  "[",  "]",  "==", "^",
                                        "+=", "-=", "/=", "*=", "&=", "?",  ":"};

/* The keywords that have numbers. */
static const char *const keywords[] = {
    "<Dummy>", "And",       "Or",     "Not",       "If",           "Then",         "Else",
    "ElseIf",  "EndIf",     "While",  "WEnd",      "Do",           "Until",        "For",
    "Next",    "To",        "Step",   "In",        "ExitLoop",     "ContinueLoop", "Select",
    "Case",    "EndSelect", "Switch", "EndSwitch", "ContinueCase", "Dim",          "ReDim",
    "Local",   "Global",    "Const",  "Static",    "Func",         "EndFunc",      "Return",
    "Exit",    "ByRef",     "With",   "EndWith",   "True",         "False",        "Default",
    "Null",    "Volatile"};

/* A text, in pieces: scripts carry whole files in their texts. */
static bool put_text(struct unpack *unpack, bytes units, uint32_t length)
{
    uint8_t plain[WORD_MAX], text[2 * WORD_MAX];
    while (units.len) {
        bytes part = bytes_slice(units, 0, WORD_MAX);
        for (size_t i = 0; i + 1 < part.len; i += 2) {
            uint16_t unit = (uint16_t)(load_le16(part.at + i) ^ length);
            plain[i] = (uint8_t)unit;
            plain[i + 1] = (uint8_t)(unit >> 8);
        }
        size_t size = utf16_append(text, 0, sizeof text, (bytes){plain, part.len & ~(size_t)1});
        if (!unpack_put(unpack, (bytes){text, size}))
            return false;
        units = bytes_slice(units, part.len, units.len);
    }
    return true;
}

static bool put_plain(struct unpack *unpack, const char *text)
{
    return unpack_put(unpack, bytes_of(text));
}

/* A number of `width` bytes after its kind. */
static bool put_number(struct unpack *unpack, unsigned kind, const uint8_t *p)
{
    char text[40];
    double real;
    uint64_t word = kind == 0x10 || kind == 0x20 ? load_le64(p) : load_le32(p);
    if (kind == 0 && word < COUNT(keywords))
        return put_plain(unpack, keywords[word]);
    if (kind == 0x20) {
        memcpy(&real, &word, sizeof real);
        snprintf(text, sizeof text, "%.17g", real);
    } else {
        snprintf(text, sizeof text, kind == 1 ? "Function_%llu" : "%llu",
                 (unsigned long long)word);
    }
    return put_plain(unpack, text);
}

/* One token; moves *at. False with *ret_bad: it is none. */
static bool put_token(struct unpack *unpack, bytes tokens, size_t *at, bool *ret_bad)
{
    static const char *const before[8] = {"", "", "@", "$", "", ".", "\"", ""};
    uint8_t kind = tokens.at[(*at)++];
    uint32_t length = 0;
    unsigned width = kind == 0x10 || kind == 0x20 ? 8 : 4;
    *ret_bad = false;
    if (kind == 0x7f)
        return put_plain(unpack, "\r\n");
    if (kind >= 0x40 && kind - 0x40u < COUNT(operators))
        return put_plain(unpack, operators[kind - 0x40]) && put_plain(unpack, " ");
    *ret_bad = !(kind <= 1 || kind == 5 || kind == 0x10 || kind == 0x20 ||
                 (kind >= 0x30 && kind <= 0x37)) ||
               !bytes_has(tokens, *at, width);
    if (*ret_bad)
        return false;
    if (kind < 0x30) {
        *at += width;
        return put_number(unpack, kind, tokens.at + *at - width) && put_plain(unpack, " ");
    }
    bytes_le32(tokens, *at, &length);
    *at += 4;
    *ret_bad = !bytes_has(tokens, *at, 2 * (uint64_t)length);
    if (*ret_bad)
        return false;
    bytes units = bytes_slice(tokens, *at, 2 * (size_t)length);
    *at += units.len;
    return put_plain(unpack, before[kind - 0x30]) && put_text(unpack, units, length) &&
           put_plain(unpack, kind == 0x36 ? "\" " : " ");
}

bool autoit_text_put(struct unpack *unpack, bytes tokens)
{
    bool bad = false;
    for (size_t at = 4; at < tokens.len;) {
        if (!budget_charge(unpack->budget, 8))
            return false;
        if (!put_token(unpack, tokens, &at, &bad)) {
            if (bad)
                unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "its tokens make no sense");
            return bad;
        }
    }
    return true;
}
