/* re_atoms — which short byte sequences inside a pattern the search begins at.
 *
 * YARA looks for atoms of up to 4 bytes, chosen by a quality that it documents (libyara's
 * atoms.c), and matches forward and backward from each. Which atom it chooses shows in the
 * lengths of greedy matches and in what the 4,096-byte limit cuts off, so the choice here is
 * the same, rule for rule. */
#pragma once
#include "match/program.h"

enum { ATOM_QUALITY_MAX = 255, ATOM_QUALITY_WARN = 255 - 88 + 38 };

/* Adds the tree's atoms to the draft for its last part, in YARA's order, and lowers
 * draft->quality. `nodes` fields forward and backward must be set. False when memory ran out,
 * or *ret_many when there are more than PROGRAM_MAX_ATOMS. No atom: one of length 0. */
bool re_atoms(struct program_draft *draft, const struct re_tree *tree, uint32_t forward,
              bool *ret_many) MUST_USE;

/* The same for a literal part. */
bool re_atoms_text(struct program_draft *draft, bytes text, bool *ret_many) MUST_USE;

/* Worst quality among the atoms that YARA would make of a text with these modifiers. */
uint32_t re_atoms_quality(bytes text, uint32_t flags, uint8_t xor_min, uint8_t xor_max);

/* Puts the atoms in the order in which YARA tries those that end at the same position. */
void re_atoms_sort(struct program_draft *draft);
