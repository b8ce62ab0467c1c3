#include "shim/libarchive.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS = 2 };

struct libarchive {
    struct archive *reader;
    struct archive_entry *entry;
    bytes parts[PARTS];
    uint64_t at, size;
};

/* --- the bytes --- */

static la_ssize_t on_read(struct archive *reader, void *data, const void **ret)
{
    struct libarchive *archive = data;
    uint64_t from = archive->at;
    (void)reader;
    *ret = NULL;
    for (size_t i = 0; i < PARTS; i++) {
        if (from < archive->parts[i].len) {
            *ret = archive->parts[i].at + from;
            archive->at += archive->parts[i].len - from;
            return (la_ssize_t)(archive->parts[i].len - from);
        }
        from -= archive->parts[i].len;
    }
    return 0;
}

static la_int64_t on_skip(struct archive *reader, void *data, la_int64_t count)
{
    struct libarchive *archive = data;
    uint64_t left = archive->size - archive->at;
    (void)reader;
    if (count < 0)
        return 0;
    left = left < (uint64_t)count ? left : (uint64_t)count;
    archive->at += left;
    return (la_int64_t)left;
}

static la_int64_t on_seek(struct archive *reader, void *data, la_int64_t offset, int whence)
{
    struct libarchive *archive = data;
    la_int64_t size = (la_int64_t)archive->size, at = 0;
    (void)reader;
    if (whence == SEEK_CUR)
        at = (la_int64_t)archive->at;
    else if (whence == SEEK_END)
        at = size;
    if (offset < -at)
        return ARCHIVE_FATAL;
    at = offset > size - at ? size : at + offset;
    archive->at = (uint64_t)at;
    return at;
}

/* --- members --- */

static int support(struct archive *reader, enum libarchive_kind kind)
{
    static int (*const formats[LIBARCHIVE_KINDS])(struct archive *) = {
        [LIBARCHIVE_TAR] = archive_read_support_format_tar,
        [LIBARCHIVE_CPIO] = archive_read_support_format_cpio,
        [LIBARCHIVE_AR] = archive_read_support_format_ar,
        [LIBARCHIVE_7Z] = archive_read_support_format_7zip,
        [LIBARCHIVE_RAR] = archive_read_support_format_rar,
        [LIBARCHIVE_RAR5] = archive_read_support_format_rar5,
        [LIBARCHIVE_LHA] = archive_read_support_format_lha,
        [LIBARCHIVE_ZIP] = archive_read_support_format_zip_streamable,
    };
    return formats[kind](reader);
}

/* The library's message, fit for a `why`: printable, its first letter small. */
static void tell(struct archive *reader, struct why *why)
{
    const char *text = archive_error_string(reader);
    size_t n = 0;
    if (!why)
        return;
    for (; text && text[n] && text[n] != '\n' && n + 1 < sizeof why->text; n++)
        why->text[n] = (char)(text[n] >= ' ' && text[n] < 0x7f ? text[n] : '?');
    while (n && why->text[n - 1] == '.')
        n--;
    why->text[n] = 0;
    if (n > 1 && why->text[1] >= 'a' && why->text[1] <= 'z')
        why->text[0] = (char)ascii_lower((uint8_t)why->text[0]);
    if (n == 0)
        snprintf(why->text, sizeof why->text, "cannot be read");
}

static enum libarchive_state state_of(struct archive *reader, int status, struct why *why)
{
    if (status == ARCHIVE_OK)
        return LIBARCHIVE_GOOD;
    if (status == ARCHIVE_EOF)
        return LIBARCHIVE_END;
    tell(reader, why);
    if (status == ARCHIVE_WARN)
        return LIBARCHIVE_WARNED;
    return status == ARCHIVE_FATAL ? LIBARCHIVE_LOST : LIBARCHIVE_FAILED;
}

struct libarchive *libarchive_open(enum libarchive_kind kind, const bytes *parts, size_t count,
                                   struct why *why)
{
    struct libarchive *archive = calloc(1, sizeof *archive);
    struct archive *reader = archive ? archive_read_new() : NULL;
    if (!reader) {
        free(archive);
        fail(why, 12, "no memory");
        return NULL;
    }
    archive->reader = reader;
    for (size_t i = 0; i < count && i < PARTS; i++) {
        archive->parts[i] = parts[i];
        archive->size += parts[i].len;
    }
    archive_read_set_seek_callback(reader, on_seek);
    if (support(reader, kind) < ARCHIVE_WARN ||
        archive_read_open2(reader, archive, NULL, on_read, on_skip, NULL) != ARCHIVE_OK) {
        tell(reader, why);
        libarchive_close(archive);
        return NULL;
    }
    return archive;
}

void libarchive_close(struct libarchive *archive)
{
    if (!archive)
        return;
    archive_read_free(archive->reader);
    free(archive);
}

static bytes name_of(struct archive_entry *entry)
{
    const char *name = archive_entry_pathname(entry);
    if (!name)
        name = archive_entry_pathname_utf8(entry);
    return name ? bytes_of(name) : (bytes){NULL, 0};
}

enum libarchive_state libarchive_next(struct libarchive *archive, struct libarchive_member *ret,
                                      struct why *why)
{
    int status = archive_read_next_header(archive->reader, &archive->entry);
    enum libarchive_state state = state_of(archive->reader, status, why);
    *ret = (struct libarchive_member){.size = UINT64_MAX};
    if (state != LIBARCHIVE_GOOD && state != LIBARCHIVE_WARNED)
        return state;
    struct archive_entry *entry = archive->entry;
    mode_t type = archive_entry_filetype(entry);
    ret->name = name_of(entry);
    ret->file = type == AE_IFREG || type == 0;
    ret->encrypted = archive_entry_is_encrypted(entry) == 1;
    if (archive_entry_size_is_set(entry) && archive_entry_size(entry) >= 0)
        ret->size = (uint64_t)archive_entry_size(entry);
    return state;
}

enum libarchive_state libarchive_data(struct libarchive *archive, bytes *ret_block,
                                      uint64_t *ret_offset, struct why *why)
{
    const void *at = NULL;
    size_t size = 0;
    la_int64_t offset = 0;
    int status = archive_read_data_block(archive->reader, &at, &size, &offset);
    *ret_block = (bytes){at, at ? size : 0};
    *ret_offset = offset > 0 ? (uint64_t)offset : 0;
    return state_of(archive->reader, status, why);
}

uint64_t libarchive_consumed(struct libarchive *archive)
{
    la_int64_t count = archive_filter_bytes(archive->reader, 0);
    return count > 0 ? (uint64_t)count : 0;
}
