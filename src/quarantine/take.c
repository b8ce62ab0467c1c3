#include "quarantine/take.h"

#include "quarantine/attributes.h"
#include "quarantine/chunks.h"
#include "quarantine/original.h"
#include "shim/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* Attributes and findings of one file. */
#define TAKE_MEMORY ((size_t)64 << 20)

/* One file on its way. */
struct taking {
    struct vault *vault;
    const struct take_request *request;
    struct arena *arena;
    int fd; /* the original */
    struct stat st;
    struct entry_facts entry;
    uint8_t salt[ENTRY_SALT];
    char path[ENTRY_PATH];
    char id[VAULT_ID + 1];
    int entry_fd;
    enum vault_state state; /* of what has to be dropped when it fails */
    bool begun;
};

static void step(const struct taking *taking, enum take_step step)
{
    if (taking->request->step)
        taking->request->step(taking->request->step_context, step);
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return S_ISREG(b->st_mode) && a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
           a->st_size == b->st_size && same_time(a->st_mtim, b->st_mtim);
}

/* The time of change is the one that was seen, or changed only because another name of the file
 * was removed by this process. */
static bool unchanged(const struct vault *vault, const struct stat *seen,
                      const struct stat *now)
{
    if (same_time(seen->st_ctim, now->st_ctim))
        return true;
    for (size_t i = 0; i < VAULT_TAKEN; i++) {
        const struct vault_taken *taken = &vault->taken[i];
        if (taken->inode == now->st_ino && taken->device == now->st_dev &&
            same_time(taken->scanned, seen->st_ctim) && same_time(taken->now, now->st_ctim))
            return true;
    }
    return false;
}

/* The same path may be scanned twice: its file went the first time. */
static bool taken_before(struct taking *taking)
{
    const struct stat *seen = taking->request->seen;
    for (size_t i = 0; i < VAULT_TAKEN; i++) {
        const struct vault_taken *taken = &taking->vault->taken[i];
        if (taken->last && taken->inode == seen->st_ino && taken->device == seen->st_dev &&
            same_time(taken->scanned, seen->st_ctim)) {
            memcpy(taking->id, taken->id, sizeof taking->id);
            return true;
        }
    }
    return false;
}

static int open_original(struct taking *taking, struct why *why)
{
    const struct take_request *request = taking->request;
    if (faccessat(request->directory, ".", W_OK | X_OK, AT_EACCESS) < 0)
        return fail(why, errno, "cannot remove it: %s", strerror(errno));
    taking->fd = openat(request->directory, request->name,
                        O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (taking->fd < 0 && errno == ENOENT && taken_before(taking))
        return 0;
    if (taking->fd < 0 && errno == ELOOP)
        return fail(why, ESTALE, "it is a symbolic link: what it leads to was left alone");
    if (taking->fd < 0)
        return fail(why, errno, "cannot open it: %s", strerror(errno));
    if (fstat(taking->fd, &taking->st) < 0)
        return fail(why, errno, "cannot look at it: %s", strerror(errno));
    return same_file(request->seen, &taking->st) &&
                   unchanged(taking->vault, request->seen, &taking->st)
               ? 0
               : fail(why, ESTALE, "it changed since it was examined");
}

static int describe(struct taking *taking, struct why *why)
{
    const struct take_request *request = taking->request;
    struct entry_facts *entry = &taking->entry;
    int error = attributes_read(taking->fd, &taking->st, taking->arena, entry, why);
    if (!error)
        error = original_path(request->directory, request->name, taking->path,
                              sizeof taking->path, why);
    if (error)
        return error;
    /* As it was before the scan read it. */
    entry->accessed = request->seen->st_atim;
    entry->path = bytes_of(taking->path);
    entry->version = request->version;
    entry->findings = request->findings_all;
    clock_gettime(CLOCK_REALTIME, &entry->taken);
    for (uint32_t i = 0; i < request->finding_count && i < ENTRY_FINDINGS; i++) {
        struct entry_finding *to = vec_push(taking->arena, &entry->finding);
        if (!to)
            return fail(why, ENOMEM, "out of memory");
        *to = request->findings[i];
    }
    return getrandom(taking->salt, sizeof taking->salt, 0) == (ssize_t)sizeof taking->salt
               ? 0
               : fail(why, errno, "no random bytes: %s", strerror(errno));
}

static bool add_zeros(struct digest *digest, uint64_t count)
{
    static const uint8_t zeros[4096];
    bool good = true;
    while (good && count) {
        bytes part = bytes_slice((bytes){zeros, sizeof zeros}, 0,
                                 count < sizeof zeros ? (size_t)count : sizeof zeros);
        good = digest_add(digest, part);
        count -= part.len;
    }
    return good;
}

static int copy_extent(struct taking *taking, const struct entry_extent *extent,
                       struct chunks *chunks, struct digest *digest, struct why *why)
{
    uint8_t part[16384];
    for (uint64_t done = 0; done < extent->len;) {
        uint64_t left = extent->len - done;
        ssize_t n = pread(taking->fd, part, left < sizeof part ? (size_t)left : sizeof part,
                          (off_t)(extent->at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? fail(why, errno, "cannot read it: %s", strerror(errno))
                     : fail(why, ESTALE, "it changed while it was moved");
        bytes view = {part, (size_t)n};
        int error = chunks_write(chunks, view, why);
        if (error)
            return error;
        if (!digest_add(digest, view))
            return fail(why, EIO, "libcrypto makes no digest");
        done += (uint64_t)n;
    }
    return 0;
}

static int copy_content(struct taking *taking, struct chunks *chunks, struct digest *digest,
                        struct why *why)
{
    const struct entry_facts *entry = &taking->entry;
    uint64_t at = 0;
    int error = 0;
    for (uint32_t i = 0; !error && i < entry->extent.n; i++) {
        const struct entry_extent *extent = &entry->extent.at[i];
        if (!add_zeros(digest, extent->at - at))
            return fail(why, EIO, "libcrypto makes no digest");
        error = copy_extent(taking, extent, chunks, digest, why);
        at = extent->at + extent->len;
    }
    if (!error)
        error = chunks_write_end(chunks, why);
    if (error)
        return error;
    return add_zeros(digest, entry->size - at) && digest_end(digest, taking->entry.sha256)
               ? 0
               : fail(why, EIO, "libcrypto makes no digest");
}

/* The header once to know its size, the content, and the header again with its digest. */
static int write_entry(struct taking *taking, struct why *why)
{
    uint64_t data;
    uint8_t key[AEAD_KEY];
    struct chunks *chunks = NULL;
    struct digest *digest = NULL;
    int error = vault_seal(taking->vault, taking->entry_fd, taking->salt, &taking->entry,
                           taking->arena, &data, key, why);
    if (error)
        return error;
    chunks = chunks_new(AEAD_SEAL, taking->entry_fd, data, key);
    digest = digest_new(DIGEST_SHA256);
    error = chunks && digest ? copy_content(taking, chunks, digest, why)
                             : fail(why, ENOMEM, "out of memory");
    chunks_free(chunks);
    digest_free(digest);
    if (!error)
        error = vault_seal(taking->vault, taking->entry_fd, taking->salt, &taking->entry,
                           taking->arena, &data, key, why);
    explicit_bzero(key, sizeof key);
    return error;
}

/* True when the file is still as it was when the copy began. */
static bool still_same(const struct taking *taking)
{
    struct stat now;
    return fstat(taking->fd, &now) == 0 && same_file(&taking->st, &now) &&
           unchanged(taking->vault, &taking->st, &now);
}

static int keep_entry(struct taking *taking, struct why *why)
{
    int error = vault_create(taking->vault, taking->id, &taking->entry_fd, why);
    if (error)
        return error;
    taking->begun = true;
    error = write_entry(taking, why);
    if (!error && fsync(taking->entry_fd) < 0)
        error = fail(why, errno, "cannot write to quarantine: %s", strerror(errno));
    step(taking, TAKE_WRITTEN);
    if (!error && !still_same(taking))
        error = fail(why, ESTALE, "it changed while it was moved");
    if (error)
        return error;
    error = vault_rename(taking->vault, taking->id, VAULT_NEW, VAULT_MOVING, why);
    if (!error)
        taking->state = VAULT_MOVING;
    return error;
}

/* What the next name of the same file will show. */
static void remember(struct taking *taking, uint64_t *ret_names)
{
    struct stat now;
    *ret_names = 0;
    if (fstat(taking->fd, &now) < 0)
        return;
    struct vault_taken *taken =
        &taking->vault->taken[taking->vault->taken_next++ % VAULT_TAKEN];
    *taken = (struct vault_taken){.device = now.st_dev,
                                  .inode = now.st_ino,
                                  .scanned = taking->request->seen->st_ctim,
                                  .now = now.st_ctim,
                                  .last = now.st_nlink == 0};
    memcpy(taken->id, taking->id, sizeof taken->id);
    *ret_names = now.st_nlink;
}

/* An entry is given up only where its original is certainly still in place. */
static int remove_original(struct taking *taking, struct why *why)
{
    const struct take_request *request = taking->request;
    struct why what, later;
    int error =
        original_remove(request->directory, request->name, taking->id, &taking->st, &what);
    if (error && original_is(request->directory, request->name, &taking->st))
        return fail(why, -error, "%s", what.text);
    taking->begun = false;
    /* What is not synced stays "moving", and whoever cleans up looks again. */
    if (original_sync(request->directory, &later) == 0 &&
        vault_rename(taking->vault, taking->id, VAULT_MOVING, VAULT_ENTRY, &later) < 0)
        return error;
    if (!error)
        return 0;
    return fail(why, -error, "%.150s; what was examined is entry %s", what.text, taking->id);
}

static int take(struct taking *taking, struct take_result *ret, struct why *why)
{
    int error = open_original(taking, why);
    if (error)
        return error;
    if (taking->fd < 0) {
        memcpy(ret->id, taking->id, sizeof ret->id);
        return 0;
    }
    step(taking, TAKE_OPENED);
    error = describe(taking, why);
    if (!error)
        error = keep_entry(taking, why);
    if (error)
        return error;
    step(taking, TAKE_SAFE);
    error = remove_original(taking, why);
    if (error)
        return error;
    remember(taking, &ret->names_left);
    memcpy(ret->id, taking->id, sizeof ret->id);
    return 0;
}

int take_file(struct vault *vault, const struct take_request *request, struct take_result *ret,
              struct why *why)
{
    struct taking *taking = calloc(1, sizeof *taking);
    if (!taking)
        return fail(why, ENOMEM, "out of memory");
    taking->vault = vault;
    taking->request = request;
    taking->fd = taking->entry_fd = -1;
    taking->state = VAULT_NEW;
    taking->arena = arena_new(TAKE_MEMORY);
    int error = taking->arena ? take(taking, ret, why) : fail(why, ENOMEM, "out of memory");
    struct why later;
    if (error && taking->begun && vault_drop(vault, taking->id, taking->state, &later) < 0)
        taking->begun = false; /* whoever cleans up later finds it */
    if (taking->fd >= 0)
        close(taking->fd);
    if (taking->entry_fd >= 0)
        close(taking->entry_fd);
    arena_free(taking->arena);
    free(taking);
    return error;
}
