#include "rules/layout.h"

#include <errno.h>
#include <string.h>

/* Where the bytes go: into memory, or, block after block, into a file. */
struct sink {
    const struct draft *draft;
    uint8_t *file;  /* or NULL: the draft's `put` */
    uint8_t *block; /* RULESET_BLOCK bytes */
    size_t used;    /* of it */
    uint64_t at;    /* of the block, in the file; without one: of the next byte */
    uint64_t hash;
    bool failed;
};

static const uint8_t zeros[RULESET_PAGE];

uint64_t layout_pieces(const bytes *piece, uint32_t count, size_t stride, size_t border)
{
    uint64_t size = 0;
    for (uint32_t i = 0; i < count; i++) {
        const bytes *one = (const void *)((const uint8_t *)piece + i * stride);
        size += (one->len + border - 1) & ~(uint64_t)(border - 1);
    }
    return size;
}

static void flush(struct sink *sink)
{
    const struct draft *draft = sink->draft;
    bytes block = {sink->block, sink->used};
    if (sink->file || !sink->used)
        return;
    sink->hash = hash64(block, sink->hash);
    sink->failed = sink->failed || !draft->put(draft->room_context, sink->at, block);
    sink->at += sink->used;
    sink->used = 0;
}

static void write_bytes(struct sink *sink, bytes view)
{
    if (sink->file) {
        if (view.len)
            memcpy(sink->file + sink->at, view.at, view.len);
        sink->at += view.len;
        return;
    }
    while (view.len) {
        size_t room = RULESET_BLOCK - sink->used, n = view.len < room ? view.len : room;
        memcpy(sink->block + sink->used, view.at, n);
        sink->used += n;
        view = bytes_slice(view, n, SIZE_MAX);
        if (sink->used == RULESET_BLOCK)
            flush(sink);
    }
}

/* Zeros up to that place. */
static void write_gap(struct sink *sink, uint64_t to)
{
    while (sink->at + sink->used < to) {
        uint64_t left = to - sink->at - sink->used;
        write_bytes(sink, (bytes){zeros, left < sizeof zeros ? (size_t)left : sizeof zeros});
    }
}

static void write_part(struct sink *sink, const struct layout_part *part)
{
    if (!part->piece) {
        write_bytes(sink, (bytes){part->at, part->count * part->size});
        return;
    }
    for (uint32_t i = 0; i < part->piece_count; i++) {
        const bytes *one = (const void *)((const uint8_t *)part->piece + i * part->stride);
        size_t over = one->len & (part->border - 1);
        write_bytes(sink, *one);
        write_bytes(sink, (bytes){zeros, over ? part->border - over : 0});
    }
}

/* Hash signatures first: another process writes them before the rest is known. */
static uint64_t place(const struct layout_part *parts, uint64_t offset[RULESET_SECTIONS])
{
    uint64_t size = RULESET_HEADER_SIZE + 16 * RULESET_SECTIONS;
    const uint64_t border = RULESET_ALIGN - 1;
    if (parts[SECTION_HASHES].count)
        size = RULESET_HASHES;
    offset[SECTION_HASHES] = size = (size + border) & ~border;
    size += parts[SECTION_HASHES].count;
    for (int i = 0; i < RULESET_SECTIONS; i++) {
        if (i == SECTION_HASHES)
            continue;
        offset[i] = size = (size + border) & ~border;
        size += parts[i].count * parts[i].size;
    }
    return (size + border) & ~border;
}

static void write_sections(struct sink *sink, const struct layout_part *parts,
                           const uint64_t offset[RULESET_SECTIONS], uint64_t size)
{
    for (int i = 0; i < RULESET_SECTIONS; i++) {
        uint64_t entry[2] = {offset[i], parts[i].count};
        write_bytes(sink, (bytes){(const uint8_t *)entry, sizeof entry});
    }
    write_gap(sink, offset[SECTION_HASHES]);
    flush(sink);
    if (sink->file)
        write_part(sink, &parts[SECTION_HASHES]);
    else if (parts[SECTION_HASHES].at) {
        bytes table = {parts[SECTION_HASHES].at, parts[SECTION_HASHES].count};
        sink->failed |= !sink->draft->put(sink->draft->room_context, sink->at, table);
        sink->at += table.len;
    } else {
        sink->at += parts[SECTION_HASHES].count;
    }
    for (int i = 0; i < RULESET_SECTIONS; i++) {
        if (i == SECTION_HASHES)
            continue;
        write_gap(sink, offset[i]);
        write_part(sink, &parts[i]);
    }
    write_gap(sink, size);
    flush(sink);
}

static void write_header(struct sink *sink, uint64_t size)
{
    const struct draft *draft = sink->draft;
    uint8_t header[RULESET_HEADER_SIZE] = {0};
    uint32_t version[2] = {RULESET_VERSION, RULESET_SECTIONS}, targets = 0;
    for (uint32_t i = 0; i < draft->targets.n; i++)
        targets |= draft->targets.at[i];
    uint64_t facts[3] = {size,
                         sink->file ? ruleset_checksum((bytes){sink->file, size}) : sink->hash,
                         draft->fingerprint};
    memcpy(header, RULESET_MAGIC, 8);
    memcpy(header + 8, version, sizeof version);
    memcpy(header + 16, facts, sizeof facts);
    memcpy(header + 40, &targets, sizeof targets);
    if (sink->file)
        memcpy(sink->file, header, sizeof header);
    else
        sink->failed |= !draft->put(draft->room_context, 0, (bytes){header, sizeof header});
}

int layout_write(const struct draft *draft, const struct layout_part parts[RULESET_SECTIONS],
                 struct arena *arena, bytes *ret, struct why *why)
{
    uint64_t offset[RULESET_SECTIONS], size = place(parts, offset);
    struct sink sink = {.draft = draft, .at = RULESET_HEADER_SIZE, .hash = RULESET_VERSION};
    if (draft->put) {
        sink.block = arena_push_raw(arena, RULESET_BLOCK);
    } else {
        uint8_t *raw = draft->room ? draft->room(draft->room_context, size)
                                   : arena_push_raw(arena, size + RULESET_ALIGN);
        sink.file = raw ? raw + (-(uintptr_t)raw & (RULESET_ALIGN - 1)) : NULL;
    }
    if (!sink.block && !sink.file)
        return fail(why, ENOMEM, "no memory for a ruleset of %llu bytes",
                    (unsigned long long)size);
    write_sections(&sink, parts, offset, size);
    write_header(&sink, size);
    if (sink.failed)
        return fail(why, EIO, "the ruleset cannot be written");
    *ret = (bytes){sink.file, size};
    return 0;
}
