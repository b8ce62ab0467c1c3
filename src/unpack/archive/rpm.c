/* RPM packages, as "RPM Package File Format" (rpm.org, format v3 and v4) and LSB 5.0 chapter
 * 22:
 *
 *     lead        96 bytes, ed ab ee db
 *     signature   a header, padded to 8 bytes
 *     header      8e ad e8 01, 4 reserved, entries (be32), bytes of data (be32); 16 bytes each
 *     payload     a compressed cpio archive
 *
 * The scripts that run on installation are texts in the header: it is a child, too. */
#include "unpack/archive/formats.h"

enum { LEAD_SIZE = 96, HEADER_SIZE = 16, ENTRY_SIZE = 16 };

/* Bytes of the header at `at`, 0 for none. */
static uint64_t rpm_header(bytes data, uint64_t at)
{
    uint32_t magic, entries, size;
    if (!bytes_be32(data, at, &magic) || magic >> 8 != 0x8eade8 ||
        !bytes_be32(data, at + 8, &entries) || !bytes_be32(data, at + 12, &size))
        return 0;
    return HEADER_SIZE + (uint64_t)entries * ENTRY_SIZE + size;
}

void rpm_open(struct unpack *unpack)
{
    bytes data = unpack->data;
    uint64_t signature = rpm_header(data, LEAD_SIZE);
    uint64_t at = LEAD_SIZE + (signature + 7) / 8 * 8, header = rpm_header(data, at);
    if (signature == 0 || header == 0 || !bytes_has(data, at, header)) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "its headers are damaged");
        return;
    }
    if (!unpack_view(unpack, bytes_of("header"), bytes_slice(data, at, header)))
        return;
    bytes payload = bytes_slice(data, at + header, data.len);
    if (payload.len == 0)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "its payload is missing");
    (void)!unpack_view(unpack, bytes_of("payload"), payload);
}
