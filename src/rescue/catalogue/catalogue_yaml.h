/* catalogue_yaml — one family out of its file in definitions/ransomware/:
 *
 *     name: phobos                  the file's name without ".yaml"
 *     title: Phobos
 *     also: [Eking, Faust]          other names
 *     seen: 2018-2025
 *     lineage:
 *       - {family: dharma, how: successor of}
 *     formats: [phobos]             names in src/rescue/formats/
 *     rescue: key                   now, some, key, not-today or unknown
 *     advice: sentences for people
 *     checked: 2026-11              when what is said of rescue was last held against its
 * source told-by: https://...          who says so: for "now", "some", "key" and each advice
 *     facts:
 *       - source: where they come from
 *         extensions: [.phobos]
 *         files: ["{any}.id[{hex:8}-{digit:4}].[{mail}].{alnum}"]
 *         notes: [info.txt, "{alnum}.README.txt"]
 *         addresses: [...]
 *         brands: [phobos]
 *         markers:
 *           - {at: -8, hex: 0011223344556677, is: the mark of its trailer}
 *
 * A marker's bytes are given as `hex` or as `text`. `name`, `title`, `rescue`, `checked` and a
 * source for each group of facts must be there; a member that is not listed above is a fault.
 * A source begins with its address, https://..., or is CATALOGUE_UNCONFIRMED: the program then
 * says so with each of those facts. So with `told-by`, where nothing but an address stands. */
#pragma once
#include "rescue/catalogue/catalogue.h"

struct catalogue_draft {
    VEC(struct catalogue_family) family;
    VEC(bytes) source;
    VEC(struct catalogue_fact) fact;
};

/* Adds the family of one file. `file` is its name without folder and ending. */
int catalogue_yaml_add(struct catalogue_draft *draft, bytes yaml, bytes file,
                       struct arena *arena, struct why *why) MUST_USE;
/* All of it, families in the order of their names (files must come so), with tables. */
int catalogue_yaml_end(struct catalogue_draft *draft, struct arena *arena,
                       struct catalogue *ret, struct why *why) MUST_USE;
