/* owner — the names of the users that own files. Looked up once in a while: reads the system's
 * list of users, so it is for processes that may open files. */
#pragma once
#include "base/base.h"

#include <sys/types.h>

enum { OWNER_NAME = 64, OWNERS = 8 };

struct owners {
    struct {
        uid_t uid;
        bool known;
        char name[OWNER_NAME];
    } at[OWNERS];

    unsigned next;
};

/* The user's name; the number where there is none. Valid until OWNERS others were asked for. */
const char *owner_name(struct owners *owners, uid_t uid);
