/* Compiled scripts of AutoIt 3, behind the program or in its resource RCDATA "SCRIPT".
 *
 *   16 bytes a3 48 4b be 98 6c 4a a9 99 4c 53 0a 86 d6 48 7d, "AU3!", "EA05" or "EA06", 16
 * bytes then files: "FILE", encrypted; u32 length of kind, kind, u32 length of path, path,
 * encrypted; u8 compressed, u32 size packed, u32 size unpacked, u32 checksum, 16 bytes times,
 * data encrypted data, decrypted: "EA05" or "EA06", u32 size, big endian, then bits, highest
 * first: (EA06: 1, EA05: 0) and a byte; else 15 bits distance and a length: 3 and 2 bits, if
 * they are all ones 6 and 3 bits, 13 and 5, 44 and 8, 299 and 8, and 255 more and 8 again
 *
 * Lengths and sizes are exclusive or'd with numbers of the version, texts of EA06 are UTF-16LE.
 * autoit-ripper 1.2, autoit_ripper/autoit_unpack.py and decompress.py. */
#include "unpack/program/installer/autoit.h"

#include "unpack/archive/bits.h"
#include "unpack/archive/decode.h"
#include "unpack/program/program.h"

enum { HEAD = 24, SUM = 16, TEXT_MAX = 1024, AFTER = 13 + 16 };

/* What the numbers are combined with. */
struct version {
    uint32_t file, kind, kind_key, path, path_key, size, checksum, data;
    bool wide;
};

static const struct version versions[2] = {
    {0x16fa, 0x29bc, 0xa25e, 0x29ac, 0xf25e, 0x45aa, 0xc3d2, 0x22af, false},
    {0x18ee, 0xadbc, 0xb33f, 0xf820, 0xf479, 0x87bc, 0xa685, 0x2477, true},
};

struct autoit {
    struct unpack *unpack;
    const struct version *version;
    uint32_t sum; /* part of the key of EA05 */
    size_t at;
};

bool autoit_probe(bytes data)
{
    return data.len > HEAD && (memcmp(data.at + 16, "AU3!EA0", 7) == 0 || data.at[16] == 3);
}

static void decrypt(const struct autoit *au, uint8_t *at, size_t size, uint32_t key)
{
    if (au->version->wide)
        autoit_decrypt_06(at, size, key);
    else
        autoit_decrypt_05(at, size, key);
}

/* A length and a text as UTF-8, in the arena. False: there is none. */
static bool read_text(struct autoit *au, uint32_t mask, uint32_t key, bytes *ret)
{
    uint32_t length;
    bytes data = au->unpack->data;
    if (!bytes_le32(data, au->at, &length))
        return false;
    length ^= mask;
    uint64_t size = (uint64_t)length << au->version->wide;
    if (length > TEXT_MAX || !bytes_has(data, au->at + 4, size))
        return false;
    bytes copy = arena_copy(au->unpack->arena, bytes_slice(data, au->at + 4, (size_t)size));
    uint8_t *text = arena_push_raw(au->unpack->arena, 3 * (size_t)length + 1);
    if (!copy.at || !text)
        return false;
    au->at += 4 + (size_t)size;
    decrypt(au, (uint8_t *)(uintptr_t)copy.at, copy.len, length + key);
    *ret = copy;
    if (au->version->wide)
        *ret = (bytes){text, utf16_append(text, 0, 3 * (size_t)length, copy)};
    return true;
}

/* --- LZSS --- */

static uint32_t read_length(struct bits *bits)
{
    static const struct {
        uint16_t base;
        uint8_t bits;
    } steps[] = {{3, 2}, {6, 3}, {13, 5}, {44, 8}, {299, 8}};

    uint32_t length = 0, more = 0;
    for (size_t i = 0; i < COUNT(steps); i++) {
        length = steps[i].base;
        more = bits_high(bits, steps[i].bits);
        if (more != (1u << steps[i].bits) - 1)
            return length + more;
    }
    do {
        length += 255;
        more = bits_high(bits, 8);
    } while (more == 255 && !bits_over(bits) && length < 1 << 24);
    return length + more;
}

static enum decoded unpack_bits(struct unpack *unpack, bytes in)
{
    struct bits bits = {.in = bytes_slice(in, 8, in.len)};
    struct outlet out;
    if (in.len < 8 || memcmp(in.at, "EA0", 3) != 0)
        return DECODED_UNKNOWN;
    uint32_t literal = in.at[3] == '6';
    outlet_open(&out, unpack, load_be32(in.at + 4));
    for (;;) {
        bool more;
        if (bits_over(&bits))
            return outlet_close(&out, DECODED_CUT);
        if (bits_high(&bits, 1) == literal) {
            more = outlet_byte(&out, (uint8_t)bits_high(&bits, 8));
        } else {
            uint32_t distance = bits_high(&bits, 15), length = read_length(&bits);
            more = distance && outlet_copy(&out, distance, length, -1);
            if (!distance)
                return outlet_close(&out, DECODED_DAMAGED);
        }
        if (!more || !budget_charge(unpack->budget, 1))
            return outlet_close(&out, out.state);
    }
}

/* --- files --- */

/* Data of a file, decrypted, into a child with its name; a script's becomes text. */
static bool hand_out(struct autoit *au, bytes name, bytes data, bool compressed, bool tokens)
{
    struct unpack *unpack = au->unpack;
    if (!unpack_begin(unpack, name))
        return false;
    if (compressed ? !decode_noted(unpack, unpack_bits(unpack, data))
                   : !unpack_put(unpack, data))
        return false;
    if (!tokens)
        return unpack_end(unpack);
    bytes copy = arena_copy(unpack->arena, unpack_written(unpack));
    unpack_drop(unpack);
    return copy.at && unpack_begin(unpack, name) && autoit_text_put(unpack, copy) &&
           unpack_end(unpack);
}

/* False at the end, and when all has to stop. */
static bool open_file(struct autoit *au)
{
    struct unpack *unpack = au->unpack;
    const struct version *v = au->version;
    bytes data = unpack->data, kind, path;
    uint8_t mark[4];
    if (!bytes_has(data, au->at, 4))
        return false;
    memcpy(mark, data.at + au->at, 4);
    decrypt(au, mark, 4, v->file);
    au->at += 4;
    if (memcmp(mark, "FILE", 4) != 0)
        return false;
    if (!read_text(au, v->kind, v->kind_key, &kind) ||
        !read_text(au, v->path, v->path_key, &path) || !bytes_has(data, au->at, AFTER)) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "an entry makes no sense");
        return false;
    }
    const uint8_t *p = data.at + au->at;
    uint32_t packed = load_le32(p + 1) ^ v->size;
    bytes in = bytes_slice(data, au->at + AFTER, packed);
    if (in.len < packed)
        unpack_gap(unpack, kind, GAP_DAMAGED, "%zu of its %u bytes are there", in.len, packed);
    au->at += AFTER + in.len;
    bytes copy = arena_copy(unpack->arena, in);
    if (!copy.at || !budget_charge(unpack->budget, in.len)) {
        unpack_gap(unpack, kind, GAP_LIMIT, "too large");
        return false;
    }
    if (bytes_is(kind, ">>>AUTOIT NO CMDEXECUTE<<<"))
        return true;
    decrypt(au, (uint8_t *)(uintptr_t)copy.at, copy.len, au->sum + v->data);
    bool script = kind.len && kind.at[0] == '>';
    bytes name = script ? bytes_of("script.au3") : kind.len ? kind : path;
    return hand_out(au, name, copy, p[0] == 1, bytes_is(kind, ">>>AUTOIT SCRIPT<<<"));
}

void autoit_open(struct unpack *unpack)
{
    struct autoit au = {.unpack = unpack, .at = HEAD + SUM};
    uint8_t version = unpack->data.at[23];
    if (unpack->data.at[16] == 3 || (version != '5' && version != '6') ||
        unpack->data.len < HEAD + SUM) {
        unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED,
                   "a script of another version of AutoIt or AutoHotkey");
        return;
    }
    au.version = &versions[version == '6'];
    for (unsigned i = 0; i < SUM && version == '5'; i++)
        au.sum += unpack->data.at[HEAD + i];
    size_t start = au.at;
    struct arena_mark mark = arena_mark(unpack->arena);
    while (open_file(&au))
        arena_pop(unpack->arena, mark);
    if (au.at == start + 4 && !unpack->run->stopped)
        unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED, "its script is encrypted otherwise");
}
