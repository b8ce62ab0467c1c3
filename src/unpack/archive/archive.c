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
    {"lzma", {{0, 1, "\x5d"}}, lzma_probe, lzma_open},
    {"lzip", {{0, 4, "LZIP"}}, NULL, lzip_open},
    {"zstd", {{0, 4, "\x28\xb5\x2f\xfd"}, {1, 3, "\x2a\x4d\x18"}}, zstd_probe, zstd_open},
    {"lz4", {{0, 4, "\4\x22\x4d\x18"}, {0, 4, "\2\x21\x4c\x18"}, {1, 3, "\x2a\x4d\x18"}},
     lz4_probe, lz4_open},
    {"compress", {{0, 2, "\x1f\x9d"}}, NULL, lzw_open},
    {"7z", {{0, 6, "7z\xbc\xaf\x27\x1c"}}, NULL, sevenzip_open},
    {"rar", {{0, 7, "Rar!\x1a\7\0"}}, NULL, rar_open},
    {"rar", {{0, 8, "Rar!\x1a\7\1\0"}}, NULL, rar5_open},
    {"ar", {{0, 8, "!<arch>\n"}}, NULL, ar_open},
    {"rpm", {{0, 4, "\xed\xab\xee\xdb"}}, NULL, rpm_open},
    {"cpio", {{0, 6, "070701"}, {0, 6, "070702"}, {0, 6, "070707"}}, NULL, cpio_open},
    {"cpio", {{0, 2, "\xc7\x71"}, {0, 2, "\x71\xc7"}}, cpio_binary_probe, cpio_open},
    {"lha", {{2, 3, "-lh"}, {2, 3, "-lz"}, {2, 3, "-pm"}}, lha_probe, lha_open},
    {"xar", {{0, 4, "xar!"}}, NULL, xar_open},
    {"warc", {{0, 5, "WARC/"}}, NULL, warc_open},
    {"cab", {{0, 8, "MSCF\0\0\0\0"}}, NULL, cab_open},
    {"chm", {{0, 8, "ITSF\3\0\0\0"}}, NULL, chm_open},
    {"szdd", {{0, 8, "SZDD\x88\xf0\x27\x33"}, {0, 8, "SZ \x88\xf0\x27\x33\xd1"}}, NULL, szdd_open},
    {"kwaj", {{0, 8, "KWAJ\x88\xf0\x27\xd1"}}, NULL, kwaj_open},
    {"arj", {{0, 2, "\x60\xea"}}, arj_probe, arj_open},
    {"tar", {{0}}, tar_probe, tar_open},
    {0},
};
/* clang-format on */
