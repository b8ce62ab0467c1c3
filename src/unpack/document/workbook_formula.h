/* workbook_formula — tokens of formulas, [MS-XLS] 2.5.198, as text. */
#pragma once
#include "unpack/unpack.h"

/* Puts the tokens in their order (operands before operators): "cmd" "/c x" & EXEC(1). Tokens
 * that are not known end it with "...". False: return. */
bool workbook_formula_put(struct unpack *unpack, bytes tokens, bool biff8) MUST_USE;
/* A character string: `count` characters, in BIFF8 with a byte of flags before; *rest moves
 * behind. Puts it in quotes. False: return. */
bool workbook_formula_string(struct unpack *unpack, bytes *rest, size_t count,
                             bool biff8) MUST_USE;
