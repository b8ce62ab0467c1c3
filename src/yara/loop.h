/* loop — `for ... of`, `for ... in` and `with`. */
#pragma once
#include "yara/compiler.h"

int loop_for(struct yara_compiler *c, struct expr *ret);
/* True when the next tokens are `with name =`: `with` is no keyword in YARA 4. */
bool loop_is_with(const struct yara_compiler *c);
int loop_with(struct yara_compiler *c, struct expr *ret);
