/* fuzz_document — compound files, macros, PDF, RTF and other documents (src/unpack/document).
 */
#include "fuzz_unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_unpack(data, size);
}
