/* Cabinets of InstallShield 5 and later, data1.cab and so on. Their directory is in another
 * file, data1.hdr; without it the files are found by their own shape.
 *
 *   "ISc(", u32 version, u32, u32 offset and u32 size of the directory, u32 offset of the data
 *   data of a compressed file: pieces of at most 64 KiB (32 KiB in older ones), each u16 size
 * and a raw deflate stream; all pieces of a file but the last are full
 *
 * github.com/twogood/unshield, lib/cabfile.h and lib/file.c. */
#include "unpack/program/installer/installshield.h"

#include "unpack/archive/decode.h"
#include "unpack/program/program.h"

enum { DATA_OFFSET = 20, HEAD = 60, MAX_FILES = 1 << 16 };

/* The piece at *at into the child; moves behind it. Its size unpacked, or 0 for no piece. */
static size_t unpack_piece(struct unpack *unpack, uint64_t *at, enum decoded *ret_how)
{
    uint16_t size;
    size_t before = unpack_written(unpack).len;
    *ret_how = DECODED_DAMAGED;
    if (!bytes_le16(unpack->data, *at, &size) || size < 2 ||
        !bytes_has(unpack->data, *at + 2, size))
        return 0;
    bytes in = bytes_slice(unpack->data, (size_t)*at + 2, size);
    *ret_how = decode_stream(unpack, STREAM_DEFLATE, &in);
    /* A piece need not end its stream: it is cut off after a flush. */
    if (*ret_how == DECODED_CUT || (*ret_how == DECODED_DAMAGED && in.len == 0))
        *ret_how = DECODED;
    if (*ret_how != DECODED)
        return 0;
    *at += 2 + (uint64_t)size;
    return unpack_written(unpack).len - before;
}

/* One file: pieces up to the first that is not full. False: return, or nothing is left. */
static bool open_file(struct unpack *unpack, unsigned number, uint64_t *at)
{
    enum decoded how;
    size_t size = 0, full = 0;
    bytes name = arena_printf(unpack->arena, "file/%u", number);
    const uint64_t start = *at;
    if (!name.at || !unpack_begin(unpack, name))
        return false;
    do {
        size = unpack_piece(unpack, at, &how);
        full = full ? full : size;
    } while (size == full && (size == 0x8000 || size == 0x10000));
    if (how == DECODED_STOP)
        return false;
    if (how == DECODED || how == DECODED_FULL)
        return unpack_end(unpack);
    bool partial = *at > start;
    if (partial && !unpack_end(unpack))
        return false;
    if (!partial)
        unpack_drop(unpack);
    unpack_gap(unpack, name, GAP_UNSUPPORTED,
               "not compressed, or coded: where it ends is said in another file");
    if (!unpack_view(unpack, bytes_of("[rest]"),
                     bytes_slice(unpack->data, (size_t)*at, unpack->data.len)))
        return false;
    *at = unpack->data.len;
    return true;
}

void installshield_cabinet_open(struct unpack *unpack)
{
    uint32_t offset, directory;
    if (!bytes_le32(unpack->data, DATA_OFFSET, &offset) ||
        !bytes_le32(unpack->data, 12, &directory)) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the header is cut short");
        return;
    }
    /* A file of the directory alone has no data. */
    if (offset < HEAD || offset >= unpack->data.len) {
        if (directory == 0)
            unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "its data is not where it should be");
        return;
    }
    uint64_t at = offset;
    for (unsigned i = 0; i < MAX_FILES && at < unpack->data.len; i++) {
        struct arena_mark mark = arena_mark(unpack->arena);
        if (!budget_charge(unpack->budget, 256) || !open_file(unpack, i, &at))
            return;
        arena_pop(unpack->arena, mark);
    }
    if (at < unpack->data.len)
        unpack_gap(unpack, bytes_of(""), GAP_LIMIT, "more than %d files", MAX_FILES);
}
