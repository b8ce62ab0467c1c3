/* [MS-PST] 2.4.7: node 0x61 maps names to properties: its value 3 is entries of 8: 4 number (or
 * where a name stands), 2 (bit 0: it is a name; the others which set), 2 the property, from
 * 0x8000. [MS-OXOCNTC], [MS-OXOCAL], [MS-OXOTASK] and [MS-OXPROPS] say what they are. */
#include "rescue/salvage/mail/details.h"

#include "rescue/salvage/mail/letterhead.h"

#include <string.h>

enum {
    NODE_NAMES = 0x61,
    ENTRIES = 0x0003,
    ENTRIES_MOST = 1 << 20,
    CLASS = 0x001a,
    TEXT_MOST = 4096,
    FIRST = 0x8000,
};

static const struct {
    uint16_t id; /* from 0x8000 on: its number among the names */
    const char *label;
} known[] = {
    {0x3001, "Name"},         {0x3a06, "Given name"},   {0x3a11, "Surname"},
    {0x3a16, "Company"},      {0x3a18, "Department"},   {0x3a17, "Title"},
    {0x8083, "Mail"},         {0x8093, "Mail (2)"},     {0x80a3, "Mail (3)"},
    {0x3a08, "Phone (work)"}, {0x3a09, "Phone (home)"}, {0x3a1c, "Phone (mobile)"},
    {0x3a24, "Fax"},          {0x3a15, "Address"},      {0x3a29, "Street"},
    {0x3a2a, "Postal code"},  {0x3a27, "City"},         {0x3a26, "Country"},
    {0x3a42, "Birthday"},     {0x8208, "Place"},        {0x820d, "Begins"},
    {0x820e, "Ends"},         {0x8104, "Task begins"},  {0x8105, "Task is due"},
};

void details_open(struct details_names *names, struct tree *tree)
{
    const struct store_node *node = store_node(tree->store, NODE_NAMES);
    struct arena_mark mark = arena_mark(tree->store->arena);
    struct heap heap;
    size_t n = 0;
    bool there = node && heap_open(&heap, tree, node->data, node->sub, HEAP_PROPERTIES);
    bytes all =
        there ? heap_bytes(&heap, heap_find(&heap, ENTRIES), ENTRIES_MOST) : (bytes){NULL, 0};
    *names = (struct details_names){{0}};
    for (size_t i = 0; i < COUNT(known); i++) {
        if (known[i].id < FIRST)
            continue;
        for (size_t at = 0; at + 8 <= all.len && n < COUNT(names->ids); at += 8)
            if (load_le32(all.at + at) == known[i].id && !(all.at[at + 4] & 1))
                names->ids[n] = (uint16_t)(FIRST + load_le16(all.at + at + 6));
        n++;
    }
    arena_pop(tree->store->arena, mark);
}

/* A text or a time as a text; empty: there is none. */
static bytes text_of(const struct heap *heap, uint16_t id, char *date, size_t size)
{
    uint64_t time;
    if (heap_time(heap, id, &time)) {
        box_date(time, false, date, size);
        return bytes_of(date);
    }
    return letterhead_words(heap, id, TEXT_MOST).text;
}

bool details_put(const struct details_names *names, const struct heap *heap,
                 struct box_quoted *quoted)
{
    bytes class = letterhead_words(heap, CLASS, TEXT_MOST).text;
    bool any = false;
    size_t named = 0;
    char date[64];
    if (class.len < 8 || bytes_same(bytes_slice(class, 0, 8), bytes_of("IPM.Note")))
        return true;
    for (size_t i = 0; i < COUNT(known); i++) {
        uint16_t id = known[i].id;
        if (id >= FIRST)
            id = named < COUNT(names->ids) ? names->ids[named++] : 0;
        bytes text = id ? text_of(heap, id, date, sizeof date) : (bytes){NULL, 0};
        if (!text.len)
            continue;
        any = true;
        if (!box_quote(quoted, bytes_of(known[i].label)) ||
            !box_quote(quoted, bytes_of(": ")) || !box_quote(quoted, text) ||
            !box_quote(quoted, bytes_of("\n")))
            return false;
    }
    return !any || box_quote(quoted, bytes_of("\n"));
}
