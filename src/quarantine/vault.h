/* vault — the directory of the quarantine: its key, its entries, and who works on which.
 *
 *     key              magic "CANDORK1" and 32 random bytes, mode 0600
 *     ID.new           an entry that is being written
 *     ID.moving        an entry that is whole; its original may still be in place
 *     ID.entry         an entry that is whole; its original is gone
 *     ID.restoring     a symbolic link to the directory into which ID is being restored
 *
 * ID is 16 random hexadecimal digits. An entry changes its state by being renamed. Whoever
 * works on one holds a lock (flock) on it, which ends with the process; what has no lock and is
 * not ID.entry is what a killed process left behind (mend.h). There is no other record of
 * anything, so nothing can disagree.
 *
 * The key keeps other scanners and users from tripping over what lies here. It lies beside the
 * entries: it keeps nothing from whoever may read the directory. */
#pragma once
#include "quarantine/entry.h"
#include "shim/aead.h"

#include <sys/types.h>

enum { VAULT_ID = 16, VAULT_NAME = VAULT_ID + 16 };

enum vault_state { VAULT_NEW, VAULT_MOVING, VAULT_ENTRY, VAULT_RESTORING, VAULT_STATES };

/* A file that this process has taken a name of. Removing one changes the file's time of change,
 * which is not to count as a change for the next; and who comes a second time to a file that
 * went with its last name is told so. */
struct vault_taken {
    char id[VAULT_ID + 1];
    bool last;
    uint64_t device, inode;
    struct timespec scanned, now;
};

enum { VAULT_TAKEN = 256 };

struct vault {
    int fd;
    char *path;
    uint8_t key[AEAD_KEY];
    struct vault_taken taken[VAULT_TAKEN];
    unsigned taken_next;
};

/* An entry that was opened. */
struct vault_entry {
    char id[VAULT_ID + 1];
    enum vault_state state; /* VAULT_MOVING or VAULT_ENTRY */
    int fd;
    uint64_t data;         /* offset of the chunks */
    uint8_t key[AEAD_KEY]; /* of the entry */
    struct entry_facts facts;
};

struct vault_list {
    struct {
        char id[VAULT_ID + 1];
        enum vault_state state;
    } * at;

    size_t n;
};

/* Where the quarantine of whoever runs this is: /var/lib/candor/quarantine for root, else below
 * $XDG_DATA_HOME or ~/.local/share. -ENOENT when there is no home, -ENAMETOOLONG. */
int vault_default(char *ret, size_t size, struct why *why) MUST_USE;
/* Opens the vault, and with `create` makes what is missing. -ENOENT: there is none. -EPERM:
 * others could write to it or read its key. */
int vault_open(const char *path, bool create, struct vault **ret, struct why *why) MUST_USE;
/* NULL is fine; returns NULL. */
struct vault *vault_close(struct vault *vault);

/* "ID.entry". */
void vault_name(const char *id, enum vault_state state, char ret[VAULT_NAME]);
/* All that lies in it, in order of the names; -errno. To be freed with vault_list_free. */
int vault_all(const struct vault *vault, struct vault_list *ret, struct why *why) MUST_USE;
void vault_list_free(struct vault_list *list);
/* The one entry whose ID begins with `head`. -ENOENT, -EINVAL when there are several. */
int vault_find(const struct vault *vault, const char *head, char ret[VAULT_ID + 1],
               struct why *why) MUST_USE;

/* A new ID.new, locked, open for reading and writing. */
int vault_create(const struct vault *vault, char ret_id[VAULT_ID + 1], int *ret_fd,
                 struct why *why) MUST_USE;
/* Encrypts and writes the header of a new entry; its chunks begin at *ret_data. The size of the
 * header does not change with the numbers and the digest in it, so the chunks can be written
 * between two calls. */
int vault_seal(const struct vault *vault, int fd, const uint8_t salt[ENTRY_SALT],
               const struct entry_facts *entry, struct arena *arena, uint64_t *ret_data,
               uint8_t ret_key[AEAD_KEY], struct why *why) MUST_USE;
/* Opens an entry and reads its header into the arena. To be closed with vault_entry_close. */
int vault_load(const struct vault *vault, const char *id, struct arena *arena,
               struct vault_entry *ret, struct why *why) MUST_USE;
void vault_entry_close(struct vault_entry *entry);
/* Locks an open entry for this process. -EBUSY: another one works on it. -ENOENT: it is gone.
 */
int vault_lock(const struct vault *vault, const struct vault_entry *entry,
               struct why *why) MUST_USE;
/* Gives an entry another state; it is on the disk afterwards. */
int vault_rename(const struct vault *vault, const char *id, enum vault_state from,
                 enum vault_state to, struct why *why) MUST_USE;
/* Removes what is there of an ID in one state; it is gone from the disk afterwards. */
int vault_drop(const struct vault *vault, const char *id, enum vault_state state,
               struct why *why) MUST_USE;
/* Whether two files have the same content: of an entry, and of an open file (read from its
 * beginning). */
bool vault_same(const struct vault_entry *entry, int fd);
