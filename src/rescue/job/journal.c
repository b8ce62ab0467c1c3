#include "rescue/job/journal.h"

#include "home/home.h"
#include "quarantine/original.h"
#include "shim/stream.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

enum { MAGIC = 8, FIXED = 8 + 2 * 36, RECORD_MOST = FIXED + 8 + PATH_MAX + NAME_MAX };

static const char magic[MAGIC] = {'C', 'A', 'N', 'D', 'O', 'R', 'J', '1'};
static const char prefix[] = ".candor-rescue-", suffix[] = ".journal";

int journal_default(char *ret, size_t size, struct why *why)
{
    int error = home_place(HOME_STATE, "rescue", ret, size);
    if (error == -ENOENT)
        return fail(why, ENOENT, "there is no home directory for the journal: say '--journal'");
    return error ? fail(why, ENAMETOOLONG, "the path of the home directory is too long") : 0;
}

struct journal_file journal_file_of(const struct stat *st)
{
    return (struct journal_file){st->st_dev, st->st_ino, (uint64_t)st->st_size,
                                 st->st_mtim.tv_sec, (uint32_t)st->st_mtim.tv_nsec};
}

bool journal_same(const struct journal_file *a, const struct journal_file *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->seconds == b->seconds && a->nanoseconds == b->nanoseconds;
}

void journal_temporary(const char *id, uint32_t number, char ret[JOURNAL_TEMPORARY])
{
    snprintf(ret, JOURNAL_TEMPORARY, "%s%.16s-%u", prefix, id, number);
}

bool journal_is_temporary(bytes name)
{
    size_t len = sizeof prefix - 1;
    return name.len > len + JOURNAL_ID && !memcmp(name.at, prefix, len) &&
           name.at[len + JOURNAL_ID] == '-';
}

/* --- writing --- */

static void store(uint8_t *to, uint64_t value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static void store_file(uint8_t *to, const struct journal_file *file)
{
    store(to, file->device, 8);
    store(to + 8, file->inode, 8);
    store(to + 16, file->size, 8);
    store(to + 24, (uint64_t)file->seconds, 8);
    store(to + 32, file->nanoseconds, 4);
}

int journal_write(struct journal *journal, const struct journal_record *record, struct why *why)
{
    uint8_t all[8 + RECORD_MOST], *at = all + 8;
    if (record->directory.len >= PATH_MAX || record->name.len > NAME_MAX)
        return fail(why, ENAMETOOLONG, "its path is too long for the journal");
    store(at, record->kind, 4);
    store(at + 4, record->number, 4);
    store_file(at + 8, &record->source);
    store_file(at + 44, &record->output);
    at += FIXED;
    const bytes texts[] = {record->directory, record->name};
    for (size_t i = 0; i < COUNT(texts); i++) {
        store(at, texts[i].len, 4);
        if (texts[i].len)
            memcpy(at + 4, texts[i].at, texts[i].len);
        at += 4 + texts[i].len;
    }
    size_t len = (size_t)(at - all) - 8;
    store(all, len, 4);
    store(all + 4, stream_crc32(0, (bytes){all + 8, len}), 4);
    ssize_t n;
    do
        n = write(journal->fd, all, len + 8);
    while (n < 0 && errno == EINTR);
    if (n == (ssize_t)(len + 8))
        return 0;
    journal->failed = true;
    return fail(why, n < 0 ? errno : ENOSPC, "cannot write the journal: %s",
                strerror(n < 0 ? errno : ENOSPC));
}

int journal_sync(struct journal *journal, struct why *why)
{
    return fdatasync(journal->fd) == 0
               ? 0
               : fail(why, errno, "cannot sync the journal: %s", strerror(errno));
}

int journal_new(const char *path, struct journal *ret, struct why *why)
{
    uint64_t random;
    char name[64];
    int error = home_make(path, why);
    if (error)
        return error;
    *ret = (struct journal){.fd = -1};
    ret->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (ret->directory < 0)
        return fail(why, errno, "cannot open '%s': %s", path, strerror(errno));
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        error = fail(why, EIO, "the system gives no random numbers");
    snprintf(ret->id, sizeof ret->id, "%016llx", (unsigned long long)random);
    snprintf(name, sizeof name, "%s%s", ret->id, suffix);
    if (!error) {
        ret->fd = openat(ret->directory, name,
                         O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (ret->fd < 0 || flock(ret->fd, LOCK_EX | LOCK_NB) < 0 ||
            write(ret->fd, magic, MAGIC) != MAGIC)
            error =
                fail(why, errno, "cannot write the journal in '%s': %s", path, strerror(errno));
    }
    if (error)
        journal_end(ret);
    return error;
}

void journal_end(struct journal *journal)
{
    const struct journal_record end = {.kind = JOURNAL_END};
    if (journal->fd >= 0) {
        if (!journal_write(journal, &end, NULL))
            fdatasync(journal->fd);
        close(journal->fd);
    }
    if (journal->directory >= 0)
        close(journal->directory);
    journal->fd = journal->directory = -1;
}

/* --- reading what was --- */

struct done {
    struct journal_file source, output;
};

/* Open addressing; `source.device` and `inode` both 0: empty. */
struct table {
    struct done *at;
    size_t room, n;
};

static size_t slot_of(const struct table *table, const struct journal_file *source)
{
    bytes view = {(const uint8_t *)&source->inode, sizeof source->inode};
    size_t slot = hash64(view, source->device) & (table->room - 1);
    while (table->at[slot].source.inode && !journal_same(&table->at[slot].source, source))
        slot = (slot + 1) & (table->room - 1);
    return slot;
}

static void remember(struct table *table, const struct done *done)
{
    if (2 * (table->n + 1) > table->room) {
        struct table larger = {.room = table->room ? 2 * table->room : 1024};
        larger.at = calloc(larger.room, sizeof *larger.at);
        if (!larger.at)
            return;
        for (size_t i = 0; i < table->room; i++)
            if (table->at[i].source.inode)
                larger.at[slot_of(&larger, &table->at[i].source)] = table->at[i];
        larger.n = table->n;
        free(table->at);
        *table = larger;
    }
    size_t slot = slot_of(table, &done->source);
    table->n += !table->at[slot].source.inode;
    table->at[slot] = *done;
}

static struct journal_file load_file(const uint8_t *from)
{
    return (struct journal_file){load_le64(from), load_le64(from + 8), load_le64(from + 16),
                                 (int64_t)load_le64(from + 24), load_le32(from + 32)};
}

/* One record's rest. False: it is not one. */
static bool load_record(bytes rest, struct journal_record *ret)
{
    if (rest.len < FIXED + 8 || load_le32(rest.at) >= JOURNAL_KINDS)
        return false;
    *ret = (struct journal_record){.kind = load_le32(rest.at),
                                   .number = load_le32(rest.at + 4),
                                   .source = load_file(rest.at + 8),
                                   .output = load_file(rest.at + 44)};
    size_t at = FIXED;
    bytes *texts[] = {&ret->directory, &ret->name};
    for (size_t i = 0; i < COUNT(texts); i++) {
        uint32_t len;
        if (!bytes_le32(rest, at, &len) || !bytes_has(rest, at + 4, len))
            return false;
        *texts[i] = bytes_slice(rest, at + 4, len);
        at += 4 + (size_t)len;
    }
    return at == rest.len;
}

/* What a killed job may have left half-written at a place. */
static bool remove_temporary(const char *id, const struct journal_record *record)
{
    char path[PATH_MAX + JOURNAL_TEMPORARY], name[JOURNAL_TEMPORARY];
    struct stat st;
    bytes last;
    int directory;
    journal_temporary(id, record->number, name);
    int n = snprintf(path, sizeof path, "%.*s/%s", (int)record->directory.len,
                     (const char *)record->directory.at, name);
    if (n <= 0 || (size_t)n >= sizeof path ||
        original_directory((bytes){(const uint8_t *)path, (size_t)n}, &directory, &last, NULL))
        return false;
    bool gone = fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                S_ISREG(st.st_mode) && unlinkat(directory, name, 0) == 0;
    close(directory);
    return gone;
}

struct reading {
    struct journal_past *past;
    struct table *table;
    char id[JOURNAL_ID + 1];
    bool mends; /* cleans up as well */
    FILE *file;
    uint64_t good; /* bytes up to which it can be read */
    uint8_t record[RECORD_MOST];
};

static bool next_record(struct reading *reading, struct journal_record *ret)
{
    uint8_t head[8];
    if (fread(head, 1, 8, reading->file) != 8)
        return false;
    size_t len = load_le32(head);
    bytes rest = {reading->record, len};
    if (len > RECORD_MOST || fread(reading->record, 1, len, reading->file) != len ||
        stream_crc32(0, rest) != load_le32(head + 4) || !load_record(rest, ret))
        return false;
    reading->good += 8 + len;
    return true;
}

/* The files that were begun, and neither done nor dropped, of a job that did not end. */
static void read_journal(struct reading *reading, int fd, bool runs)
{
    struct journal_record record;
    uint8_t head[MAGIC];
    bool ended = false;
    if (fread(head, 1, MAGIC, reading->file) != MAGIC || memcmp(head, magic, MAGIC) != 0)
        return;
    while (next_record(reading, &record)) {
        ended = record.kind == JOURNAL_END;
        if (record.kind == JOURNAL_DONE)
            remember(reading->table, &(struct done){record.source, record.output});
    }
    if (runs || ended || !reading->mends)
        return;
    reading->past->jobs++;
    rewind(reading->file);
    reading->good = fread(head, 1, MAGIC, reading->file);
    while (next_record(reading, &record))
        if (record.kind == JOURNAL_BEGIN)
            reading->past->removed += remove_temporary(reading->id, &record);
    /* What is torn at the end would hide what is written behind it. */
    struct journal mended = {.fd = fd};
    const struct journal_record last = {.kind = JOURNAL_END};
    if (ftruncate(fd, (off_t)reading->good) == 0 && !journal_write(&mended, &last, NULL))
        fdatasync(fd);
}

/* `journal`: of the job that mends; NULL: nothing is changed. */
static void look_at(const struct journal *journal, int directory, const char *name,
                    struct journal_past *past)
{
    struct reading reading = {.past = past, .table = past->table, .mends = journal};
    size_t len = strlen(name);
    if (len != JOURNAL_ID + sizeof suffix - 1 || strcmp(name + JOURNAL_ID, suffix) != 0 ||
        (journal && !strncmp(name, journal->id, JOURNAL_ID)))
        return;
    memcpy(reading.id, name, JOURNAL_ID);
    int flags = journal ? O_RDWR | O_APPEND : O_RDONLY;
    int fd = openat(directory, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    bool runs = journal && flock(fd, LOCK_EX | LOCK_NB) < 0;
    past->running += runs;
    int twin = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    reading.file = twin < 0 ? NULL : fdopen(twin, "rb");
    if (reading.file) {
        read_journal(&reading, fd, runs);
        fclose(reading.file);
    } else if (twin >= 0) {
        close(twin);
    }
    close(fd);
}

static int look_at_all(const struct journal *journal, int directory, struct journal_past *ret,
                       struct why *why)
{
    *ret = (struct journal_past){0};
    int fd = directory < 0 ? -1 : fcntl(directory, F_DUPFD_CLOEXEC, 0);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    ret->table = calloc(1, sizeof(struct table));
    if (!list || !ret->table) {
        int error = fail(why, errno ? errno : ENOMEM, "cannot read earlier journals");
        if (list)
            closedir(list);
        else if (fd >= 0)
            close(fd);
        return error;
    }
    for (struct dirent *entry; (entry = readdir(list));)
        look_at(journal, directory, entry->d_name, ret);
    closedir(list);
    return 0;
}

int journal_mend(struct journal *journal, struct journal_past *ret, struct why *why)
{
    return look_at_all(journal, journal->directory, ret, why);
}

void journal_recall(const char *path, struct journal_past *ret)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (look_at_all(NULL, fd, ret, NULL))
        journal_past_free(ret);
    if (fd >= 0)
        close(fd);
}

const struct journal_file *journal_past_find(const struct journal_past *past,
                                             const struct journal_file *source)
{
    const struct table *table = past->table;
    if (!table || !table->room)
        return NULL;
    const struct done *done = &table->at[slot_of(table, source)];
    return done->source.inode ? &done->output : NULL;
}

void journal_past_free(struct journal_past *past)
{
    struct table *table = past->table;
    if (table)
        free(table->at);
    free(table);
    past->table = NULL;
}
