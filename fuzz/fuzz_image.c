/* File systems, partition tables and disk images: what holds for any container.
 *
 * Images are mostly zeros, so an input is a list of what is not: be16 zeros before it, be16
 * bytes, the bytes; a count of zeros of ffff stands for 1 MiB. tests/containers/image_seed.py
 * makes one. The image ends with the last bytes. */
#include "fuzz/fuzz_unpack.h"

#include "base/base.h"

enum { IMAGE_MOST = 8 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t *image;
    size_t used = 0, high = 0;
    if (!image)
        image = malloc(IMAGE_MOST);
    if (!image)
        return 0;
    for (size_t at = 0; at + 4 <= size;) {
        size_t zeros = load_be16(data + at), len = load_be16(data + at + 2);
        zeros = zeros == 0xffff ? 1 << 20 : zeros;
        at += 4;
        len = len < size - at ? len : size - at;
        if (zeros + len > IMAGE_MOST - used)
            break;
        memset(image + used, 0, zeros);
        memcpy(image + used + zeros, data + at, len);
        used += zeros + len;
        at += len;
        high = used;
    }
    return fuzz_unpack(image, high);
}
