#include "unpack/program/program.h"
#include "unpack/formats.h"

const struct unpack_format unpack_program[] = {
    {"pe", {{0, 2, "MZ"}}, pe_probe, pe_open},
    {"elf", {{0, 4, "\177ELF"}}, NULL, elf_open},
    {"polyglot", {{0}}, polyglot_probe, polyglot_open},
    {0},
};
