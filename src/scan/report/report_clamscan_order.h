/* report_clamscan_order — the order in which clamscan comes upon findings. */
#pragma once
#include "scan/report.h"

/* Numbers of the findings, the first first: malloc'd. NULL when memory is out. */
uint32_t *report_clamscan_order(const struct examined *examined);
