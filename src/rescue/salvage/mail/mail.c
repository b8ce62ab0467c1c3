/* Mail stores of Outlook: each folder becomes a mail box (RFC 4155) of the
 * letters that are whole, and one of those with gaps. Letters and folders are
 * nodes ([MS-PST] 2.2.2.1): the last five bits of their number say what they
 * are (2 a folder, 4 a message), and the tree says in which folder they are;
 * folders have their names (0x3001) in their properties. */
#include "rescue/salvage/mail/details.h"
#include "rescue/salvage/mail/orphan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NID_TYPE = 31,
    NID_FOLDER = 2,
    NID_MESSAGE = 4,
    NID_FOLDERS = 13, /* a table of the folders in one */
    ROOT_FOLDER = 0x122,
    FOLDER_NAME = 0x3001,
    ROW_ID = 0x67f2,
    FOLDERS_DEEP = 32,
    NAME_MOST = 200,
    ARENA_MOST = 64 << 20,
    ORPHANS_MOST = 65536,
    AGAIN = 4096, /* older versions of a letter are so near to it */
};

enum box_kind {
    BOX_WHOLE,
    BOX_GAPS,
    BOX_FOUND, /* whole, but for where they belong */
    BOX_FOUND_GAPS,
    BOX_KINDS,
    BOX_NONE = BOX_KINDS, /* nothing of them is left */
};

struct item {
    uint64_t data, sub;
    uint32_t folder, nid;
    enum box_kind kind;
    bool file; /* an attachment whose letter is lost */
};

struct mail {
    struct salvage *salvage;
    struct store store;
    struct tree tree;
    struct box box;
    struct details_names names;
    struct item *items; /* by folder */
    uint32_t count, most;
};

/* --- folders --- */

struct row {
    uint32_t nid;
    bytes name;
};

static bytes name_of(const struct heap *heap, struct arena *arena)
{
    const struct heap_value *value = heap_find(heap, FOLDER_NAME);
    bytes name = heap_bytes(heap, value, 2 * NAME_MOST);
    return value && value->type == TYPE_TEXT ? box_utf8(arena, name) : box_latin(arena, name);
}

static bool row_visit(void *to, const struct heap *heap)
{
    struct row *row = to;
    if (heap_number(heap, ROW_ID, 0) == row->nid)
        row->name = name_of(heap, heap->tree->store->arena);
    return !row->name.len;
}

/* A folder whose properties are lost stands in the table of the one that it is in, too. */
static bytes name_in_tables(struct mail *mail, uint32_t nid, uint32_t *ret_parent)
{
    struct store *store = &mail->store;
    struct row row = {.nid = nid};
    for (uint32_t i = 0; i < store->node_count && !row.name.len; i++) {
        const struct store_node *node = &store->nodes[i];
        struct heap heap;
        if ((node->nid & NID_TYPE) != NID_FOLDERS ||
            !heap_open(&heap, &mail->tree, node->data, node->sub, HEAP_TABLE))
            continue;
        (void)!heap_rows(&heap, row_visit, &row);
        *ret_parent = (node->nid & ~(uint32_t)NID_TYPE) | NID_FOLDER;
    }
    return row.name;
}

/* Its name, or one made of its number, without slashes; and in which folder it is, 0: not
 * known. */
static bytes folder_name(struct mail *mail, uint32_t nid, uint32_t *ret_parent)
{
    const struct store_node *node = store_node(&mail->store, nid);
    struct arena *arena = mail->store.arena;
    struct heap heap;
    bytes name = {NULL, 0};
    *ret_parent = node ? node->parent : 0;
    if (node && heap_open(&heap, &mail->tree, node->data, node->sub, HEAP_PROPERTIES))
        name = name_of(&heap, arena);
    if (!name.len)
        name = name_in_tables(mail, nid, ret_parent);
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] == '/' || !name.at[i])
            ((uint8_t *)(uintptr_t)name.at)[i] = '_';
    return name.len ? name : arena_printf(arena, "folder %x", nid >> 5);
}

/* Names of a folder and those that it is in, with slashes. */
static bytes folder_path(struct mail *mail, uint32_t nid)
{
    struct arena *arena = mail->store.arena;
    bytes path = {NULL, 0};
    mail->tree.look = true;
    for (int i = 0; i < FOLDERS_DEEP && nid && nid != ROOT_FOLDER; i++) {
        uint32_t parent;
        bytes name = folder_name(mail, nid, &parent);
        path =
            i ? arena_printf(arena, "%.*s/%.*s", (int)name.len, name.at, (int)path.len, path.at)
              : name;
        if (!path.at || parent == nid)
            break;
        nid = parent;
    }
    return path.len ? path : bytes_of("folder");
}

/* --- letters --- */

/* `ret_any`: something was written. */
static bool put_item(struct mail *mail, const struct item *item, bool mute, bool *ret_any)
{
    struct letter letter = {
        .tree = &mail->tree, .box = &mail->box, .names = &mail->names, .nid = item->nid};
    mail->tree.look = mail->box.mute = mute;
    mail->tree.lost = 0;
    bool more = (item->file ? letter_put_file : letter_put)(&letter, item->data, item->sub);
    *ret_any = letter.any;
    return more;
}

static bool end_box(struct mail *mail, enum box_kind kind, uint32_t count, uint32_t none)
{
    static const char *const says[] = {
        ", every block of each with its CRC-32",
        " of which something is lost: where, is said in them",
        " that nothing names any more; what is attached was told by its numbers",
        " that nothing names any more, and of which something is lost"};

    static const enum salvage_verdict verdicts[] = {SALVAGE_PROVEN, SALVAGE_PARTIAL,
                                                    SALVAGE_PLAUSIBLE, SALVAGE_PARTIAL};

    char more[100] = "";
    int n = none ? snprintf(more, sizeof more, "; nothing is left of %u more", none) : 0;
    if (mail->store.cut && n >= 0)
        (void)snprintf(more + n, sizeof more - (size_t)n,
                       "; not all of the store was looked at");
    salvage_counts(mail->salvage, count);
    return box_flush(&mail->box) && salvage_end(mail->salvage, verdicts[kind], "%u letters%s%s",
                                                count, says[kind], more);
}

/* One mail box: the letters of a folder that are of this kind. */
static bool put_box(struct mail *mail, const struct item *items, uint32_t n, enum box_kind kind)
{
    static const char *const suffixes[] = {"", " (with gaps)", " (found)",
                                           " (found, with gaps)"};
    struct salvage *salvage = mail->salvage;
    struct arena *arena = mail->store.arena;
    struct arena_mark mark = arena_mark(arena);
    uint32_t count = 0, none = 0;
    for (uint32_t i = 0; i < n; i++) {
        count += items[i].kind == kind;
        none += items[i].kind == BOX_NONE;
    }
    if (!count)
        return true;
    bytes path = items[0].folder ? folder_path(mail, items[0].folder) : bytes_of("letters");
    bytes stem = salvage_name(salvage, "mail");
    bytes name = arena_printf(arena, "%.*s/%.*s%s.mbox", (int)stem.len, stem.at, (int)path.len,
                              path.at, suffixes[kind]);
    bool any, fine = name.at && salvage_begin(salvage, name, "mbox");
    arena_pop(arena, mark);
    for (uint32_t i = 0; i < n && fine; i++)
        if (items[i].kind == kind)
            fine = put_item(mail, &items[i], false, &any);
    return fine && end_box(mail, kind, count, none);
}

static int by_folder(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->folder != y->folder)
        return x->folder < y->folder ? -1 : 1;
    return x->nid < y->nid ? -1 : x->nid > y->nid;
}

/* Whether there is something of it, and whether all. False: stopped. */
static bool add_item(struct mail *mail, struct item item, bool found)
{
    bool any = false;
    if (mail->count == mail->most)
        return true;
    if (!put_item(mail, &item, true, &any))
        return false;
    bool whole = any && !mail->tree.lost && (!found || item.sub || item.file);
    item.kind = !any ? BOX_NONE : (enum box_kind)((whole ? BOX_WHOLE : BOX_GAPS) + 2 * found);
    mail->items[mail->count++] = item;
    return true;
}

/* What letters have in common with their copies; 0: it is not known. */
static uint64_t key_of(struct mail *mail, const struct item *item)
{
    struct arena_mark mark = arena_mark(mail->store.arena);
    struct heap heap;
    mail->tree.look = true;
    bool there = heap_open(&heap, &mail->tree, item->data, item->sub, HEAP_PROPERTIES);
    uint64_t key = there ? orphan_key(&heap) : 0;
    arena_pop(mail->store.arena, mark);
    return key;
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Letters that no node names; older versions of those that are there, and of
 * each other, are left out. */
static bool add_orphans(struct mail *mail)
{
    struct arena *arena = mail->salvage->arena;
    struct orphans orphans = {0};
    if (orphans_find(&orphans, &mail->tree) || !orphans.at.n)
        return true;
    uint64_t *keys = PUSH_ARRAY(arena, uint64_t, (size_t)mail->count + orphans.at.n);
    uint32_t known = mail->count;
    for (uint32_t i = 0; keys && i < known; i++)
        keys[i] = key_of(mail, &mail->items[i]);
    if (keys && known > 1)
        qsort(keys, known, sizeof *keys, by_key);
    /* The last one has the highest number: the newest. */
    for (uint32_t i = orphans.at.n; keys && i-- > 0;) {
        const struct orphan *orphan = &orphans.at.at[i];
        uint64_t number = orphan->data ? orphan->data : orphan->sub;
        struct item item = {.data = orphan->data,
                            .sub = orphan->sub,
                            .nid = (uint32_t)number,
                            .kind = BOX_NONE,
                            .file = orphan->file};
        bool again = bsearch(&orphan->key, keys, known, sizeof *keys, by_key);
        for (uint32_t k = i + 1; k < orphans.at.n && k < i + AGAIN && !again; k++)
            again = orphans.at.at[k].key == orphan->key;
        if (!again && !add_item(mail, item, true))
            return false;
    }
    return true;
}

static bool collect(struct mail *mail)
{
    struct store *store = &mail->store;
    mail->most = store->node_count + ORPHANS_MOST;
    mail->items = arena_push_raw(mail->salvage->arena, mail->most * sizeof *mail->items);
    for (uint32_t i = 0; mail->items && i < store->node_count; i++) {
        const struct store_node *node = &store->nodes[i];
        struct item item = {node->data, node->sub, node->parent, node->nid, BOX_NONE, false};
        if ((node->nid & NID_TYPE) == NID_MESSAGE && !add_item(mail, item, false))
            return false;
    }
    if (!mail->items || !add_orphans(mail))
        return false;
    if (mail->count > 1)
        qsort(mail->items, mail->count, sizeof *mail->items, by_folder);
    return true;
}

static void give(struct mail *mail)
{
    if (!collect(mail))
        return;
    for (uint32_t i = 0, n; i < mail->count; i += n) {
        n = 1;
        while (i + n < mail->count && mail->items[i + n].folder == mail->items[i].folder)
            n++;
        for (unsigned kind = 0; kind < BOX_KINDS; kind++)
            if (!put_box(mail, &mail->items[i], n, (enum box_kind)kind))
                return;
    }
}

int mail_fits(struct salvage *salvage)
{
    if (!store_layout(salvage))
        return 0;
    return 97;
}

void mail_give(struct salvage *salvage)
{
    struct arena *arena = arena_new(ARENA_MOST);
    struct mail *mail = PUSH(salvage->arena, struct mail);
    if (mail && arena && store_open(&mail->store, salvage, arena) == 0 &&
        salvage_solve(salvage)) {
        mail->salvage = mail->box.salvage = salvage;
        mail->tree.store = &mail->store;
        store_guess(&mail->store);
        mail->tree.look = true;
        details_open(&mail->names, &mail->tree);
        give(mail);
    }
    arena_free(arena);
}
