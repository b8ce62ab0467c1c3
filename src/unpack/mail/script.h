/* script — scripts in a form that hides less: child "[script]", and what they carry encoded. */
#pragma once
#include "unpack/unpack.h"

/* Opens a text as a script, when its name, the container or its first words say that it is
 * one. */
void script_open(struct unpack *unpack);
/* "#@~^": scripts of Microsoft's Script Encoder, anywhere in a text; false: stop. */
bool screnc_open_all(struct unpack *unpack, bytes text) MUST_USE;
void screnc_open(struct unpack *unpack);
