/* look — what an object looks like, for signatures that ask: made once, and only when one does.
 */
#pragma once
#include "engine/engine.h"
#include "filetype/filetype.h"
#include "picture/icon.h"
#include "picture/picture.h"

struct look {
    struct object_look door; /* of this object */
    bytes data;
    enum filetype type; /* as by filetype_of */
    struct arena *arena;
    const volatile bool *stop;
    bool known; /* state and hash are set */
    enum picture_state state;
    uint64_t hash;
    bool measured; /* icons are set */
    struct icons icons;
    uint32_t entries;               /* of a group of icons, that are looked at */
    const struct ruleset *icons_of; /* that the icons are compared with; NULL: there are none */
};

/* Before the first object. Of several rulesets with icons the last one's are compared: so
 * ClamAV does with files. `entries`: 0 as customary. */
void look_use(struct look *look, const struct ruleset *set, uint32_t entries);
/* Another object; `arena` is lent, and given back after each call. */
void look_begin(struct look *look, bytes data, enum filetype type, struct arena *arena,
                const volatile bool *stop);
/* What answers for these bytes; NULL when they are not the object's. */
const struct object_look *look_of(const struct look *look, bytes data);
/* What is to be said of what was asked for and is not compared: NULL, nothing. */
const char *look_fault(const struct look *look);
