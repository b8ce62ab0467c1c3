/* pe_layout — where the parts of a PE file lie in it, as ClamAV has it: signatures count from
 * these places ("EP+0", "S2+10", "VI") and hash these sections.
 *
 * Headers as in pe_image.h, but other oddities: "ZM" will do, the optional header must be as
 * long as it says, offsets are rounded down and sizes up to FileAlignment (to 512 where some
 * section's offset fits that alone), what reaches past the end of the file is cut, and one
 * section with a size of more than 31 bits, or an entry point that lies nowhere, makes the
 * whole file no PE file. Found out from clamscan 1.4. */
#pragma once
#include "base/arena.h"

struct pe_part {
    uint32_t rva, offset, size; /* size 0: nothing of it is in the file */
};

struct pe_layout {
    bytes data;
    uint32_t entry;       /* file offset of the first instruction; 0 for many a DLL */
    uint32_t header_size; /* what lies below is mapped as it is */
    uint32_t header;      /* file offset of "PE" */
    bool is_library, is_64;
    uint32_t resources, resources_size;       /* directory 2: its RVA; 0 where there is none */
    uint32_t certificates, certificates_size; /* directory 4, likewise: a file offset */
    uint32_t section_count;
    struct pe_part *sections; /* in the arena */
};

/* 0; -EBADMSG when it is no PE file to ClamAV; -ENOMEM. */
int pe_layout_open(bytes data, struct arena *arena, struct pe_layout *ret) MUST_USE;
/* File offset of an RVA. False when no byte of the file is mapped there. */
bool pe_layout_offset(const struct pe_layout *layout, uint32_t rva, uint32_t *ret);
