#include "rescue/kept.h"

enum { STREAMS = 8, PIECES = 64, GIVEN = 1024, GONE = -2 };

/* Whether it is short, and has nothing that only its format knows. */
static bool can_be_kept(const struct recipe *recipe)
{
    size_t given = 0;
    if (recipe->stream.n > STREAMS || recipe->piece.n > PIECES)
        return false;
    for (uint32_t i = 0; i < recipe->stream.n; i++)
        if (recipe->stream.at[i].cipher == RECIPE_OWN)
            return false;
    for (uint32_t i = 0; i < recipe->piece.n; i++)
        given += recipe->piece.at[i].given.len;
    return given <= GIVEN;
}

static bool copy(struct arena *arena, bytes *view)
{
    *view = arena_copy(arena, *view);
    return view->at != NULL;
}

static bool copy_recipe(struct arena *arena, const struct recipe *recipe, struct recipe *ret)
{
    *ret = (struct recipe){.size = recipe->size, .lost = recipe->lost, .guess = recipe->guess};
    struct recipe_stream *streams = vec_push_many(arena, &ret->stream, recipe->stream.n);
    struct recipe_piece *pieces = vec_push_many(arena, &ret->piece, recipe->piece.n);
    if (!streams || !pieces)
        return false;
    for (uint32_t i = 0; i < recipe->stream.n; i++) {
        streams[i] = recipe->stream.at[i];
        if (!copy(arena, &streams[i].key) || !copy(arena, &streams[i].iv))
            return false;
    }
    for (uint32_t i = 0; i < recipe->piece.n; i++) {
        pieces[i] = recipe->piece.at[i];
        if (!copy(arena, &pieces[i].given))
            return false;
    }
    return true;
}

/* First row whose ticket is not before this one. */
static uint32_t place_of(const struct kept *kept, uint32_t ticket)
{
    uint32_t low = 0, high = kept->row.n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (kept->row.at[middle].ticket < ticket)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void kept_put(struct kept *kept, uint32_t ticket, int32_t family, int32_t key,
              const struct recipe *recipe)
{
    struct kept_row row = {.ticket = ticket, .family = family, .key = key};
    struct arena_mark mark = arena_mark(kept->arena);
    uint32_t place = place_of(kept, ticket);
    bool there = place < kept->row.n && kept->row.at[place].ticket == ticket;
    if (there)
        kept->row.at[place].family = GONE;
    /* Tickets rise while files are planned; one that comes late is rare, and not kept. */
    if (!ticket || (place < kept->row.n && !there) || !can_be_kept(recipe))
        return;
    if (!copy_recipe(kept->arena, recipe, &row.recipe)) {
        arena_pop(kept->arena, mark);
        return;
    }
    struct kept_row *to = there ? &kept->row.at[place] : vec_push(kept->arena, &kept->row);
    if (to)
        *to = row;
}

const struct recipe *kept_find(const struct kept *kept, uint32_t ticket, int32_t family,
                               int32_t key)
{
    uint32_t place = place_of(kept, ticket);
    const struct kept_row *row = place < kept->row.n ? &kept->row.at[place] : NULL;
    return ticket && row && row->ticket == ticket && row->family == family && row->key == key
               ? &row->recipe
               : NULL;
}
