/* clamscan_options — the options of `candor clamscan`: those of clamscan 1.4, by its names. */
#pragma once
#include "cmd/options.h"

enum { CLAMSCAN_OPTIONS = 160 }; /* rows of the table, at most */

/* Switches are 0 or 1. */
struct clamscan_arguments {
    struct option_list databases, excludes, exclude_dirs, includes, include_dirs, include_pua,
        exclude_pua;
    const char *log, *file_list, *move, *copy, *tempdir;
    int help, version, verbose, archive_verbose, debug, quiet, to_stdout, no_summary, infected,
        no_ok, bell, official, recursive, all, cross_fs, remove, pua, encrypted,
        encrypted_archive, encrypted_doc, exceeds_max, macros, bytecode, strict, phishing_urls,
        phishing_ssl, phishing_cloak, no_certificates, broken, broken_media, partitions,
        structured, heuristics, algorithms, alerts_first;
    int64_t outdated_days, follow_directories, follow_files, max_directory_depth;
    int64_t max_scantime, max_files, max_recursion, max_icons, max_partitions, jobs;
    int64_t ssn_format, ssn_count, card_count, card_mode;
    uint64_t max_filesize, max_scansize;
    /* Read past. */
    int idle_switch[64];
    int64_t idle_number;
    uint64_t idle_size;
    const char *idle_text;
    int idle_choice;
    struct option_list idle_list;
    bool given[CLAMSCAN_OPTIONS];
};

extern const struct option clamscan_table[];
extern const struct clamscan_arguments clamscan_defaults;

/* Says once which options have no effect here, and why, and which are of old programs. */
void clamscan_options_check(const struct clamscan_arguments *arguments);
