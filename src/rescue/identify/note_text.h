/* note_text — the words of a ransom note, whatever they are wrapped in.
 *
 * Notes are plain text (UTF-8, UTF-16 with or without a mark, or an old 8-bit code page), HTML
 * and HTA, or RTF. Read here: what a person would see. Hostile: every read is inside, every
 * loop ends with the input. */
#pragma once
#include "base/arena.h"

enum {
    NOTE_TEXT_FILE = 1 << 20, /* a larger file is no note */
    NOTE_TEXT_MAX = 32 << 10, /* what is kept of its words */
};

/* The words of a file, UTF-8 where that could be made, at most NOTE_TEXT_MAX bytes. -EBADMSG
 * when it is no text at all, -ENOMEM. */
int note_text_plain(bytes file, struct arena *arena, bytes *ret, struct why *why) MUST_USE;
