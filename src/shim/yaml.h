/* yaml — a YAML 1.1 document as a tree in an arena, read by libyaml. Anchors, aliases and tags
 * are refused: what is written here is plain data. Allocates for itself while it reads. */
#pragma once
#include "base/arena.h"

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml {
    enum yaml_kind kind;
    uint32_t line;      /* from 1 */
    bytes text;         /* of YAML_TEXT */
    bytes key;          /* of a member of a map */
    struct yaml *items; /* of lists and maps */
    uint32_t count;
};

/* The first document. -EBADMSG with the line when it is none, -ENOMEM. */
int yaml_parse(bytes text, struct arena *arena, struct yaml *ret, struct why *why) MUST_USE;
/* The member of a map, or NULL. */
const struct yaml *yaml_member(const struct yaml *map, const char *key);
