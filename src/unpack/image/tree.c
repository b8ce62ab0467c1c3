#include "unpack/image/tree.h"

#include "base/unicode.h"

#include <string.h>

enum {
    PATH_MOST = 4096,
    SEEN_FIRST = 64,
    RUNS_MOST = 1 << 22,
    /* Views of more than this many times the source: its files lie over each other. */
    OVERLAP = 4,
};

static struct arena *arena_of(struct tree *tree)
{
    return tree->unpack->arena;
}

void tree_gap(struct tree *tree, bytes name, enum gap gap, const char *text)
{
    struct arena_mark mark = arena_mark(arena_of(tree));
    unpack_gap(tree->unpack, tree_path(tree, name), gap, "%s", text);
    arena_pop(arena_of(tree), mark);
}

static void out_of_memory(struct tree *tree)
{
    if (!tree->stopped)
        unpack_gap(tree->unpack, tree->prefix, GAP_LIMIT, "too many folders or fragments");
    tree->stopped = true;
}

static uint64_t *seen_slot(uint64_t *table, uint32_t room, uint64_t id)
{
    uint64_t hash = (id + 1) * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t i = (uint32_t)(hash >> 32) & (room - 1);
    while (table[i] && table[i] != id + 1)
        i = (i + 1) & (room - 1);
    return &table[i];
}

static bool seen_grow(struct tree *tree)
{
    uint32_t room = tree->seen_room ? tree->seen_room * 2 : SEEN_FIRST;
    uint64_t *table = room ? PUSH_ARRAY(arena_of(tree), uint64_t, room) : NULL;
    if (!table)
        return false;
    for (uint32_t i = 0; i < tree->seen_room; i++)
        if (tree->seen[i])
            *seen_slot(table, room, tree->seen[i] - 1) = tree->seen[i];
    tree->seen = table;
    tree->seen_room = room;
    return true;
}

bool tree_first(struct tree *tree, uint64_t id)
{
    if (id == UINT64_MAX)
        return false;
    if (tree->seen_count >= tree->seen_room / 2 && !seen_grow(tree)) {
        out_of_memory(tree);
        return false;
    }
    uint64_t *slot = seen_slot(tree->seen, tree->seen_room, id);
    if (*slot)
        return false;
    *slot = id + 1;
    tree->seen_count++;
    return true;
}

bytes tree_path(struct tree *tree, bytes name)
{
    size_t len = tree->prefix.len + tree->path.len + name.len;
    uint8_t *out = arena_push_raw(arena_of(tree), len + 1);
    if (!out)
        return name;
    if (tree->prefix.len)
        memcpy(out, tree->prefix.at, tree->prefix.len);
    if (tree->path.len)
        memcpy(out + tree->prefix.len, tree->path.at, tree->path.len);
    if (name.len)
        memcpy(out + tree->prefix.len + tree->path.len, name.at, name.len);
    return (bytes){out, len};
}

void tree_add(struct tree *tree, uint64_t id, uint64_t more, bytes name)
{
    if (tree->stopped || !tree_first(tree, id) || tree->stopped)
        return;
    struct tree_folder *folder = vec_push(arena_of(tree), &tree->folders);
    size_t len = tree->path.len + name.len + (name.len ? 1 : 0);
    if (len > PATH_MOST) {
        tree_gap(tree, name, GAP_LIMIT, "path is longer than 4096 bytes");
        tree->folders.n -= folder ? 1 : 0;
        return;
    }
    uint8_t *path = folder ? arena_push_raw(arena_of(tree), len + 1) : NULL;
    if (!path) {
        tree->folders.n -= folder ? 1 : 0;
        out_of_memory(tree);
        return;
    }
    if (tree->path.len)
        memcpy(path, tree->path.at, tree->path.len);
    if (name.len) {
        memcpy(path + tree->path.len, name.at, name.len);
        path[len - 1] = '/';
    }
    *folder = (struct tree_folder){id, more, {path, len}};
}

bool tree_next(struct tree *tree, struct tree_folder *ret)
{
    if (tree->stopped || tree->unpack->run->stopped || tree->next >= tree->folders.n ||
        !budget_charge(tree->unpack->budget, 16))
        return false;
    *ret = tree->folders.at[tree->next++];
    tree->path = ret->path;
    return true;
}

bytes tree_utf16(struct tree *tree, bytes name, bool big)
{
    size_t n = 0;
    uint8_t *out = arena_push_raw(arena_of(tree), name.len / 2 * 3 + 1);
    if (!out)
        return (bytes){NULL, 0};
    while (name.len >= 2)
        n += utf8_put(out + n, utf16_next(&name, big));
    return (bytes){out, n};
}

bool tree_run(struct tree *tree, struct tree_file *file, uint64_t at, uint64_t len, bool hole)
{
    if (len == 0)
        return true;
    if (file->enough || tree->stopped || !budget_charge(tree->unpack->budget, 2))
        return false;
    struct tree_run *last = file->runs.n ? &file->runs.at[file->runs.n - 1] : NULL;
    if (len > UINT64_MAX / 4 - file->size)
        len = UINT64_MAX / 4 - file->size;
    if (last && last->hole == hole && (hole || last->at + last->len == at)) {
        last->len += len;
    } else {
        struct tree_run *run =
            file->runs.n < RUNS_MOST ? vec_push(arena_of(tree), &file->runs) : NULL;
        if (!run) {
            out_of_memory(tree);
            return false;
        }
        *run = (struct tree_run){at, len, hole};
    }
    file->size += len;
    if ((file->runs.n > 1 || hole) && file->size > tree->unpack->run->limits.one)
        file->enough = true;
    return !file->enough;
}

static bool put_zeros(struct unpack *unpack, uint64_t len)
{
    while (len) {
        size_t room;
        uint8_t *at = unpack_room(unpack, &room);
        if (!at)
            return false;
        room = len < room ? (size_t)len : room;
        if (!unpack->run->clean)
            memset(at, 0, room);
        if (!unpack_wrote(unpack, room))
            return false;
        len -= room;
    }
    return true;
}

/* False when the child is at its end: damaged, or a limit was reached; both are noted. */
static bool put_pieces(struct tree *tree, uint64_t at, uint64_t len)
{
    struct source_piece piece;
    while (len) {
        if (!source_at(tree->source, at, &piece)) {
            unpack_gap(tree->unpack, tree->unpack->child_name, GAP_DAMAGED,
                       "%llu bytes lie outside of the image or cannot be decoded",
                       (unsigned long long)len);
            return false;
        }
        uint64_t n = piece.len < len ? piece.len : len;
        if (!piece.at) {
            if (!put_zeros(tree->unpack, n))
                return false;
        } else if (!unpack_put(tree->unpack, (bytes){piece.at, (size_t)n}) ||
                   tree->unpack->full) {
            return false;
        }
        at += n;
        len -= n;
    }
    return true;
}

bool tree_put(struct tree *tree, uint64_t at, uint64_t len, bool hole)
{
    return hole ? put_zeros(tree->unpack, len) : put_pieces(tree, at, len);
}

static bool stop_if(struct tree *tree, bool fine)
{
    if (!fine)
        tree->stopped = true;
    return fine;
}

bool tree_emit_bytes(struct tree *tree, bytes name, bytes data)
{
    tree->shown += data.len;
    if (tree->shown / OVERLAP > tree->source->size + (1 << 20)) {
        if (!tree->stopped)
            unpack_gap(tree->unpack, tree->prefix, GAP_LIMIT, "its files overlap each other");
        tree->stopped = true;
        return false;
    }
    struct arena_mark mark = arena_mark(arena_of(tree));
    bool more = unpack_view(tree->unpack, tree_path(tree, name), data);
    arena_pop(arena_of(tree), mark);
    return stop_if(tree, more);
}

bool tree_emit(struct tree *tree, bytes name, const struct tree_file *file, uint64_t size)
{
    if (tree->stopped)
        return false;
    const struct tree_run *run = file->runs.at;
    if (file->runs.n && !run->hole && run->len >= size) {
        bytes view = source_view(tree->source, run->at, size);
        if (view.at)
            return tree_emit_bytes(tree, name, view);
    }
    struct arena_mark mark = arena_mark(arena_of(tree));
    uint64_t left = size;
    if (!unpack_begin(tree->unpack, tree_path(tree, name)))
        return stop_if(tree, false);
    bool whole = true;
    for (uint32_t i = 0; whole && left && i < file->runs.n; i++) {
        uint64_t n = run[i].len < left ? run[i].len : left;
        whole = tree_put(tree, run[i].at, n, run[i].hole);
        left -= n;
    }
    if (whole && left && !tree->unpack->run->stopped)
        unpack_gap(tree->unpack, tree->unpack->child_name, GAP_DAMAGED,
                   "%llu of its bytes are not there", (unsigned long long)left);
    bool more = unpack_end(tree->unpack);
    arena_pop(arena_of(tree), mark);
    return stop_if(tree, more);
}

bytes tree_content(struct tree *tree, const struct tree_file *file, uint64_t size, size_t most)
{
    bytes none = {NULL, 0};
    if (size > file->size)
        size = file->size;
    if (size == 0 || file->runs.n == 0)
        return none;
    const struct tree_run *run = file->runs.at;
    if (file->runs.n == 1 && !run->hole) {
        bytes view = source_view(tree->source, run->at, size);
        if (view.at)
            return view;
    }
    size_t len = size < most ? (size_t)size : most, got = 0;
    uint8_t *copy = arena_push_raw(arena_of(tree), len);
    for (uint32_t i = 0; copy && got < len && i < file->runs.n; i++) {
        size_t n = run[i].len < len - got ? (size_t)run[i].len : len - got;
        if (run[i].hole)
            memset(copy + got, 0, n);
        else if (!source_copy(tree->source, run[i].at, copy + got, n))
            break;
        got += n;
    }
    return copy ? (bytes){copy, got} : none;
}
