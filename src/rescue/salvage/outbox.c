#include "rescue/salvage/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COMPONENT = 200, COMPONENTS = 24, PENDING = 1 << 18, NUMBERS = 100000 };

/* One component, made safe; empty when nothing is left of it. */
static size_t component(bytes raw, char *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < raw.len && n < COMPONENT; i++) {
        uint8_t c = raw.at[i];
        ret[n++] = (char)(c < 0x20 || c == 0x7f || c == '\\' ? '_' : c);
    }
    if ((n == 1 && ret[0] == '.') || (n == 2 && ret[0] == '.' && ret[1] == '.'))
        n = 0;
    ret[n] = 0;
    return n;
}

/* The next component of a path; false at its end. */
static bool next_component(bytes *rest, char *ret)
{
    bytes head;
    while (bytes_cut(rest, '/', &head))
        if (component(head, ret))
            return true;
    return false;
}

static int enter(int at, const char *name, struct why *why)
{
    if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
        return fail(why, errno, "cannot make the folder '%s': %s", name, strerror(errno));
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fail(why, errno, "cannot enter the folder '%s': %s", name, strerror(errno));
    return fd;
}

static int create(struct outbox *outbox, int at, const char *name, size_t prefix,
                  struct why *why)
{
    char full[COMPONENT + 16];
    for (int number = 1; number < NUMBERS; number++) {
        snprintf(full, sizeof full, number > 1 ? "%s~%d" : "%s", name, number);
        outbox->fd =
            openat(at, full, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (outbox->fd >= 0) {
            snprintf(outbox->path + prefix, sizeof outbox->path - prefix, "%s", full);
            return 0;
        }
        if (errno != EEXIST)
            break;
    }
    return fail(why, errno, "cannot create '%s': %s", name, strerror(errno));
}

static int begin_in(struct outbox *outbox, int at, bytes path, struct why *why)
{
    char now[COMPONENT + 1], next[COMPONENT + 1];
    size_t used = 0;
    int error = 0;
    if (!next_component(&path, now))
        snprintf(now, sizeof now, "unnamed");
    for (int depth = 0; !error && depth < COMPONENTS && next_component(&path, next); depth++) {
        int inner = enter(at, now, why);
        close(at);
        at = inner;
        if (at < 0)
            return at;
        used += (size_t)snprintf(outbox->path + used, sizeof outbox->path - used, "%s/", now);
        if (used + 2 * COMPONENT > sizeof outbox->path)
            error = fail(why, ENAMETOOLONG, "the name of a part is too long");
        memcpy(now, next, sizeof now);
    }
    if (!error)
        error = create(outbox, at, now, used, why);
    close(at);
    return error;
}

int outbox_begin(struct outbox *outbox, bytes folder, bytes name, struct why *why)
{
    char path[2 * OUTBOX_PATH];
    if (!outbox->pending)
        outbox->pending = malloc(PENDING);
    if (!outbox->pending)
        return fail(why, ENOMEM, "no memory for writing");
    outbox->used = 0;
    outbox->size = 0;
    outbox->path[0] = 0;
    outbox->fd = -1;
    size_t a = folder.len < OUTBOX_PATH / 4 ? folder.len : OUTBOX_PATH / 4;
    size_t b = name.len < OUTBOX_PATH ? name.len : OUTBOX_PATH;
    memcpy(path, folder.at, a);
    path[a] = '/';
    if (b)
        memcpy(path + a + 1, name.at, b);
    int at = fcntl(outbox->directory, F_DUPFD_CLOEXEC, 0);
    if (at < 0)
        return fail(why, errno, "cannot open the output directory: %s", strerror(errno));
    return begin_in(outbox, at, (bytes){(const uint8_t *)path, a + 1 + b}, why);
}

static int write_all(struct outbox *outbox, const uint8_t *at, size_t len, struct why *why)
{
    while (len) {
        ssize_t n = write(outbox->fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(why, errno, "cannot write '%.150s': %s", outbox->path, strerror(errno));
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

int outbox_put(struct outbox *outbox, bytes data, struct why *why)
{
    outbox->size += data.len;
    if (data.len >= PENDING - outbox->used) {
        int error = write_all(outbox, outbox->pending, outbox->used, why);
        outbox->used = 0;
        if (error || data.len >= PENDING)
            return error ? error : write_all(outbox, data.at, data.len, why);
    }
    if (data.len)
        memcpy(outbox->pending + outbox->used, data.at, data.len);
    outbox->used += data.len;
    return 0;
}

int outbox_end(struct outbox *outbox, struct why *why)
{
    if (!outbox->size) {
        outbox_drop(outbox);
        return 0;
    }
    int error = write_all(outbox, outbox->pending, outbox->used, why);
    if (close(outbox->fd) < 0 && !error)
        error = fail(why, errno, "cannot write '%.150s': %s", outbox->path, strerror(errno));
    outbox->fd = -1;
    return error;
}

void outbox_drop(struct outbox *outbox)
{
    if (outbox->fd < 0)
        return;
    close(outbox->fd);
    (void)unlinkat(outbox->directory, outbox->path, 0);
    outbox->fd = -1;
    outbox->path[0] = 0;
}

void outbox_free(struct outbox *outbox)
{
    outbox_drop(outbox);
    free(outbox->pending);
    outbox->pending = NULL;
}
