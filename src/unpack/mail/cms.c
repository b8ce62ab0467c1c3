/* ContentInfo: SEQUENCE of an OID, which tells what follows, and [0] of it.
 *
 *     SignedData      SEQUENCE of version, SET, SEQUENCE of an OID and [0] OCTET STRING, ...
 *     CompressedData  SEQUENCE of version, algorithm, SEQUENCE of an OID and [0] OCTET STRING
 *
 * in BER: lengths may be left open (0x80, until two zeros), strings may be in pieces. RFC 5652
 * sections 3 and 5, RFC 3274 section 1.1, X.690 section 8. */
#include "unpack/mail/cms.h"

#include "shim/stream.h"
#include "unpack/mail/transfer.h"
#include "unpack/mail/words.h"

#include <string.h>

enum {
    PROBED = 32,
    NESTED = 12,
    TAG_OCTETS = 0x04,
    TAG_OID = 0x06,
    TAG_SEQUENCE = 0x30,
    TAG_EXPLICIT = 0xa0,
    CONSTRUCTED = 0x20,
};

struct element {
    uint8_t tag;
    bytes content;
    size_t size; /* with its head, and with the end of an open one */
    bool cut;    /* the data ends before it does */
};

enum kind { KIND_OTHER, KIND_SIGNED, KIND_COMPRESSED, KIND_ENCRYPTED };

static const struct {
    uint8_t size;
    char oid[12];
    enum kind kind;
} kinds[] = {
    {9, "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", KIND_SIGNED},
    {9, "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03", KIND_ENCRYPTED},
    {9, "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x04", KIND_ENCRYPTED},
    {9, "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06", KIND_ENCRYPTED},
    {11, "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17", KIND_ENCRYPTED},
    {11, "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09", KIND_COMPRESSED},
};

static enum kind kind_of(bytes oid)
{
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (oid.len == kinds[i].size && memcmp(oid.at, kinds[i].oid, oid.len) == 0)
            return kinds[i].kind;
    return KIND_OTHER;
}

static bool element_read(bytes data, struct element *ret, unsigned depth);

/* Size of the elements up to the two zeros that end an open one. */
static size_t open_size(bytes data, unsigned depth, bool *ret_cut)
{
    size_t at = 0;
    struct element one;
    while (at + 2 <= data.len && (data.at[at] || data.at[at + 1])) {
        if (!element_read(bytes_slice(data, at, data.len), &one, depth + 1) || one.cut) {
            *ret_cut = true;
            return data.len;
        }
        at += one.size;
    }
    *ret_cut = at + 2 > data.len;
    return at < data.len ? at : data.len;
}

/* The element at the front; false when there is none. */
static bool element_read(bytes data, struct element *ret, unsigned depth)
{
    if (depth > NESTED || data.len < 2 || (data.at[0] & 0x1f) == 0x1f)
        return false;
    size_t head = 2, size = data.at[1];
    *ret = (struct element){.tag = data.at[0]};
    if (size == 0x80) {
        size = open_size(bytes_slice(data, 2, data.len), depth, &ret->cut);
        ret->content = bytes_slice(data, 2, size);
        ret->size = 2 + size + (ret->cut ? 0 : 2);
        return true;
    }
    if (size > 0x80) {
        size_t count = size - 0x80;
        if (count > 4 || !bytes_has(data, 2, count))
            return false;
        size = 0;
        for (size_t i = 0; i < count; i++)
            size = size << 8 | data.at[2 + i];
        head += count;
    }
    ret->content = bytes_slice(data, head, size);
    ret->cut = ret->content.len < size;
    ret->size = head + ret->content.len;
    return true;
}

/* Moves the next element from *rest to *ret. */
static bool element_next(bytes *rest, struct element *ret)
{
    if (!element_read(*rest, ret, 0))
        return false;
    *rest = bytes_slice(*rest, ret->size, rest->len);
    return true;
}

/* The content info at the front; KIND_OTHER when it is none. */
static enum kind info_read(bytes data, struct element *ret)
{
    struct element outer, oid;
    bytes rest = data;
    if (!element_next(&rest, &outer) || outer.tag != TAG_SEQUENCE)
        return KIND_OTHER;
    rest = outer.content;
    if (!element_next(&rest, &oid) || oid.tag != TAG_OID || !element_next(&rest, ret) ||
        ret->tag != TAG_EXPLICIT)
        return KIND_OTHER;
    return kind_of(oid.content);
}

bool cms_probe(bytes data)
{
    bytes head = bytes_slice(data, 0, PROBED);
    if (head.len < PROBED || head.at[0] != TAG_SEQUENCE)
        return false;
    size_t at = bytes_find(head, bytes_of("\x2a\x86\x48\x86\xf7\x0d\x01"), 2);
    return at != SIZE_MAX && at >= 4 && at <= 12 && head.at[at - 2] == TAG_OID &&
           kind_of(bytes_slice(head, at, head.at[at - 1])) != KIND_OTHER;
}

/* The octets of a string, which may be in pieces, to the child. */
static bool put_octets(struct unpack *unpack, const struct element *string, unsigned depth)
{
    struct element piece;
    bytes rest = string->content;
    if (!(string->tag & CONSTRUCTED))
        return unpack_put(unpack, string->content);
    if (depth > NESTED) {
        unpack_gap(unpack, bytes_of(""), GAP_LIMIT, "pieces nested deeper than %u", NESTED);
        return true;
    }
    if (!budget_charge(unpack->budget, rest.len / 16 + 1))
        return false;
    while (rest.len && element_next(&rest, &piece))
        if (!put_octets(unpack, &piece, depth + 1))
            return false;
    return true;
}

static bool put_inflated(struct unpack *unpack, bytes packed)
{
    struct stream *stream = stream_new(STREAM_ZLIB);
    enum stream_state state = STREAM_MORE;
    while (stream && state == STREAM_MORE) {
        size_t room, wrote = 0;
        uint8_t *at = unpack_room(unpack, &room);
        if (!at)
            break;
        state = stream_run(stream, &packed, at, room, &wrote);
        if (!unpack_wrote(unpack, wrote) || (!wrote && !packed.len))
            break;
    }
    stream_free(stream);
    if (state != STREAM_END && !unpack->full && !unpack->run->stopped)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the compressed content is cut short");
    return !unpack->run->stopped;
}

/* SEQUENCE of an OID and [0] OCTET STRING: the content, once more examined. */
static void put_content(struct unpack *unpack, bytes sequence, bool compressed)
{
    struct element oid, explicit, string;
    bytes rest = sequence;
    if (!element_next(&rest, &oid) || !element_next(&rest, &explicit))
        return; /* a signature without what it signs */
    rest = explicit.content;
    if (!element_next(&rest, &string)) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the content is cut short");
        return;
    }
    if (!unpack_begin(unpack, bytes_of("content.eml")))
        return;
    if (string.cut)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the content is cut short");
    /* Signed by older programs, the content is what it is, not a string. */
    bool is_string = (string.tag & ~CONSTRUCTED) == TAG_OCTETS;
    bool more = !is_string    ? unpack_put(unpack, explicit.content)
                : !compressed ? put_octets(unpack, &string, 0)
                              : put_inflated(unpack, string.content);
    if (more && !unpack_end(unpack))
        return;
}

void cms_open(struct unpack *unpack)
{
    struct element info, body, part;
    enum kind kind = info_read(unpack->data, &info);
    bytes rest = info.content;
    if (kind == KIND_ENCRYPTED) {
        unpack_gap(unpack, bytes_of(""), GAP_ENCRYPTED, "encrypted for a recipient (S/MIME)");
        return;
    }
    if (kind == KIND_OTHER || !element_next(&rest, &body)) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the message is cut short");
        return;
    }
    if (!budget_charge(unpack->budget, unpack->data.len / 16))
        return;
    rest = body.content;
    for (int i = 0; i < 2; i++)
        if (!element_next(&rest, &part))
            break;
    if (!element_next(&rest, &part) || part.tag != TAG_SEQUENCE)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the message is cut short");
    else
        put_content(unpack, part.content, kind == KIND_COMPRESSED);
}

void cms_open_text(struct unpack *unpack)
{
    bytes rest = unpack->data, line;
    if (!words_line(&rest, &line))
        return;
    size_t end = bytes_find(rest, bytes_of("-----END"), 0);
    if (end == SIZE_MAX)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "no end of the encoded lines");
    if (unpack_begin(unpack, bytes_of("[der]")) &&
        transfer_put(unpack, TRANSFER_BASE64,
                     bytes_slice(rest, 0, end < rest.len ? end : rest.len)) &&
        !unpack_end(unpack))
        return;
}
