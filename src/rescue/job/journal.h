/* journal — what a job has begun and finished, so that the next one can clean up after a kill
 * and knows what needs no second time.
 *
 *     DIR/ID.journal   ID: 16 random hexadecimal digits; locked (flock) by the job while it
 * runs
 *
 *     offset  size  what
 *          0     8  magic "CANDORJ1"
 *          8     .  records: length of the rest (4), CRC-32 of the rest (4), then
 *                   kind (4), number (4), device, inode, size (8 each), seconds (8) and
 *                   nanoseconds (4) of the change, of the encrypted file; device, inode, size,
 *                   seconds (8 each), nanoseconds (4) of what came out; length of the directory
 *                   (4), directory, length of the name (4), name
 *
 * Numbers are little endian. A record is written with one call; what is torn at the end counts
 * as not written. BEGIN says that DIRECTORY/.candor-rescue-ID-NUMBER may exist; DONE, that
 * it has become NAME; DROP, that it is gone; END, that the job ended. */
#pragma once
#include "base/arena.h"

#include <sys/stat.h>

enum { JOURNAL_ID = 16, JOURNAL_TEMPORARY = 64 };

enum journal_kind { JOURNAL_BEGIN, JOURNAL_DONE, JOURNAL_DROP, JOURNAL_END, JOURNAL_KINDS };

/* By what a file is known again. */
struct journal_file {
    uint64_t device, inode, size;
    int64_t seconds;
    uint32_t nanoseconds;
};

struct journal_record {
    enum journal_kind kind;
    uint32_t number;
    struct journal_file source, output; /* output: of DONE */
    bytes directory, name;              /* absolute; of BEGIN: what it is to be called */
};

struct journal {
    int directory, fd;
    char id[JOURNAL_ID + 1];
    uint32_t next; /* number of the next file */
    bool failed;   /* a record could not be written */
};

/* Where it lies: /var/lib/candor/rescue for root, else below $XDG_STATE_HOME or ~/.local/state.
 */
int journal_default(char *ret, size_t size, struct why *why) MUST_USE;
/* Opens the directory, made where it is missing, and a new journal in it. */
int journal_new(const char *path, struct journal *ret, struct why *why) MUST_USE;
int journal_write(struct journal *journal, const struct journal_record *record,
                  struct why *why) MUST_USE;
/* On the disk. */
int journal_sync(struct journal *journal, struct why *why) MUST_USE;
void journal_end(struct journal *journal);
struct journal_file journal_file_of(const struct stat *st);
bool journal_same(const struct journal_file *a, const struct journal_file *b);
/* ".candor-rescue-ID-NUMBER". */
void journal_temporary(const char *id, uint32_t number, char ret[JOURNAL_TEMPORARY]);
/* Whether a file is called like that, by whatever job. */
bool journal_is_temporary(bytes name);

struct journal_past {
    uint32_t jobs;    /* that had been killed, and are cleaned up now */
    uint32_t removed; /* temporary files of theirs */
    uint32_t running; /* jobs that still run */
    void *table;      /* of what was done; freed by journal_past_free */
};

/* Reads all earlier journals; removes what killed jobs left half-written. */
int journal_mend(struct journal *journal, struct journal_past *ret, struct why *why) MUST_USE;
/* Reads them, and changes nothing; of a directory that cannot be read, nothing is known. */
void journal_recall(const char *path, struct journal_past *ret);
/* What came out of this very file before, NULL: nothing is known. */
const struct journal_file *journal_past_find(const struct journal_past *past,
                                             const struct journal_file *source);
void journal_past_free(struct journal_past *past);
