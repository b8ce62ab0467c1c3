/* A CD as its sectors are on it, 2352 bytes each (ECMA-130): 00 ff*10 00, address, mode; mode
 * 1: 2048 bytes of data from 16 on; mode 2 (form 1): from 24 on. The data are an ISO 9660
 * image. */
#include "unpack/image/cdraw.h"

#include "unpack/image/filesystem.h"

enum { RAW = 2352, DATA = 2048 };

static bool map_sector(struct source *source, uint64_t at, struct source_piece *ret)
{
    bytes raw = *(const bytes *)source->state;
    uint64_t from = at / DATA * RAW;
    if (!bytes_has(raw, from, RAW))
        return false;
    from += raw.at[from + 15] == 2 ? 24 : 16;
    *ret = (struct source_piece){raw.at + from + at % DATA, DATA - at % DATA, true};
    return true;
}

void cdraw_open(struct unpack *unpack)
{
    struct source source = {.size = unpack->data.len / RAW * DATA,
                            .budget = unpack->budget,
                            .map = map_sector,
                            .state = &unpack->data};
    const struct filesystem *filesystem = filesystem_of(&source);
    if (!filesystem)
        unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED, "no known file system on the disc");
    else if (!filesystem_walk(unpack, &source, filesystem, bytes_of("")))
        return;
}
