/* known — file systems and disk images that are recognised and not opened: each gives a gap. */
#pragma once
#include "unpack/image/source.h"

struct known {
    const char *name;
    uint32_t at;
    uint8_t length;
    const char *magic;
    enum gap gap;
    const char *text;
};

/* What a source begins with, or NULL. */
const struct known *known_of(struct source *source);
/* Whether an object begins with any of them. */
bool known_probe(bytes data);
/* Notes the gap. */
void known_open(struct unpack *unpack);
