/* census — counts what a scan is going to meet, a little at a time between other work: the
 * totals of the progress line. It walks the same paths as the scan, ahead of it. */
#pragma once
#include "scan/scan_state.h"

struct census;

/* NULL where nobody looks, where the files are not known beforehand (a list of them), and where
 * memory is out: then there are no totals. */
struct census *census_new(struct scan *scan);
/* Counts for about so many milliseconds. False: it is done. */
bool census_go_on(struct census *census, int64_t ms);
/* NULL is fine. */
void census_free(struct census *census);
