/* needed — literals of which every match of a pattern contains at least one: what the filter
 * over whole rulesets looks for before the pattern itself is run. */
#pragma once
#include "match/program.h"

enum { NEEDED_MAX = 256, NEEDED_LENGTH = 64 };

/* The best such set that a tree offers, into code->literals (in the arena); count 0 when there
 * is none. `flags` of enum pattern_flag: wide and nocase forms are made here. With literals
 * there already, replaces them only by a better set. False when the arena is full. */
bool needed_tree(const struct re_node *root, uint32_t flags, struct arena *arena,
                 struct pattern_code *code, uint32_t *cost) MUST_USE;

/* The same for a text. */
bool needed_text(bytes text, uint32_t flags, uint8_t xor_min, uint8_t xor_max,
                 struct arena *arena, struct pattern_code *code) MUST_USE;
