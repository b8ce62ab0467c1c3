/* pe_image — the skeleton of a PE file: headers, directories, sections, and where an RVA lies.
 *
 *   0x00  "MZ" ... 0x3c u32 offset of:
 *   +0    "PE\0\0"
 *   +4    COFF file header, 20 bytes: machine, sections, time, symbols, size of optional header
 *   +24   optional header: 96 (PE32) or 112 bytes (PE32+), then 16 directories of 8 bytes
 *   +24 + size of optional header: sections of 40 bytes
 *
 * Microsoft PE Format, revision of 2024, sections 2 to 4. Refuses what YARA 4.5 refuses and
 * maps RVAs as it does, oddities included: rules depend on the offsets. All reads are checked;
 * knows nothing of modules, so that others who meet PE files can use it. */
#pragma once
#include "base/base.h"

enum pe_directory {
    PE_DIRECTORY_EXPORT = 0,
    PE_DIRECTORY_IMPORT = 1,
    PE_DIRECTORY_RESOURCE = 2,
    PE_DIRECTORY_SECURITY = 4,
    PE_DIRECTORY_DEBUG = 6,
    PE_DIRECTORY_DELAY_IMPORT = 13,
    PE_DIRECTORY_COM_DESCRIPTOR = 14,
    PE_DIRECTORY_COUNT = 16,
};

enum { PE_MAX_SECTIONS = 96, PE_SECTION_SIZE = 40, PE_FILE_HEADER_SIZE = 24 };

struct pe_section {
    uint32_t rva;
    uint32_t virtual_size;
    uint32_t raw_offset;
    uint32_t raw_size;
};

struct pe_image {
    bytes data;
    uint32_t header;         /* offset of "PE\0\0" */
    bool is_64;              /* PE32+ */
    uint32_t section_at;     /* offset of the first section header */
    uint32_t section_count;  /* as the header says, at most PE_MAX_SECTIONS */
    uint32_t section_usable; /* so many of them lie inside the file */
    uint32_t lowest_rva;     /* of the usable sections, or 0xffffffff */
    struct pe_section sections[PE_MAX_SECTIONS];
};

/* False when the bytes are no PE file with complete headers. Costs about 100 ns. */
bool pe_image_open(bytes data, struct pe_image *ret);
/* A field of the optional header that has the same offset in PE32 and PE32+ (all up to
 * DllCharacteristics but ImageBase and BaseOfData). The header is known to be complete. */
uint32_t pe_image_optional32(const struct pe_image *image, uint32_t offset);
uint16_t pe_image_optional16(const struct pe_image *image, uint32_t offset);
uint64_t pe_image_base(const struct pe_image *image);
/* RVA (or file offset, for SECURITY) and size of a directory, whether or not the header counts
 * it. False when its entry lies past the end of the file. */
bool pe_image_directory(const struct pe_image *image, enum pe_directory number,
                        uint32_t *ret_rva, uint32_t *ret_size);
/* File offset of an RVA, or -1 when no byte of the file is mapped there. */
int64_t pe_image_offset(const struct pe_image *image, uint64_t rva);
/* The text at a file offset: up to its NUL, the end of the file, or `max` bytes. */
bytes pe_image_text(const struct pe_image *image, uint64_t offset, size_t max);
