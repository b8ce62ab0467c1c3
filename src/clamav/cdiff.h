/* cdiff — ClamAV's patches: what turns one version of an unpacked database into the next.
 *
 * Layout (libclamav_rust/src/cdiff.rs, which is all that specifies it):
 *
 *     ClamAV-Diff:VERSION:LENGTH:     LENGTH: of the script, in bytes
 *     script, gzip'd
 *     :SIGNATURE                      of all before the colon (dsig.h)
 *
 * The script has a command a line; `#` begins a comment. Lines of files count from 1.
 *
 *     OPEN FILE                       letters, digits, `.` and `_`
 *     ADD LINE                        appended when the file is closed
 *     DEL NUMBER BEGIN                the line of that number, which begins so, goes
 *     XCHG NUMBER BEGIN LINE          or is replaced
 *     CLOSE
 *     MOVE FROM TO NUMBER BEGIN NUMBER BEGIN      first and last line
 *     UNLINK FILE */
#pragma once
#include "base/arena.h"
#include "clamav/container.h"

struct cdiff {
    uint32_t version; /* that it leads to; 0 for a bare script */
    bytes script;
    uint8_t legacy, external; /* enum container_check: the signature in it, the .sign file */
    char signer[64];
};

/* Reads the patch, or a bare script. `sign` and `certificates` as container_check_external
 * takes them. -EBADMSG, -ENOMEM. Nothing is refused for being unsigned. */
int cdiff_open(bytes file, bytes sign, bytes certificates, struct arena *arena,
               struct cdiff *ret, struct why *why) MUST_USE;

/* A file that the script works on. */
struct cdiff_file {
    bytes name, text;
    bool changed, gone;
};

struct cdiff_files {
    VEC(struct cdiff_file) at;
};

/* Runs the script over the files; new ones are added to them. Texts that change are in the
 * arena. -EBADMSG with the script's line when it does not fit: the files are then of no use.
 * -ENOMEM. */
int cdiff_apply(const struct cdiff *cdiff, struct cdiff_files *files, struct arena *arena,
                struct why *why) MUST_USE;
