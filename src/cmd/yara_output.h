/* yara_output — what the yara command prints about one file or process, byte for byte. */
#pragma once
#include "cmd/yara_options.h"
#include "engine/engine.h"
#include "scan/text.h"

#include <stdatomic.h>

struct yara_output {
    const struct yara_arguments *arguments;
    const struct ruleset *set;
    const uint8_t *counted; /* per pattern: its condition asks for more than "is it there" */
    atomic_long *total;     /* rules that matched in all files, for -l */
};

/* Prints the rules of one examined object. Returns the number of matching rules seen, which -c
 * prints. `path` is the target as the user gave it. */
int yara_output_rules(struct yara_output *output, struct scanner *scanner,
                      const struct verdict *verdict, const struct object_input *object,
                      const char *path, struct text *out, struct text *err);
/* -D: the data of all imported modules. */
void yara_output_modules(const struct yara_output *output, struct scanner *scanner,
                         struct text *out);
/* -S */
void yara_output_stats(const struct ruleset *set, struct text *out);
/* For yara_output.counted: a byte for each pattern, from malloc; NULL when memory is out. */
uint8_t *yara_output_counted(const struct ruleset *set);
