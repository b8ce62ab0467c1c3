/* program — what the formats of programs, installers and packers share. */
#pragma once
#include "unpack/unpack.h"

/* Views of one container. In an honest file members do not overlap; in a hostile one a
 * thousand may be the same megabytes: what is handed out in all is bounded. */
struct views {
    struct unpack *unpack;
    uint64_t left; /* bytes that may still be handed out */
    bool full;     /* and it was said that there are none */
    /* Where the first members began. */
    uint32_t start_count;
    size_t starts[256];
};

/* Twice the container's size, and a little. */
struct views views_of(struct unpack *unpack);
/* False: return. Over the bound: a gap, once, and true. */
bool views_hand_out(struct views *views, bytes name, bytes part) MUST_USE;

/* Appends UTF-16LE units as UTF-8, up to a 0 or the end; halves of pairs become '?'. Returns
 * the new length, at most `room`. */
size_t utf16_append(uint8_t *to, size_t length, size_t room, bytes units);

/* Hands out what lies at [from, to) of the container, behind a program: as "[overlay]", and the
 * archives and programs in it that do not begin at its start as "[overlay+OFFSET]". False:
 * return. */
bool overlay_hand_out(struct views *views, uint64_t from, uint64_t to) MUST_USE;
/* Hands out the programs in the first `end` bytes of the container, which is one, that do not
 * begin where a member did, as "[program+OFFSET]". False: return. */
bool embedded_hand_out(struct views *views, uint64_t end) MUST_USE;
/* True when a zip without comment ends here. */
bool overlay_ends_zip(bytes data);

/* --- rows --- */

bool pe_probe(bytes data);
void pe_open(struct unpack *unpack);
void elf_open(struct unpack *unpack);
bool polyglot_probe(bytes data);
void polyglot_open(struct unpack *unpack);
/* The packer by whose name the gap goes; NULL for a program that is not packed. */
const char *packed_name(bytes data);
bool packed_probe(bytes data);
void packed_open(struct unpack *unpack);
bool packed_dos_probe(bytes data);
void packed_dos_open(struct unpack *unpack);
void android_open(struct unpack *unpack);
void crx_open(struct unpack *unpack);
bool macho_fat_probe(bytes data);
void macho_fat_open(struct unpack *unpack);
bool asar_probe(bytes data);
void asar_open(struct unpack *unpack);
bool pyinstaller_probe(bytes data);
void pyinstaller_open(struct unpack *unpack);
void pyz_open(struct unpack *unpack);
