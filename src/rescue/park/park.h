/* park — cases that are not solved, recorded on this machine and nowhere else, to be looked at
 * again when definitions are newer.
 *
 * A case is one JSON file, CASE-TIME-NUMBER.json, in /var/lib/candor/rescue for root, else in
 * candor/rescue below $XDG_DATA_HOME or ~/.local/share:
 *
 *     {"version":1,"time":SECONDS,"knowledge":HASH,"paths":[...],"notes_unknown":N,
 *      "encrypted_unknown":N,"families":[{"family":NAME,"rescue":WORD,"formats":[NAME...],
 *      "encrypted":N,"notes":N,"samples":[PATH...]}],"note_sample":PATH}
 *
 * `formats` are those that this program could carry out then. No content of files is kept. */
#pragma once
#include "rescue/triage/triage.h"
#include "scan/text.h"

#include <time.h>

struct park_case {
    const struct triage *triage;
    const char *const *paths;
    int path_count;
    time_t when;
};

/* Whether there is something that does not come back today for certain. */
bool park_worthy(const struct triage *triage);
/* Where cases are, and what else rescue keeps: `given` if there is one. */
int park_directory(const char *given, char *ret, size_t size, struct why *why) MUST_USE;
/* Writes it; `directory` NULL: the usual one, which is made. The file's path goes to ret. */
int park_record(const char *directory, const struct park_case *parked, char *ret, size_t size,
                struct why *why) MUST_USE;
/* Compares all cases with what is known today, and writes what is new to `out`, a line or a
 * JSON object for each. *news: how many have news, *cases: how many there are. Cases that
 * cannot be read are said in `out` and counted too. */
int park_recheck(const char *directory, const struct knowledge *knowledge, bool json,
                 struct text *out, uint32_t *news, uint32_t *cases, struct why *why) MUST_USE;
