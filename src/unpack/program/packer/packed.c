/* Packers and protectors that are known by name only: what they hide is not examined, and the
 * report says so. Known by the name of a section, or by the first bytes of the program.
 *
 * Names of sections: Hexacorn, "PE Section names - re-visited" (2016), and the packers' own
 * defaults. First bytes: what the packers named write (versions as in PEiD's public list of
 * signatures); `?` is any byte. Old programs for DOS: Ralf Brown's Interrupt List, table 01594.
 */
#include "unpack/program/program.h"

#include "pe/pe_image.h"
#include "unpack/program/packer/upx.h"

#include <string.h>

static const struct {
    const char *section, *packer;
} sections[] = {
    {".aspack", "ASPack"},
    {".ASPack", "ASPack"},
    {"ASPack", "ASPack"},
    {"pec1", "PECompact"},
    {"PEC2", "PECompact 2"},
    {"PEC2TO", "PECompact 2"},
    {"PECompact2", "PECompact 2"},
    {".petite", "Petite"},
    {"MEW", "MEW"},
    {".Upack", "Upack"},
    {".ByDwing", "Upack"},
    {".nsp0", "NsPack"},
    {"nsp0", "NsPack"},
    {".nsp1", "NsPack"},
    {"nsp1", "NsPack"},
    {".nPack", "nPack"},
    {".WWP32", "WWPack32"},
    {".WWPACK", "WWPack32"},
    {"yC", "yoda's Crypter"},
    {".yP", "yoda's Protector"},
    {"yP", "yoda's Protector"},
    {".y0da", "yoda's Protector"},
    {"Themida", "Themida"},
    {".themida", "Themida"},
    {".winlice", "WinLicense"},
    {"WinLicen", "WinLicense"},
    {".vmp0", "VMProtect"},
    {".vmp1", "VMProtect"},
    {".vmp2", "VMProtect"},
    {"VProtect", "VProtect"},
    {".MPRESS1", "MPRESS"},
    {".MPRESS2", "MPRESS"},
    {".neolite", "NeoLite"},
    {".neolit", "NeoLite"},
    {"kkrunchy", "kkrunchy"},
    {".enigma1", "Enigma Protector"},
    {".enigma2", "Enigma Protector"},
    {"PELOCKnt", "PELock"},
    {"PEPACK!!", "PEPack"},
    {"PESHiELD", "PEShield"},
    {"pebundle", "PEBundle"},
    {"PEBundle", "PEBundle"},
    {".perplex", "Perplex"},
    {"Perplex", "Perplex"},
    {"ProCrypt", "ProCrypt"},
    {".RLPack", "RLPack"},
    {".rlp", "RLPack"},
    {"SVKP", "SVK Protector"},
    {".svkp", "SVK Protector"},
    {".shrink1", "Shrinker"},
    {".shrink2", "Shrinker"},
    {".spack", "Simple Pack"},
    {".PACKMAN", "Packman"},
    {"!EPack", "EPack"},
    {"BitArts", "Crunch"},
    {"DAStub", "DAStub Dragon Armor"},
    {"RCryptor", "RCryptor"},
    {".RPCrypt", "RCryptor"},
    {".sforce3", "StarForce"},
    {".taz", "PESpin"},
    {"PEMICRO2", "PE Micro"},
};

static const struct {
    const char *bytes, *packer;
} entries[] = {
    {"60 e8 03 00 00 00 e9 eb 04 5d 45 55 c3 e8 01", "ASPack 2.12"},
    {"60 e8 70 05 00 00 eb 4c", "ASPack 2.0"},
    {"68 01 ? ? ? e8 01 00 00 00 c3 c3", "ASProtect"},
    {"be a4 01 40 00 ad 93 ad 97 ad 56 96 b2 80 a4 b6 80 ff 13 73", "FSG 1.33"},
    {"87 25 ? ? ? ? 61 94 55 a4 b6 80 ff 13", "FSG 2.0"},
    {"bb d0 01 40 00 bf 00 10 40 00 be", "FSG 1.0"},
    {"b8 ? ? ? ? 50 64 ff 35 00 00 00 00 64 89 25 00 00 00 00 33 c0 89 08 50 45 43",
     "PECompact 2"},
    {"b8 ? ? ? ? 68 ? ? ? ? 64 ff 35 00 00 00 00 64 89 25 00 00 00 00 66 9c 60 50", "Petite 2"},
    {"e9 ? ? ff ff 0c ? ? 00 00 00 00 00 00 00 00 00 00", "MEW 11"},
    {"be ? ? ? 00 ad 50 ff 76 34 eb 7c 48 01", "Upack 0.3"},
    {"be ? ? ? 00 ad 8b f8 95", "Upack"},
    {"9c 60 e8 00 00 00 00 5d 83 ed 07 8d", "NsPack"},
    {"9c 60 e8 00 00 00 00 5d b8 07 00 00 00 2b e8", "NsPack"},
    {"53 55 8b e8 33 db eb 60 0d 0a 0d 0a 57 57 50 61 63 6b 33 32", "WWPack32 1"},
    {"55 8b ec 53 56 57 60 e8 00 00 00 00 5d 81 ed", "yoda's Crypter 1.3"},
    {"eb 01 68 60 e8 00 00 00 00 8b 1c 24 83 c3 12 81 2b", "PESpin 1"},
    {"e9 ? ? ff ff 00 00 00 ? ? ? ? 1e ? ? 00", "tElock"},
    {"eb 00 60 eb 00 e8 00 00 00 00 5d 81 ed", "ExeStealth 2.7"},
    {"60 e8 00 00 00 00 58 05 ? ? ? ? 8b 30 03 f0 2b c0 8b fe", "MPRESS"},
    {"b8 ? ? ? ? 60 0b c0 74 68 e8 00 00 00 00 58", "Themida"},
    {"83 7c 24 08 01 75 ? 60 eb 03", "Packman"},
    {"eb 02 ? ? e8 25 00 00 00 eb 04", "Obsidium"},
    {"fc 55 50 e8 00 00 00 00 5d eb 01", "Krypton"},
    {"8b 44 24 04 23 05 ? ? ? ? 50 e8 ? ? ? ? 83 c4 04 fe 05", "NeoLite 2"},
};

static bool begins_with(bytes code, const char *pattern)
{
    size_t at = 0;
    for (const char *p = pattern; *p; at++) {
        if (at >= code.len)
            return false;
        if (*p == '?')
            p++;
        else if (ascii_hex((uint8_t)p[0]) * 16 + ascii_hex((uint8_t)p[1]) != code.at[at])
            return false;
        else
            p += 2;
        p += *p == ' ';
    }
    return true;
}

static const char *by_section(const struct pe_image *image)
{
    for (uint32_t i = 0; i < image->section_usable; i++) {
        const char *name =
            (const char *)image->data.at + image->section_at + (size_t)i * PE_SECTION_SIZE;
        for (size_t k = 0; k < COUNT(sections); k++)
            if (name[0] == sections[k].section[0] && strncmp(name, sections[k].section, 8) == 0)
                return sections[k].packer;
    }
    return NULL;
}

/* Armadillo begins as any program of its compiler does; its linker's version is its mark. */
static bool is_armadillo(const struct pe_image *image)
{
    return pe_image_optional16(image, 2) == 0x5253;
}

static const char *by_entry(const struct pe_image *image)
{
    int64_t at = pe_image_offset(image, pe_image_optional32(image, 16));
    bytes code = at < 0 ? (bytes){0} : bytes_slice(image->data, (size_t)at, 64);
    if (code.len == 0 || is_armadillo(image))
        return code.len ? "Armadillo" : NULL;
    for (size_t i = 0; i < COUNT(entries); i++)
        if (begins_with(code, entries[i].bytes))
            return entries[i].packer;
    return NULL;
}

const char *packed_name(bytes data)
{
    struct pe_image image;
    if (!pe_image_open(data, &image))
        return NULL;
    const char *name = by_entry(&image);
    if (!name)
        name = by_section(&image);
    if (!name && image.section_usable >= 2 && image.section_at + 80 <= data.len &&
        memcmp(data.at + image.section_at, "UPX0", 4) == 0 && !upx_pe_probe(data))
        name = "a modified UPX";
    return name;
}

bool packed_probe(bytes data)
{
    return pe_probe(data) && packed_name(data) != NULL;
}

void packed_open(struct unpack *unpack)
{
    unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED, "packed by %s",
               packed_name(unpack->data));
}

/* --- programs for DOS --- */

static const char *dos_name(bytes data)
{
    if (!bytes_has(data, 0, 0x40))
        return NULL;
    if (memcmp(data.at + 0x1c, "LZ09", 4) == 0)
        return "LZEXE 0.90";
    if (memcmp(data.at + 0x1c, "LZ91", 4) == 0)
        return "LZEXE 0.91";
    if (memcmp(data.at + 0x1e, "PKLITE", 6) == 0 || memcmp(data.at + 0x1e, "PKlite", 6) == 0)
        return "PKLITE";
    if (memcmp(data.at + 0x1c, "diet", 4) == 0)
        return "DIET";
    if (memcmp(data.at + 0x1c, "AINEXE", 4) == 0)
        return "AINEXE";
    if (memcmp(data.at + 0x24, "UPX!", 4) == 0)
        return "UPX for DOS";
    return NULL;
}

bool packed_dos_probe(bytes data)
{
    return !pe_probe(data) && dos_name(data) != NULL;
}

void packed_dos_open(struct unpack *unpack)
{
    unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED, "packed by %s", dos_name(unpack->data));
}
