#include "unpack/program/program.h"
#include "unpack/formats.h"
#include "unpack/program/nsis.h"

const struct unpack_format unpack_program[] = {
    {"nsis", {{4, 16, "\xef\xbe\xad\xdeNullsoftInst"}}, NULL, nsis_open},
    {"pe", {{0, 2, "MZ"}}, pe_probe, pe_open},
    {"elf", {{0, 4, "\177ELF"}}, NULL, elf_open},
    {"polyglot", {{0}}, polyglot_probe, polyglot_open},
    {0},
};
