/* le32 223e9f78, le16 key; then attributes: u8 level (1 message, 2 attachment), le16 id, le16
 * type, le32 size, data, le16 sum of its bytes. An attachment begins with attAttachRendData.
 * attMsgProps and attAttachment hold properties: le32 count, each le16 type, le16 id, for ids
 * from 8000 on a name, then the value or (of types without fixed size) a count and values of
 * le32 size and bytes padded to 4. [MS-OXTNEF] 2.1, [MS-OXCDATA] 2.11. */
#include "unpack/mail/tnef.h"

#include "unpack/mail/lzfu.h"
#include "unpack/mail/words.h"

enum {
    LEVEL_MESSAGE = 1,
    LEVEL_ATTACHMENT = 2,
    ATT_REND_DATA = 0x9002,
    ATT_TITLE = 0x8010,
    ATT_DATA = 0x800f,
    ATT_PROPS = 0x9005,
    ATT_MESSAGE_PROPS = 0x9003,
    ATT_BODY = 0x800c,
};

enum {
    PROP_BODY = 0x1000,
    PROP_RTF = 0x1009,
    PROP_HTML = 0x1013,
    PROP_DATA = 0x3701,
    PROP_NAME = 0x3704,
    PROP_LONG_NAME = 0x3707,
    TYPE_OBJECT = 0x0d,
    TYPE_STRING = 0x1e,
    TYPE_UNICODE = 0x1f,
    TYPE_BINARY = 0x102,
    TYPE_MANY = 0x1000,
    NAMED = 0x8000,
    GUID_SIZE = 16,
};

struct prop {
    uint16_t type, id;
    bytes value; /* the last one's, when there are several */
};

struct tnef {
    struct unpack *unpack;
    bytes title, long_name, data, object;
    bool attachment;
};

/* Bytes of a value of fixed size, 0 for those that tell theirs. */
static unsigned fixed_size(uint16_t type)
{
    switch (type) {
    case 2:
    case 3:
    case 4:
    case 10:
    case 11:
        return 4;
    case 5:
    case 6:
    case 7:
    case 0x14:
    case 0x40:
        return 8;
    case 0x48:
        return GUID_SIZE;
    default:
        return 0;
    }
}

static bool take_le32(bytes *rest, uint32_t *ret)
{
    if (!bytes_le32(*rest, 0, ret))
        return false;
    *rest = bytes_slice(*rest, 4, rest->len);
    return true;
}

/* A size and so many bytes, padded to 4. */
static bool take_sized(bytes *rest, bytes *ret)
{
    uint32_t size;
    if (!take_le32(rest, &size) || size > rest->len)
        return false;
    *ret = bytes_slice(*rest, 0, size);
    *rest = bytes_slice(*rest, ((size_t)size + 3) & ~(size_t)3, rest->len);
    return true;
}

static bool prop_next(struct budget *budget, bytes *rest, struct prop *ret)
{
    uint32_t head, count = 1, kind;
    bytes name;
    if (!take_le32(rest, &head))
        return false;
    *ret = (struct prop){.type = (uint16_t)head, .id = (uint16_t)(head >> 16)};
    if (ret->id >= NAMED) {
        *rest = bytes_slice(*rest, GUID_SIZE, rest->len);
        if (!take_le32(rest, &kind) ||
            (kind == 1 ? !take_sized(rest, &name) : !take_le32(rest, &kind)))
            return false;
    }
    bool many = ret->type & TYPE_MANY;
    unsigned size = fixed_size(ret->type & (TYPE_MANY - 1));
    if ((many || !size) && !take_le32(rest, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!budget_charge(budget, 1))
            return false;
        if (size) {
            if (!bytes_has(*rest, 0, size))
                return false;
            ret->value = bytes_slice(*rest, 0, size);
            *rest = bytes_slice(*rest, size, rest->len);
        } else if (!take_sized(rest, &ret->value)) {
            return false;
        }
    }
    return true;
}

/* A text without the NUL at its end; of UTF-16 the low bytes. */
static bytes prop_text(struct arena *arena, const struct prop *prop)
{
    bytes value = prop->value;
    if (prop->type == TYPE_UNICODE) {
        size_t n = value.len / 2;
        uint8_t *at = arena_push_raw(arena, n + 1);
        if (!at)
            return (bytes){NULL, 0};
        for (size_t i = 0; i < n; i++)
            at[i] = value.at[2 * i + 1] ? '?' : value.at[2 * i];
        value = (bytes){at, n};
    }
    while (value.len && value.at[value.len - 1] == 0)
        value.len--;
    return value;
}

static bool put_body(struct unpack *unpack, const struct prop *prop)
{
    if (prop->id == PROP_RTF)
        return unpack_begin(unpack, bytes_of("[body].rtf")) && lzfu_put(unpack, prop->value) &&
               unpack_end(unpack);
    if (prop->id == PROP_HTML)
        return unpack_view(unpack, bytes_of("[body].html"), prop->value);
    return unpack_view(unpack, bytes_of("[body].txt"), prop->value);
}

static bool read_props(struct tnef *tnef, bytes data, bool of_message)
{
    uint32_t count = 0, i = 0;
    struct prop prop;
    bytes rest = data;
    if (!take_le32(&rest, &count))
        count = 1;
    for (; i < count && prop_next(tnef->unpack->budget, &rest, &prop); i++) {
        bool body = prop.id == PROP_BODY || prop.id == PROP_RTF || prop.id == PROP_HTML;
        if (of_message && body && !put_body(tnef->unpack, &prop))
            return false;
        if (of_message)
            continue;
        if (prop.id == PROP_LONG_NAME || (prop.id == PROP_NAME && !tnef->long_name.len))
            tnef->long_name = prop_text(tnef->unpack->arena, &prop);
        if (prop.id == PROP_DATA)
            tnef->object = prop.value;
    }
    if (i < count)
        unpack_gap(tnef->unpack, bytes_of(""), GAP_DAMAGED, "properties are cut short");
    return !tnef->unpack->run->stopped;
}

/* The attachment that was read, and room for the next. */
static bool put_attachment(struct tnef *tnef)
{
    struct tnef one = *tnef;
    *tnef = (struct tnef){.unpack = one.unpack};
    bytes name = one.long_name.len ? one.long_name : one.title;
    if (!one.attachment)
        return true;
    if (!name.len)
        name = bytes_of("attachment");
    /* An object starts with the id of its interface: a message in the message is TNEF again. */
    if (one.object.len > GUID_SIZE &&
        !unpack_view(one.unpack, name, bytes_slice(one.object, GUID_SIZE, one.object.len)))
        return false;
    return !one.data.len || unpack_view(one.unpack, name, one.data);
}

static bool read_attribute(struct tnef *tnef, uint8_t level, uint16_t id, bytes data)
{
    if (level == LEVEL_MESSAGE && id == ATT_MESSAGE_PROPS)
        return read_props(tnef, data, true);
    if (level == LEVEL_MESSAGE && id == ATT_BODY)
        return unpack_view(tnef->unpack, bytes_of("[body].txt"), data);
    if (level != LEVEL_ATTACHMENT)
        return true;
    if (id == ATT_REND_DATA || (id == ATT_DATA && tnef->data.len))
        if (!put_attachment(tnef))
            return false;
    tnef->attachment = true;
    const struct prop title = {.type = TYPE_STRING, .value = data};
    if (id == ATT_TITLE)
        tnef->title = prop_text(tnef->unpack->arena, &title);
    else if (id == ATT_DATA)
        tnef->data = data;
    else if (id == ATT_PROPS)
        return read_props(tnef, data, false);
    return true;
}

void tnef_open(struct unpack *unpack)
{
    struct tnef tnef = {.unpack = unpack};
    bytes rest = bytes_slice(unpack->data, 6, unpack->data.len);
    while (rest.len) {
        uint16_t id;
        uint32_t size;
        if (!budget_charge(unpack->budget, 16))
            return;
        if (!bytes_le16(rest, 1, &id) || !bytes_le32(rest, 5, &size)) {
            unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "an attribute is cut short");
            break;
        }
        bytes data = bytes_slice(rest, 9, size);
        uint8_t level = rest.at[0];
        if (level != LEVEL_MESSAGE && level != LEVEL_ATTACHMENT) {
            unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "no attribute where one must be");
            break;
        }
        if (data.len < size)
            unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "an attribute is cut short");
        if (!read_attribute(&tnef, level, id, data))
            return;
        rest = bytes_slice(rest, (size_t)size + 9 + 2, rest.len);
    }
    if (!unpack->run->stopped && !put_attachment(&tnef) && !unpack->run->stopped)
        unpack_gap(unpack, bytes_of(""), GAP_LIMIT, "not all attachments are examined");
}
