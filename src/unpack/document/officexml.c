/* Three kinds of XML, read by looking for tags, as damaged ones are read too:
 *
 *   [Content] _rels/NAME.rels, ECMA-376-2 9.3: <Relationship Type=.. Target=.. TargetMode=..>;
 *       those outside ("External") come out as "[external links]": templates, objects, images
 *   META-INF/manifest.xml of ODF 1.2, part 3, 4.8: <manifest:encryption-data> is a gap
 *   Word 2003 (<w:binData w:name=..>), flat OPC (<pkg:part pkg:name=..> <pkg:binaryData>) and
 *       flat ODF (<office:binary-data>): base64, which comes out by its name */
#include "unpack/document/officexml.h"

#include "unpack/base64.h"
#include "unpack/document/text.h"

#include <string.h>

enum { PROBE = 1024 };

bool officexml_probe(bytes data)
{
    static const char *const words[] = {"package/2006/relationships",
                                        "manifest:manifest",
                                        "word/2003/wordml",
                                        "2006/xmlPackage",
                                        "mso-application",
                                        "office:document "};
    if (data.len < 16 || (data.at[0] != '<' && data.at[0] != 0xef))
        return false;
    bytes head = bytes_slice(data, 0, PROBE);
    for (size_t i = 0; i < COUNT(words); i++)
        if (bytes_find(head, bytes_of(words[i]), 0) != SIZE_MAX)
            return true;
    return false;
}

/* NAME="value" or 'value' in a tag; empty when it is not there. */
static bytes attribute(bytes tag, const char *name)
{
    size_t at = bytes_find(tag, bytes_of(name), 0);
    if (at == SIZE_MAX)
        return (bytes){NULL, 0};
    at += strlen(name);
    while (at < tag.len && (tag.at[at] == ' ' || tag.at[at] == '='))
        at++;
    if (at >= tag.len)
        return (bytes){NULL, 0};
    const uint8_t *end = memchr(tag.at + at + 1, tag.at[at], tag.len - at - 1);
    return end ? bytes_slice(tag, at + 1, (size_t)(end - tag.at) - at - 1) : (bytes){NULL, 0};
}

/* From a '<' to its '>'. */
static bytes tag_at(bytes data, size_t at)
{
    const uint8_t *end = memchr(data.at + at, '>', data.len - at);
    return bytes_slice(data, at, end ? (size_t)(end - data.at) - at : data.len);
}

static bool links_put(struct unpack *u)
{
    const bytes word = bytes_of("<Relationship "), outside = bytes_of("\"External\""),
                single = bytes_of("'External'");
    for (size_t at = bytes_find(u->data, word, 0); at != SIZE_MAX;
         at = bytes_find(u->data, word, at + 1)) {
        bytes tag = tag_at(u->data, at);
        if (!budget_charge(u->budget, tag.len / 4 + 8))
            break;
        if (bytes_find(tag, outside, 0) == SIZE_MAX && bytes_find(tag, single, 0) == SIZE_MAX)
            continue;
        if (!u->writing && !unpack_begin(u, bytes_of("[external links]")))
            return false;
        if (!unpack_put(u, text_base(attribute(tag, " Type"))) || !text_put(u, " ") ||
            !unpack_put(u, attribute(tag, " Target")) || !text_put(u, "\n"))
            return false;
        at += tag.len;
    }
    return !u->writing || unpack_end(u);
}

/* --- base64 --- */

static bool base64_put(struct unpack *u, bytes text)
{
    struct base64_held held = {0};
    while (text.len) {
        size_t room;
        uint8_t *to = unpack_room(u, &room);
        if (!to)
            return !u->run->stopped;
        if (!unpack_wrote(u, base64_letters(&held, &text, to, room)))
            return false;
    }
    return true;
}

/* The name in the tag itself, or in the last <pkg:part before it. */
static bytes part_name(bytes data, size_t at, bytes tag, size_t part_at)
{
    bytes name = attribute(tag, ":name");
    if (name.len == 0 && part_at < at)
        name = attribute(tag_at(data, part_at), ":name");
    return name.len ? name : bytes_of("binary");
}

static bool is_binary(bytes tag)
{
    const uint8_t *colon = memchr(tag.at, ':', tag.len < 32 ? tag.len : 32);
    bytes name = colon ? bytes_slice(tag, (size_t)(colon - tag.at) + 1, tag.len) : tag;
    return colon && tag.len > 1 && tag.at[1] != '/' &&
           (text_begins(name, "binData") || text_begins(name, "binaryData") ||
            text_begins(name, "binary-data"));
}

static bool binaries_put(struct unpack *u)
{
    bytes data = u->data;
    size_t part_at = SIZE_MAX;
    for (size_t at = 0; at < data.len;) {
        const uint8_t *open = memchr(data.at + at, '<', data.len - at);
        if (!open)
            break;
        at = (size_t)(open - data.at);
        bytes tag = tag_at(data, at);
        if (text_begins(tag, "<pkg:part "))
            part_at = at;
        if (!budget_charge(u->budget, tag.len / 8 + 2))
            return false;
        if (!is_binary(tag)) {
            at += tag.len;
            continue;
        }
        bytes name = part_name(data, at, tag, part_at);
        at += tag.len;
        const uint8_t *close = at < data.len ? memchr(data.at + at, '<', data.len - at) : NULL;
        bytes text = bytes_slice(data, at, close ? (size_t)(close - data.at) - at : data.len);
        if (!unpack_begin(u, name) || !base64_put(u, text))
            return false;
        if (!close)
            unpack_gap(u, name, GAP_DAMAGED, "cut short");
        if (!unpack_end(u))
            return false;
        at += text.len;
    }
    return true;
}

void officexml_open(struct unpack *u)
{
    bytes head = bytes_slice(u->data, 0, PROBE);
    const bytes encryption = bytes_of("encryption-data ");
    unsigned count = 0;
    if (bytes_find(head, bytes_of("package/2006/relationships"), 0) != SIZE_MAX) {
        if (!links_put(u))
            return;
    } else if (bytes_find(head, bytes_of("manifest:manifest"), 0) != SIZE_MAX) {
        for (size_t at = bytes_find(u->data, encryption, 0); at != SIZE_MAX;
             at = bytes_find(u->data, encryption, at + 1))
            count++;
        if (count)
            unpack_gap(u, bytes_of(""), GAP_ENCRYPTED, "%u parts of the document are encrypted",
                       count);
        return;
    }
    if (!binaries_put(u))
        return;
}
