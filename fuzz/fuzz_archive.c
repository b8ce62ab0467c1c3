/* fuzz_archive — archives and compressed files (src/unpack/archive); seeds of one family each
 * make the targets zip, stream and archive. */
#include "fuzz_unpack.h"

/* Libraries ask malloc for what a header says, and look at what it gives. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_unpack(data, size);
}
