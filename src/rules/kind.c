#include "rules/kind.h"

#include "filetype/target.h"

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

uint32_t kind_of_targets(uint32_t targets)
{
    static const uint8_t kinds[] = {[TARGET_PE] = 1 << KIND_PE,
                                    [TARGET_OLE2] = 1 << KIND_OLE,
                                    [TARGET_ELF] = 1 << KIND_ELF,
                                    [TARGET_MACHO] = 1 << KIND_MACHO,
                                    [TARGET_JAVA] = 1 << KIND_MACHO};
    uint32_t set = 0;
    for (uint32_t target = 0; target < 32; target++)
        if (targets & TARGET_BIT(target))
            set |= target < COUNT(kinds) && kinds[target] ? kinds[target] : (uint32_t)KIND_ALL;
    return set;
}
