/* The import table of a PE file as ClamAV hashes it (found out from clamscan 1.4):
 *
 *   directory 1: descriptors of 20 bytes: u32 names, 8 bytes, u32 library's name, u32 addresses
 *   names: u32 each, up to a zero: top bit and an ordinal, or RVA of u16 hint and a name
 *
 * PE32 alone. A library's name loses `.dll`, `.ocx` or `.sys` where that begins at its first
 * dot (and whatever follows). A function's name with anything but letters, digits, `_` and `.`
 * ends it all without a digest; one that reaches into the last bytes of the file is left out.
 */
#include "engine/hash.h"
#include "engine/place.h"
#include "shim/digest.h"
#include "yara/modules/pe/pe.h"

#include <string.h>

enum {
    DESCRIPTOR = 20,
    DESCRIPTORS = 1024,
    NAME = 256,
    DIRECTORY_IMPORT = 96 + 8, /* in the optional header */
    DIRECTORY_COUNT = 92,
    FILE_HEADER = 24,
};

struct walk {
    struct scanner *scanner;
    const struct pe_layout *layout;
    bytes data;
    struct digest *digests[HASH_DIGESTS];
    uint32_t length;
};

/* Up to its NUL, or 256 bytes, or the end. */
static bytes text_at(bytes data, uint64_t at)
{
    bytes text = bytes_slice(data, at, NAME);
    if (text.len)
        text.len = strnlen((const char *)text.at, text.len);
    return text;
}

static bool is_plain(bytes name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!ascii_alnum(name.at[i]) && name.at[i] != '_' && name.at[i] != '.')
            return false;
    return true;
}

static bytes stem_of(bytes library)
{
    size_t dot = bytes_find(library, bytes_of("."), 0);
    bytes end = dot == SIZE_MAX ? (bytes){0} : bytes_slice(library, dot, 4);
    if (bytes_same(end, bytes_of(".dll")) || bytes_same(end, bytes_of(".ocx")) ||
        bytes_same(end, bytes_of(".sys")))
        library.len = dot;
    return library;
}

static void add_lower(struct walk *walk, bytes part)
{
    uint8_t text[NAME];
    for (size_t i = 0; i < part.len; i++)
        text[i] = ascii_lower(part.at[i]);
    for (int i = 0; i < HASH_DIGESTS; i++)
        if (walk->digests[i])
            digest_add(walk->digests[i], (bytes){text, part.len});
    walk->length += (uint32_t)part.len;
}

static bool add_function(struct walk *walk, bytes library, bytes name)
{
    if (!is_plain(name))
        return false;
    if (walk->length)
        add_lower(walk, bytes_of(","));
    add_lower(walk, stem_of(library));
    add_lower(walk, bytes_of("."));
    add_lower(walk, name);
    return true;
}

/* Library names are compared by their beginnings: "ws2_32.dllx" has numbers too. */
static bytes ordinal_name(struct walk *walk, bytes library, uint16_t ordinal)
{
    static const char *const known[] = {"ws2_32.dll", "wsock32.dll", "oleaut32.dll"};
    for (size_t i = 0; i < COUNT(known); i++) {
        bytes name = bytes_of(known[i]);
        if (bytes_same(bytes_slice(library, 0, name.len), name))
            library = name;
    }
    return pe_ordinal_name(walk->scanner->arena, library, ordinal);
}

static bool add_functions(struct walk *walk, bytes library, uint32_t thunk)
{
    uint32_t word, at;
    for (uint64_t next = thunk; bytes_le32(walk->data, next, &word) && word; next += 4) {
        if (!budget_charge(&walk->scanner->budget, 64))
            return false;
        bytes name;
        struct arena_mark mark = arena_mark(walk->scanner->arena);
        if (word >> 31) {
            name = ordinal_name(walk, library, (uint16_t)word);
        } else {
            if (!pe_layout_offset(walk->layout, word, &at))
                at = 0;
            uint64_t reach = walk->data.len - at < NAME ? walk->data.len - at : NAME;
            if (!bytes_has(walk->data, (uint64_t)at + 2, reach))
                continue;
            name = text_at(walk->data, (uint64_t)at + 2);
        }
        bool is_good = add_function(walk, library, name);
        arena_pop(walk->scanner->arena, mark);
        if (!is_good)
            return false;
    }
    return true;
}

/* Where the names of a descriptor's functions are listed. */
static bool thunk_of(const struct walk *walk, const uint8_t *descriptor, uint32_t *ret)
{
    uint32_t names = load_le32(descriptor), addresses = load_le32(descriptor + 16);
    if (names && pe_layout_offset(walk->layout, names, ret) && *ret)
        return true;
    return pe_layout_offset(walk->layout, addresses, ret);
}

static bool add_libraries(struct walk *walk, uint32_t at, uint32_t size)
{
    for (uint32_t i = 0; i < DESCRIPTORS && size > DESCRIPTOR; i++) {
        const uint8_t *descriptor = walk->data.at + at;
        uint32_t name = load_le32(descriptor + 12), thunk, name_at;
        if (!name)
            break;
        if (!pe_layout_offset(walk->layout, name, &name_at) || name_at >= walk->data.len ||
            !thunk_of(walk, descriptor, &thunk) ||
            !add_functions(walk, text_at(walk->data, name_at), thunk))
            return false;
        at += DESCRIPTOR;
        size -= DESCRIPTOR;
    }
    return true;
}

/* File offset and size of the import table. */
static bool find_table(const struct walk *walk, uint32_t *ret_at, uint32_t *ret_size)
{
    uint32_t header, count, rva;
    uint16_t magic;
    if (!bytes_le32(walk->data, 60, &header))
        return false;
    uint64_t optional = (uint64_t)header + FILE_HEADER;
    return bytes_le16(walk->data, optional, &magic) && magic != 0x20b &&
           bytes_le32(walk->data, optional + DIRECTORY_COUNT, &count) && count > 1 &&
           bytes_le32(walk->data, optional + DIRECTORY_IMPORT, &rva) &&
           bytes_le32(walk->data, optional + DIRECTORY_IMPORT + 4, ret_size) && rva &&
           *ret_size && pe_layout_offset(walk->layout, rva, ret_at) &&
           bytes_has(walk->data, *ret_at, *ret_size);
}

bool imphash_find(struct scanner *scanner, const bool wanted[HASH_DIGESTS],
                  struct hash_imports *ret)
{
    static const enum digest_kind kinds[HASH_DIGESTS] = {DIGEST_MD5, DIGEST_SHA1,
                                                         DIGEST_SHA256};
    const struct place *place = place_of(scanner);
    if (!place || !place->is_pe)
        return false;
    struct walk walk = {
        .scanner = scanner, .layout = &place->pe, .data = scanner->object->blocks[0].data};
    uint32_t at, size;
    bool is_good = find_table(&walk, &at, &size);
    for (int i = 0; i < HASH_DIGESTS && is_good; i++)
        if (wanted[i]) {
            walk.digests[i] = digest_new(kinds[i]);
            is_good = walk.digests[i] != NULL;
        }
    is_good = is_good && add_libraries(&walk, at, size);
    for (int i = 0; i < HASH_DIGESTS; i++) {
        if (is_good && walk.digests[i])
            is_good = digest_end(walk.digests[i], ret->value[i]);
        digest_free(walk.digests[i]);
    }
    ret->length = walk.length;
    return is_good;
}
