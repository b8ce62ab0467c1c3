#include "rescue/identify/shadow.h"

#include <string.h>

enum { SECTOR = 512, ENTRIES_MOST = 128 };

static bool has_shadows(const struct source *source, uint64_t at)
{
    static const uint8_t id[16] = {0x6b, 0x87, 0x08, 0x38, 0x76, 0xc1, 0x48, 0x4e,
                                   0xb7, 0xae, 0x04, 0x04, 0x6e, 0x6c, 0xc7, 0x52};
    uint8_t boot[16], header[64];
    if (at > source->size || source_read(source, at, boot, sizeof boot, NULL) < 0 ||
        memcmp(boot + 3, "NTFS    ", 8) != 0 ||
        source_read(source, at + 0x1e00, header, sizeof header, NULL) < 0)
        return false;
    return memcmp(header, id, sizeof id) == 0 && load_le32(header + 20) == 1 &&
           load_le64(header + 48) != 0;
}

static unsigned in_gpt(const struct source *source, const uint8_t *header)
{
    uint64_t table = load_le64(header + 72);
    uint32_t count = load_le32(header + 80), size = load_le32(header + 84);
    unsigned found = 0;
    uint8_t entry[48];
    if (table > source->size / SECTOR || size < 128 || size > 4096)
        return 0;
    for (uint32_t i = 0; i < count && i < ENTRIES_MOST; i++) {
        if (source_read(source, table * SECTOR + (uint64_t)i * size, entry, sizeof entry,
                        NULL) < 0)
            break;
        uint64_t first = load_le64(entry + 32);
        if (first && first <= source->size / SECTOR)
            found += has_shadows(source, first * SECTOR);
    }
    return found;
}

unsigned shadow_volumes(const struct source *source)
{
    uint8_t sector[2 * SECTOR];
    unsigned found = 0;
    if (source->size < 0x2000 || source_read(source, 0, sector, sizeof sector, NULL) < 0 ||
        sector[510] != 0x55 || sector[511] != 0xaa)
        return 0;
    if (memcmp(sector + 3, "NTFS    ", 8) == 0)
        return has_shadows(source, 0);
    if (memcmp(sector + SECTOR, "EFI PART", 8) == 0)
        return in_gpt(source, sector + SECTOR);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t first = load_le32(sector + 446 + 16 * i + 8);
        if (first)
            found += has_shadows(source, first * SECTOR);
    }
    return found;
}
