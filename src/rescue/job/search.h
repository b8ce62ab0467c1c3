/* search — keys that nobody has, found by trying what a weak generator can have begun with
 * (seed.h): by all workers together, one file after the other. Private to this folder. */
#pragma once
#include "rescue/job/job.h"

struct search;

/* For the planned files that no key opens and whose format can be searched; those that are
 * found are planned anew. Stops for a family after two files without a key, unless each file
 * has one of its own. */
int search_all(struct search **hold, struct job *job, struct why *why) MUST_USE;
/* A worker's answer while a search is on. */
void search_reply(struct search *search, unsigned slot, const struct worker_reply *reply,
                  int error, const struct why *why);
