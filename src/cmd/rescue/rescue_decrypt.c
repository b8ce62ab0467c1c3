#include "cmd/rescue/rescue.h"
#include "home/home.h"
#include "rescue/job/report.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { KEY_FILES = 16384, SHORT = 16, REPORTS_KEPT = 999, DRAWN_EVERY_MS = 200 };

#define KEY_MOST   ((size_t)16 << 20)
#define KEY_MEMORY ((size_t)256 << 20)

struct decrypt_arguments {
    struct option_list keys, originals;
    const char *output, *report, *journal;
    bool dry_run, json, keep_failed, no_search;
    int64_t jobs;
};

#define TARGET(field) offsetof(struct decrypt_arguments, field)

static const struct option decrypt_table[] = {
    {"key", 0, OPTION_LIST, "FILE|TEXT", "Options", "a key, in whatever form it was handed out",
     "A file (PEM, DER, XML, a blob, hex, base64, a decryptor's key file; of several keys in "
     "one "
     "all are tried; the times that Akira for Linux drew its keys at, t3=... t4=...), a "
     "directory "
     "of such files, or the key itself as text. May be given several "
     "times: each file is opened by the key that fits it, whatever the order.",
     NULL, TARGET(keys)},
    {"originals", 0, OPTION_LIST, "DIR", "Options",
     "look in DIR for originals of encrypted files: a backup, a camera's card",
     "What a file was and what it is now can show how to undo all others (candor rescue pair). "
     "Without this, pairs are looked for below PATH itself.",
     NULL, TARGET(originals)},
    {"output", 'o', OPTION_TEXT, "DIR", "Options",
     "write below DIR instead of beside the files",
     "For a disk that is full or must not be written to. The folders are made there as they "
     "are "
     "found.",
     NULL, TARGET(output)},
    {"dry-run", 'n', OPTION_FLAG, NULL, "Options", "say what would be done, and write nothing",
     NULL, NULL, TARGET(dry_run)},
    {"report", 0, OPTION_TEXT, "FILE", "Options",
     "write a report: a page if FILE ends in .html, JSON if in .json, else text",
     "What happened to each file, by which key, with its SHA-256 before and after: for the "
     "police, an insurance or whoever helps.",
     NULL, TARGET(report)},
    {"json", 0, OPTION_FLAG, NULL, "Options", "write JSON Lines, an object for each file", NULL,
     NULL, TARGET(json)},
    {"keep-failed", 0, OPTION_FLAG, NULL, "Options",
     "keep what came out damaged, as NAME.not-recovered", NULL, NULL, TARGET(keep_failed)},
    {"no-search", 0, OPTION_FLAG, NULL, "Options", "do not search for keys that nobody gave",
     "Some families made their keys so badly that all of them can be tried (minutes for a "
     "file).",
     NULL, TARGET(no_search)},
    {"jobs", 'j', OPTION_NUMBER, "N", "Options", "workers; a worker for each processor if 0",
     NULL, NULL, TARGET(jobs)},
    {"journal", 0, OPTION_TEXT, "DIR", "Options", "keep the journal in DIR",
     "By it the next run cleans up after one that was killed, and knows what is done. "
     "/var/lib/candor/rescue for root, else ~/.local/state/candor/rescue.",
     NULL, TARGET(journal)},
    {0}};

static volatile bool stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = true;
}

/* --- keys --- */

struct keys {
    struct arena *arena;
    struct worker_key_file file[KEY_FILES];
    size_t n;
};

static int add_key(struct keys *keys, bytes data, const char *origin, struct why *why)
{
    bytes name = arena_copy(keys->arena, bytes_of(origin));
    if (keys->n == KEY_FILES || !name.at || !data.at)
        return fail(why, E2BIG,
                    "there are more files of keys than can be tried at once (%d, %zu MB): hand "
                    "them over in parts",
                    KEY_FILES, KEY_MEMORY >> 20);
    keys->file[keys->n++] = (struct worker_key_file){data, name};
    return 0;
}

/* What is no reason to stop. Paths may hold anything. */
static void say(int error, const struct why *why)
{
    struct text visible = {0};
    (void)error;
    text_word(&visible, "candor: ");
    text_visible(&visible, bytes_of(why->text));
    text_byte(&visible, '\n');
    if (text_write(&visible, 2) < 0)
        visible.len = 0; /* there is nobody to tell */
    text_free(&visible);
}

static int read_key_file(struct keys *keys, int fd, const char *path, const struct stat *st,
                         struct why *why)
{
    if (st->st_size <= 0 || (uint64_t)st->st_size > KEY_MOST)
        return fail(why, EFBIG, "'%s' cannot be a file of keys: it has %lld bytes", path,
                    (long long)st->st_size);
    uint8_t *data = arena_push_raw(keys->arena, (size_t)st->st_size);
    if (!data)
        return fail(why, ENOMEM,
                    "all keys together are larger than %zu MB, at '%.150s': hand them over in "
                    "parts",
                    KEY_MEMORY >> 20, path);
    ssize_t n = pread(fd, data, (size_t)st->st_size, 0);
    if (n < 0)
        return fail(why, errno, "cannot read '%s': %s", path, strerror(errno));
    return add_key(keys, (bytes){data, (size_t)n}, path, why);
}

/* One of a directory. What cannot be one is left out, and what cannot be read is said. */
static int read_key_entry(struct keys *keys, int directory, const char *path, const char *entry,
                          struct why *why)
{
    char name[PATH_MAX];
    struct stat st;
    int n = snprintf(name, sizeof name, "%s%s%s", path,
                     path[strlen(path) - 1] == '/' ? "" : "/", entry);
    int fd = openat(directory, entry, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY), error = 0;
    if (fd < 0 || fstat(fd, &st) < 0)
        say(fail(why, errno, "left out: cannot read '%.150s': %s", name, strerror(errno)), why);
    else if (n < 0 || (size_t)n >= sizeof name || !S_ISREG(st.st_mode) || !st.st_size)
        error = 0;
    else if ((uint64_t)st.st_size > KEY_MOST)
        say(fail(why, EFBIG, "left out: '%.150s' cannot be a file of keys: it has %lld bytes",
                 name, (long long)st.st_size),
            why);
    else
        error = read_key_file(keys, fd, name, &st, why);
    if (fd >= 0)
        close(fd);
    return error;
}

/* Those in a directory, not below it. */
static int read_key_folder(struct keys *keys, int fd, const char *path, struct why *why)
{
    DIR *list = fdopendir(fd);
    int error = list ? 0 : fail(why, errno, "cannot read '%s': %s", path, strerror(errno));
    size_t before = keys->n;
    for (struct dirent *entry; list && !error && (entry = readdir(list));)
        if (entry->d_name[0] != '.')
            error = read_key_entry(keys, dirfd(list), path, entry->d_name, why);
    if (!error && keys->n == before)
        say(fail(why, ENOENT, "there is no file of keys in '%.150s'", path), why);
    if (list)
        closedir(list);
    return error;
}

/* A file where there is one of that name, else the key itself. */
static int read_key(struct keys *keys, const char *given, struct why *why)
{
    struct stat st;
    int fd = open(given, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY), error;
    if (fd < 0 && errno != ENOENT && errno != ENAMETOOLONG && errno != ENOTDIR)
        return fail(why, errno, "cannot read '%s': %s", given, strerror(errno));
    /* What is called as a file, or as a folder, is one that is missing more often than it is a
     * key. */
    if (fd < 0 && (strchr(given, '/') || strchr(given, '.') || strlen(given) < SHORT) &&
        strlen(given) < PATH_MAX)
        say(fail(why, ENOENT, "there is no file '%.180s': it is taken for the key itself",
                 given),
            why);
    if (fd < 0)
        return add_key(keys, arena_copy(keys->arena, bytes_of(given)), "--key", why);
    if (fstat(fd, &st) < 0)
        error = fail(why, errno, "cannot read '%s': %s", given, strerror(errno));
    else if (S_ISDIR(st.st_mode))
        return read_key_folder(keys, fd, given, why);
    else if (!S_ISREG(st.st_mode))
        error = fail(why, EINVAL, "'%s' is not a regular file", given);
    else
        error = read_key_file(keys, fd, given, &st, why);
    close(fd);
    return error;
}

/* --- output --- */

struct show {
    const struct decrypt_arguments *arguments;
    struct job *job;
    bool terminal, drawn;
    int64_t drawn_ms;
    struct text out;
    int unwritten; /* error of the output: 0 or -E... */
};

static void hide(struct show *show)
{
    if (show->drawn)
        fputs("\r\033[K", stderr);
    show->drawn = false;
}

static void flush(struct show *show)
{
    hide(show);
    if (!show->out.len)
        return;
    int error = show->unwritten ? 0 : text_write(&show->out, 1);
    show->out.len = 0;
    if (!error)
        return;
    show->unwritten = error;
    /* Nobody reads on, as behind 'head': as with Ctrl-C, it ends and can be run again. */
    if (error == -EPIPE)
        stopped = true;
}

static void on_planned(void *context, const struct job_file *file)
{
    struct show *show = context;
    bool failed = file->state != JOB_PLANNED;
    if (!show->arguments->dry_run && !failed)
        return;
    /* Noise of whatever kind can be: only what was named is said so of. */
    if (!show->arguments->json && file->state == JOB_MAYBE &&
        !bytes_equal(file->path, file->root))
        return;
    if (show->arguments->json)
        report_json_file(show->job, file, !show->arguments->dry_run, &show->out);
    else
        report_text_file(show->job, file, false, &show->out);
    flush(show);
}

static void on_finished(void *context, const struct job_file *file)
{
    struct show *show = context;
    if (show->arguments->json)
        report_json_file(show->job, file, true, &show->out);
    else
        report_text_file(show->job, file, true, &show->out);
    flush(show);
}

static void on_note(void *context, const char *text)
{
    struct show *show = context;
    struct text visible = {0};
    hide(show);
    text_word(&visible, "candor: ");
    text_visible(&visible, bytes_of(text));
    text_byte(&visible, '\n');
    if (text_write(&visible, 2))
        show->drawn = false;
    text_free(&visible);
}

static void on_progress(void *context, const char *what, uint64_t files, uint64_t all_files,
                        uint64_t done, uint64_t all)
{
    struct show *show = context;
    struct timespec now;
    struct text line = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (!show->terminal || ms - show->drawn_ms < DRAWN_EVERY_MS)
        return;
    show->drawn_ms = ms;
    text_printf(&line, "\r\033[K%s: ", what);
    text_grouped(&line, files);
    if (all_files) {
        text_word(&line, " of ");
        text_grouped(&line, all_files);
        text_word(&line, " files, ");
        text_size(&line, done);
        text_word(&line, " of ");
        text_size(&line, all);
        if (all)
            text_printf(&line, " (%llu %%)", (unsigned long long)(done * 100 / all));
    } else {
        text_word(&line, " files");
    }
    show->drawn = !text_write(&line, 2);
    text_free(&line);
}

static int fail_report(const char *path, int error, struct why *why)
{
    return fail(why, error, "cannot write the report '%.150s': %s", path, strerror(error));
}

/* The report of an earlier run says what that one did: it becomes NAME-1.html. */
static int keep_report(const char *path, struct why *why)
{
    char other[PATH_MAX];
    const char *point = strrchr(path, '.'), *slash = strrchr(path, '/');
    size_t stem = point && point > path && (!slash || point > slash + 1)
                      ? (size_t)(point - path)
                      : strlen(path);
    for (unsigned n = 1; n <= REPORTS_KEPT; n++) {
        int len = snprintf(other, sizeof other, "%.*s-%u%s", (int)stem, path, n, path + stem);
        if (len < 0 || (size_t)len >= sizeof other)
            return fail_report(path, ENAMETOOLONG, why);
        if (renameat2(AT_FDCWD, path, AT_FDCWD, other, RENAME_NOREPLACE) == 0) {
            say(fail(why, EEXIST, "the report of an earlier run is kept as '%.150s'", other),
                why);
            return 0;
        }
        if (errno != EEXIST)
            return fail_report(path, errno, why);
    }
    return fail(why, EEXIST, "there are too many reports beside '%.150s'", path);
}

/* Before anything else is done: it would be too late behind a job of hours. What is there and
 * is no report stays what it is. */
static int open_report(const char *path, int *ret_fd, struct why *why)
{
    const char *begin = report_begin(report_kind_of(path));
    char there[REPORT_BEGIN];
    int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, fd = open(path, flags, 0644), error;
    if (fd < 0)
        return fail_report(path, errno, why);
    ssize_t n = pread(fd, there, sizeof there, 0);
    *ret_fd = fd;
    if (n <= 0)
        return 0;
    close(fd);
    if ((size_t)n < strlen(begin) || memcmp(there, begin, strlen(begin)) != 0)
        return fail(why, EEXIST,
                    "'%.150s' is there already, and is no report: it stays as it is; give the "
                    "report another name",
                    path);
    error = keep_report(path, why);
    if (error)
        return error;
    *ret_fd = open(path, flags | O_EXCL, 0644);
    return *ret_fd < 0 ? fail_report(path, errno, why) : 0;
}

static int write_report(const char *path, int fd, const struct job *job, int64_t began,
                        struct why *why)
{
    struct text text = {0};
    report_write(report_kind_of(path), job, began, (int64_t)time(NULL), &text);
    int error = ftruncate(fd, 0) < 0 && errno != EINVAL ? -errno : text_write(&text, fd);
    if (fsync(fd) < 0 && errno != EINVAL && !error)
        error = -errno;
    close(fd);
    text_free(&text);
    return error ? fail_report(path, -error, why) : 0;
}

static int status_of(const struct job *job)
{
    const uint64_t *count = job->count;
    if (count[JOB_MAYBE] && !count[JOB_RECOVERED] && !count[JOB_ALREADY])
        return EXIT_NOT_FULLY;
    return job->unopened + count[JOB_FAILED] + count[JOB_UNREAD] + count[JOB_DAMAGED] +
                   count[JOB_NO_KEY] + count[JOB_AGAIN]
               ? EXIT_NOT_FULLY
               : EXIT_CLEAN;
}

/* Where it is, without links; made where it is missing, but by a dry run, which writes nothing.
 */
static int find_output(const struct decrypt_arguments *arguments, char ret[PATH_MAX],
                       struct why *why)
{
    const char *given = arguments->output;
    struct stat st;
    char here[PATH_MAX];
    bool there = realpath(given, ret) != NULL;
    if (!there && errno == ENOENT && arguments->dry_run) {
        bool whole = given[0] == '/';
        if (!whole && !getcwd(here, sizeof here))
            return fail(why, errno, "cannot tell the folder of '%.150s': %s", given,
                        strerror(errno));
        int n = snprintf(ret, PATH_MAX, "%s%s%s", whole ? "" : here, whole ? "" : "/", given);
        return n > 0 && n < PATH_MAX ? 0 : fail(why, ENAMETOOLONG, "its path is too long");
    }
    int error = there ? 0 : home_make(given, why);
    if (error)
        return error;
    if (!realpath(given, ret) || stat(ret, &st) < 0)
        return fail(why, errno, "cannot open '%.150s': %s", given, strerror(errno));
    return S_ISDIR(st.st_mode) ? 0
                               : fail(why, ENOTDIR,
                                      "'%.150s' is no folder: '--output' wants one to write "
                                      "into",
                                      given);
}

static int decrypt(const struct decrypt_arguments *arguments, struct keys *keys, char **paths,
                   size_t count)
{
    static struct job job;
    struct why why = {""};
    struct show show = {.arguments = arguments, .job = &job, .terminal = isatty(2)};
    int64_t began = (int64_t)time(NULL);
    char output[PATH_MAX];
    int status = EXIT_CLEAN, report = -1;
    for (int i = 0; i < arguments->keys.n; i++)
        if (read_key(keys, arguments->keys.at[i], &why))
            return command_error(why.text);
    if ((arguments->output && find_output(arguments, output, &why)) ||
        (arguments->report && open_report(arguments->report, &report, &why)))
        return command_error(why.text);
    const struct job_options options = {
        .paths = (const char *const *)paths,
        .path_count = count,
        .output = arguments->output ? output : NULL,
        .journal = arguments->journal,
        .keys = keys->file,
        .key_count = keys->n,
        .workers = arguments->jobs > 0 && arguments->jobs <= TEAM_MOST
                       ? (unsigned)arguments->jobs
                       : job_workers(),
        .dry_run = arguments->dry_run,
        .keep_failed = arguments->keep_failed,
        .hashes = arguments->json || arguments->report,
        .search = !arguments->no_search,
        .originals = (const char *const *)arguments->originals.at,
        .original_count = (size_t)arguments->originals.n,
        .stop = &stopped,
        .context = &show,
        .planned = on_planned,
        .finished = on_finished,
        .progress = on_progress,
        .note = on_note,
    };
    int error = job_run(&options, &job, &why);
    if (error)
        status = command_error(why.text);
    if (!error || error == -ECANCELED) {
        if (arguments->json)
            report_json_summary(&job, &show.out);
        else
            report_text_summary(&job, !arguments->dry_run, &show.out);
    }
    flush(&show);
    if (report >= 0 && job.arena && write_report(arguments->report, report, &job, began, &why))
        status = command_error(why.text);
    if (show.unwritten) {
        (void)fail(&why, -show.unwritten, "cannot write what was done: %s",
                   strerror(-show.unwritten));
        status = command_error(why.text);
    }
    if (!status)
        status = status_of(&job);
    text_free(&show.out);
    job_free(&job);
    return status;
}

static int run_decrypt(const struct command *self, void *parsed, int argc, char **argv)
{
    const struct decrypt_arguments *arguments = parsed;
    const struct sigaction action = {.sa_handler = on_signal};
    (void)self;
    if (argc == 0)
        return command_error("no path given (see 'candor rescue decrypt --help')");
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    struct keys *keys = calloc(1, sizeof *keys);
    if (keys)
        keys->arena = arena_new(KEY_MEMORY);
    int status = keys && keys->arena ? decrypt(arguments, keys, argv, (size_t)argc)
                                     : command_error("out of memory");
    if (keys)
        arena_free(keys->arena);
    free(keys);
    return status;
}

const struct command rescue_decrypt_command = {
    .name = "decrypt",
    .title = "candor-rescue-decrypt",
    .summary = "files back, with a key",
    .arguments = "[OPTION]... PATH...",
    .doc =
        "Finds the encrypted files below the paths, tells what encrypted them, tries the keys "
        "on "
        "each, and writes what comes out beside it, under the name it had. Nothing that is "
        "there "
        "is changed, moved or overwritten; where a name is taken, ' (recovered)' is added.\n\n"
        "Of each file it is said how sure it is that it came back: proven (checksums "
        "hold to the last byte), plausible (it is whole to its end, as photos and texts are "
        "that have no checksum: a few wrong bytes would not show), "
        "unknown (nothing in such files can be checked). What is not right is not kept.\n\n"
        "It can be interrupted, or killed, at any moment: run it again, and it goes on. What "
        "is "
        "there already is not written twice.",
    .exits = "0\tall encrypted files that were found are recovered\n2\tan error\n"
             "3\tsome files are not recovered, or could not be opened",
    .examples =
        "candor rescue decrypt --dry-run --key police.pem /srv/data\twhat would come back\n"
        "candor rescue decrypt --key police.pem --report report.html /srv/data\tget it back\n"
        "candor rescue decrypt --key keys/ --output /mnt/usb /srv/data\tto another disk",
    .options = decrypt_table,
    .size = sizeof(struct decrypt_arguments),
    .run = run_decrypt,
};
