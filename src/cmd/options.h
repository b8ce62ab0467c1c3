/* options — one table per command, from which the parser, `--help`, the man pages and the shell
 * completions are made, so that they cannot disagree.
 *
 * A command's options are fields of one struct; each row of its table says where the value
 * goes. Long options take `--name=value` or `--name value`, short ones `-n value` or `-nvalue`;
 * `--` ends them; options and arguments may be mixed. */
#pragma once
#include "base/base.h"

#include <stdio.h>

enum option_kind {
    OPTION_FLAG,   /* bool */
    OPTION_TEXT,   /* const char *, borrowed from argv */
    OPTION_LIST,   /* struct option_list: may be given several times */
    OPTION_NUMBER, /* int64_t, not negative */
    OPTION_SIZE,   /* uint64_t: bytes, with K, M, G or T for powers of 1024 */
    OPTION_CHOICE, /* int: index of the word in `choices` */
    OPTION_SWITCH, /* int: 1 for `--name` and `--name=yes`, 0 for `--name=no` */
};

struct option_list {
    const char **at;
    int n;
};

struct option {
    const char *name; /* without dashes; NULL ends a table */
    char letter;      /* or 0 */
    enum option_kind kind;
    const char *argument; /* name of its value in help, NULL for flags */
    const char *category; /* heading it stands under; NULL: understood, but shown nowhere */
    const char *help;     /* one line, lower case, no full stop */
    const char *doc;      /* sentences for the man page; NULL: `help` is all there is to say */
    const char *choices;  /* of OPTION_CHOICE, separated by spaces */
    size_t target;        /* offset in the command's struct */
};

struct command {
    const char *name;  /* "scan"; NULL ends a table */
    const char *title; /* "candor-scan": its man page */
    const char *summary;
    const char *arguments; /* what follows the options in the usage line */
    const char *doc;       /* paragraphs, separated by empty lines */
    const char *exits;     /* "0\tnothing was found\n1\t..." */
    const char *examples;  /* "command\twhat it does\n..." */
    const struct option *options;
    const struct command *commands; /* subcommands, NULL where there are none */
    bool hidden;
    /* Reads argv by itself (a foreign dialect of options) instead of options_parse. */
    bool own_parser;
    /* As ClamAV's programs read theirs: long names may be cut short, and of several values for
     * one option the first counts. */
    bool as_clamav;
    size_t size;          /* of the options' struct */
    size_t given;         /* offset of a bool for each row: it was given; 0: nobody asks */
    const void *defaults; /* such a struct, or NULL for all zero */
    int (*run)(const struct command *self, void *options, int argc, char **argv);
};

/* Parses argv[1..argc) into `into`, compacts what is left (the arguments) to argv[0..n) and
 * returns n. -EINVAL with a reason, which names the nearest option where there is one. *into
 * is to be given to options_free, whatever came of it. */
int options_parse(const struct command *command, void *into, int argc, char **argv,
                  struct why *why) MUST_USE;

/* Frees the lists in a struct of options. */
void options_free(const struct command *command, void *options);

/* The nearest of `count` words to a mistyped one, or NULL when none is near. */
const char *options_nearest(const char *word, const char *const *words, int count);

/* "4096", "64K", "1.5G": bytes. False for anything else. */
bool options_size(const char *text, uint64_t *ret);

/* `--help` of a command. */
void options_help(const struct command *command, FILE *to);

/* Pages made of the tables, for the build to install. `all` is the table of commands. */
void options_man(const struct command *program, const struct command *command, FILE *to);
void options_bash(const struct command *program, FILE *to);
void options_zsh(const struct command *program, FILE *to);
void options_fish(const struct command *program, FILE *to);
