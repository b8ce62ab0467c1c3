/* place — where the parts of an executable lie, for signatures: private to engine/. As ClamAV
 * has it, oddities included: what it cannot read has no places at all. */
#pragma once
#include "engine/scanner_state.h"
#include "pe/pe_version.h"

struct place_section {
    uint32_t at, size;
};

/* Offsets in the file. */
struct place {
    uint32_t entry;
    uint32_t section_count;
    const struct place_section *sections;
    struct pe_layout pe; /* of a PE file */
    bool is_pe, has_versions;
    struct pe_versions versions; /* once asked for */
};

/* 0; -EBADMSG when ClamAV would not read it; -ENOMEM. Memory is of the arena. */
int place_pe(bytes data, struct arena *arena, struct place *ret) MUST_USE;
int place_elf(bytes data, struct arena *arena, struct place *ret) MUST_USE;
int place_macho(bytes data, struct arena *arena, struct place *ret) MUST_USE;

/* The places in the current object: found out once. NULL when it is no executable. */
struct place *place_of(struct scanner *scanner);
/* Where strings of version information begin, ascending; none in what is no PE file. */
const struct pe_versions *place_versions(struct scanner *scanner);
/* NODE_PLACE. False: undefined. */
bool place_value(struct scanner *scanner, enum node_place place, uint32_t section,
                 uint64_t *ret);
