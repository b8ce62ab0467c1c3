/* broken — programs that clamscan 1.4 calls broken: what its readers of PE, ELF and Mach-O do
 * not accept. For PE that is more than they need: sections must follow each other in memory. */
#pragma once
#include "base/budget.h"

bool broken_pe(bytes data);
bool broken_elf(bytes data);
bool broken_macho(bytes data, struct budget *budget);
/* A file of several Mach-O programs: only the table of them. */
bool broken_unibin(bytes data);
