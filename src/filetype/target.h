/* target — what rules and signatures are for. */
#pragma once
#include <stdint.h>

/* What an object is to rules and signatures. A file or member is TARGET_RULES, TARGET_ANY and
 * one more of ClamAV's types at most (docs.clamav.net, "Target Types"); what is derived from
 * it, such as normalised text, is for signatures only: TARGET_ANY or less. */
enum target {
    TARGET_ANY, /* ClamAV's target 0 */
    TARGET_PE,
    TARGET_OLE2,
    TARGET_HTML, /* normalised */
    TARGET_MAIL,
    TARGET_GRAPHICS,
    TARGET_ELF,
    TARGET_TEXT, /* normalised */
    TARGET_UNUSED,
    TARGET_MACHO,
    TARGET_PDF,
    TARGET_FLASH,
    TARGET_JAVA,
    TARGET_INTERNAL,
    TARGET_OTHER,       /* ClamAV: what no other target is */
    TARGET_LINK = 29,   /* a link in a mail: for .pdb, .wdb and .gdb */
    TARGET_MEMBER = 30, /* has a place in a container: for .cdb */
    TARGET_RULES = 31,  /* for YARA rules */
};

#define TARGET_BIT(target) (UINT32_C(1) << (target))
