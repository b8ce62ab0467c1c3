/* references — the characters that names between `&` and `;` stand for. */
#pragma once
#include "base/base.h"

/* The character, 0 when nothing is called so. Case counts. */
uint32_t references_value(bytes name);
