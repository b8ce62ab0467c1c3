#include "quarantine/vault.h"

#include "home/home.h"
#include "quarantine/chunks.h"
#include "quarantine/whole.h"
#include "shim/crypto.h"
#include "shim/digest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_MAGIC "CANDORK1"

enum { KEY_FILE = 8 + AEAD_KEY, LISTED_MAX = 1 << 24 };

static const char *const suffixes[VAULT_STATES] = {".new", ".moving", ".entry", ".restoring"};

/* --- where it is --- */

int vault_default(char *ret, size_t size, struct why *why)
{
    int error = home_place(HOME_DATA, "quarantine", ret, size);
    if (error == -ENOENT)
        return fail(why, ENOENT, "there is no home for a quarantine: say --directory");
    return error ? fail(why, ENAMETOOLONG, "the quarantine's path is too long") : 0;
}

/* --- the key --- */

static int read_key(struct vault *vault, struct why *why)
{
    uint8_t raw[KEY_FILE + 1];
    struct stat st;
    int fd = openat(vault->fd, "key", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail(why, errno, "cannot open '%s/key': %s", vault->path, strerror(errno));
    ssize_t n = fstat(fd, &st) == 0 ? pread(fd, raw, sizeof raw, 0) : -1;
    close(fd);
    if (n >= 0 && (!S_ISREG(st.st_mode) || st.st_mode & 077))
        return fail(why, EPERM, "'%s/key' may be read by others", vault->path);
    if (n != KEY_FILE || memcmp(raw, KEY_MAGIC, 8) != 0)
        return fail(why, EBADMSG, "'%s/key' is damaged", vault->path);
    memcpy(vault->key, raw + 8, AEAD_KEY);
    return 0;
}

static int write_key(struct vault *vault, struct why *why)
{
    uint8_t raw[KEY_FILE];
    memcpy(raw, KEY_MAGIC, 8);
    if (getrandom(raw + 8, AEAD_KEY, 0) != AEAD_KEY)
        return fail(why, errno, "no random bytes: %s", strerror(errno));
    int fd = openat(vault->fd, "key.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                    0600);
    if (fd < 0)
        return fail(why, errno, "cannot write '%s/key': %s", vault->path, strerror(errno));
    bool good = write(fd, raw, sizeof raw) == (ssize_t)sizeof raw && fsync(fd) == 0;
    int error = good ? 0 : -errno;
    close(fd);
    if (!error &&
        (renameat(vault->fd, "key.new", vault->fd, "key") < 0 || fsync(vault->fd) < 0))
        error = -errno;
    return error ? fail(why, -error, "cannot write '%s/key': %s", vault->path, strerror(-error))
                 : 0;
}

/* True when nothing is in the directory but what a killed write_key left. */
static bool is_empty(const struct vault *vault)
{
    const struct dirent *row;
    int fd = openat(vault->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    bool empty = directory != NULL;
    while (empty && (row = readdir(directory)))
        empty = strcmp(row->d_name, ".") == 0 || strcmp(row->d_name, "..") == 0 ||
                strcmp(row->d_name, "key.new") == 0;
    if (directory)
        closedir(directory);
    else if (fd >= 0)
        close(fd);
    return empty;
}

/* A new key only for an empty directory: what lies in a vault could not be opened with another
 * one, and what is no vault is not to become one. */
static int make_key(struct vault *vault, struct why *why)
{
    struct vault_list list;
    struct stat st;
    if (flock(vault->fd, LOCK_EX) < 0)
        return fail(why, errno, "cannot lock '%s': %s", vault->path, strerror(errno));
    int error = 0;
    if (fstatat(vault->fd, "key", &st, AT_SYMLINK_NOFOLLOW) < 0) {
        error = vault_all(vault, &list, why);
        if (!error && list.n)
            error = fail(why, ENOKEY, "'%s' has entries, but their key is gone", vault->path);
        if (!error && !is_empty(vault))
            error = fail(why, ENOTEMPTY, "'%s' is no quarantine, and not empty", vault->path);
        if (!error)
            error = write_key(vault, why);
        vault_list_free(&list);
    }
    flock(vault->fd, LOCK_UN);
    return error;
}

int vault_open(const char *path, bool create, struct vault **ret, struct why *why)
{
    struct stat st;
    struct vault *vault = NULL;
    int error = create ? home_make(path, why) : 0;
    if (error)
        return error;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail(why, errno, "cannot open the quarantine '%s': %s", path, strerror(errno));
    if (fstat(fd, &st) < 0 || (st.st_uid != geteuid() && st.st_uid != 0) || st.st_mode & 022)
        error =
            fail(why, EPERM, "'%s' is no place for a quarantine: others may write to it", path);
    if (!error && !(vault = calloc(1, sizeof *vault)))
        error = fail(why, ENOMEM, "out of memory");
    if (error) {
        close(fd);
        return error;
    }
    crypto_warm();
    vault->fd = fd;
    vault->path = realpath(path, NULL);
    if (!vault->path)
        error = fail(why, errno, "cannot find the way to '%s': %s", path, strerror(errno));
    if (!error && create)
        error = make_key(vault, why);
    if (!error)
        error = read_key(vault, why);
    if (error)
        vault_close(vault);
    else
        *ret = vault;
    return error;
}

struct vault *vault_close(struct vault *vault)
{
    if (vault) {
        close(vault->fd);
        free(vault->path);
        explicit_bzero(vault->key, sizeof vault->key);
    }
    free(vault);
    return NULL;
}

/* --- names --- */

void vault_name(const char *id, enum vault_state state, char ret[VAULT_NAME])
{
    snprintf(ret, VAULT_NAME, "%.*s%s", VAULT_ID, id, suffixes[state]);
}

static bool is_hex(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
            return false;
    return true;
}

/* The state that a name in the vault stands for; VAULT_STATES for none. */
static enum vault_state state_of(const char *name)
{
    enum vault_state state = 0;
    if (strnlen(name, VAULT_ID) < VAULT_ID || !is_hex(name, VAULT_ID))
        return VAULT_STATES;
    while (state < VAULT_STATES && strcmp(name + VAULT_ID, suffixes[state]) != 0)
        state++;
    return state;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool add_name(struct vault_list *list, size_t *room, const char *name)
{
    enum vault_state state = state_of(name);
    if (state == VAULT_STATES)
        return true;
    if (list->n == *room) {
        size_t more = *room ? 2 * *room : 64;
        void *at = more > LISTED_MAX ? NULL : realloc(list->at, more * sizeof *list->at);
        if (!at)
            return false;
        list->at = at;
        *room = more;
    }
    memcpy(list->at[list->n].id, name, VAULT_ID);
    list->at[list->n].id[VAULT_ID] = 0;
    list->at[list->n++].state = state;
    return true;
}

int vault_all(const struct vault *vault, struct vault_list *ret, struct why *why)
{
    size_t room = 0;
    const struct dirent *row;
    *ret = (struct vault_list){0};
    int fd = openat(vault->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (!directory) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return fail(why, error, "cannot read '%s': %s", vault->path, strerror(error));
    }
    bool good = true;
    errno = 0;
    while (good && (row = readdir(directory)))
        good = add_name(ret, &room, row->d_name);
    int error = good ? errno : ENOMEM;
    closedir(directory);
    if (error) {
        vault_list_free(ret);
        return fail(why, error, "cannot read '%s': %s", vault->path, strerror(error));
    }
    if (ret->n)
        qsort(ret->at, ret->n, sizeof *ret->at, by_name);
    return 0;
}

void vault_list_free(struct vault_list *list)
{
    free(list->at);
    *list = (struct vault_list){0};
}

int vault_find(const struct vault *vault, const char *head, char ret[VAULT_ID + 1],
               struct why *why)
{
    struct vault_list list;
    size_t len = strlen(head), found = 0;
    if (!len || len > VAULT_ID || !is_hex(head, len))
        return fail(why, ENOENT, "'%s' is not the ID of an entry", head);
    int error = vault_all(vault, &list, why);
    for (size_t i = 0; !error && i < list.n; i++)
        if ((list.at[i].state == VAULT_ENTRY || list.at[i].state == VAULT_MOVING) &&
            strncmp(list.at[i].id, head, len) == 0) {
            memcpy(ret, list.at[i].id, VAULT_ID + 1);
            found++;
        }
    vault_list_free(&list);
    if (!error && found != 1)
        error = found ? fail(why, EINVAL, "'%s' is the beginning of %zu IDs", head, found)
                      : fail(why, ENOENT, "there is no entry '%s' in quarantine", head);
    return error;
}

/* --- entries --- */

int vault_create(const struct vault *vault, char ret_id[VAULT_ID + 1], int *ret_fd,
                 struct why *why)
{
    char name[VAULT_NAME];
    uint64_t number;
    struct stat st;
    for (int tries = 0; tries < 16; tries++) {
        if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
            return fail(why, errno, "no random bytes: %s", strerror(errno));
        snprintf(ret_id, VAULT_ID + 1, "%016llx", (unsigned long long)number);
        vault_name(ret_id, VAULT_ENTRY, name);
        if (fstatat(vault->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            continue;
        vault_name(ret_id, VAULT_NEW, name);
        int fd =
            openat(vault->fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 && errno != EEXIST)
            return fail(why, errno, "cannot write to quarantine '%s': %s", vault->path,
                        strerror(errno));
        /* Someone who cleans up may have been faster than the lock. */
        if (fd >= 0 && flock(fd, LOCK_EX) == 0 && fstat(fd, &st) == 0 && st.st_nlink > 0) {
            *ret_fd = fd;
            return 0;
        }
        if (fd >= 0)
            close(fd);
    }
    return fail(why, EAGAIN, "no name is free in quarantine '%s'", vault->path);
}

int vault_seal(const struct vault *vault, int fd, const uint8_t salt[ENTRY_SALT],
               const struct entry_facts *entry, struct arena *arena, uint64_t *ret_data,
               uint8_t ret_key[AEAD_KEY], struct why *why)
{
    bytes header;
    uint8_t nonce[AEAD_NONCE];
    int error = entry_encode(entry, arena, &header, why);
    if (error)
        return error;
    size_t size = ENTRY_OPEN + header.len + AEAD_TAG;
    uint8_t *out = arena_push(arena, size);
    if (!out)
        return fail(why, ENOMEM, "out of memory");
    memcpy(out, "CANDORQ1", ENTRY_MAGIC);
    for (int i = 0; i < 4; i++)
        out[ENTRY_MAGIC + i] = (uint8_t)(header.len >> (8 * i));
    memcpy(out + ENTRY_OPEN - ENTRY_SALT, salt, ENTRY_SALT);
    chunks_nonce(0, false, true, nonce);
    struct aead *aead = aead_derive(vault->key, (bytes){salt, ENTRY_SALT}, ret_key)
                            ? aead_new(AEAD_SEAL, ret_key)
                            : NULL;
    bool good =
        aead && aead_seal(aead, nonce, (bytes){out, ENTRY_OPEN}, header, out + ENTRY_OPEN);
    aead_free(aead);
    if (!good)
        return fail(why, EIO, "libcrypto does not encrypt");
    *ret_data = size;
    error = whole_write(fd, (bytes){out, size}, 0);
    return error ? fail(why, -error, "cannot write to quarantine: %s", strerror(-error)) : 0;
}

static int open_header(const struct vault *vault, struct vault_entry *entry,
                       struct arena *arena, struct why *why)
{
    uint8_t head[ENTRY_OPEN], nonce[AEAD_NONCE];
    if (whole_read(entry->fd, head, sizeof head, 0) ||
        memcmp(head, "CANDORQ1", ENTRY_MAGIC) != 0)
        return fail(why, EBADMSG, "it is no entry of a quarantine");
    size_t len = load_le32(head + ENTRY_MAGIC);
    uint8_t *sealed = len <= ENTRY_HEADER_MAX ? arena_push_raw(arena, len + AEAD_TAG) : NULL;
    uint8_t *plain = sealed ? arena_push_raw(arena, len) : NULL;
    if (!plain)
        return len > ENTRY_HEADER_MAX ? fail(why, EBADMSG, "its header is too large")
                                      : fail(why, ENOMEM, "out of memory");
    if (whole_read(entry->fd, sealed, len + AEAD_TAG, ENTRY_OPEN))
        return fail(why, EBADMSG, "it is cut short");
    bytes salt = {head + ENTRY_OPEN - ENTRY_SALT, ENTRY_SALT};
    chunks_nonce(0, false, true, nonce);
    struct aead *aead =
        aead_derive(vault->key, salt, entry->key) ? aead_new(AEAD_OPEN, entry->key) : NULL;
    bool good = aead && aead_open(aead, nonce, (bytes){head, sizeof head},
                                  (bytes){sealed, len + AEAD_TAG}, plain);
    aead_free(aead);
    if (!good)
        return fail(why, EBADMSG, "it is damaged, or was written with another key");
    entry->data = ENTRY_OPEN + len + AEAD_TAG;
    return entry_decode((bytes){plain, len}, arena, &entry->facts, why);
}

int vault_load(const struct vault *vault, const char *id, struct arena *arena,
               struct vault_entry *ret, struct why *why)
{
    static const enum vault_state states[] = {VAULT_ENTRY, VAULT_MOVING, VAULT_ENTRY};

    char name[VAULT_NAME];
    *ret = (struct vault_entry){.fd = -1};
    memcpy(ret->id, id, VAULT_ID);
    /* Once more under the first name: it may be renamed between two looks. */
    for (size_t i = 0; i < COUNT(states) && ret->fd < 0; i++) {
        vault_name(id, ret->state = states[i], name);
        ret->fd = openat(vault->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        if (ret->fd < 0 && errno != ENOENT)
            break;
    }
    if (ret->fd < 0)
        return fail(why, errno, "cannot open the entry '%s': %s", id, strerror(errno));
    int error = open_header(vault, ret, arena, why);
    if (error) {
        vault_entry_close(ret);
        char subject[VAULT_ID + 16];
        snprintf(subject, sizeof subject, "entry '%s'", id);
        why_wrap(why, error, subject);
    }
    return error;
}

void vault_entry_close(struct vault_entry *entry)
{
    if (entry->fd >= 0)
        close(entry->fd);
    entry->fd = -1;
    explicit_bzero(entry->key, sizeof entry->key);
}

int vault_lock(const struct vault *vault, const struct vault_entry *entry, struct why *why)
{
    char name[VAULT_NAME];
    struct stat open_st, st;
    if (flock(entry->fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK
                   ? fail(why, EBUSY, "another program works on entry '%s'", entry->id)
                   : fail(why, errno, "cannot lock entry '%s': %s", entry->id, strerror(errno));
    vault_name(entry->id, entry->state, name);
    if (fstat(entry->fd, &open_st) < 0 ||
        fstatat(vault->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_ino != open_st.st_ino)
        return fail(why, ENOENT, "entry '%s' is not there any more", entry->id);
    return 0;
}

int vault_rename(const struct vault *vault, const char *id, enum vault_state from,
                 enum vault_state to, struct why *why)
{
    char before[VAULT_NAME], after[VAULT_NAME];
    vault_name(id, from, before);
    vault_name(id, to, after);
    return renameat(vault->fd, before, vault->fd, after) == 0 && fsync(vault->fd) == 0
               ? 0
               : fail(why, errno, "cannot rename in quarantine '%s': %s", vault->path,
                      strerror(errno));
}

int vault_drop(const struct vault *vault, const char *id, enum vault_state state,
               struct why *why)
{
    char name[VAULT_NAME];
    vault_name(id, state, name);
    return unlinkat(vault->fd, name, 0) == 0 && fsync(vault->fd) == 0
               ? 0
               : fail(why, errno, "cannot remove '%s/%s': %s", vault->path, name,
                      strerror(errno));
}

bool vault_same(const struct vault_entry *entry, int fd)
{
    uint8_t part[16384], sha256[ENTRY_SHA256];
    struct digest *digest = digest_new(DIGEST_SHA256);
    uint64_t at = 0;
    ssize_t n = 0;
    bool good = digest != NULL;
    while (good && (n = pread(fd, part, sizeof part, (off_t)at)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        good = n > 0 && digest_add(digest, (bytes){part, (size_t)n});
        at += n > 0 ? (uint64_t)n : 0;
    }
    good = good && digest_end(digest, sha256) &&
           memcmp(sha256, entry->facts.sha256, ENTRY_SHA256) == 0;
    digest_free(digest);
    return good;
}
