/* candor.h — look for YARA rules in memory and files: the C API of libcandor.
 *
 * Rules are compiled once, from text or files, or mapped from a file that `candor defs compile`
 * wrote. Compiled rules are read-only: any number of threads may use them at once, each with a
 * scanner of its own. Functions that can fail return 0 (or a number) on success and a negative
 * errno otherwise, with the reason in an error that the caller owns and may pass as NULL.
 * Everything borrowed from a scanner is valid until its next scan.
 *
 * The library reads only what it is told to read, opens no connection, and installs no signal
 * handler. See candor(3), and examples/scan_file.c for a whole program. */
#ifndef CANDOR_H
#define CANDOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct candor_compiler;
struct candor_rules;
struct candor_scanner;

/* Why something failed: lower case, no full stop. */
struct candor_error {
    char text[240];
};

/* "0.1.0" */
const char *candor_version(void);

/* --- compiling --- */

/* A fault in the rules. Views are valid during the call only; they are NUL-terminated. */
struct candor_message {
    bool is_error;         /* else a warning */
    const char *code;      /* one word for each kind of fault */
    const char *text;      /* what is wrong */
    const char *file;      /* as the source was named */
    const char *rule;      /* in which it is, or "" */
    uint32_t line, column; /* from 1 */
};

/* NULL: memory is out. */
struct candor_compiler *candor_compiler_new(void);
/* NULL is fine. */
void candor_compiler_free(struct candor_compiler *compiler);

/* Called for every fault; without it faults are only counted. */
void candor_on_message(struct candor_compiler *compiler,
                       void (*message)(void *context, const struct candor_message *message),
                       void *context);

/* Defines a variable with its default. Before the first source. -EBUSY after it, -EEXIST for a
 * name that is taken, -E2BIG for more than 256. Names and texts are copied. */
int candor_define_int(struct candor_compiler *compiler, const char *name, int64_t value);
int candor_define_bool(struct candor_compiler *compiler, const char *name, bool value);
int candor_define_float(struct candor_compiler *compiler, const char *name, double value);
int candor_define_text(struct candor_compiler *compiler, const char *name, const char *value);

/* Adds the rules of a text or a file; `name_space` NULL means "default". Returns the number of
 * errors in them: faulty rules are left out, good ones stay. -errno when the source could not
 * be read or memory is out. */
int candor_add_text(struct candor_compiler *compiler, const char *text, size_t length,
                    const char *name, const char *name_space, struct candor_error *error);
int candor_add_file(struct candor_compiler *compiler, const char *path, const char *name_space,
                    struct candor_error *error);

/* Compiles what was added. The compiler is then of no use but to be freed. */
int candor_compile(struct candor_compiler *compiler, struct candor_rules **ret,
                   struct candor_error *error);

/* --- compiled rules --- */

/* Maps a file of compiled rules. */
int candor_rules_open(const char *path, struct candor_rules **ret, struct candor_error *error);
/* Writes them beside `path`, syncs, and renames. */
int candor_rules_save(const struct candor_rules *rules, const char *path,
                      struct candor_error *error);
uint32_t candor_rules_count(const struct candor_rules *rules);
/* After the scanners that use them. NULL is fine. */
void candor_rules_free(struct candor_rules *rules);

/* --- scanning --- */

/* For one thread at a time. The rules must outlive it. NULL: memory is out. */
struct candor_scanner *candor_scanner_new(const struct candor_rules *rules);
/* NULL is fine. */
void candor_scanner_free(struct candor_scanner *scanner);

/* A variable's value for the scans that follow. -ENOENT when the rules have none of that name.
 * Texts are copied. */
int candor_set_int(struct candor_scanner *scanner, const char *name, int64_t value);
int candor_set_bool(struct candor_scanner *scanner, const char *name, bool value);
int candor_set_float(struct candor_scanner *scanner, const char *name, double value);
int candor_set_text(struct candor_scanner *scanner, const char *name, const char *value);

/* Examine memory, an open file from its start to its end, or a file by name. Memory must stay
 * as it is until the scanner's next scan. Return how many rules matched, private ones aside. */
int candor_scan_memory(struct candor_scanner *scanner, const void *data, size_t size,
                       struct candor_error *error);
int candor_scan_fd(struct candor_scanner *scanner, int fd, struct candor_error *error);
int candor_scan_file(struct candor_scanner *scanner, const char *path,
                     struct candor_error *error);
/* May be called from another thread or a signal handler: ends the scan in progress, which is
 * then not full. */
void candor_stop(struct candor_scanner *scanner);

/* NULL when the last scan was full; else why it was not: what was found is right, and there may
 * be more. */
const char *candor_not_full(const struct candor_scanner *scanner);

/* --- what was found by the last scan --- */

struct candor_finding {
    const char *rule, *name_space;
    uint32_t tag_count, meta_count, pattern_count;
};

enum candor_meta_type { CANDOR_BOOL = 1, CANDOR_INT, CANDOR_FLOAT, CANDOR_TEXT };

struct candor_meta {
    const char *name;
    enum candor_meta_type type;
    int64_t integer;  /* BOOL, INT */
    double real;      /* FLOAT */
    const char *text; /* TEXT: also NUL-terminated, may hold other NULs */
    size_t length;    /* of it */
};

struct candor_pattern {
    const char *id; /* "$a" */
    uint32_t match_count;
};

struct candor_match {
    uint64_t offset;
    uint32_t length;
    uint8_t xor_key;
    const void *data; /* `length` bytes of what was scanned */
};

/* The finding of that number, from 0. -ERANGE when there is none; so for all that follow. */
int candor_finding(struct candor_scanner *scanner, uint32_t number, struct candor_finding *ret);
int candor_tag(struct candor_scanner *scanner, uint32_t finding, uint32_t number,
               const char **ret);
int candor_meta(struct candor_scanner *scanner, uint32_t finding, uint32_t number,
                struct candor_meta *ret);
/* Private patterns have no matches. */
int candor_pattern(struct candor_scanner *scanner, uint32_t finding, uint32_t number,
                   struct candor_pattern *ret);
int candor_match(struct candor_scanner *scanner, uint32_t finding, uint32_t pattern,
                 uint32_t number, struct candor_match *ret);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
