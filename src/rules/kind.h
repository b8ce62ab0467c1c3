/* kind — the few kinds of object that many rules ask for by their first bytes. Rules without
 * rare patterns are looked at only in objects of the kinds they can match. */
#pragma once
#include "base/base.h"

enum kind {
    KIND_OTHER, /* none of the following */
    KIND_PE,    /* "MZ" */
    KIND_ELF,
    KIND_MACHO, /* thin or fat, either byte order; Java classes look like fat ones */
    KIND_OLE,   /* compound files: old Office documents, MSI */
    KIND_ZIP,
    KIND_PDF,
    KINDS,
};

enum { KIND_ALL = (1 << KINDS) - 1 };

/* Kind of an object by its first four bytes, little-endian, zero where it is shorter. */
enum kind kind_of(uint32_t magic);

/* The set (bit = kind) of those that an object with (first bytes & mask) == magic can be of;
 * mask is 0xff, 0xffff, 0xffffff or 0xffffffff. */
uint32_t kind_compatible(uint32_t magic, uint32_t mask);

/* The set of those that objects for which signatures with these targets are can be of. */
uint32_t kind_of_targets(uint32_t targets);

/* The set of those for which a module has anything to say; KIND_ALL where that is not known. */
uint32_t kind_of_module(const char *name);
