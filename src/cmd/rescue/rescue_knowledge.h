/* rescue_knowledge — what the program carries of ransomware: made of definitions/ransomware/ by
 * candor-rescue-seal, masked as other definitions are (cmd/embedded.h). */
#pragma once
#include "rescue/identify/knowledge.h"
#include "rescue/source.h"

/* Opens it; `notes` is a file that `candor rescue learn` wrote, to be used instead of the
 * built-in model, or NULL. Everything lies in the arena. */
int rescue_knowledge_open(const char *notes, struct arena *arena, struct knowledge *ret,
                          struct why *why) MUST_USE;
