/* databases_report — what the commands say of ClamAV databases: a table of kinds, the reasons
 * of what was refused, and the files that could not be read. */
#pragma once
#include "definitions/definitions.h"

#include <stdio.h>

/* The table, and below it each reason with its count and first place. */
void databases_report_table(const struct definitions_clamav *found, FILE *to);
/* "candor: ..." on stderr for each file that could not be read. */
void databases_report_failures(const struct definitions_clamav *found);
/* A line for each container: what it is, and what vouches for it. */
void databases_report_containers(const struct definitions_clamav *found, FILE *to);
/* All that is known of one. */
void databases_report_container(const struct definitions_container *container, FILE *to);
/* Sums over all kinds. */
struct clamav_count databases_report_sum(const struct definitions_clamav *found);
