/* Shortcuts: the module's tree is the same twice, and all of it can be read. */
#include "fuzz_module.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_module("lnk", data, size, (bytes){0});
}
