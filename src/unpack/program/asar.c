/* Archives of Electron's programs.
 *
 *   u32 4, u32 size of what follows up to the data, u32 size less 4, u32 length, JSON, padding
 *   {"files": {NAME: {"files": {...}} or {"size": n, "offset": "n", ...}
 *     or {"size": n, "unpacked": true} (a file beside the archive) or {"link": PATH}}}
 *
 * Offsets count from the data. github.com/electron/asar, README, "Format". */
#include "unpack/program/program.h"

#include "shim/jsontree.h"

#include <string.h>

enum { DEPTH_MAX = 64, PATH_MAX_BYTES = 4096 };

bool asar_probe(bytes data)
{
    return data.len > 17 && load_le32(data.at + 4) >= load_le32(data.at + 8) &&
           load_le32(data.at + 8) >= load_le32(data.at + 12) && data.at[16] == '{';
}

struct asar {
    struct unpack *unpack;
    struct views views;
    bytes data; /* of the files */
    uint8_t path[PATH_MAX_BYTES];
};

static bool decimal(bytes text, uint64_t *ret)
{
    *ret = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || *ret > UINT64_MAX / 16)
            return false;
        *ret = *ret * 10 + (text.at[i] - '0');
    }
    return text.len > 0;
}

static bool hand_out_file(struct asar *asar, const struct jsontree *file, bytes name)
{
    const struct jsontree *size = jsontree_member(file, "size");
    const struct jsontree *offset = jsontree_member(file, "offset");
    uint64_t at = 0;
    if (jsontree_member(file, "link"))
        return true;
    if (!offset && jsontree_member(file, "unpacked"))
        return true;
    if (!size || size->kind != JSONTREE_INTEGER || size->integer < 0 || !offset ||
        offset->kind != JSONTREE_TEXT || !decimal(offset->text, &at) ||
        !bytes_has(asar->data, at, (uint64_t)size->integer)) {
        unpack_gap(asar->unpack, name, GAP_DAMAGED, "it lies outside the archive");
        return true;
    }
    return views_hand_out(&asar->views, name,
                          bytes_slice(asar->data, (size_t)at, (size_t)size->integer));
}

static bool walk(struct asar *asar, const struct jsontree *files, size_t length, unsigned depth)
{
    for (size_t i = 0; files && files->kind == JSONTREE_MAP && i < files->count; i++) {
        const struct jsontree *item = &files->items[i];
        size_t n = item->key.len;
        if (!budget_charge(asar->unpack->budget, 64))
            return false;
        if (n > PATH_MAX_BYTES - length - 1) {
            unpack_gap(asar->unpack, (bytes){asar->path, length}, GAP_LIMIT,
                       "names are too long");
            continue;
        }
        memcpy(asar->path + length, item->key.at, n);
        const struct jsontree *inner = jsontree_member(item, "files");
        if (!inner) {
            if (!hand_out_file(asar, item, (bytes){asar->path, length + n}))
                return false;
            continue;
        }
        asar->path[length + n] = '/';
        if (depth >= DEPTH_MAX)
            unpack_gap(asar->unpack, (bytes){asar->path, length + n}, GAP_LIMIT,
                       "folders are nested too deep");
        else if (!walk(asar, inner, length + n + 1, depth + 1))
            return false;
    }
    return true;
}

void asar_open(struct unpack *unpack)
{
    struct asar *asar = PUSH(unpack->arena, struct asar);
    struct jsontree *tree = NULL;
    struct why why = {""};
    if (!asar)
        return;
    asar->unpack = unpack;
    asar->views = views_of(unpack);
    asar->data =
        bytes_slice(unpack->data, 8 + (size_t)load_le32(unpack->data.at + 4), unpack->data.len);
    bytes text = bytes_slice(unpack->data, 16, load_le32(unpack->data.at + 12));
    if (!budget_charge(unpack->budget, text.len))
        return;
    if (jsontree_parse(text, unpack->arena, &tree, &why) != 0) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "its directory: %s", why.text);
        return;
    }
    if (!walk(asar, jsontree_member(tree, "files"), 0, 0))
        return;
}
