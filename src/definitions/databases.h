/* databases — ClamAV's database files: which ones a directory holds, in which order they are
 * read, and how one gets from its descriptor into a draft. */
#pragma once
#include "clamav/clamav.h"
#include "clamav/container.h"
#include "definitions/definitions.h"
#include "definitions/history.h"
#include "definitions/rulefiles.h"
#include "yara/yara.h"

/* Into what databases are read. */
struct databases_target {
    struct clamav *clamav;
    struct yara_compiler *yara;
    struct arena *texts;     /* of YARA rules, which the compiler borrows */
    bytes certificates;      /* PEM: whom .sign files may lead to */
    struct history *history; /* or NULL: nobody asks */
    bool inspect;            /* containers are only looked at, and none is refused */
};

/* `path` itself when it is a file, else the databases in it, in ClamAV's order: ignore lists,
 * the daily container, then the others by name. -EINVAL: a single file that is none. */
int databases_find(const char *path, struct rulefiles *ret, struct why *why) MUST_USE;
/* Whether a file of that name holds hash signatures, or may: it is theirs, or a container. */
bool databases_have_hashes(const char *path);
/* Whether it is a container. */
bool databases_is_container(const char *path);
/* All certificates (.crt, .pem) in a directory, one after the other: malloc'd. */
int databases_certificates(const char *path, bytes *ret, struct why *why) MUST_USE;

/* Opens a database and, where it is a container, what belongs to it: `x.cvd` of `x.cld` and the
 * reverse (unless it was named `alone`), and its .sign file. */
int databases_open(const char *path, bool alone, struct database_files *ret,
                   struct why *why) MUST_USE;
void databases_close(struct database_files *files);

/* Reads a database. Where it is a container, *ret says what it is, and counts as one. */
int databases_read(const struct databases_target *to, const struct database_files *files,
                   bytes name, struct definitions_container *ret, struct why *why) MUST_USE;
