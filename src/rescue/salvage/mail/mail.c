/* Mail stores of Outlook: each folder becomes a mail box (RFC 4155) of the letters that are
 * whole, and one of those with gaps. Letters and folders are nodes ([MS-PST] 2.2.2.1): the last
 * five bits of their number say what they are (2 a folder, 4 a message), and the tree says in
 * which folder they are; folders have their names (0x3001) in their properties. */
#include "rescue/salvage/mail/letter.h"

#include <stdlib.h>
#include <string.h>

enum {
    NID_TYPE = 31,
    NID_FOLDER = 2,
    NID_MESSAGE = 4,
    ROOT_FOLDER = 0x122,
    FOLDER_NAME = 0x3001,
    FOLDERS_DEEP = 32,
    NAME_MOST = 200,
    ARENA_MOST = 64 << 20,
};

struct item {
    uint32_t folder, node; /* its place among the store's nodes */
    bool whole;
};

struct mail {
    struct salvage *salvage;
    struct store store;
    struct tree tree;
    struct box box;
    struct item *items; /* by folder */
    uint32_t count;
    uint64_t lost; /* letters of which nothing came back */
};

/* --- folders --- */

/* Its name, or one made of its number; without slashes. */
static bytes folder_name(struct mail *mail, const struct store_node *node)
{
    struct arena *arena = mail->store.arena;
    struct heap heap;
    bytes name = {NULL, 0};
    bool look = mail->tree.look;
    mail->tree.look = true;
    if (heap_open(&heap, &mail->tree, node->data, node->sub, HEAP_PROPERTIES)) {
        const struct heap_value *value = heap_find(&heap, FOLDER_NAME);
        name = heap_bytes(&heap, value, 2 * NAME_MOST);
        name =
            value && value->type == TYPE_TEXT ? box_utf8(arena, name) : box_latin(arena, name);
    }
    mail->tree.look = look;
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] == '/' || !name.at[i])
            ((uint8_t *)(uintptr_t)name.at)[i] = '_';
    return name.len ? name : arena_printf(arena, "folder %x", node->nid >> 5);
}

/* Names of a folder and those that it is in, with slashes. */
static bytes folder_path(struct mail *mail, uint32_t nid)
{
    struct arena *arena = mail->store.arena;
    bytes path = arena_printf(arena, "folder %x", nid >> 5);
    for (int i = 0; i < FOLDERS_DEEP && nid != ROOT_FOLDER; i++) {
        const struct store_node *node = store_node(&mail->store, nid);
        if (!node)
            break;
        bytes name = folder_name(mail, node);
        path =
            i ? arena_printf(arena, "%.*s/%.*s", (int)name.len, name.at, (int)path.len, path.at)
              : name;
        if (!path.at || node->parent == nid)
            break;
        nid = node->parent;
    }
    return path;
}

/* --- letters --- */

static bool put_item(struct mail *mail, const struct item *item, bool mute)
{
    const struct store_node *node = &mail->store.nodes[item->node];
    struct letter letter = {.tree = &mail->tree, .box = &mail->box, .nid = node->nid};
    mail->tree.look = mail->box.mute = mute;
    mail->tree.lost = 0;
    return letter_put(&letter, node->data, node->sub);
}

/* One mail box: the letters of a folder that are whole, or those that are not. */
static bool put_box(struct mail *mail, const struct item *items, uint32_t n, bool whole)
{
    struct salvage *salvage = mail->salvage;
    struct arena_mark mark = arena_mark(mail->store.arena);
    uint32_t count = 0;
    bytes path = folder_path(mail, items[0].folder);
    bytes stem = salvage_name(salvage, "mail");
    bytes name = arena_printf(mail->store.arena, "%.*s/%.*s%s.mbox", (int)stem.len, stem.at,
                              (int)path.len, path.at, whole ? "" : " (with gaps)");
    for (uint32_t i = 0; i < n; i++)
        count += items[i].whole == whole;
    if (!count) {
        arena_pop(mail->store.arena, mark);
        return true;
    }
    bool fine = name.at && salvage_begin(salvage, name, "mbox");
    arena_pop(mail->store.arena, mark);
    for (uint32_t i = 0; i < n && fine; i++)
        if (items[i].whole == whole)
            fine = put_item(mail, &items[i], false);
    salvage_counts(salvage, count);
    return fine && box_flush(&mail->box) &&
           (whole ? salvage_end(salvage, SALVAGE_PROVEN,
                                "%u letters, every block of each with its CRC-32", count)
                  : salvage_end(salvage, SALVAGE_PARTIAL,
                                "%u letters of which something is lost: where, is said in them",
                                count));
}

static int by_folder(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->folder != y->folder)
        return x->folder < y->folder ? -1 : 1;
    return x->node < y->node ? -1 : x->node > y->node;
}

/* The letters of which there is something, and whether all. */
static bool collect(struct mail *mail)
{
    struct store *store = &mail->store;
    mail->items = PUSH_ARRAY(mail->salvage->arena, struct item, store->node_count);
    for (uint32_t i = 0; mail->items && i < store->node_count; i++) {
        struct item item = {store->nodes[i].parent, i, false};
        if ((store->nodes[i].nid & NID_TYPE) != NID_MESSAGE)
            continue;
        if (!store_find(store, store->nodes[i].data)) {
            mail->lost++;
            continue;
        }
        if (!put_item(mail, &item, true))
            return false;
        item.whole = !mail->tree.lost;
        mail->items[mail->count++] = item;
    }
    if (mail->count > 1)
        qsort(mail->items, mail->count, sizeof *mail->items, by_folder);
    return mail->items != NULL;
}

static void give(struct mail *mail)
{
    if (!collect(mail))
        return;
    for (uint32_t i = 0, n; i < mail->count; i += n) {
        n = 1;
        while (i + n < mail->count && mail->items[i + n].folder == mail->items[i].folder)
            n++;
        if (!put_box(mail, &mail->items[i], n, true) ||
            !put_box(mail, &mail->items[i], n, false))
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
        give(mail);
    }
    arena_free(arena);
}
