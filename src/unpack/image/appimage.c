/* AppImage ("AppImage Specification", draft 1 and 2): a program with "AI" at 8 and the type
 * at 10. Type 1 is an ISO 9660 image as well, and found as such. Of type 2, a squashfs follows
 * the program, which ends with its section headers: ELF64 40 where, 58 size of one, 60 how
 * many; ELF32 32, 46, 48. */
#include "unpack/image/appimage.h"

#include "unpack/image/filesystem.h"

/* The squashfs; 0 when there is none. */
static uint64_t program_end(bytes data)
{
    uint32_t from32 = 0;
    uint64_t from = 0;
    uint16_t size = 0, count = 0;
    bool fine;
    if (bytes_has(data, 4, 1) && data.at[4] == 2) {
        fine = bytes_le64(data, 40, &from) && bytes_le16(data, 58, &size) &&
               bytes_le16(data, 60, &count);
    } else {
        fine = bytes_le32(data, 32, &from32) && bytes_le16(data, 46, &size) &&
               bytes_le16(data, 48, &count);
        from = from32;
    }
    return fine && from < data.len ? from + (uint64_t)size * count : 0;
}

static bool open_at(struct unpack *unpack, uint64_t at)
{
    struct source file = source_flat(unpack->data, unpack->budget);
    struct source part = source_part(&file, at, file.size);
    struct tree tree = {.unpack = unpack, .source = &part};
    if (at == 0 || !squashfs_fits(&part))
        return false;
    squashfs_walk(&tree);
    return true;
}

void appimage_open(struct unpack *unpack)
{
    uint64_t at = program_end(unpack->data);
    if (open_at(unpack, at))
        return;
    /* Other data may follow the program. */
    for (size_t next = 0; next != SIZE_MAX; next++) {
        next = bytes_find(unpack->data, bytes_of("hsqs"), next);
        if (next == SIZE_MAX || !budget_charge(unpack->budget, 4096))
            break;
        if (open_at(unpack, next))
            return;
    }
    unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "no file system follows the program");
}
