#include "unpack/document/object.h"
#include "unpack/document/ole2.h"
#include "unpack/document/text.h"
#include "unpack/document/vba.h"

/* What is made of a stream beside the stream itself. */
static bool stream_derive(struct ole2 *ole, uint32_t entry, bytes path, bytes data)
{
    bytes name = ole->entries[entry].name;
    if (bytes_is(name, "\1Ole10Native") && !object_native(ole->unpack, path, data))
        return false;
    return vba_stream(ole, entry, path, data);
}

static bool stream_open(struct ole2 *ole, uint32_t entry)
{
    struct unpack *u = ole->unpack;
    struct arena_mark memory = arena_mark(u->arena);
    size_t mark = unpack_mark(u);
    bytes data, path = ole2_path(ole, entry);
    if (!ole->entries[entry].reached)
        path = arena_printf(u->arena, "[orphan]/%.*s", (int)path.len, (const char *)path.at);
    bool more = ole2_hand_out(ole, entry, path, &data);
    if (more && data.len)
        more = stream_derive(ole, entry, path, data);
    unpack_release(u, mark);
    arena_pop(u->arena, memory);
    return more && !u->run->stopped && !u->budget->hit;
}

static bool projects_read(struct ole2 *ole)
{
    for (uint32_t i = 0; i < ole->count; i++)
        if (ole->entries[i].type == OLE2_STREAM && text_is(ole->entries[i].name, "dir") &&
            !vba_project(ole, i))
            return false;
    return true;
}

/* Without a directory: what can be found in the file as a whole. */
static void wreck_open(struct unpack *unpack)
{
    struct ole2_entry nameless = {.name = bytes_of("[wreck]"), .reached = true};
    struct ole2 ole = {
        .unpack = unpack, .file = unpack->data, .entries = &nameless, .count = 1};
    if (!vba_stream(&ole, 0, nameless.name, unpack->data))
        return;
}

void ole2_open(struct unpack *unpack)
{
    struct ole2 ole;
    if (!ole2_read(&ole, unpack)) {
        wreck_open(unpack);
        return;
    }
    if (!projects_read(&ole))
        return;
    for (uint32_t i = 0; i < ole.order_count; i++)
        if (ole.entries[ole.order[i]].type == OLE2_STREAM && !stream_open(&ole, ole.order[i]))
            return;
    for (uint32_t i = 0; i < ole.count; i++)
        if (!ole.entries[i].reached && ole.entries[i].type == OLE2_STREAM &&
            ole.entries[i].size && !stream_open(&ole, i))
            return;
}
