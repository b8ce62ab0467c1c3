/* report_clamscan_order — the order in which clamscan comes upon findings. */
#pragma once
#include "scan/report.h"

/* Numbers of the findings, the first first: malloc'd. NULL when memory is out. */
uint32_t *report_clamscan_order(const struct examined *examined);
/* Whether clamscan comes upon both in one pass over an object, which ends at what it finds
 * first. */
bool report_clamscan_same_pass(const struct examined *examined,
                               const struct examined_finding *a,
                               const struct examined_finding *b);
