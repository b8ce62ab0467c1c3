#include "unpack/document/message.h"
#include "unpack/document/object.h"
#include "unpack/document/officekey.h"
#include "unpack/document/ole2.h"
#include "unpack/document/packed.h"
#include "unpack/document/slides.h"
#include "unpack/document/text.h"
#include "unpack/document/vba.h"
#include "unpack/document/workbook.h"

enum { HANGUL_FLAGS = 36, HANGUL_PACKED = 1, HANGUL_LOCKED = 2 };

/* Flags of a Hangul document (its "Document File Formats 5.0", 3.2.1), 0 of others. */
static uint32_t hangul_flags(struct ole2 *ole)
{
    uint32_t entry = ole2_find(ole, 0, bytes_of("FileHeader")), flags = 0;
    size_t mark = unpack_mark(ole->unpack);
    bytes data = entry == OLE2_NONE ? (bytes){NULL, 0} : ole2_load(ole, entry);
    if (text_begins(data, "HWP Document File"))
        (void)bytes_le32(data, HANGUL_FLAGS, &flags);
    unpack_release(ole->unpack, mark);
    return flags;
}

static bool hangul_derive(struct ole2 *ole, bytes path, bytes data, uint32_t flags)
{
    struct unpack *u = ole->unpack;
    if (!(flags & HANGUL_PACKED) ||
        !(text_begins(path, "BodyText/") || text_begins(path, "BinData/") ||
          text_begins(path, "Scripts/") || text_begins(path, "DocInfo") ||
          text_begins(path, "ViewText/")))
        return true;
    if (flags & HANGUL_LOCKED) {
        unpack_gap(u, path, GAP_ENCRYPTED, "encrypted with the document's password");
        return true;
    }
    bytes name =
        arena_printf(u->arena, "%.*s [unpacked]", (int)path.len, (const char *)path.at);
    return packed_child(u, name, STREAM_DEFLATE, data);
}

/* A package (zip) that is encrypted as a whole; how, says the stream beside it. */
static bool package_derive(struct ole2 *ole, uint32_t entry, bytes path, bytes data)
{
    struct unpack *u = ole->unpack;
    struct officekey key;
    uint32_t info = ole2_find(ole, ole->entries[entry].parent, bytes_of("EncryptionInfo"));
    size_t mark = unpack_mark(u);
    if (info == OLE2_NONE) {
        unpack_gap(u, path, GAP_ENCRYPTED, "encrypted by rights management");
        return true;
    }
    bool open = officekey_open(&key, u, path, ole2_load(ole, info));
    unpack_release(u, mark);
    if (!open)
        return true;
    return unpack_begin(u, bytes_of("[decrypted]")) && officekey_package(&key, u, data) &&
           unpack_end(u);
}

/* Documents and presentations that are encrypted say so: [MS-DOC] 2.5.2, [MS-PPT] 2.3.2. Their
 * macros and embedded objects are not. */
static void locked_note(struct ole2 *ole, uint32_t entry, bytes path, bytes data)
{
    enum { WORD_FLAGS = 10, WORD_LOCKED = 0x100, SLIDES_TOKEN = 12 };

    static const uint32_t slides_locked = 0xf3d1c4df;

    bytes name = ole->entries[entry].name;
    uint16_t flags = 0;
    uint32_t token = 0;
    (void)bytes_le16(data, WORD_FLAGS, &flags);
    (void)bytes_le32(data, SLIDES_TOKEN, &token);
    if ((text_is(name, "WordDocument") && (flags & WORD_LOCKED)) ||
        (text_is(name, "Current User") && token == slides_locked))
        unpack_gap(ole->unpack, path, GAP_ENCRYPTED, "the document's text is encrypted");
}

/* What is made of a stream beside the stream itself. */
static bool stream_derive(struct ole2 *ole, uint32_t entry, bytes path, bytes data,
                          uint32_t hangul)
{
    bytes name = ole->entries[entry].name;
    if (bytes_is(name, "\1Ole10Native") && !object_native(ole->unpack, path, data))
        return false;
    if (text_is(name, "PowerPoint Document") && !slides_open(ole->unpack, path, data))
        return false;
    if ((text_is(name, "Workbook") || text_is(name, "Book")) &&
        !workbook_open(ole->unpack, path, data))
        return false;
    if (text_is(name, "EncryptedPackage") && !package_derive(ole, entry, path, data))
        return false;
    locked_note(ole, entry, path, data);
    return hangul_derive(ole, path, data, hangul) && message_body(ole, entry, path, data) &&
           vba_stream(ole, entry, path, data);
}

static bool stream_open(struct ole2 *ole, uint32_t entry, uint32_t hangul)
{
    struct unpack *u = ole->unpack;
    struct arena_mark memory = arena_mark(u->arena);
    size_t mark = unpack_mark(u);
    bytes data, path = ole2_path(ole, entry), named = message_attachment(ole, entry);
    if (!ole->entries[entry].reached)
        path = arena_printf(u->arena, "[orphan]/%.*s", (int)path.len, (const char *)path.at);
    if (named.len)
        path = named;
    bool more = ole2_hand_out(ole, entry, path, &data);
    if (more && data.len)
        more = stream_derive(ole, entry, path, data, hangul);
    unpack_release(u, mark);
    arena_pop(u->arena, memory);
    return more && !u->run->stopped && !u->budget->hit;
}

static bool projects_read(struct ole2 *ole)
{
    for (uint32_t i = 0; i < ole->count; i++)
        if (ole->entries[i].type == OLE2_STREAM && text_is(ole->entries[i].name, "dir") &&
            !vba_project(ole, i))
            return false;
    return true;
}

/* Without a directory: what can be found in the file as a whole. */
static void wreck_open(struct unpack *unpack)
{
    struct ole2_entry nameless = {.name = bytes_of("[wreck]"), .reached = true};
    struct ole2 ole = {
        .unpack = unpack, .file = unpack->data, .entries = &nameless, .count = 1};
    if (!vba_stream(&ole, 0, nameless.name, unpack->data))
        return;
}

/* True when all streams were opened. */
static bool streams_open(struct ole2 *ole)
{
    uint32_t hangul = hangul_flags(ole);
    for (uint32_t i = 0; i < ole->order_count; i++)
        if (ole->entries[ole->order[i]].type == OLE2_STREAM &&
            !stream_open(ole, ole->order[i], hangul))
            return false;
    for (uint32_t i = 0; i < ole->count; i++)
        if (!ole->entries[i].reached && ole->entries[i].type == OLE2_STREAM &&
            ole->entries[i].size && !stream_open(ole, i, hangul))
            return false;
    return true;
}

void ole2_open(struct unpack *unpack)
{
    struct ole2 ole;
    if (!ole2_read(&ole, unpack)) {
        wreck_open(unpack);
        return;
    }
    bool whole = projects_read(&ole) && streams_open(&ole);
    if (unpack->writing) /* its name is gone */
        unpack_drop(unpack);
    if (!whole && !unpack->run->stopped)
        unpack_gap(unpack, bytes_of(""), GAP_LIMIT, "too much work");
}
