/* xar, of installer packages and others (the "xar" wiki of mackyle/xar, pages xarformat and
 * toc):
 *
 *     header  "xar!", its size (be16), version (be16), size of the table packed (be64) and not
 *             (be64), kind of checksum (be32)
 *     table   zlib; XML: <file> in <file>, each with <name>, <type> and
 *             <data>: <offset> and <length> in the heap, <size> when unpacked, <encoding
 * style>, <extracted-checksum style>; <ea> are streams beside it, and have the same heap
 *
 * What names, types and data may stand in any order: all is read first, then handed out. No
 * link is followed. */
#include "shim/digest.h"
#include "unpack/archive/decode.h"
#include "unpack/archive/formats.h"
#include "unpack/base64.h"
#include "unpack/mail/entity.h"

#include <string.h>

enum {
    HEADER = 28,
    DEPTH_MAX = 64, /* of elements that count; deeper ones are passed over */
    NAME_SIZE = 4096,
    OVERLAP = 4, /* times the heap that members may be read */
    NOBODY = UINT32_MAX,
};

enum element { ELEMENT_OTHER, ELEMENT_FILE, ELEMENT_EA, ELEMENT_DATA };

struct entry {
    uint32_t parent; /* the folder, or the file that this is a stream of */
    bool stream, base64;
    bytes name, style, checksum, checksum_style;
    uint64_t offset, length, size;
};

struct xar {
    struct unpack *unpack;
    bytes toc, heap;
    VEC(struct entry) entries;
    uint64_t spent, skipped;
    unsigned depth;
    enum element elements[DEPTH_MAX];
    uint32_t owners[DEPTH_MAX]; /* the entry that an element belongs to */
};

/* --- the table --- */

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static uint64_t decimal(bytes text)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len && text.at[i] >= '0' && text.at[i] <= '9'; i++)
        value = value > UINT64_MAX / 16 ? value : value * 10 + (uint64_t)(text.at[i] - '0');
    return value;
}

/* The element's name, of what stands between < and >. */
static bytes tag_name(bytes tag)
{
    size_t n = 0;
    while (n < tag.len && !is_space(tag.at[n]) && tag.at[n] != '/')
        n++;
    return bytes_slice(tag, 0, n);
}

/* In quotes of either kind. */
static bytes tag_attribute(bytes tag, const char *name)
{
    size_t at = bytes_find(tag, bytes_of(name), 0);
    if (at == SIZE_MAX || !bytes_has(tag, at + strlen(name), 1))
        return (bytes){NULL, 0};
    char quote = (char)tag.at[at + strlen(name)];
    bytes rest = bytes_slice(tag, at + strlen(name) + 1, tag.len), value;
    return bytes_cut(&rest, quote, &value) ? value : (bytes){NULL, 0};
}

/* An element that says something of an entry. */
static void read_property(struct entry *entry, enum element parent, bytes tag, bytes text)
{
    bytes name = tag_name(tag);
    if (parent == ELEMENT_FILE || parent == ELEMENT_EA) {
        if (bytes_is(name, "name")) {
            entry->name = text;
            entry->base64 = bytes_is(tag_attribute(tag, "enctype="), "base64");
        }
    }
    if (parent == ELEMENT_FILE)
        return;
    if (bytes_is(name, "offset")) {
        entry->offset = decimal(text);
    } else if (bytes_is(name, "length")) {
        entry->length = decimal(text);
    } else if (bytes_is(name, "size")) {
        entry->size = decimal(text);
    } else if (bytes_is(name, "encoding")) {
        entry->style = tag_attribute(tag, "style=");
    } else if (bytes_is(name, "extracted-checksum")) {
        entry->checksum = text;
        entry->checksum_style = tag_attribute(tag, "style=");
    }
}

static enum element element_of(bytes name)
{
    if (bytes_is(name, "file"))
        return ELEMENT_FILE;
    if (bytes_is(name, "ea"))
        return ELEMENT_EA;
    return bytes_is(name, "data") ? ELEMENT_DATA : ELEMENT_OTHER;
}

/* False: no memory. */
static bool open_element(struct xar *xar, bytes tag, bytes text)
{
    unsigned depth = xar->depth++;
    if (depth >= DEPTH_MAX)
        return true;
    uint32_t owner = depth ? xar->owners[depth - 1] : NOBODY;
    enum element parent = depth ? xar->elements[depth - 1] : ELEMENT_OTHER,
                 element = element_of(tag_name(tag));
    if (element == ELEMENT_FILE || (element == ELEMENT_EA && owner != NOBODY)) {
        struct entry *entry = vec_push(xar->unpack->arena, &xar->entries);
        if (!entry)
            return false;
        *entry = (struct entry){.parent = owner, .stream = element == ELEMENT_EA};
        owner = xar->entries.n - 1;
    } else if (owner != NOBODY && parent != ELEMENT_OTHER) {
        read_property(&xar->entries.at[owner], parent, tag, text);
    }
    xar->elements[depth] = element;
    xar->owners[depth] = owner;
    return true;
}

/* Passes the next mark, or all that is left when there is none. */
static void pass(bytes *rest, const char *mark)
{
    size_t at = bytes_find(*rest, bytes_of(mark), 0);
    *rest = bytes_slice(*rest, at == SIZE_MAX ? rest->len : at + strlen(mark), rest->len);
}

/* False: return. */
static bool read_toc(struct xar *xar)
{
    bytes rest = xar->toc, before, tag;
    while (bytes_cut(&rest, '<', &before) && rest.len) {
        size_t had = rest.len;
        if (!budget_charge(xar->unpack->budget, 16 + before.len / 16))
            return false;
        if (bytes_is(bytes_slice(rest, 0, 3), "!--")) {
            pass(&rest, "-->");
        } else if (!bytes_cut(&rest, '>', &tag) || tag.len == 0) {
            continue;
        } else if (tag.at[0] == '/') {
            xar->depth -= xar->depth > 0;
        } else if (tag.at[0] != '?' && tag.at[0] != '!') {
            size_t end = bytes_find(rest, bytes_of("<"), 0);
            if (!open_element(xar, tag, bytes_trim(bytes_slice(rest, 0, end), " \t\r\n")))
                return false;
            xar->depth -= tag.at[tag.len - 1] == '/';
        }
        if (!budget_charge(xar->unpack->budget, (had - rest.len) / 16))
            return false;
    }
    return true;
}

/* --- members --- */

static bytes own_name(struct xar *xar, const struct entry *entry)
{
    struct arena *arena = xar->unpack->arena;
    bytes name = bytes_slice(entry->name, 0, NAME_SIZE);
    struct base64_held held = {0};
    if (!entry->base64)
        return entity_decoded(arena, name);
    uint8_t *at = arena_push_raw(arena, NAME_SIZE);
    return (bytes){at, at ? base64_letters(&held, &name, at, NAME_SIZE) : 0};
}

static void put_name(uint8_t *to, bytes part)
{
    if (part.len)
        memcpy(to, part.at, part.len);
}

/* With those of the folders it is in. In the arena. */
static bytes whole_name(struct xar *xar, const struct entry *entry)
{
    bytes ret = own_name(xar, entry);
    for (unsigned i = 0; entry->parent != NOBODY && i < DEPTH_MAX; i++) {
        uint8_t mark = entry->stream ? ':' : '/';
        entry = &xar->entries.at[entry->parent];
        bytes name = own_name(xar, entry);
        uint8_t *at = arena_push_raw(xar->unpack->arena, name.len + 1 + ret.len);
        if (!at)
            return ret;
        put_name(at, name);
        at[name.len] = mark;
        put_name(at + name.len + 1, ret);
        ret = (bytes){at, name.len + 1 + ret.len};
    }
    return ret;
}

/* Notes what does not fit what the table says of it. False: return. */
static bool check_content(struct xar *xar, const struct entry *entry, bytes name, bytes content)
{
    static const struct {
        const char *style;
        enum digest_kind kind;
    } kinds[] = {{"md5", DIGEST_MD5},
                 {"sha1", DIGEST_SHA1},
                 {"sha256", DIGEST_SHA256},
                 {"sha512", DIGEST_SHA512}};
    struct unpack *unpack = xar->unpack;
    uint8_t digest[DIGEST_MAX];
    char text[2 * DIGEST_MAX + 1];
    if (content.len != entry->size) {
        unpack_gap(unpack, name, GAP_DAMAGED, "its size is wrong");
        return true;
    }
    for (size_t i = 0; i < COUNT(kinds); i++) {
        if (!bytes_same(entry->checksum_style, bytes_of(kinds[i].style)))
            continue;
        if (!budget_charge(unpack->budget, content.len / 4))
            return false;
        if (!digest_parts(kinds[i].kind, &content, 1, digest))
            return true;
        digest_hex(digest, digest_size(kinds[i].kind), text);
        if (!bytes_same(entry->checksum, bytes_of(text)))
            unpack_gap(unpack, name, GAP_DAMAGED, "its checksum is wrong");
    }
    return true;
}

/* False for data as it stands. */
static bool stream_of(bytes style, bytes data, enum stream_kind *ret)
{
    bytes head = bytes_slice(data, 0, 6);
    if (bytes_is(style, "application/x-gzip") && !(data.len > 1 && data.at[0] == 0x1f))
        *ret = STREAM_ZLIB; /* as all write it */
    else if (bytes_is(style, "application/x-bzip2"))
        *ret = STREAM_BZIP2;
    else if (bytes_is(style, "application/x-lzma") || bytes_is(style, "application/x-xz"))
        *ret = bytes_equal(head, (bytes){(const uint8_t *)"\xfd"
                                                          "7zXZ",
                                         6})
                   ? STREAM_XZ
                   : STREAM_LZMA;
    else
        return false;
    return true;
}

/* False: return. */
static bool open_entry(struct xar *xar, const struct entry *entry)
{
    struct unpack *unpack = xar->unpack;
    bytes name = whole_name(xar, entry);
    bytes data = entry->offset > xar->heap.len
                     ? (bytes){NULL, 0}
                     : bytes_slice(xar->heap, (size_t)entry->offset, (size_t)entry->length);
    enum stream_kind kind;
    if (!budget_charge(unpack->budget, 64 + name.len))
        return false;
    if (xar->spent / OVERLAP > xar->heap.len) {
        xar->skipped++;
        return true;
    }
    xar->spent += data.len;
    if (data.len < entry->length)
        unpack_gap(unpack, name, GAP_DAMAGED, "its data is cut short");
    if (!stream_of(entry->style, data, &kind))
        return check_content(xar, entry, name, data) && unpack_view(unpack, name, data);
    if (!unpack_begin(unpack, name))
        return false;
    enum decoded how = decode_stream(unpack, kind, &data);
    if (!decode_noted(unpack, how) ||
        (how == DECODED && !check_content(xar, entry, name, unpack_written(unpack))))
        return false;
    return unpack_end(unpack);
}

/* The table, kept in the region. False: return. */
static bool unpack_toc(struct xar *xar, bytes packed)
{
    struct unpack *unpack = xar->unpack;
    if (!unpack_begin(unpack, bytes_of("table")))
        return false;
    bool more = decode_noted(unpack, decode_stream(unpack, STREAM_ZLIB, &packed));
    xar->toc = unpack_keep(unpack);
    return more;
}

void xar_open(struct unpack *unpack)
{
    struct xar xar = {.unpack = unpack};
    bytes data = unpack->data;
    uint16_t header;
    uint64_t packed;
    if (!bytes_be16(data, 4, &header) || !bytes_be64(data, 8, &packed) || header < HEADER ||
        !bytes_has(data, header, packed)) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "its table is cut short");
        return;
    }
    xar.heap = bytes_slice(data, header + (size_t)packed, data.len);
    if (!unpack_toc(&xar, bytes_slice(data, header, (size_t)packed)) || !read_toc(&xar))
        return;
    for (uint32_t i = 0; i < xar.entries.n; i++) {
        struct arena_mark mark = arena_mark(unpack->arena);
        if (xar.entries.at[i].length && !open_entry(&xar, &xar.entries.at[i]))
            return;
        arena_pop(unpack->arena, mark);
    }
    if (bytes_find(xar.toc, bytes_of("<toc"), 0) == SIZE_MAX)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "its table is none");
    if (xar.skipped)
        unpack_gap(unpack, bytes_of(""), GAP_LIMIT, "%llu members overlap others",
                   (unsigned long long)xar.skipped);
}
