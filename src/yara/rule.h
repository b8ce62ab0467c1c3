/* rule — one rule: modifiers, name, tags, `meta`, `strings` and `condition`. */
#pragma once
#include "yara/compiler.h"

/* Reads a rule and writes it to the draft if nothing is wrong with it. -1: the rest of the text
 * has to be searched for the next one. */
int rule_read(struct yara_compiler *c);
