#include "unpack/program/program.h"
#include "unpack/formats.h"
#include "unpack/program/installer/autoit.h"
#include "unpack/program/installer/inno.h"
#include "unpack/program/installer/installshield.h"
#include "unpack/program/installer/nsis.h"
#include "unpack/program/installer/sis.h"
#include "unpack/program/packer/upx.h"

const struct unpack_format unpack_program[] = {
    {"nsis", {{4, 16, "\xef\xbe\xad\xdeNullsoftInst"}}, NULL, nsis_open},
    {"autoit",
     {{0, 16, "\xa3\x48\x4b\xbe\x98\x6c\x4a\xa9\x99\x4c\x53\x0a\x86\xd6\x48\x7d"}},
     autoit_probe,
     autoit_open},
    {"inno", {{0, 2, "MZ"}}, inno_probe, inno_open},
    {"inno", {{0, 8, "idska32\x1a"}, {0, 21, "Inno Setup Setup Data"}}, NULL, inno_slice_open},
    {"installshield",
     {{0, 14, "InstallShield\0"}, {0, 14, "ISSetupStream\0"}},
     NULL,
     installshield_open},
    {"installshield", {{0}}, installshield_plain_probe, installshield_plain_open},
    {"installshield", {{0, 4, "ISc("}}, NULL, installshield_cabinet_open},
    {"sis",
     {{4, 8, "\x6d\0\0\x10\x19\4\0\x10"}, {4, 8, "\x12\x3a\0\x10\x19\4\0\x10"}},
     NULL,
     sis_open},
    {"sis", {{0, 4, "\x7a\x1a\x20\x10"}}, NULL, sisx_open},
    {"upx", {{0, 2, "MZ"}}, upx_pe_probe, upx_pe_open},
    {"upx", {{0, 4, "\177ELF"}}, upx_elf_probe, upx_elf_open},
    {"pyinstaller",
     {{0, 2, "MZ"}, {0, 4, "\177ELF"}, {0, 4, "\xcf\xfa\xed\xfe"}},
     pyinstaller_probe,
     pyinstaller_open},
    {"pyz", {{0, 4, "PYZ\0"}}, NULL, pyz_open},
    {"asar", {{0, 4, "\4\0\0\0"}}, asar_probe, asar_open},
    {"vdex", {{0, 4, "vdex"}, {0, 4, "dey\n"}}, NULL, android_open},
    {"crx", {{0, 4, "Cr24"}}, NULL, crx_open},
    {"macho",
     {{0, 4, "\xca\xfe\xba\xbe"}, {0, 4, "\xca\xfe\xba\xbf"}},
     macho_fat_probe,
     macho_fat_open},
    {"pe", {{0, 2, "MZ"}}, pe_probe, pe_open},
    {"packed", {{0, 2, "MZ"}}, packed_probe, packed_open},
    {"packed", {{0, 2, "MZ"}}, packed_dos_probe, packed_dos_open},
    {"elf", {{0, 4, "\177ELF"}}, NULL, elf_open},
    {"polyglot", {{0}}, polyglot_probe, polyglot_open},
    {0},
};
