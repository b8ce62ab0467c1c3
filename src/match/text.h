/* text — whole texts: compiled to one or two forms (as it is, wide), found by a window of up to
 * four bytes of theirs and compared. */
#pragma once
#include "match/program.h"

/* Makes the draft a PROGRAM_TEXT for `text` with the flags of draft->head. False when the arena
 * is full. */
bool text_compile(struct program_draft *draft, bytes text) MUST_USE;

/* What the program's text does at `offset`: a match and its length, or false. */
bool text_match(const struct program *program, bytes object, size_t offset, struct match *ret);

/* Compares `length` bytes of text (wide: each followed by 0 in the object) at `at`. */
bool text_equal(const uint8_t *text, uint32_t length, bytes object, size_t at, bool wide,
                bool nocase);

/* The `fullword` rule: no letter or digit right before or behind. */
bool text_is_word(bytes object, size_t at, size_t length, bool wide);

/* Start, in text, of the rarest run of `length` bytes. */
size_t text_rarest(bytes text, size_t length, size_t step, bool nocase);

/* How much a byte tells, in quarter bits: a guess at -4 log2 of its share of clean files. */
uint32_t text_byte_bits(uint8_t c, bool nocase);
