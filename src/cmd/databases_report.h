/* databases_report — what the commands say of ClamAV databases: a table of kinds, the reasons
 * of what was refused, and the files that could not be read. */
#pragma once
#include "definitions/definitions.h"

#include <stdio.h>

/* The table, and below it each reason with its count and first place. */
void databases_report_table(const struct definitions_clamav *found, FILE *to);
/* "candor: ..." on stderr for each file that could not be read. */
void databases_report_failures(const struct definitions_clamav *found);
/* Sums over all kinds. */
struct clamav_count databases_report_sum(const struct definitions_clamav *found);
