/* The table of archives and compressed files: what begins how. */
#include "unpack/formats.h"

#include "unpack/archive/formats.h"

/* clang-format off */
const struct unpack_format unpack_archive[] = {
    {"zip", {{0, 4, "PK\3\4"}, {0, 8, "PK00PK\3\4"}, {0, 8, "PK\7\10PK\3\4"}, {0, 4, "PK\5\6"}},
     NULL, zip_open},
    {"gzip", {{0, 3, "\x1f\x8b\10"}}, NULL, gzip_open},
    {"bzip2", {{0, 3, "BZh"}}, bzip2_probe, bzip2_open},
    {"xz", {{0, 6, "\xfd" "7zXZ"}}, NULL, xz_open},
    {"lzma", {{0, 3, "\x5d\0\0"}}, lzma_probe, lzma_open},
    {"lzip", {{0, 4, "LZIP"}}, NULL, lzip_open},
    {"zstd", {{0, 4, "\x28\xb5\x2f\xfd"}, {1, 3, "\x2a\x4d\x18"}}, zstd_probe, zstd_open},
    {"lz4", {{0, 4, "\4\x22\x4d\x18"}, {0, 4, "\2\x21\x4c\x18"}, {1, 3, "\x2a\x4d\x18"}},
     lz4_probe, lz4_open},
    {"compress", {{0, 2, "\x1f\x9d"}}, NULL, lzw_open},
    {0},
};
/* clang-format on */
