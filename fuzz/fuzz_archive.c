/* fuzz_archive — archives and compressed files (src/unpack/archive); seeds of one family each
 * make the targets zip, stream and archive. */
#include "fuzz_unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_unpack(data, size);
}
