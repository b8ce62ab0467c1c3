/* pe_version — the strings of a PE file's version information, as ClamAV collects them for its
 * offset "VI".
 *
 *   VS_VERSIONINFO: u16 length, u16 value length (52), u16 type, "VS_VERSION_INFO" in UTF-16
 * and its NUL, padding to 4, VS_FIXEDFILEINFO (52 bytes, from 0xfeef04bd on), then children:
 *   VarFileInfo, or StringFileInfo: a header of 6 bytes as above, the name, then
 *     StringTable: 6 bytes, 8 digits in UTF-16 and a NUL; then
 *       String: 6 bytes, the key and a NUL, padding to 4, the value.
 *
 * Windows SDK, "VERSIONINFO resource". */
#pragma once
#include "base/budget.h"
#include "pe/pe_layout.h"

struct pe_versions {
    VEC(uint32_t) at; /* file offsets of the keys of strings that have a value; ascending */
};

/* 0, with what was found until the budget ran out; -ENOMEM. */
int pe_version_strings(const struct pe_layout *layout, struct arena *arena,
                       struct budget *budget, struct pe_versions *ret) MUST_USE;
