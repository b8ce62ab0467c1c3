/* A stream "__substg1.0_IIIITTTT" is the property I of type T (001e a text, 001f one in UTF-16,
 * 0102 bytes). In a storage "__attach_version1.0_#N": 3701 the file, 3707 its long name, 3704
 * its short one. Elsewhere: 1000 the body, 1013 as HTML, 1009 as RTF ([MS-OXRTFCP]). */
#include "unpack/document/message.h"

#include "unpack/document/text.h"
#include "unpack/mail/lzfu.h"

static bytes property_name(struct ole2 *ole, uint32_t storage, const char *stream, bool wide)
{
    struct unpack *u = ole->unpack;
    uint32_t entry = ole2_find(ole, storage, bytes_of(stream));
    if (entry == OLE2_NONE || ole->entries[entry].size > 1024)
        return (bytes){NULL, 0};
    size_t mark = unpack_mark(u);
    bytes data = ole2_load(ole, entry);
    bytes name = wide ? text_utf8(u->arena, data) : arena_copy(u->arena, data);
    unpack_release(u, mark);
    return name;
}

bytes message_attachment(struct ole2 *ole, uint32_t entry)
{
    static const struct {
        const char *stream;
        bool wide;
    } names[] = {{"__substg1.0_3707001F", true},
                 {"__substg1.0_3707001E", false},
                 {"__substg1.0_3704001F", true},
                 {"__substg1.0_3704001E", false}};
    const struct ole2_entry *it = &ole->entries[entry];
    bytes name = {NULL, 0};
    if (!text_begins(it->name, "__substg1.0_37010102"))
        return name;
    for (size_t i = 0; name.len == 0 && i < COUNT(names); i++)
        name = property_name(ole, it->parent, names[i].stream, names[i].wide);
    return name;
}

bool message_body(struct ole2 *ole, uint32_t entry, bytes path, bytes data)
{
    struct unpack *u = ole->unpack;
    bytes name = ole->entries[entry].name;
    bool rtf = text_is(name, "__substg1.0_10090102"),
         html = text_is(name, "__substg1.0_1013001F");
    if (!rtf && !html && !text_is(name, "__substg1.0_1000001F"))
        return true;
    size_t folder = path.len >= name.len ? path.len - name.len : 0;
    bytes child = arena_printf(u->arena, "%.*sbody.%s", (int)folder, (const char *)path.at,
                               rtf    ? "rtf"
                               : html ? "html"
                                      : "txt");
    return unpack_begin(u, child) && (rtf ? lzfu_put(u, data) : text_put_utf16(u, data)) &&
           unpack_end(u);
}
