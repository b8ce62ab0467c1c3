/* Reports of sandbox runs: read, and asked everything that rules can ask. */
#include "fuzz_module.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_module("cuckoo", data, 0, (bytes){data, size});
}
