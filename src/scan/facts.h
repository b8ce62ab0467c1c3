/* facts — what signatures ask of an object besides its bytes: what it is, what it lies in, and
 * what its container says of it. */
#pragma once
#include "engine/engine.h"
#include "filetype/types.h"
#include "scan/examine/examine.h"
#include "scan/urls.h"

enum { FACTS_DEPTH = EXAMINE_CHAIN + REPLY_OBJECT_DEPTH };

/* The variables that are set for each object. */
enum facts_external {
    FACTS_FILENAME = 1,
    FACTS_FILEPATH = 2,
    FACTS_EXTENSION = 4,
    FACTS_FILETYPE = 8,
    FACTS_OWNER = 16
};

/* Those that the rules of a ruleset ask for. */
uint32_t facts_externals(const struct ruleset *set);
/* What the user sets one to. */
struct value facts_external(const struct external *external);
/* The table of types that `set` brings, unless another one did before: NULL where none does. It
 * lies in *kept, which is made when it is NULL. False: memory is out. */
bool facts_types(const struct ruleset *set, struct arena **kept, struct types **types);
/* The same for what addresses are compared with. */
bool facts_urls(const struct ruleset *set, struct arena **kept, struct urls *urls);
/* The TARGET_BITs that a ruleset's signatures are for: 0 without any. */
uint32_t facts_wanted(const struct ruleset *set);
/* The TARGET_BITs that an object's bytes, not its views, are matched as; `type` as by
 * filetype_of. */
uint32_t facts_targets(enum filetype type);
/* The types of the containers from the outside to `container` and with it, into
 * ret[FACTS_DEPTH]; how many. NULL: the file itself is asked for. */
uint32_t facts_around(const struct examine_file *file, const struct reply_object *container,
                      uint16_t *ret);
/* What a text that was put together from its container is matched as, of `targets`: to ClamAV
 * there is no such object. Its container's type, the last one, is none that signatures know. */
uint32_t facts_derived(uint32_t targets, uint16_t *types, uint32_t type_count);
/* The member as ClamAV describes members to its container metadata signatures. False where it
 * says nothing of those of such a container. */
bool facts_member(const struct unpack *container, const struct unpack_member *member,
                  struct object_member *ret);
