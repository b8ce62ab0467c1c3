/* Reports of sandbox runs: read, and asked everything that rules can ask. */
#include "fuzz/module.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_module("cuckoo", (bytes){0}, (bytes){data, size});
}
