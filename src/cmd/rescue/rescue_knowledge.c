#include "cmd/rescue/rescue_knowledge.h"

#include "cmd/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* rescue_embedded.c. */
extern const uint8_t candor_rescue_start[] __attribute__((visibility("hidden")));
extern const uint8_t candor_rescue_end[] __attribute__((visibility("hidden")));

#define MODEL_MAX ((off_t)64 << 20)

static int read_model(const char *path, struct arena *arena, bytes *ret, struct why *why)
{
    struct stat facts;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &facts) < 0 || facts.st_size > MODEL_MAX) {
        int error = fail(why, fd < 0 ? errno : EFBIG, "cannot read '%s': %s", path,
                         fd < 0 ? strerror(errno) : "too large");
        if (fd >= 0)
            close(fd);
        return error;
    }
    struct source source = source_of_file(fd, (uint64_t)facts.st_size, (bytes){0});
    int error = source_take(&source, 0, (size_t)facts.st_size, arena, ret, why);
    close(fd);
    return error;
}

int rescue_knowledge_open(const char *notes, struct arena *arena, struct knowledge *ret,
                          struct why *why)
{
    size_t size = (size_t)(candor_rescue_end - candor_rescue_start);
    uint8_t *plain = arena_push_raw(arena, size);
    if (!plain)
        return fail(why, ENOMEM, "out of memory");
    embedded_mask(candor_rescue_start, plain, size);
    int error = knowledge_open((bytes){plain, size}, arena, ret, why);
    if (error || !notes)
        return error;
    struct catalogue catalogue = ret->catalogue;
    struct note_model model;
    bytes file;
    error = read_model(notes, arena, &file, why);
    if (!error)
        error = note_model_open(file, arena, &model, why);
    if (error)
        return why_wrap(why, error, notes);
    return knowledge_join(&catalogue, &model, arena, ret, why);
}
