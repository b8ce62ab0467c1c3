/* fuzz_macho — the macho module on any bytes: see fuzz_module.h. */
#include "fuzz_module.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_module("macho", data, size, (bytes){0});
}
