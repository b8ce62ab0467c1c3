#include "unpack/formats.h"

const struct unpack_format unpack_program[] = {
    {0},
};
