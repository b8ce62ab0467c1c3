/* take — a file out of its place and into the vault.
 *
 *     what is done                                 if all ends here
 *     ID.new is written and synced                 the original is in place; ID.new is dropped
 *     ID.new becomes ID.moving                     both are there; the removal is finished
 *     the original gets its leaving name           the same
 *     it is removed, its directory synced          the entry is there
 *     ID.moving becomes ID.entry                   the entry is there
 *
 * The right column is what mend.h does. At no moment there is neither. */
#pragma once
#include "quarantine/vault.h"

#include <sys/stat.h>

enum take_step { TAKE_OPENED, TAKE_WRITTEN, TAKE_SAFE };

struct take_request {
    int directory;           /* open, for reading */
    const char *name;        /* in it */
    const struct stat *seen; /* of the descriptor whose content was examined */
    const struct entry_finding *findings;
    uint32_t finding_count; /* of `findings` */
    uint64_t findings_all;
    bytes version; /* of the program */
    /* For tests: called between the steps. NULL: nobody is. */
    void (*step)(void *context, enum take_step step);
    void *step_context;
};

struct take_result {
    char id[VAULT_ID + 1];
    uint64_t names_left; /* other names of the file, which stay */
};

/* A file that this process took before is told its entry. On failure the file is where it was,
 * and nothing of it in the vault. -ESTALE: it is not the file that was examined, or changed
 * since then; -EROFS, -EPERM, -EACCES: it cannot be removed.
 */
int take_file(struct vault *vault, const struct take_request *request, struct take_result *ret,
              struct why *why) MUST_USE;
