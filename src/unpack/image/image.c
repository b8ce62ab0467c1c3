#include "unpack/formats.h"

const struct unpack_format unpack_image[] = {
    {0},
};
