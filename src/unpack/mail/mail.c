#include "unpack/formats.h"

const struct unpack_format unpack_mail[] = {
    {0},
};
