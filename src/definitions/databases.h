/* databases — ClamAV's database files: which ones a directory holds, in which order they are
 * read, and how one gets from its descriptor into a draft. */
#pragma once
#include "clamav/clamav.h"
#include "definitions/rulefiles.h"
#include "yara/yara.h"

/* Into what databases are read. */
struct databases_target {
    struct clamav *clamav;
    struct yara_compiler *yara;
    struct arena *texts; /* of YARA rules, which the compiler borrows */
};

/* `path` itself when it is a file, else the databases in it, in ClamAV's order: ignore lists,
 * the daily container, then the others by name. -EINVAL: a single file that is none. */
int databases_find(const char *path, struct rulefiles *ret, struct why *why) MUST_USE;
/* The other one of `x.cvd` and `x.cld`: malloc'd; NULL when `path` is none of them, or memory
 * is out. */
char *databases_twin(const char *path);

/* Reads the database that `fd` is at the beginning of; `name` is its name without folders. */
int databases_read(const struct databases_target *to, int fd, bytes name,
                   struct why *why) MUST_USE;
