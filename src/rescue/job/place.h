/* place — directories and names in which what comes out is put, without following a link and
 * without touching what is there. Private to this folder. */
#pragma once
#include "rescue/job/names.h"

#include <sys/stat.h>

/* Opens a directory by its absolute path, part by part, following no link; with `make`, those
 * that are missing are made; where their names may not be on that file system, under the one
 * that names_tame gives. */
int place_open(bytes path, bool make, int *ret_fd, struct why *why) MUST_USE;
/* A new file in it, for reading and writing, for its owner alone. */
int place_create(int directory, const char *name, int *ret_fd, struct why *why) MUST_USE;
/* Gives a file its name, never over another one: -EEXIST. */
int place_rename(int directory, const char *from, const char *to, struct why *why) MUST_USE;
/* Whether there is a regular file of that name with the very bytes of an open one. */
bool place_same(int directory, const char *name, int fd);
