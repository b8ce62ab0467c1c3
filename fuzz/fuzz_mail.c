/* fuzz_mail — messages, folders, text encodings (src/unpack/mail). */
#include "fuzz_unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_unpack(data, size);
}
