/* small — documents that need no more than a page each: OneNote, shortcuts, Flash, ActiveMime,
 * office documents as one XML file, and the parts of packages that name what lies elsewhere. */
#pragma once
#include "unpack/unpack.h"

void small_onenote(struct unpack *unpack);
void small_shortcut(struct unpack *unpack);
/* Compressed, and not just a text that begins with these letters. */
bool small_is_flash(bytes data);
void small_flash(struct unpack *unpack);
void small_activemime(struct unpack *unpack);
