/* table — the modules there are: one row each, in order of name.
 *
 * A new module is modules/NAME.c with `const struct module module_NAME`, and a row here. A
 * program that wants more of them (the conformance tests do) links a file of its own that
 * defines module_table from these rows and its own; the linker then leaves table.c out. */
#pragma once
#include "yara/module.h"

/* clang-format off */
#define MODULE_ROWS(ROW) \
    ROW(console) \
    ROW(cuckoo) \
    ROW(dex) \
    ROW(dotnet) \
    ROW(elf) \
    ROW(hash) \
    ROW(lnk) \
    ROW(macho) \
    ROW(magic) \
    ROW(math) \
    ROW(pe) \
    ROW(string) \
    ROW(time) \
    ROW(vt)
/* clang-format on */

#define MODULE_DECLARE(name) extern const struct module module_##name;
#define MODULE_ROW(name)     &module_##name,

MODULE_ROWS(MODULE_DECLARE)
