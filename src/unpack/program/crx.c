/* Extensions of Chrome: a zip behind a signature.
 *
 *   "Cr24", u32 version; 2: u32 size of key, u32 size of signature; 3: u32 size of header
 *
 * Chromium, components/crx_file/crx3.proto and crx_file.h. */
#include "unpack/program/program.h"

void crx_open(struct unpack *unpack)
{
    uint32_t version = 0, first = 0, second = 0;
    uint64_t at;
    if (!bytes_le32(unpack->data, 4, &version) || !bytes_le32(unpack->data, 8, &first) ||
        !bytes_le32(unpack->data, 12, &second)) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the header is cut short");
        return;
    }
    at = version == 2 ? 16 + (uint64_t)first + second : 12 + (uint64_t)first;
    if (version != 2 && version != 3)
        unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED, "version %u", version);
    else if (at >= unpack->data.len)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "nothing follows the header");
    else if (!unpack_view(unpack, bytes_of("[zip]"),
                          bytes_slice(unpack->data, (size_t)at, unpack->data.len)))
        return;
}
