/* rescue_triage_report — what a triage found, in plain words for someone who is frightened, and
 * as JSON. */
#pragma once
#include "rescue/triage/changes.h"
#include "rescue/triage/snapshots.h"
#include "rescue/triage/triage.h"
#include "scan/text.h"

struct rescue_triage_report {
    const struct triage *triage;
    struct snapshots snapshots;
    struct changes changes;
    const char *const *paths;
    int path_count;
    char parked[512]; /* the file that the case is recorded in, "": none */
};

void rescue_triage_report_text(const struct rescue_triage_report *report, struct text *out);
void rescue_triage_report_json(const struct rescue_triage_report *report, struct text *out);
