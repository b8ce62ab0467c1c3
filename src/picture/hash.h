/* hash — pixels to 64 bits. */
#pragma once
#include "picture/picture.h"

/* False: the arena or the budget did not suffice. The picture has pixels. */
bool hash_of_pixels(const struct picture *picture, struct arena *arena, struct budget *budget,
                    uint64_t *ret);
