/* yara_options — the options of the yara command, read the way it reads them: a short option's
 * value is the next argument, a long option's comes after `=`, an option given twice is an
 * error unless it is a list. */
#pragma once
#include "cmd/options.h"

enum { YARA_LIST_MAX = 32 };

struct yara_arguments {
    const char *atom_quality_table;
    struct option_list externals, identifiers, tags, module_data;
    bool compiled, count_only, strict_escape, no_logs, fail_on_warnings, fast, help, negate,
        no_follow, no_warnings, meta, module_dump, module_names, name_space, stats, strings,
        string_length, xor_key, show_tags, recursive, scan_list, version;
    int64_t memory_chunk, max_rules, max_strings, skip_larger, stack_size, threads, timeout;
};

extern const struct option yara_table[];
extern const struct yara_arguments yara_defaults;

/* Reads argv, moves the arguments to argv[0..n) and returns n; -1 after a message on stderr. */
int yara_options_parse(struct yara_arguments *into, int argc, char **argv);
/* --help in yara's layout. */
void yara_options_help(FILE *to);
