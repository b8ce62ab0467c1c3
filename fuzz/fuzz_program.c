/* fuzz_program — programs, installers and packers (src/unpack/program). */
#include "fuzz_unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_unpack(data, size);
}
