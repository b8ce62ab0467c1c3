/* be32 magic (00051600 single, 00051607 double), be32 version, 16 bytes, be16 entries; each
 * entry be32 id, be32 offset, be32 length. RFC 1740, appendix A. */
#include "unpack/mail/apple.h"

enum { ENTRIES_AT = 26, ENTRY_SIZE = 12, ID_DATA = 1, ID_RESOURCE = 2, ID_NAME = 3 };

void apple_open(struct unpack *unpack)
{
    bytes data = unpack->data, name = {NULL, 0};
    uint16_t count = 0;
    if (!bytes_be16(data, 24, &count)) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the header is cut short");
        return;
    }
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < count; i++) {
            uint32_t id, at, size, entry = ENTRIES_AT + i * ENTRY_SIZE;
            if (!bytes_be32(data, entry, &id) || !bytes_be32(data, entry + 4, &at) ||
                !bytes_be32(data, entry + 8, &size)) {
                if (pass == 1)
                    unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the entries are cut short");
                break;
            }
            if (pass == 0 && id == ID_NAME)
                name = bytes_slice(data, at, size);
            if (pass == 0 || (id != ID_DATA && id != ID_RESOURCE))
                continue;
            bytes member = id == ID_RESOURCE ? bytes_of("[resource fork]")
                           : name.len        ? name
                                             : bytes_of("[data fork]");
            if (!bytes_has(data, at, size))
                unpack_gap(unpack, member, GAP_DAMAGED, "reaches past the end");
            if (!unpack_view(unpack, member, bytes_slice(data, at, size)))
                return;
        }
}
