#include "pe/pe_tree.h"

enum {
    DIRECTORY = 16,
    ENTRY = 8,
    DATA_ENTRY = 16,
    MAX_LOOKS = 1 << 20, /* at entries of the tree: directories may be shared */
    MAX_ENTRIES = 32768, /* named or numbered in one directory */
    MAX_NAME = 1000,     /* UTF-16 units */
    MAX_DATA = 0x3fffffff,
};

static const uint32_t TOP_BIT = UINT32_C(1) << 31;

/* False for a directory that cannot be. */
static bool open_directory(bytes data, uint64_t at, struct pe_tree_level *ret)
{
    if (!bytes_has(data, at, DIRECTORY))
        return false;
    const uint8_t *p = data.at + at;
    uint32_t named = load_le16(p + 12), numbered = load_le16(p + 14);
    if (load_le32(p) != 0 || named > MAX_ENTRIES || numbered > MAX_ENTRIES ||
        !bytes_has(data, at + DIRECTORY, (uint64_t)(named + numbered) * ENTRY))
        return false;
    *ret = (struct pe_tree_level){at, at + DIRECTORY, named + numbered};
    return true;
}

int64_t pe_tree_start(const struct pe_image *image)
{
    uint32_t rva, size;
    if (!pe_image_directory(image, PE_DIRECTORY_RESOURCE, &rva, &size) || rva == 0)
        return -1;
    int64_t at = pe_image_offset(image, rva);
    return at >= 0 && bytes_has(image->data, (uint64_t)at, DIRECTORY) ? at : -1;
}

bool pe_tree_open(const struct pe_image *image, struct pe_tree *ret)
{
    int64_t start = pe_tree_start(image);
    *ret = (struct pe_tree){.image = image, .number = {-1, -1, -1}, .depth = -1};
    if (start < 0)
        return false;
    ret->start = (uint64_t)start;
    if (open_directory(image->data, ret->start, &ret->levels[0]))
        ret->depth = 0;
    return true;
}

/* The UTF-16 name of an entry; .at is NULL when it has a number, or a name that is too long or
 * not in the file. */
static bytes entry_name(const struct pe_tree *tree, uint32_t word)
{
    bytes data = tree->image->data;
    uint64_t at = tree->start + (word & ~TOP_BIT);
    uint16_t length;
    if (!(word & TOP_BIT) || !bytes_le16(data, at, &length) || length > MAX_NAME ||
        !bytes_has(data, at + 2, (uint64_t)length * 2))
        return (bytes){0};
    return (bytes){data.at + at + 2, (size_t)length * 2};
}

static bool read_leaf(struct pe_tree *tree, uint64_t at)
{
    bytes data = tree->image->data;
    if (!bytes_has(data, at, DATA_ENTRY))
        return false;
    tree->rva = load_le32(data.at + at);
    tree->size = load_le32(data.at + at + 4);
    return tree->size != 0 && tree->size <= MAX_DATA;
}

/* Numbers and names of a level stay when the walk leaves it, numbers even for data that lies on
 * a higher level later: so YARA reports them. */
bool pe_tree_next(struct pe_tree *tree, struct budget *budget)
{
    while (tree->depth >= 0 && budget_charge(budget, 16)) {
        if (tree->looks++ >= MAX_LOOKS) {
            budget_hit(budget, LIMIT_STEPS);
            return false;
        }
        int depth = tree->depth;
        struct pe_tree_level *level = &tree->levels[depth];
        const uint8_t *entry = tree->image->data.at + level->next;
        /* An entry without data ends its directory. */
        if (level->left == 0 || load_le32(entry + 4) == 0) {
            tree->name[depth] = (bytes){0};
            tree->depth--;
            continue;
        }
        level->left--;
        level->next += ENTRY;
        uint32_t word = load_le32(entry), target = load_le32(entry + 4);
        tree->number[depth] = (int32_t)word;
        tree->name[depth] = entry_name(tree, word);
        uint64_t at = tree->start + (target & ~TOP_BIT);
        if (target & TOP_BIT && depth + 1 < PE_TREE_LEVELS) {
            if (at != level->directory &&
                open_directory(tree->image->data, at, &tree->levels[depth + 1]))
                tree->depth++;
        } else if (read_leaf(tree, at)) {
            return true;
        }
    }
    return false;
}
