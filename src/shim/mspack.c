#include "shim/mspack.h"

#include <limits.h>
#include <mspack.h>
#include <stdlib.h>
#include <string.h>

enum { READ_STEPS = 8192 }; /* a block becomes at most 32 KiB */

/* All files there are for libmspack: the input, which it opens as often as it likes, and the
 * member being written. Its names for files are pointers to the run. */
struct run {
    struct mspack_system system; /* first: libmspack hands it back */
    bytes data;
    const struct mspack_out *out;
    bool stopped, warned;
};

/* What libmspack calls a struct mspack_file. It reads from NULL after the input of a member
 * could not be found, so that every call looks first. */
struct handle {
    struct run *run;
    uint64_t at;
};

static struct mspack_file *on_open(struct mspack_system *self, const char *name, int mode)
{
    struct handle *handle = calloc(1, sizeof *handle);
    (void)name;
    (void)mode;
    if (handle)
        handle->run = (struct run *)self;
    return (struct mspack_file *)handle;
}

static void on_close(struct mspack_file *file)
{
    free(file);
}

static int on_read(struct mspack_file *of, void *to, int size)
{
    struct handle *file = (struct handle *)of;
    struct run *run = file ? file->run : NULL;
    if (!run)
        return -1;
    bytes part = bytes_slice(run->data, file->at, size > 0 ? (size_t)size : 0);
    if (run->stopped || !run->out->work(run->out->to, READ_STEPS)) {
        run->stopped = true;
        return -1;
    }
    if (part.len)
        memcpy(to, part.at, part.len);
    file->at += part.len;
    return (int)part.len;
}

static int on_write(struct mspack_file *of, void *from, int size)
{
    struct handle *file = (struct handle *)of;
    struct run *run = file ? file->run : NULL;
    if (!run || run->stopped || size < 0 ||
        !run->out->write(run->out->to, (bytes){from, (size_t)size})) {
        run->stopped = true;
        return -1;
    }
    file->at += (uint64_t)size;
    return size;
}

static int on_seek(struct mspack_file *of, off_t offset, int mode)
{
    struct handle *file = (struct handle *)of;
    if (!file)
        return -1;
    uint64_t size = file->run->data.len;
    uint64_t from = mode == MSPACK_SYS_SEEK_CUR   ? file->at
                    : mode == MSPACK_SYS_SEEK_END ? size
                                                  : 0;
    if (offset < 0 ? (uint64_t)-offset > from : (uint64_t)offset > size - from)
        return -1;
    file->at = offset < 0 ? from - (uint64_t)-offset : from + (uint64_t)offset;
    return 0;
}

static off_t on_tell(struct mspack_file *of)
{
    struct handle *file = (struct handle *)of;
    return file ? (off_t)file->at : -1;
}

/* Messages are about checksums that are wrong and blocks that were mended. */
static void on_message(struct mspack_file *of, const char *format, ...)
{
    struct handle *file = (struct handle *)of;
    (void)format;
    if (file)
        file->run->warned = true;
}

/* Zeroed: libmspack 0.11 gives the names of a KWAJ header back that it has not read yet. */
static void *on_alloc(struct mspack_system *self, size_t size)
{
    (void)self;
    return calloc(1, size);
}

static void on_free(void *at)
{
    free(at);
}

static void on_copy(void *from, void *to, size_t size)
{
    memcpy(to, from, size);
}

static const char *fault_of(int error)
{
    switch (error) {
    case MSPACK_ERR_OK:
        return NULL;
    case MSPACK_ERR_NOMEMORY:
        return "no memory";
    case MSPACK_ERR_SIGNATURE:
        return "its header is not what it should be";
    case MSPACK_ERR_CHECKSUM:
        return "its checksum is wrong";
    case MSPACK_ERR_READ:
    case MSPACK_ERR_SEEK:
        return "its data is cut short";
    case MSPACK_ERR_DECRUNCH:
        return "its compressed data is damaged";
    default:
        return "its structure is damaged";
    }
}

static const char *begin_member(struct run *run, const char *name, off_t size)
{
    run->warned = false;
    run->stopped = !run->out->begin(run->out->to, bytes_of(name), (uint64_t)size);
    return (const char *)run;
}

static void end_member(struct run *run, int error)
{
    const char *fault = fault_of(error);
    if (!fault && run->warned)
        fault = "its checksum is wrong";
    if (!run->stopped && !run->out->end(run->out->to, fault))
        run->stopped = true;
}

/* Cabinets have `\` between folders. */
static const char *with_slashes(char *name)
{
    for (char *at = name; (at = strchr(at, '\\'));)
        *at = '/';
    return name;
}

static const char *open_cab(struct run *run)
{
    struct mscab_decompressor *cab = mspack_create_cab_decompressor(&run->system);
    const char *fault = "no memory";
    if (!cab)
        return fault;
    cab->set_param(cab, MSCABD_PARAM_FIXMSZIP, 1);
    cab->set_param(cab, MSCABD_PARAM_SALVAGE, 1);
    struct mscabd_cabinet *cabinet = cab->open(cab, (const char *)run);
    fault = cabinet ? NULL : fault_of(cab->last_error(cab));
    if (cabinet && cabinet->flags & (MSCAB_HDR_PREVCAB | MSCAB_HDR_NEXTCAB))
        fault = "one part of a set of cabinets: members that go on elsewhere are not whole";
    for (struct mscabd_file *file = cabinet ? cabinet->files : NULL; file && !run->stopped;
         file = file->next) {
        const char *out = begin_member(run, with_slashes(file->filename), file->length);
        if (!run->stopped)
            end_member(run, cab->extract(cab, file, out));
    }
    if (cabinet)
        cab->close(cab, cabinet);
    mspack_destroy_cab_decompressor(cab);
    return fault;
}

static const char *open_chm(struct run *run)
{
    struct mschm_decompressor *chm = mspack_create_chm_decompressor(&run->system);
    const char *fault = "no memory";
    if (!chm)
        return fault;
    struct mschmd_header *header = chm->open(chm, (const char *)run);
    fault = header ? NULL : fault_of(chm->last_error(chm));
    for (struct mschmd_file *file = header ? header->files : NULL; file && !run->stopped;
         file = file->next) {
        if (file->length == 0)
            continue;
        const char *out = begin_member(run, file->filename, file->length);
        if (!run->stopped)
            end_member(run, chm->extract(chm, file, out));
    }
    if (header)
        chm->close(chm, header);
    mspack_destroy_chm_decompressor(chm);
    return fault;
}

static const char *open_szdd(struct run *run)
{
    struct msszdd_decompressor *szdd = mspack_create_szdd_decompressor(&run->system);
    if (!szdd)
        return "no memory";
    struct msszddd_header *header = szdd->open(szdd, (const char *)run);
    const char *fault = header ? NULL : fault_of(szdd->last_error(szdd));
    if (header) {
        const char *out = begin_member(run, "", header->length);
        if (!run->stopped)
            end_member(run, szdd->extract(szdd, header, out));
        szdd->close(szdd, header);
    }
    mspack_destroy_szdd_decompressor(szdd);
    return fault;
}

static const char *open_kwaj(struct run *run)
{
    struct mskwaj_decompressor *kwaj = mspack_create_kwaj_decompressor(&run->system);
    if (!kwaj)
        return "no memory";
    struct mskwajd_header *header = kwaj->open(kwaj, (const char *)run);
    const char *fault = header ? NULL : fault_of(kwaj->last_error(kwaj));
    if (header) {
        const char *out =
            begin_member(run, header->filename ? header->filename : "", header->length);
        if (!run->stopped)
            end_member(run, kwaj->extract(kwaj, header, out));
        kwaj->close(kwaj, header);
    }
    mspack_destroy_kwaj_decompressor(kwaj);
    return fault;
}

const char *mspack_open(enum mspack_kind kind, bytes data, const struct mspack_out *out)
{
    static const char *(*const kinds[])(struct run *) = {
        [MSPACK_CAB] = open_cab,
        [MSPACK_CHM] = open_chm,
        [MSPACK_SZDD] = open_szdd,
        [MSPACK_KWAJ] = open_kwaj,
    };
    struct run run = {
        .system = {on_open, on_close, on_read, on_write, on_seek, on_tell, on_message, on_alloc,
                   on_free, on_copy, NULL},
        .data = data,
        .out = out,
    };
    return kinds[kind](&run);
}
