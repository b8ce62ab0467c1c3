/* definitions — from rule files to open rulesets: reading, includes, externals, compiling,
 * mapping, saving. Shared by all commands and libcandor; the only part that touches files on
 * behalf of the rule language. */
#pragma once
#include "base/arena.h"
#include "clamav/clamav.h"
#include "clamav/container.h"
#include "rules/ruleset.h"
#include "yara/yara.h"

/* An open ruleset and the memory it lies in. */
struct definitions {
    struct ruleset set;
    struct arena *arena; /* compiled here, or NULL */
    void *map;           /* mapped from a file, or NULL */
    size_t map_size;
    int file; /* descriptor + 1 of the file without a name that `map` is of; 0: none */
    const char *source; /* for people: where it is from; NULL: the rules' own files. Borrowed */
};

/* A variable that rules may name: `-d name=value`. */
struct external {
    bytes name;
    enum value_type type;
    int64_t integer;
    double real;
    bytes text;
};

struct definitions_options {
    yara_message_fn *message; /* required: errors and warnings of the rules */
    void *message_context;
    const struct external *externals;
    uint32_t external_count;
    bool strict_4, no_warnings;
    /* Compile in a sealed worker (forge.h); for processes without other threads. */
    bool walls;
    struct clamav_options clamav; /* of definitions_add_clamav */
    bytes certificates;           /* PEM: whom .sign files of containers may lead to */
    bool inspect;                 /* containers are only looked at, and none is refused */
    /* Remember of which databases, and if `since` is not empty, compile only what was added to
     * those of that history (history.h). -ESTALE: more has changed than that. */
    bool remember;
    bytes since;
    /* Where definitions_save will put the ruleset: with walls it is then written there at once,
     * if that can be, without a name until it is saved. NULL: not known. */
    const char *place;
    /* For forge.c: descriptor + 1 of an empty file that the ruleset is written into, and not
     * opened: map_size tells how large it is; 0: none. */
    int into;
    /* NULL: included files are read by this process. */
    yara_include_fn *include;
    void *include_context;
};

struct definitions_loader;

/* NULL when memory is out. Strings of the options are borrowed until the loader is freed. */
struct definitions_loader *definitions_loader_new(const struct definitions_options *options);
struct definitions_loader *definitions_loader_free(struct definitions_loader *loader);

/* Adds the rules of one text. *ret_errors may be NULL. */
int definitions_add_text(struct definitions_loader *loader, bytes text, const char *name,
                         const char *name_space, uint32_t *ret_errors,
                         struct why *why) MUST_USE;
/* Adds one file ("-": standard input). -ENOENT and the like when it cannot be read. */
int definitions_add_file(struct definitions_loader *loader, const char *path,
                         const char *name_space, uint32_t *ret_errors,
                         struct why *why) MUST_USE;
/* Adds a file, or every rule file below a directory, each in a namespace of its path. Counts
 * the files in *ret_files (added to) and their faults in *ret_errors (added to). */
int definitions_add_path(struct definitions_loader *loader, const char *path,
                         uint32_t *ret_files, uint32_t *ret_errors, struct why *why) MUST_USE;

enum { DEFINITIONS_FAILURES = 32, DEFINITIONS_CONTAINERS = 32 };

/* A .cvd, .cld or .cud. No pointers. */
struct definitions_container {
    char name[64]; /* without folders; empty: none */
    struct container_facts facts;
    bool official; /* ClamAV's, by its signatures */
    bool older;    /* left out: the same database lies there in a newer version */
};

/* Descriptors of a database: itself, the same as .cvd or .cld, its .sign file; -1: none. */
enum { DATABASE_SELF, DATABASE_TWIN, DATABASE_SIGN, DATABASE_FILES };

struct database_files {
    int fd[DATABASE_FILES];
};

/* What came of the ClamAV databases. No pointers. */
struct definitions_clamav {
    struct clamav_count counts[CLAMAV_KINDS];
    struct clamav_reason reasons[CLAMAV_REASONS];
    uint32_t reason_count, files, failed;
    /* Files that could not be read, and why; the first of the failed ones. */
    struct why failures[DEFINITIONS_FAILURES];
    struct definitions_container containers[DEFINITIONS_CONTAINERS]; /* the first of them */
    uint32_t container_count;
};

/* Adds a ClamAV database, or all of a directory, in ClamAV's order. What cannot be read is
 * counted as failed and left out; <0 when nothing can go on: the path cannot be opened, memory
 * is out, the compiler ended, the history is another one (-ESTALE). */
int definitions_add_clamav(struct definitions_loader *loader, const char *path,
                           struct why *why) MUST_USE;
/* Of all that was added so far; until the loader is freed. */
const struct definitions_clamav *definitions_clamav(const struct definitions_loader *loader);
/* For forge.c: reads one database in this process. */
int definitions_add_database(struct definitions_loader *loader,
                             const struct database_files *files, bytes name,
                             struct why *why) MUST_USE;

/* For forge.c: from now on, only that part of databases is read; of CLAMAV_HASHES a table of
 * hash signatures is sealed alone, where it lies in a ruleset. */
void definitions_part(struct definitions_loader *loader, enum clamav_part part);
/* Another process has written that table into the same file, or will have: its size is asked
 * for when it is needed. */
void definitions_hashes(struct definitions_loader *loader,
                        bool (*table)(void *context, size_t *ret_size), void *context);

/* Seals what was added into *ret, which definitions_close gives back. The loader is then of no
 * use but to be freed. */
int definitions_seal(struct definitions_loader *loader, struct definitions *ret,
                     struct why *why) MUST_USE;

/* With `remember`, once sealed: of what the databases were. Until the loader is freed. */
bytes definitions_history(const struct definitions_loader *loader);

/* Maps a ruleset file, after all of it was checked. */
int definitions_map(const char *path, struct definitions *ret, struct why *why) MUST_USE;
/* The same for a process of this program's own without other threads: of a large file that was
 * checked before, each block is checked when it is touched first (guard.h). */
int definitions_map_guarded(const char *path, struct definitions *ret,
                            struct why *why) MUST_USE;
/* A ruleset that lies in memory for ever (64-byte aligned). */
int definitions_view(bytes file, struct definitions *ret, struct why *why) MUST_USE;
void definitions_close(struct definitions *definitions);

/* Writes the ruleset beside `path`, syncs it and renames it over. */
int definitions_save(const struct definitions *definitions, const char *path,
                     struct why *why) MUST_USE;

/* Reads an included file: beside the including one, then as it is named. `path` becomes where
 * it was found. The text is malloc'd. */
int definitions_included(bytes name, bytes from, char *path, bytes *ret,
                         struct why *why) MUST_USE;

/* Reads "name=value" as yara's -d does: an integer, a float, true or false, else text. The
 * views point into `text`. False when there is no `=`. */
bool external_parse(const char *text, struct external *ret);
