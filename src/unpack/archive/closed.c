/* Formats that are recognised and not opened: better said than passed over. */
#include "unpack/archive/formats.h"

void closed_open(struct unpack *unpack)
{
    unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED, "%s is not opened", unpack->format->name);
}

/* ARC (ARC.DOC of SEA): 1a, method, a name of 13 bytes that ends in NUL, sizes. */
bool arc_probe(bytes data)
{
    uint32_t packed;
    size_t n = 0;
    if (data.len < 29 || data.at[1] == 0 || data.at[1] > 11 || !bytes_le32(data, 15, &packed))
        return false;
    while (n < 13 && data.at[2 + n] > ' ' && data.at[2 + n] < 0x7f)
        n++;
    return n > 0 && n < 13 && data.at[2 + n] == 0 && bytes_has(data, 29, packed);
}
