#include "scan/look.h"

#define LOOK_STEPS (UINT64_C(1) << 34)

void look_begin(struct look *look, bytes data, enum filetype type, struct arena *arena,
                const volatile bool *stop)
{
    *look = (struct look){.data = data, .type = type, .arena = arena, .stop = stop};
}

static bool is_image(enum filetype type)
{
    return type == FILETYPE_GRAPHICS || type == FILETYPE_GIF || type == FILETYPE_PNG ||
           type == FILETYPE_JPEG || type == FILETYPE_TIFF;
}

bool look_picture(void *to, uint64_t *ret)
{
    struct look *look = to;
    if (!look->known) {
        struct budget budget = {.steps = LOOK_STEPS, .stop = look->stop};
        look->known = true;
        look->state = is_image(look->type)
                          ? picture_hash(look->data, look->arena, &budget, &look->hash)
                          : PICTURE_NONE;
    }
    *ret = look->hash;
    return look->state == PICTURE_READ;
}

const char *look_fault(const struct look *look)
{
    if (look->known && look->state == PICTURE_UNKNOWN)
        return "pictures of its kind are not compared";
    if (look->known && look->state == PICTURE_LIMIT)
        return "its picture is too large to be compared";
    return NULL;
}
