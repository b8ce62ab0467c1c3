#include "picture/picture.h"
#include "tap.h"

#include <string.h>

/* Sixteen by four pixels of eight bits, with 256 greys for colours. */
enum { WIDTH = 16, HEIGHT = 4, HEAD = 54, COLOURS = 1024 };

static uint8_t image[HEAD + COLOURS + WIDTH * HEIGHT];

static void make_image(void)
{
    memcpy(image, "BM", 2);
    image[11] = (HEAD + COLOURS) >> 8;
    image[10] = (HEAD + COLOURS) & 0xff;
    image[14] = 40;
    image[18] = WIDTH;
    image[22] = HEIGHT;
    image[26] = 1;
    image[28] = 8;
    for (int i = 0; i < 256; i++)
        memset(image + HEAD + 4 * i, i, 3);
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        image[HEAD + COLOURS + i] = (uint8_t)(i * 37 % 251);
}

static enum picture_state look(bytes data, uint64_t steps, size_t memory, uint64_t *ret)
{
    struct arena *arena = arena_new(memory);
    struct budget budget = {.steps = steps};
    enum picture_state state = picture_hash(data, arena, &budget, ret);
    CHECK_INT(arena_used(arena), 0);
    arena_free(arena);
    return state;
}

static void hash(void)
{
    uint64_t value = 0;
    make_image();
    CHECK_INT(look((bytes){image, sizeof image}, 1 << 20, 1 << 20, &value), PICTURE_READ);
    /* As clamscan 1.4.6 has it. */
    CHECK(value == UINT64_C(0x86ad07d2fa2d45d2));
}

static void refusals(void)
{
    uint64_t value = 7;
    CHECK_INT(look((bytes){image, sizeof image - 1}, 1 << 20, 1 << 20, &value), PICTURE_NONE);
    CHECK_INT(look((bytes){image, sizeof image}, 10, 1 << 20, &value), PICTURE_LIMIT);
    CHECK_INT(look((bytes){image, sizeof image}, 1 << 20, 16, &value), PICTURE_LIMIT);
    CHECK_INT(look(bytes_of("no picture"), 1 << 20, 1 << 20, &value), PICTURE_NONE);
    CHECK_INT(look((bytes){(const uint8_t *)"II*\0....", 8}, 1 << 20, 1 << 20, &value),
              PICTURE_UNKNOWN);
    CHECK(value == 7);
}

int main(void)
{
    hash();
    refusals();
    return tap_done();
}
