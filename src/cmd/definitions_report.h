/* definitions_report — what the commands say about rules: messages with the source line and a
 * caret, and the variables given with -d. */
#pragma once
#include "cmd/options.h"
#include "definitions/definitions.h"

struct definitions_report {
    const char *program; /* put before each message */
    uint32_t max_errors; /* shown; the rest are counted; 0: all */
    bool source;         /* show the line and a caret */
    bool color;
    uint32_t errors, warnings;
};

/* A yara_message_fn for a struct definitions_report. */
void definitions_report_message(void *context, const struct yara_message *message);
/* Says how many messages were not shown. */
void definitions_report_end(const struct definitions_report *report);

/* Reads a list of VAR=VALUE. */
int definitions_report_parse(const struct option_list *list, struct external *ret,
                             uint32_t room, uint32_t *ret_count, struct why *why) MUST_USE;
/* The user's variables after those that are set for each file, which begin empty. */
uint32_t definitions_report_externals(const struct external *user, uint32_t user_count,
                                      struct external *ret, uint32_t room);
