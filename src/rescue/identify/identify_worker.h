/* identify_worker — the sealed process in which files are looked at: it reads the one
 * descriptor that it is handed and answers with a sighting; nothing else is in its power
 * (profile_worker). One that dies or talks nonsense costs the file it was at; the next file
 * gets a new one. */
#pragma once
#include "rescue/identify/sighting.h"

struct identify_worker;

/* `knowledge` is borrowed; no other thread may run (sandbox_spawn). */
int identify_worker_new(const struct knowledge *knowledge, struct identify_worker **ret,
                        struct why *why) MUST_USE;
/* Looks at a regular file. -E... with a reason: it was not looked at. */
int identify_worker_look(struct identify_worker *worker, int fd, uint64_t size, bytes name,
                         struct sighting *ret, struct why *why) MUST_USE;
/* NULL is fine. */
void identify_worker_free(struct identify_worker *worker);
