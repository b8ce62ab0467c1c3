#include "cmd/rescue/rescue.h"
#include "cmd/rescue/rescue_knowledge.h"
#include "cmd/rescue/rescue_triage_report.h"
#include "rescue/identify/identify_worker.h"
#include "rescue/park/park.h"
#include "scan/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TRIAGE_MEMORY ((size_t)1 << 30)

struct triage_arguments {
    const char *notes, *cases;
    int64_t wait;
    bool json, no_record;
};

#define TARGET(field) offsetof(struct triage_arguments, field)

static const struct triage_arguments defaults = {.wait = 3};

static const struct option triage_table[] = {
    {"json", 0, OPTION_FLAG, NULL, "Options", "write one JSON object", NULL, NULL,
     TARGET(json)},
    {"wait", 0, OPTION_NUMBER, "SECONDS", "Options",
     "look again after SECONDS whether files still change (3)", NULL, NULL, TARGET(wait)},
    {"no-record", 0, OPTION_FLAG, NULL, "Options",
     "do not record the case for 'candor rescue recheck'", NULL, NULL, TARGET(no_record)},
    {"cases", 0, OPTION_TEXT, "DIR", "Options", "cases are recorded in DIR",
     "Without it: /var/lib/candor/rescue for root, else candor/rescue below $XDG_DATA_HOME or "
     "~/.local/share.",
     NULL, TARGET(cases)},
    {"notes", 0, OPTION_TEXT, "FILE", "Options",
     "judge notes by the model FILE that 'candor rescue learn' wrote", NULL, NULL,
     TARGET(notes)},
    {0}};

struct triaging {
    const struct triage_arguments *arguments;
    struct triage triage;
    struct knowledge knowledge;
    struct identify_worker *worker;
    struct changes_look *look;
    struct timespec progress;
    bool quiet;
};

/* One line on a terminal, now and then. */
static void show_progress(struct triaging *triaging)
{
    struct timespec now;
    if (triaging->quiet || triaging->triage.files % 64)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec == triaging->progress.tv_sec)
        return;
    triaging->progress = now;
    fprintf(stderr, "\r%llu files looked at", (unsigned long long)triaging->triage.files);
}

static int look(struct triaging *triaging, const struct walk_file *file,
                struct sighting *sighting, uint64_t *size, struct why *why)
{
    struct stat facts;
    int fd = walk_open(file, &facts);
    int error = 0;
    if (fd < 0)
        error = fail(why, -fd, "%s", fd == -EINVAL ? "not a regular file" : strerror(-fd));
    if (!error) {
        changes_look_add(triaging->look, file->path, facts.st_size, facts.st_mtim.tv_sec,
                         facts.st_mtim.tv_nsec);
        *size = (uint64_t)facts.st_size;
        error = identify_worker_look(triaging->worker, fd, *size, rescue_name(file->path),
                                     sighting, why);
    }
    if (fd >= 0)
        close(fd);
    return error;
}

static bool take_file(void *context, const struct walk_file *file)
{
    struct triaging *triaging = context;
    struct sighting sighting;
    struct why why;
    uint64_t size = 0;
    if (look(triaging, file, &sighting, &size, &why) < 0)
        triage_unread(&triaging->triage);
    else
        triage_add(&triaging->triage, file->path, size, &sighting);
    show_progress(triaging);
    return true;
}

static void take_skip(void *context, enum walk_skip reason, bytes path, int error)
{
    struct triaging *triaging = context;
    (void)path, (void)error;
    if (reason == WALK_UNREADABLE)
        triage_unread(&triaging->triage);
}

/* What was named by mistake must not be called clean. */
static int try_paths(char **paths, int count, struct why *why)
{
    for (int i = 0; i < count; i++) {
        struct stat facts;
        int fd = open(paths[i], O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        int error = fd < 0 || fstat(fd, &facts) < 0 ? errno : 0;
        if (fd >= 0)
            close(fd);
        if (error)
            return fail(why, error, "cannot look at '%.180s': %s", paths[i], strerror(error));
        if (!S_ISDIR(facts.st_mode) && !S_ISREG(facts.st_mode))
            return fail(why, EINVAL, "'%.180s' is neither a folder nor a file", paths[i]);
    }
    return 0;
}

/* Directories change when files are made and renamed in them. */
static void remember_roots(struct triaging *triaging, char **paths, int count)
{
    for (int i = 0; i < count; i++) {
        struct stat facts;
        if (lstat(paths[i], &facts) == 0 && S_ISDIR(facts.st_mode))
            changes_look_add(triaging->look, bytes_of(paths[i]), facts.st_size,
                             facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec);
    }
}

static void wait_for(int64_t seconds)
{
    struct timespec left = {.tv_sec = seconds};
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

static int record(struct triaging *triaging, char **paths, int count,
                  struct rescue_triage_report *report, struct why *why)
{
    struct park_case parked = {.triage = &triaging->triage,
                               .paths = (const char *const *)paths,
                               .path_count = count,
                               .when = time(NULL)};
    if (triaging->arguments->no_record || !park_worthy(&triaging->triage))
        return 0;
    return park_record(triaging->arguments->cases, &parked, report->parked,
                       sizeof report->parked, why);
}

static int run_all(struct triaging *triaging, char **paths, int count, struct why *why)
{
    const struct walk_options walk = {
        .context = triaging, .file = take_file, .skip = take_skip};
    struct rescue_triage_report report = {
        .triage = &triaging->triage, .paths = (const char *const *)paths, .path_count = count};
    int error = try_paths(paths, count, why);
    if (error)
        return error;
    remember_roots(triaging, paths, count);
    for (int i = 0; i < count; i++)
        walk_path(&walk, paths[i]);
    if (!triaging->quiet)
        fprintf(stderr, "\r%40s\r", "");
    triage_sort(&triaging->triage);
    for (int i = 0; i < count; i++) {
        error = snapshots_find(paths[i], triaging->triage.arena, &report.snapshots, why);
        if (error)
            return error;
    }
    wait_for(triaging->arguments->wait);
    changes_look_again(triaging->look, (const char *const *)paths, count, &report.changes);
    /* A case that cannot be recorded is no reason to say nothing. */
    if (record(triaging, paths, count, &report, why) < 0)
        fprintf(stderr, "candor: the case is not recorded: %s\n", why->text);

    struct text out = {0};
    if (triaging->arguments->json)
        rescue_triage_report_json(&report, &out);
    else
        rescue_triage_report_text(&report, &out);
    error = text_write(&out, 1);
    text_free(&out);
    return error ? fail(why, EIO, "cannot write") : 0;
}

static int run(const struct command *self, void *parsed, int argc, char **argv)
{
    struct triaging triaging = {.arguments = parsed};
    struct why why;
    (void)self;
    if (!argc)
        return command_error("no PATH given (see 'candor rescue triage --help')");
    struct arena *arena = arena_new(TRIAGE_MEMORY);
    int error = arena ? rescue_knowledge_open(triaging.arguments->notes, arena,
                                              &triaging.knowledge, &why)
                      : fail(&why, ENOMEM, "out of memory");
    triaging.triage = (struct triage){.knowledge = &triaging.knowledge, .arena = arena};
    triaging.look = error ? NULL : changes_look_new(arena);
    triaging.quiet = triaging.arguments->json || !isatty(2);
    if (!error && !triaging.look)
        error = fail(&why, ENOMEM, "out of memory");
    if (!error)
        error = identify_worker_new(&triaging.knowledge, &triaging.worker, &why);
    if (!error)
        error = run_all(&triaging, argv, argc, &why);
    bool found = triaging.triage.family.n || triaging.triage.notes_unknown ||
                 triaging.triage.encrypted_unknown;
    int status = found ? EXIT_FOUND : triaging.triage.unread ? EXIT_NOT_FULLY : EXIT_CLEAN;
    identify_worker_free(triaging.worker);
    arena_free(arena);
    return error ? command_error(why.text) : status;
}

const struct command rescue_triage_command = {
    .name = "triage",
    .title = "candor-rescue-triage",
    .summary = "say what happened to these files, and what to do first",
    .arguments = "PATH...",
    .doc =
        "Looks at every file below the paths, changes nothing there, and says in plain words: "
        "which ransomware it was and why, how many files are encrypted, which come back now, "
        "with "
        "a key, or not today, which snapshots and backups are left, whether something still "
        "encrypts, and what to do first.\n\n"
        "A case that is not solved is recorded on this machine, and nowhere else: 'candor "
        "rescue "
        "recheck' says whether newer definitions bring a key or a format.",
    .exits = "0\tno trace of ransomware\n1\tthere are traces\n2\tan error\n"
             "3\tno trace, and not everything could be read",
    .options = triage_table,
    .size = sizeof(struct triage_arguments),
    .defaults = &defaults,
    .run = run,
};
