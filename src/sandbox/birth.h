/* birth — the first steps of a child, before it warms up. Private to this folder. */
#pragma once
#include "sandbox/sandbox.h"

struct birth {
    const struct sandbox_profile *profile;
    const int *keep;
    size_t keep_count;
    int parent;            /* pidfd of the parent */
    bool root;             /* the parent is root */
    int refused;           /* errno of clone with a new PID namespace, 0: it was granted */
    unsigned long entered; /* CLONE_NEW... that it was made with */
};

/* In the new child: leaves all but what it may keep behind. Ends the process when it cannot. */
void birth_child(const struct birth *birth);
/* The walls that birth_child put up; sandbox_seal adds to them. */
extern struct walls birth_walls;
/* The parent was root. */
extern bool birth_root;
/* The compiled system calls of the profile, NULL when it was not spawned with it. */
const struct filter *birth_filter(const struct sandbox_profile *profile);
