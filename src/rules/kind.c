#include "rules/kind.h"

#include <string.h>

static const struct {
    enum kind kind;
    uint32_t magic, mask;
} known[] = {
    {KIND_PE, 0x5A4D, 0xFFFF},
    {KIND_ELF, 0x464C457F, 0xFFFFFFFF},
    {KIND_MACHO, 0xFEEDFACE, 0xFFFFFFFF},
    {KIND_MACHO, 0xFEEDFACF, 0xFFFFFFFF},
    {KIND_MACHO, 0xCEFAEDFE, 0xFFFFFFFF},
    {KIND_MACHO, 0xCFFAEDFE, 0xFFFFFFFF},
    {KIND_MACHO, 0xBEBAFECA, 0xFFFFFFFF},
    {KIND_MACHO, 0xBFBAFECA, 0xFFFFFFFF},
    {KIND_OLE, 0xE011CFD0, 0xFFFFFFFF},
    {KIND_ZIP, 0x04034B50, 0xFFFFFFFF},
    {KIND_PDF, 0x46445025, 0xFFFFFFFF},
};

enum kind kind_of(uint32_t magic)
{
    for (size_t i = 0; i < COUNT(known); i++)
        if ((magic & known[i].mask) == known[i].magic)
            return known[i].kind;
    return KIND_OTHER;
}

uint32_t kind_compatible(uint32_t magic, uint32_t mask)
{
    uint32_t set = 1 << KIND_OTHER;
    for (size_t i = 0; i < COUNT(known); i++) {
        if ((magic ^ known[i].magic) & known[i].mask & mask)
            continue;
        if ((known[i].mask & ~mask) == 0)
            return 1u << known[i].kind; /* the test says it all */
        set |= 1u << known[i].kind;
    }
    return set;
}

uint32_t kind_of_module(const char *name)
{
    if (strcmp(name, "pe") == 0 || strcmp(name, "dotnet") == 0)
        return 1 << KIND_PE;
    if (strcmp(name, "elf") == 0)
        return 1 << KIND_ELF;
    return KIND_ALL;
}
