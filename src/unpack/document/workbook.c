/* Records, [MS-XLS] 2.1.4: u16 type, u16 size, data.
 *
 *   0809 begin of a sheet: u16 version (0600: BIFF8)      000a its end
 *   002f FilePass: u16 0, u16 key, u16 verifier: XOR; u16 1, EncryptionInfo: RC4. What follows
 *        is encrypted but for headers, a few records and the first 4 bytes of 0085; blocks of
 *        1024 bytes of the stream, each with a key of its own
 *   0085 sheet: u32 place, u8 hidden, u8 kind, u8 count, text
 *   0018 name: u16 flags (20: built in), u8 key, u8 count, u16 size of its formula, 8 bytes,
 *        text, formula
 *   0006 formula: u16 row, u16 column, u16 format, 8 bytes, u16 flags, u32, u16 size, tokens
 *   0204 label, 0207 the text that a formula gave   00fc the strings of all sheets
 *   01ae what lies elsewhere: u16 sheets, u16 count, text (with DDE: service 3 topic) */
#include "unpack/document/workbook.h"

#include "unpack/document/officekey.h"
#include "unpack/document/rc4.h"
#include "unpack/document/text.h"
#include "unpack/document/workbook_formula.h"

#include <string.h>

enum record {
    FORMULA = 0x06,
    NAME = 0x18,
    FILEPASS = 0x2f,
    SHEET = 0x85,
    STRINGS = 0xfc,
    ELSEWHERE = 0x1ae,
    LABEL = 0x204,
    RESULT = 0x207,
    BEGIN = 0x809,
};

static bool record_next(bytes data, size_t *at, unsigned *ret_type, bytes *ret)
{
    if (!bytes_has(data, *at, 4))
        return false;
    *ret_type = load_le16(data.at + *at);
    *ret = bytes_slice(data, *at + 4, load_le16(data.at + *at + 2));
    *at += 4 + ret->len;
    return true;
}

/* --- decryption --- */

/* Bytes of a record's head that are never encrypted. */
static size_t plain_bytes(unsigned type, size_t size)
{
    switch (type) {
    case BEGIN:
    case FILEPASS:
    case 0x194: /* UsrExcl */
    case 0x195: /* FileLock */
    case 0xe1:  /* InterfaceHdr */
    case 0x196: /* RRDInfo */
    case 0x138: /* RRDHead */
        return size;
    case SHEET:
        return size < 4 ? size : 4;
    default:
        return 0;
    }
}

struct decryption {
    const struct officekey *key;
    struct rc4 rc4;
    uint64_t place; /* in the stream: where the key stream stands */
    uint32_t block;
    bool started;
};

/* Moves the key stream to a place of the stream, and over `in`. */
static void stream_xor(struct decryption *d, uint64_t place, bytes in, uint8_t *out)
{
    enum { BLOCK = 1024 };

    uint8_t skipped[BLOCK] = {0}, key[64];
    while (in.len) {
        uint32_t block = (uint32_t)(place / BLOCK);
        if (!d->started || block != d->block) {
            rc4_start(&d->rc4, (bytes){key, officekey_block(d->key, block, key)});
            d->place = (uint64_t)block * BLOCK;
            d->block = block;
            d->started = true;
        }
        rc4_run(&d->rc4, (bytes){skipped, (size_t)(place - d->place)}, skipped);
        size_t part = BLOCK - (size_t)(place % BLOCK);
        part = part < in.len ? part : in.len;
        rc4_run(&d->rc4, bytes_slice(in, 0, part), out);
        d->place = place += part;
        out += part;
        in = bytes_slice(in, part, in.len);
    }
}

static void obfuscation_undo(const struct officekey *key, size_t place, bytes in, size_t size,
                             uint8_t *out)
{
    /* Where in the 16 bytes a record begins depends on where it ends. */
    for (size_t i = 0; i < in.len; i++) {
        uint8_t value = (uint8_t)(in.at[i] ^ key->secret[(place + size + i) % 16]);
        out[i] = (uint8_t)(value >> 5 | value << 3);
    }
}

static bool decrypt_put(struct unpack *u, const struct officekey *key, bytes data)
{
    struct decryption d = {.key = key};
    uint8_t out[1 << 16];
    unsigned type;
    bytes record;
    for (size_t at = 0, from = 0; record_next(data, &at, &type, &record); from = at) {
        size_t plain = plain_bytes(type, record.len);
        memcpy(out, data.at + from, 4 + plain);
        bytes rest = bytes_slice(record, plain, record.len);
        if (type == FILEPASS)
            memset(out, 0, 2); /* the copy is not encrypted */
        if (key->kind == OFFICEKEY_XOR)
            obfuscation_undo(key, from + 4 + plain, rest, record.len, out + 4 + plain);
        else
            stream_xor(&d, from + 4 + plain, rest, out + 4 + plain);
        if (!budget_charge(u->budget, record.len + 4) ||
            !unpack_put(u, (bytes){out, 4 + record.len}))
            return false;
    }
    return true;
}

/* The record FilePass is among the first. */
static bool filepass_find(bytes data, bytes *ret)
{
    unsigned type, count = 0;
    size_t at = 0;
    while (count++ < 64 && record_next(data, &at, &type, ret))
        if (type == FILEPASS)
            return true;
    return false;
}

static bool key_open(struct officekey *key, struct unpack *u, bytes path, bytes pass)
{
    uint16_t kind = 0, first = 0, second = 0;
    (void)bytes_le16(pass, 0, &kind);
    if (kind == 1)
        return officekey_open(key, u, path, bytes_slice(pass, 2, pass.len));
    size_t at = pass.len >= 6 ? 2 : 0; /* BIFF5 has no kind */
    (void)bytes_le16(pass, at, &first);
    (void)bytes_le16(pass, at + 2, &second);
    return officekey_open_xor(key, u, path, first, second);
}

/* --- text --- */

struct listing {
    struct unpack *unpack;
    bool biff8;
};

static bool sheet_put(struct listing *l, bytes r)
{
    static const char *const hidden[] = {"visible", "hidden", "very hidden", "hidden"};
    static const char *const kinds[] = {"sheet", "macro sheet", "chart"};
    bytes rest = bytes_slice(r, 7, r.len);
    return r.len < 8 || (text_put(l->unpack, "%s %s ", r.at[5] < 3 ? kinds[r.at[5]] : "module",
                                  hidden[r.at[4] & 3]) &&
                         workbook_formula_string(l->unpack, &rest, r.at[6], l->biff8) &&
                         text_put(l->unpack, "\n"));
}

static bool name_put(struct listing *l, bytes r)
{
    static const char *const built_in[] = {
        "Consolidate_Area", "Auto_Open",       "Auto_Close",   "Extract",        "Database",
        "Criteria",         "Print_Area",      "Print_Titles", "Recorder",       "Data_Form",
        "Auto_Activate",    "Auto_Deactivate", "Sheet_Title",  "_FilterDatabase"};
    if (r.len < 15)
        return true;
    unsigned flags = load_le16(r.at);
    size_t count = r.at[3], code = l->biff8 ? 15 : 14;
    bytes rest = bytes_slice(r, 14, r.len);
    if (!text_put(l->unpack, "name%s ", flags & 1 ? " hidden" : ""))
        return false;
    if ((flags & 0x20) && r.len > code && r.at[code] < COUNT(built_in)) {
        if (!text_put(l->unpack, "%s", built_in[r.at[code]]))
            return false;
        rest = bytes_slice(rest, (l->biff8 ? 1 : 0) + count, rest.len);
    } else if (!workbook_formula_string(l->unpack, &rest, count, l->biff8)) {
        return false;
    }
    return text_put(l->unpack, " = ") &&
           workbook_formula_put(l->unpack, bytes_slice(rest, 0, load_le16(r.at + 4)),
                                l->biff8) &&
           text_put(l->unpack, "\n");
}

static bool formula_put(struct listing *l, bytes r)
{
    return r.len < 22 ||
           (text_put(l->unpack, "R%uC%u = ", load_le16(r.at) + 1u, load_le16(r.at + 2) + 1u) &&
            workbook_formula_put(l->unpack, bytes_slice(r, 22, load_le16(r.at + 20)),
                                 l->biff8) &&
            text_put(l->unpack, "\n"));
}

static bool string_put(struct listing *l, bytes r, size_t count_at)
{
    if (r.len < count_at + 2)
        return true;
    bytes rest = bytes_slice(r, count_at + 2, r.len);
    return workbook_formula_string(l->unpack, &rest, load_le16(r.at + count_at), l->biff8) &&
           text_put(l->unpack, "\n");
}

/* Those in the record itself: text, with lists of formats and phonetics behind it. */
static bool strings_put(struct listing *l, bytes r)
{
    bytes rest = bytes_slice(r, 8, r.len);
    while (rest.len >= 3 && budget_charge(l->unpack->budget, 8)) {
        size_t count = load_le16(rest.at), behind = 0, head = 2;
        uint8_t flags = rest.at[2];
        uint16_t runs = 0;
        uint32_t more = 0;
        if ((flags & 8) && bytes_le16(rest, 3, &runs))
            head += 2;
        if ((flags & 4) && bytes_le32(rest, 3 + (flags & 8 ? 2 : 0), &more))
            head += 4;
        behind = 4u * runs + more;
        bytes text = bytes_slice(rest, head + 1, (flags & 1) ? 2 * count : count);
        if (!text_put(l->unpack, "\"") ||
            !((flags & 1) ? text_put_utf16(l->unpack, text) : unpack_put(l->unpack, text)) ||
            !text_put(l->unpack, "\"\n"))
            return false;
        rest = bytes_slice(rest, head + 1 + text.len + behind, rest.len);
    }
    return true;
}

static bool record_put(struct listing *l, unsigned type, bytes r)
{
    switch (type) {
    case BEGIN:
        if (r.len >= 2)
            l->biff8 = load_le16(r.at) == 0x600;
        return true;
    case SHEET:
        return sheet_put(l, r);
    case NAME:
        return name_put(l, r);
    case FORMULA:
    case 0x206:
    case 0x406:
        return formula_put(l, r);
    case LABEL:
        return string_put(l, r, 6);
    case RESULT:
        return string_put(l, r, 0);
    case ELSEWHERE:
        return r.len <= 4 || (text_put(l->unpack, "elsewhere ") && string_put(l, r, 2));
    case STRINGS:
        return !l->biff8 || strings_put(l, r);
    default:
        return true;
    }
}

static bool listing_put(struct unpack *u, bytes path, bytes data)
{
    struct listing listing = {u, true};
    unsigned type;
    bytes record;
    size_t at = 0;
    if (!unpack_begin(u,
                      arena_printf(u->arena, "%.*s.txt", (int)path.len, (const char *)path.at)))
        return false;
    while (record_next(data, &at, &type, &record))
        if (!budget_charge(u->budget, 8) || !record_put(&listing, type, record))
            return false;
    return unpack_end(u);
}

bool workbook_open(struct unpack *u, bytes path, bytes data)
{
    struct officekey key;
    unsigned type;
    bytes record;
    size_t at = 0, mark = unpack_mark(u);
    if (!record_next(data, &at, &type, &record) || (type & 0xff) != 9) {
        unpack_gap(u, path, GAP_DAMAGED, "its records are damaged");
        return true;
    }
    if (filepass_find(data, &record)) {
        if (!key_open(&key, u, path, record))
            return true;
        bytes name =
            arena_printf(u->arena, "%.*s [decrypted]", (int)path.len, (const char *)path.at);
        if (!unpack_begin(u, name) || !decrypt_put(u, &key, data) || !unpack_end_kept(u, &data))
            return false;
    }
    bool more = listing_put(u, path, data);
    unpack_release(u, mark);
    return more;
}
