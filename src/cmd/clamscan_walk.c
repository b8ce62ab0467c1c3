#include "cmd/clamscan_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 1000, INPUT_BUFFER = 64 << 10, NO_LIST = 54 /* as clamscan exits */ };

/* What standard input is stored under while it is examined. */
#define INPUT_PATH "/proc/self/fd/"

/* Those of one option. One that is no expression matches nothing. */
struct patterns {
    regex_t *at;
    bool *directory; /* it ends in a slash: paths get one too */
    int n;
};

enum { EXCLUDE, EXCLUDE_DIRECTORY, INCLUDE, INCLUDE_DIRECTORY, PATTERNS };

/* One walk while it lasts. */
struct run {
    struct clamscan_walk *walk;
    const struct clamscan_arguments *arguments;
    struct report_clamscan *report;
    const struct scan_feed *feed;
    struct patterns patterns[PATTERNS];
    struct text path;
    dev_t proc, device; /* device: of the path that was named */
    bool has_proc, ended;
};

static void say(struct run *run, enum report_clamscan_level level, bytes path,
                const char *words)
{
    struct text out = {0}, err = {0};
    report_clamscan_say(run->report, level, &out, &err, "", path, "%s", words);
    run->feed->note(run->feed->to, (bytes){(const uint8_t *)out.at, out.len},
                    (bytes){(const uint8_t *)err.at, err.len});
    text_free(&out);
    text_free(&err);
}

/* What clamscan says of files it leaves out on purpose. */
static void say_left_out(struct run *run, bytes path, const char *words)
{
    if (!run->report->only_found)
        say(run, CLAMSCAN_INFO, path, words);
}

static bytes path_view(struct run *run)
{
    text_byte(&run->path, 0);
    if (run->path.failed)
        return bytes_of("");
    run->path.len--;
    return (bytes){(const uint8_t *)run->path.at, run->path.len};
}

static bool patterns_read(const struct option_list *from, struct patterns *ret)
{
    ret->at = calloc((size_t)from->n + 1, sizeof *ret->at);
    ret->directory = calloc((size_t)from->n + 1, sizeof *ret->directory);
    for (int i = 0; ret->at && ret->directory && i < from->n; i++) {
        size_t len = strlen(from->at[i]);
        ret->directory[ret->n] = len && from->at[i][len - 1] == '/';
        ret->n += regcomp(&ret->at[ret->n], from->at[i], REG_EXTENDED | REG_NOSUB) == 0;
    }
    return ret->at && ret->directory;
}

static void patterns_free(struct patterns *patterns)
{
    for (int i = 0; i < patterns->n; i++)
        regfree(&patterns->at[i]);
    free(patterns->at);
    free(patterns->directory);
}

static bool patterns_match(const struct patterns *patterns, bytes path)
{
    char name[PATH_MAX + 2];
    for (int i = 0; i < patterns->n; i++) {
        snprintf(name, sizeof name, "%.*s%s", (int)path.len, (const char *)path.at,
                 patterns->directory[i] ? "/" : "");
        if (regexec(&patterns->at[i], name, 0, NULL, 0) == 0)
            return true;
    }
    return false;
}

/* Whether --exclude and --include, or those of directories, leave a path out. Directories go by
 * the name they were reached by, files by their real one, as in clamscan. */
static bool is_left_out(const struct run *run, bytes path, bool directory)
{
    char real[PATH_MAX];
    int includes = directory ? INCLUDE_DIRECTORY : INCLUDE;
    bool asks = run->arguments->excludes.n || run->arguments->includes.n;
    if (!directory && asks && realpath((const char *)path.at, real))
        path = bytes_of(real);
    const struct option_list *given =
        directory ? &run->arguments->include_dirs : &run->arguments->includes;
    return patterns_match(&run->patterns[directory ? EXCLUDE_DIRECTORY : EXCLUDE], path) ||
           (given->n && !patterns_match(&run->patterns[includes], path));
}

/* A file in an open directory (NULL: the path is relative to the working directory), which is
 * not followed unless `follow`. */
static void put_file(struct run *run, struct walk_directory *directory, size_t name,
                     bool follow)
{
    bytes path = path_view(run);
    const char *at = (const char *)path.at + (directory ? name : 0);
    int from = directory ? directory->fd : AT_FDCWD;
    struct stat st;
    if (is_left_out(run, path, false)) {
        say_left_out(run, path, ": Excluded");
        return;
    }
    if (fstatat(from, at, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW) == 0) {
        if (run->has_proc && st.st_dev == run->proc) {
            say_left_out(run, path, ": Excluded (/proc)");
            return;
        }
        if (st.st_size == 0) {
            say_left_out(run, path, ": Empty file");
            return;
        }
        run->report->blocks_read += (uint64_t)st.st_size / 4096;
    }
    if (geteuid() && faccessat(from, at, R_OK, 0) < 0) {
        say_left_out(run, path, ": Access denied");
        run->report->errors++;
        return;
    }
    const struct walk_file file = {
        .directory = directory, .path = path, .name = name, .named = follow};
    if (!run->feed->file(run->feed->to, &file))
        run->ended = true;
}

static void walk_directory(struct run *run, struct walk_directory *parent, size_t name,
                           bool follow, int64_t depth);

/* A link in a directory. */
static void visit_link(struct run *run, struct walk_directory *directory, size_t name,
                       int64_t depth)
{
    const struct clamscan_arguments *arguments = run->arguments;
    struct stat st;
    if (arguments->follow_directories != 2 && arguments->follow_files != 2) {
        say_left_out(run, path_view(run), ": Symbolic link");
        return;
    }
    if (fstatat(directory->fd, run->path.at + name, &st, 0) < 0)
        return;
    if (S_ISREG(st.st_mode) && arguments->follow_files == 2)
        put_file(run, directory, name, true);
    else if (!S_ISDIR(st.st_mode) || arguments->follow_directories != 2)
        say_left_out(run, path_view(run), ": Symbolic link");
    else if (arguments->recursive)
        walk_directory(run, directory, name, true, depth);
}

static void visit_entry(struct run *run, struct walk_directory *directory, const char *entry,
                        int64_t depth)
{
    size_t length = run->path.len;
    struct stat st;
    if (length != 1 || run->path.at[0] != '/')
        text_byte(&run->path, '/');
    size_t name = run->path.len;
    text_word(&run->path, entry);
    bytes path = path_view(run);
    if (!path.len || fstatat(directory->fd, entry, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        run->path.len = length;
        return;
    }
    if (!run->arguments->cross_fs && st.st_dev != run->device)
        say_left_out(run, path, ": Excluded");
    else if (S_ISLNK(st.st_mode))
        visit_link(run, directory, name, depth);
    else if (S_ISREG(st.st_mode))
        put_file(run, directory, name, false);
    else if (S_ISDIR(st.st_mode) && run->arguments->recursive)
        walk_directory(run, directory, name, false, depth);
    run->path.len = length;
}

/* Takes over fd. */
static void list_directory(struct run *run, int fd, int64_t depth)
{
    struct walk_directory *directory = malloc(sizeof *directory);
    int copy = directory ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    DIR *list = copy < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    if (!list) {
        if (copy >= 0)
            close(copy);
        close(fd);
        free(directory);
        say(run, CLAMSCAN_INFO, path_view(run), ": Can't open directory.");
        run->report->errors++;
        return;
    }
    directory->fd = copy;
    atomic_init(&directory->refs, 1);
    run->report->directories++;
    while (!run->ended && (entry = readdir(list)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            visit_entry(run, directory, entry->d_name, depth + 1);
    closedir(list);
    walk_directory_unref(directory);
}

/* The kernel's own file systems; of /proc each file is left out for itself. */
static bool is_kernels(const struct run *run, int fd)
{
    struct stat st;
    return walk_is_pseudo(fd) &&
           !(run->has_proc && fstat(fd, &st) == 0 && st.st_dev == run->proc);
}

static void walk_directory(struct run *run, struct walk_directory *parent, size_t name,
                           bool follow, int64_t depth)
{
    const struct clamscan_arguments *arguments = run->arguments;
    bytes path = path_view(run);
    if (is_left_out(run, path, true)) {
        say_left_out(run, path, ": Excluded");
        return;
    }
    if (depth > arguments->max_directory_depth || depth > DEPTH_MAX) {
        say(run, CLAMSCAN_WARNING, path, ": not examined: deeper than --max-dir-recursion");
        run->report->not_fully++;
        return;
    }
    int fd = openat(parent ? parent->fd : AT_FDCWD, (const char *)path.at + (parent ? name : 0),
                    O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
    if (fd < 0) {
        if (!run->report->only_found)
            say(run, CLAMSCAN_INFO, path, ": Can't open directory.");
        run->report->errors++;
    } else if (is_kernels(run, fd)) {
        close(fd);
        say_left_out(run, path, ": Excluded");
    } else {
        list_directory(run, fd, depth);
    }
}

/* Keeps standard input in a file without a name, whose descriptor stays open until the program
 * ends: workers examine files. */
static int keep_input(const char *directory, struct why *why)
{
    char buffer[INPUT_BUFFER];
    ssize_t n;
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(why, errno, "Can't write to temporary directory");
    while ((n = read(0, buffer, sizeof buffer)) > 0)
        for (ssize_t at = 0; at < n;) {
            ssize_t wrote = write(fd, buffer + at, (size_t)(n - at));
            if (wrote < 0) {
                int error = errno;
                close(fd);
                return fail(why, error, "Can't write to %s", directory);
            }
            at += wrote;
        }
    return fd;
}

static void scan_input(struct run *run)
{
    const char *set = run->arguments->tempdir, *usual = getenv("TMPDIR");
    struct why why;
    struct stat st;
    int fd = keep_input(set ? set : usual && *usual ? usual : "/tmp", &why);
    if (fd < 0 || fstat(fd, &st) < 0) {
        say(run, CLAMSCAN_ERROR, bytes_of(""), why.text);
        run->walk->status = 2;
        return;
    }
    run->path.len = 0;
    text_printf(&run->path, INPUT_PATH "%d", fd);
    run->report->blocks_read += (uint64_t)st.st_size / 4096;
    const struct walk_file file = {.path = path_view(run), .named = true};
    if (!run->feed->file(run->feed->to, &file))
        run->ended = true;
}

static void scan_link(struct run *run)
{
    const struct clamscan_arguments *arguments = run->arguments;
    bytes path = path_view(run);
    struct stat st;
    if (!arguments->follow_directories && !arguments->follow_files) {
        say_left_out(run, path, ": Symbolic link");
    } else if (stat(run->path.at, &st) == 0) {
        run->device = st.st_dev;
        if (S_ISREG(st.st_mode) && arguments->follow_files)
            put_file(run, NULL, 0, true);
        else if (S_ISDIR(st.st_mode) && arguments->follow_directories)
            walk_directory(run, NULL, 0, true, 1);
        else
            say_left_out(run, path, ": Symbolic link");
    } else {
        say(run, CLAMSCAN_WARNING, path, ": not examined: it leads nowhere");
        run->report->not_fully++;
    }
}

static void scan_path(struct run *run, const char *path)
{
    struct stat st;
    if (strcmp(path, "-") == 0) {
        scan_input(run);
        return;
    }
    int missing = lstat(path, &st) < 0 ? errno : 0;
    run->path.len = 0;
    text_word(&run->path, path);
    while (run->path.len > 1 && run->path.at[run->path.len - 1] == '/')
        run->path.len--;
    bytes view = path_view(run);
    run->device = missing ? 0 : st.st_dev;
    if (missing) {
        fprintf(stderr, "%s: %s\n", path, strerror(missing));
        say(run, CLAMSCAN_WARNING, bytes_of(path), ": Can't access file");
        run->walk->status = 2;
    } else if (S_ISLNK(st.st_mode)) {
        scan_link(run);
    } else if (S_ISREG(st.st_mode)) {
        put_file(run, NULL, 0, false);
    } else if (S_ISDIR(st.st_mode)) {
        walk_directory(run, NULL, 0, false, 1);
    } else {
        say(run, CLAMSCAN_WARNING, view, ": Not supported file type");
        run->walk->status = 2;
    }
}

static void scan_list(struct run *run)
{
    const char *name = run->arguments->file_list;
    FILE *list = fopen(name, "re");
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    if (!list) {
        say(run, CLAMSCAN_ERROR, bytes_of("--file-list: Can't open file "), name);
        run->walk->status = NO_LIST;
        return;
    }
    if (run->walk->path_count)
        say(run, CLAMSCAN_WARNING, bytes_of(""),
            "Only scanning files from --file-list (files passed at cmdline are ignored)");
    while (!run->ended && (n = getline(&line, &room, list)) > 0) {
        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
            line[--n] = 0;
        scan_path(run, line);
    }
    free(line);
    fclose(list);
}

static void scan_all(struct run *run)
{
    char here[PATH_MAX];
    if (run->arguments->file_list)
        scan_list(run);
    else if (!run->walk->path_count && getcwd(here, sizeof here))
        scan_path(run, here);
    else if (!run->walk->path_count)
        run->walk->status = 2;
    else
        for (int i = 0; i < run->walk->path_count && !run->ended; i++)
            scan_path(run, run->walk->paths[i]);
}

void clamscan_walk(void *context, const struct scan_feed *feed)
{
    struct clamscan_walk *walk = context;
    const struct clamscan_arguments *arguments = walk->arguments;
    const struct option_list *lists[PATTERNS] = {[EXCLUDE] = &arguments->excludes,
                                                 [EXCLUDE_DIRECTORY] = &arguments->exclude_dirs,
                                                 [INCLUDE] = &arguments->includes,
                                                 [INCLUDE_DIRECTORY] =
                                                     &arguments->include_dirs};
    struct run run = {
        .walk = walk, .arguments = arguments, .report = walk->report, .feed = feed};
    struct stat st;
    bool read = true;
    if (stat("/proc", &st) == 0 && st.st_size == 0) {
        run.proc = st.st_dev;
        run.has_proc = true;
    }
    walk->report->input = INPUT_PATH;
    for (int i = 0; i < PATTERNS; i++)
        read &= patterns_read(lists[i], &run.patterns[i]);
    if (read)
        scan_all(&run);
    else
        walk->status = 2;
    for (int i = 0; i < PATTERNS; i++)
        patterns_free(&run.patterns[i]);
    text_free(&run.path);
}
