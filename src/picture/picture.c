#include "picture/picture.h"

#include "picture/hash.h"

#include <string.h>

enum picture_state picture_begin(struct picture_job *job, uint64_t width, uint64_t height)
{
    if (!width || !height)
        return PICTURE_NONE;
    if (width > PICTURE_PIXELS || height > PICTURE_PIXELS || width * height > PICTURE_PIXELS ||
        !budget_charge(job->budget, width * height))
        return PICTURE_LIMIT;
    job->picture = (struct picture){(uint32_t)width, (uint32_t)height,
                                    arena_push(job->arena, (size_t)(width * height))};
    return job->picture.grey ? PICTURE_READ : PICTURE_LIMIT;
}

#define HEAD(text, read)                                                                       \
    {                                                                                          \
        (text), sizeof(text) - 1, (read)                                                       \
    }

static const struct {
    const char *head;
    size_t length;
    enum picture_state (*read)(struct picture_job *job);
} formats[] = {
    HEAD("\x89PNG\r\n\x1a\n", png_read),
    HEAD("\xff\xd8\xff", photo_read),
    HEAD("GIF87a", gif_read),
    HEAD("GIF89a", gif_read),
    HEAD("BM", bmp_read),
    HEAD("II*\0", NULL),
    HEAD("MM\0*", NULL),
};

static enum picture_state read_pixels(struct picture_job *job)
{
    for (size_t i = 0; i < COUNT(formats); i++)
        if (job->data.len >= formats[i].length &&
            memcmp(job->data.at, formats[i].head, formats[i].length) == 0)
            return formats[i].read ? formats[i].read(job) : PICTURE_UNKNOWN;
    return PICTURE_NONE;
}

enum picture_state picture_hash(bytes data, struct arena *arena, struct budget *budget,
                                uint64_t *ret)
{
    struct picture_job job = {.data = data, .arena = arena, .budget = budget};
    struct arena_mark mark = arena_mark(arena);
    enum picture_state state = read_pixels(&job);
    if (state == PICTURE_READ && !hash_of_pixels(&job.picture, arena, budget, ret))
        state = PICTURE_LIMIT;
    arena_pop(arena, mark);
    return state;
}
