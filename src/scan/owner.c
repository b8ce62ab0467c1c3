#include "scan/owner.h"

#include <pwd.h>
#include <stdio.h>

const char *owner_name(struct owners *owners, uid_t uid)
{
    for (unsigned i = 0; i < OWNERS; i++)
        if (owners->at[i].known && owners->at[i].uid == uid)
            return owners->at[i].name;
    unsigned slot = owners->next++ % OWNERS;
    struct passwd entry, *found = NULL;
    char space[4096];
    owners->at[slot].uid = uid;
    owners->at[slot].known = true;
    if (getpwuid_r(uid, &entry, space, sizeof space, &found) == 0 && found)
        snprintf(owners->at[slot].name, OWNER_NAME, "%s", found->pw_name);
    else
        snprintf(owners->at[slot].name, OWNER_NAME, "%u", (unsigned)uid);
    return owners->at[slot].name;
}
