/* look — what an object looks like, for signatures that ask: made once, and only when one does.
 */
#pragma once
#include "engine/engine.h"
#include "filetype/filetype.h"
#include "picture/icon.h"
#include "picture/picture.h"
#include "scan/examine/examine.h"
#include "signer/signer.h"

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
    bool judged;                    /* verdict is set */
    struct signer_verdict verdict;
    const struct ruleset *signers_of; /* whom to trust; NULL: nobody is known */
    int64_t now;                      /* seconds since 1970 */
    bool first_signer;                /* see examine.h */
    enum filetype handler; /* that a signature asked for; FILETYPE_ANY: none did. The first */
};

/* Before the first object. Of several rulesets with icons the last one's are compared: so
 * ClamAV does with files. */
void look_use(struct look *look, const struct ruleset *set,
              const struct examine_options *options);
/* Another object; `arena` is lent, and given back after each call. */
void look_begin(struct look *look, bytes data, enum filetype type, struct arena *arena,
                const volatile bool *stop);
/* Whether it is to be looked at as another type, and is from now on. */
bool look_again(struct look *look);
/* What answers for these bytes; NULL when they are not the object's. */
const struct object_look *look_of(const struct look *look, bytes data);
/* Whether a trusted maker vouches for these bytes, if they are the object's. */
bool look_vouches(struct look *look, bytes data);
/* What is to be said of what was asked for and is not compared: NULL, nothing. */
const char *look_fault(const struct look *look);
