/* Encrypted zip archives, hostile: reading one, what is known of its members, and writing it
 * without encryption never crash; what is written can be read again and has as many members. */
#include "rescue/zip/archive.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 32 << 20 };

struct sink {
    uint8_t *at;
    size_t len, room;
};

static int put(void *context, bytes part)
{
    struct sink *sink = context;
    if (part.len > sink->room - sink->len)
        return -1;
    memcpy(sink->at + sink->len, part.at, part.len);
    sink->len += part.len;
    return 0;
}

static void write_again(const struct archive *archive, const struct source *source,
                        struct arena *arena)
{
    struct zip_keys keys = zipcrypto_of_password(bytes_of("seed"));
    struct archive_result result;
    struct archive again;
    struct sink sink = {.room = 8 << 20};
    sink.at = arena_push_raw(arena, sink.room);
    if (!sink.at || archive_open(archive, source, keys, arena, put, &sink, &result, NULL))
        return;
    if (result.opened + result.plain + result.left + result.unknown + result.broken !=
        archive->member.n)
        abort();
    struct source written = source_of_bytes((bytes){sink.at, sink.len}, (bytes){0});
    if (archive->member.n &&
        (archive_read(&written, arena, &again, NULL) || again.member.n != archive->member.n))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source source = source_of_bytes((bytes){data, size}, bytes_of("a.zip"));
    struct arena *arena = arena_new(MEMORY);
    struct attack_known known[ARCHIVE_HEADS];
    struct archive archive;
    if (arena && !archive_read(&source, arena, &archive, NULL)) {
        for (uint32_t i = 0; i < archive.member.n; i++)
            if (archive_known(&archive.member.at[i], known, ARCHIVE_HEADS) > ARCHIVE_HEADS)
                abort();
        archive_easiest(&archive);
        write_again(&archive, &source, arena);
    }
    arena_free(arena);
    return 0;
}
