/* UDF 1.02 to 2.60 ("Universal Disk Format Specification", OSTA; ECMA-167).
 * Every descriptor begins with a tag: 0 kind, 4 sum of the tag's other bytes.
 *     anchor (2) in block 256, or the last, or 256 before: 16 size and 20 block of the sequence
 *     sequence: partition (5): 22 number, 188 first block; logical volume (6): 212 size of a
 *     block, 248 where the file set is, 264 size of the maps, 268 maps, 440 maps; end (8)
 *     map: 0 kind, 1 size, kind 1: 4 partition; kind 2: 5 which, 38 partition; metadata: 40
 * block of the file that holds the folders' blocks file set (256): 400 where the root is file
 * entry (261, or 266 for the extended): 27 kind (4 folder), 34 flags (low 3 bits: how its parts
 * are written), 56 size, 168 (208) size of attributes, 172 (212) of the parts, which follow at
 * 176 (216): short 0 size, 4 block; long: 8 partition as well; or the bytes themselves;
 *     extended: 152 where its folder of streams is
 *     name of a file (257): 18 flags (2 folder, 4 deleted, 8 parent), 19 its length, 20 where
 * the file is, 36 size of what comes before the name, 38 */
#include "unpack/image/filesystem.h"
#include "unpack/image/iso.h"

#include <string.h>

enum {
    MAPS = 8,
    SEQUENCE = 64,
    FOLDER_MOST = 64 << 20,
    ENTRY_MOST = 4096,
    CHAINS = 1024, /* blocks that continue the list of a file's parts */
    TAG_ANCHOR = 2,
    TAG_PARTITION = 5,
    TAG_VOLUME = 6,
    TAG_POINTER = 3,
    TAG_END = 8,
    TAG_FILE_SET = 256,
    TAG_NAME = 257,
    TAG_FILE = 261,
    TAG_EXTENDED_FILE = 266,
    NAME_FOLDER = 2,
    NAME_DELETED = 4,
    NAME_PARENT = 8,
    STREAMS = 0x40, /* in what is remembered of a folder: it is one of streams */
};

enum map_kind { MAP_PLAIN, MAP_METADATA, MAP_UNKNOWN };

struct map {
    enum map_kind kind;
    uint16_t partition;
    uint32_t file;          /* metadata: block of its entry */
    struct tree_file parts; /* and where its blocks are */
};

struct udf {
    struct tree *tree;
    struct source *source;
    uint32_t block;
    unsigned maps;
    struct map map[MAPS];

    struct {
        uint16_t number;
        uint32_t first;
    } partitions[MAPS];

    unsigned partition_count;
    uint32_t set_block, set_map;
    bool volume, bridge;
};

struct file {
    unsigned kind;
    bool wrong; /* not all of its parts could be read */
    uint64_t size, id;
    bytes inside; /* the file itself, when .at */
    struct tree_file parts;
    uint32_t streams, streams_map; /* 0: none */
};

static bool tag_is(const uint8_t *raw, unsigned kind)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < 16; i++)
        sum = (uint8_t)(sum + (i == 4 ? 0 : raw[i]));
    return load_le16(raw) == kind && sum == raw[4];
}

static bool find_anchor(struct source *source, uint32_t *ret_block, uint8_t ret[static 32])
{
    static const uint32_t sizes[] = {2048, 512, 4096, 1024};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        uint64_t size = sizes[i], last = source->size / size;
        const uint64_t places[] = {256, last - 1, last - 257, 512};
        for (size_t k = 0; k < COUNT(places); k++)
            if (places[k] < last && source_copy(source, places[k] * size, ret, 32) &&
                tag_is(ret, TAG_ANCHOR)) {
                *ret_block = sizes[i];
                return true;
            }
    }
    return false;
}

bool udf_fits(struct source *source)
{
    uint32_t block;
    uint8_t raw[32], id[6];
    bool named = false;
    for (uint64_t at = 16 * 2048; at < 32 * 2048 && !named; at += 2048)
        named = source_copy(source, at, id, sizeof id) &&
                (memcmp(id + 1, "NSR02", 5) == 0 || memcmp(id + 1, "NSR03", 5) == 0);
    return named && find_anchor(source, &block, raw);
}

static void read_maps(struct udf *udf, bytes raw)
{
    uint32_t count = load_le32(raw.at + 268);
    for (size_t at = 440; udf->maps < count && udf->maps < MAPS && bytes_has(raw, at, 6);) {
        const uint8_t *entry = raw.at + at;
        struct map *map = &udf->map[udf->maps++];
        *map = (struct map){.kind = MAP_UNKNOWN};
        if (entry[0] == 1) {
            *map = (struct map){.kind = MAP_PLAIN, .partition = load_le16(entry + 4)};
        } else if (entry[0] == 2 && bytes_has(raw, at, 64)) {
            map->partition = load_le16(entry + 38);
            map->file = load_le32(entry + 40);
            if (memcmp(entry + 5, "*UDF Metadata", 13) == 0)
                map->kind = MAP_METADATA;
            else if (memcmp(entry + 5, "*UDF Sparable", 13) == 0)
                map->kind = MAP_PLAIN;
        }
        if (entry[1] < 6)
            return;
        at += entry[1];
    }
}

static void read_sequence(struct udf *udf, uint64_t at, uint32_t size)
{
    uint8_t raw[2048];
    uint32_t block = udf->block;
    size_t len = block < sizeof raw ? block : sizeof raw;
    for (uint32_t i = 0; i < size / block && i < SEQUENCE; i++) {
        if (!source_copy(udf->source, (at + i) * block, raw, len) || tag_is(raw, TAG_END))
            return;
        if (tag_is(raw, TAG_POINTER)) {
            size = load_le32(raw + 20);
            at = (uint64_t)load_le32(raw + 24) - i - 1;
        } else if (tag_is(raw, TAG_PARTITION) && udf->partition_count < MAPS) {
            unsigned n = udf->partition_count++;
            udf->partitions[n].number = load_le16(raw + 22);
            udf->partitions[n].first = load_le32(raw + 188);
        } else if (tag_is(raw, TAG_VOLUME)) {
            udf->volume = true;
            udf->maps = 0;
            udf->set_block = load_le32(raw + 252);
            udf->set_map = load_le16(raw + 256);
            read_maps(udf, (bytes){raw, len});
        }
    }
}

/* Adds a part of a file that begins at a block of a map. */
static bool add_part(struct udf *udf, uint32_t number, uint64_t block, uint64_t size,
                     struct tree_file *file)
{
    if (number >= udf->maps || udf->map[number].kind == MAP_UNKNOWN)
        return false;
    const struct map *map = &udf->map[number];
    uint64_t at = block * udf->block;
    if (map->kind == MAP_PLAIN) {
        for (unsigned i = 0; i < udf->partition_count; i++)
            if (udf->partitions[i].number == map->partition)
                return tree_run(udf->tree, file,
                                ((uint64_t)udf->partitions[i].first + block) * udf->block, size,
                                false);
        return false;
    }
    for (uint32_t i = 0; i < map->parts.runs.n && size; i++) {
        const struct tree_run *run = &map->parts.runs.at[i];
        if (at >= run->len) {
            at -= run->len;
            continue;
        }
        uint64_t n = run->len - at < size ? run->len - at : size;
        if (!tree_run(udf->tree, file, run->at + at, n, run->hole))
            return false;
        at = 0;
        size -= n;
    }
    return size == 0;
}

/* Reads the start of a block of a map. */
static bool read_block(struct udf *udf, uint32_t map, uint32_t block, uint8_t *to, size_t size)
{
    struct tree_file file = {.size = 0};
    size = size < udf->block ? size : udf->block;
    return add_part(udf, map, block, size, &file) && file.runs.n == 1 &&
           !file.runs.at[0].hole && source_copy(udf->source, file.runs.at[0].at, to, size);
}

/* The parts of a file: kind 0 short, 1 long. One of type 3 says where the list goes on. */
static bool read_parts(struct udf *udf, bytes list, unsigned kind, uint32_t map,
                       struct file *ret)
{
    uint8_t more[ENTRY_MOST];
    size_t each = kind ? 16 : 8;
    unsigned chains = 0;
    for (size_t at = 0; bytes_has(list, at, each); at += each) {
        const uint8_t *part = list.at + at;
        uint32_t size = load_le32(part) & 0x3fffffff, type = load_le32(part) >> 30;
        uint32_t block = load_le32(part + 4), in = kind ? load_le16(part + 8) : map;
        if (size == 0)
            return true;
        if (type == 3) {
            if (chains++ == CHAINS || !read_block(udf, in, block, more, sizeof more) ||
                !budget_charge(udf->tree->unpack->budget, 256))
                return false;
            size_t len = udf->block < sizeof more ? udf->block : sizeof more;
            list = bytes_slice((bytes){more, len}, 24, load_le32(more + 20));
            at = (size_t)0 - each;
            map = kind ? map : in;
            continue;
        }
        if (type == 0 ? !add_part(udf, in, block, size, &ret->parts)
                      : !tree_run(udf->tree, &ret->parts, 0, size, true))
            return ret->parts.enough;
    }
    return true;
}

static bool read_file(struct udf *udf, uint32_t map, uint32_t block, struct file *ret)
{
    uint8_t raw[ENTRY_MOST];
    size_t len = udf->block < sizeof raw ? udf->block : sizeof raw;
    struct tree_file where = {.size = 0};
    *ret = (struct file){.kind = 0};
    if (!read_block(udf, map, block, raw, len) || !add_part(udf, map, block, 1, &where))
        return false;
    bool extended = tag_is(raw, TAG_EXTENDED_FILE);
    if (!extended && !tag_is(raw, TAG_FILE))
        return false;
    size_t head = extended ? 216 : 176;
    uint64_t from = head + (uint64_t)load_le32(raw + head - 8);
    if (from > len)
        return false;
    bytes list = bytes_slice((bytes){raw, len}, (size_t)from, load_le32(raw + head - 4));
    unsigned kind = raw[34] & 7;
    ret->kind = raw[27];
    ret->size = load_le64(raw + 56);
    ret->id = where.runs.at[0].at;
    if (extended && load_le32(raw + 152)) {
        ret->streams = load_le32(raw + 156);
        ret->streams_map = load_le16(raw + 160);
    }
    if (kind == 3)
        ret->inside = arena_copy(udf->tree->unpack->arena, list);
    else
        ret->wrong = kind > 1 || !read_parts(udf, list, kind, map, ret);
    return true;
}

static bytes name_text(struct udf *udf, bytes raw)
{
    if (raw.len == 0)
        return raw;
    bytes text = bytes_slice(raw, 1, raw.len);
    if (raw.at[0] == 16 || raw.at[0] == 255)
        return tree_utf16(udf->tree, text, true);
    /* The low halves of UTF-16. */
    uint8_t *wide = arena_push(udf->tree->unpack->arena, 2 * text.len + 1);
    for (size_t i = 0; wide && i < text.len; i++)
        wide[2 * i] = text.at[i];
    return wide ? tree_utf16(udf->tree, (bytes){wide, 2 * text.len}, false) : text;
}

static void show_file(struct udf *udf, bytes name, const struct file *file)
{
    struct tree *tree = udf->tree;
    uint64_t first = file->parts.runs.n ? file->parts.runs.at[0].at : file->id;
    if (!iso_first(tree, first, file->size) && udf->bridge)
        return;
    if (file->wrong)
        tree_gap(tree, name, GAP_DAMAGED, "its list of parts is damaged");
    if (file->inside.at && file->inside.len < file->size)
        tree_gap(tree, name, GAP_DAMAGED, "not all of it is there");
    if (file->inside.at)
        tree_emit_bytes(tree, name, bytes_slice(file->inside, 0, (size_t)file->size));
    else
        tree_emit(tree, name, &file->parts, file->size);
}

static void show_entry(struct udf *udf, const uint8_t *raw, bytes name, bool streams)
{
    struct file file;
    struct tree *tree = udf->tree;
    uint32_t block = load_le32(raw + 24), map = load_le16(raw + 28);
    if (!read_file(udf, map, block, &file)) {
        tree_gap(tree, name, GAP_DAMAGED, "its entry cannot be read");
        return;
    }
    /* Folders and their streams are told apart by a bit that no block number has. */
    if (file.streams && !streams)
        tree_add(tree, file.streams | (uint64_t)file.streams_map << 32 | UINT64_C(1) << 61,
                 STREAMS, name);
    if (raw[18] & NAME_FOLDER)
        tree_add(tree, block | (uint64_t)map << 32 | UINT64_C(1) << 60, 0, name);
    else if (file.kind == 5 || file.kind == 0 || file.kind == 249 || streams)
        show_file(udf, name, &file);
}

static void read_folder(struct udf *udf, const struct tree_folder *folder)
{
    struct file file;
    struct tree *tree = udf->tree;
    if (!read_file(udf, (uint32_t)(folder->id >> 32 & 0xffff), (uint32_t)folder->id, &file)) {
        tree_gap(tree, bytes_of(""), GAP_DAMAGED, "the folder cannot be read");
        return;
    }
    bytes content = file.inside;
    if (!content.at)
        content = tree_content(tree, &file.parts, file.size, FOLDER_MOST);
    if (file.wrong || content.len < file.size)
        tree_gap(tree, bytes_of(""), GAP_DAMAGED, "not all of the folder can be read");
    for (size_t at = 0; bytes_has(content, at, 38) && !tree->stopped;) {
        const uint8_t *raw = content.at + at;
        size_t before = load_le16(raw + 36), size = (38 + before + raw[19] + 3) & ~(size_t)3;
        if (!tag_is(raw, TAG_NAME) || !bytes_has(content, at, 38 + before + raw[19])) {
            tree_gap(tree, bytes_of(""), GAP_DAMAGED, "a name in the folder is damaged");
            return;
        }
        if (!budget_charge(tree->unpack->budget, 8))
            return;
        bytes name = bytes_slice(content, at + 38 + before, raw[19]);
        if (!(raw[18] & (NAME_DELETED | NAME_PARENT)))
            show_entry(udf, raw, name_text(udf, name), folder->more == STREAMS);
        at += size;
    }
}

static bool open_metadata(struct udf *udf)
{
    for (unsigned i = 0; i < udf->maps; i++) {
        struct map *map = &udf->map[i];
        struct file file;
        if (map->kind != MAP_METADATA)
            continue;
        unsigned plain = 0;
        while (plain < udf->maps && !(udf->map[plain].kind == MAP_PLAIN &&
                                      udf->map[plain].partition == map->partition))
            plain++;
        if (!read_file(udf, plain, map->file, &file))
            return false;
        map->parts = file.parts;
    }
    return true;
}

void udf_walk(struct tree *tree)
{
    uint8_t raw[416];
    struct tree_folder folder;
    struct udf udf = {.tree = tree, .source = tree->source, .bridge = tree->next > 0};
    tree->path = bytes_of("");
    if (!find_anchor(tree->source, &udf.block, raw))
        return;
    uint32_t main_size = load_le32(raw + 16), main_at = load_le32(raw + 20);
    uint32_t reserve_size = load_le32(raw + 24), reserve_at = load_le32(raw + 28);
    read_sequence(&udf, main_at, main_size);
    if (!udf.volume || !udf.partition_count)
        read_sequence(&udf, reserve_at, reserve_size);
    bool known = udf.set_map < udf.maps && udf.map[udf.set_map].kind != MAP_UNKNOWN;
    if (udf.volume && !known) {
        tree_gap(tree, bytes_of(""), GAP_UNSUPPORTED, "a virtual partition of UDF");
        return;
    }
    if (!known || !open_metadata(&udf) ||
        !read_block(&udf, udf.set_map, udf.set_block, raw, sizeof raw) ||
        !tag_is(raw, TAG_FILE_SET)) {
        tree_gap(tree, bytes_of(""), GAP_DAMAGED, "the UDF volume cannot be read");
        return;
    }
    tree_add(tree,
             load_le32(raw + 404) | (uint64_t)load_le16(raw + 408) << 32 | UINT64_C(1) << 60, 0,
             bytes_of(""));
    while (tree_next(tree, &folder))
        read_folder(&udf, &folder);
}
