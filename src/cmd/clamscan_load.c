#include "cmd/clamscan_load.h"

#include "cmd/databases_report.h"
#include "cmd/definitions_report.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIGURATION "/etc/clamav/freshclam.conf"
#define DATABASES     "/var/lib/clamav"

/* The head of a signed database (.cvd, .cld), docs.clamav.net "CVD":
 *
 *     ClamAV-VDB:date:version:signatures:level:MD5:signature:builder:seconds since 1970
 */
enum { HEAD_SIZE = 512, HEAD_VERSION = 2, HEAD_TIME = 8 };

const char *clamscan_database(char *path, size_t size)
{
    char line[PATH_MAX + 64];
    FILE *file = fopen(CONFIGURATION, "re");
    snprintf(path, size, "%s", DATABASES);
    while (file && fgets(line, sizeof line, file)) {
        char *value = line + strcspn(line, " \t\n");
        bool named = (size_t)(value - line) == strlen("DatabaseDirectory") &&
                     strncmp(line, "DatabaseDirectory", (size_t)(value - line)) == 0;
        value += strspn(value, " \t");
        value[strcspn(value, "\r\n")] = 0;
        if (named && *value)
            snprintf(path, size, "%s", value);
    }
    if (file)
        fclose(file);
    return path;
}

/* Number `index` of the fields between colons, as a number. */
static bool head_number(bytes head, int index, uint64_t *ret)
{
    bytes field = {0};
    uint64_t number = 0;
    for (int i = 0; i <= index; i++)
        if (!bytes_cut(&head, ':', &field))
            return false;
    size_t at = 0;
    for (; at < field.len && at < 18 && field.at[at] >= '0' && field.at[at] <= '9'; at++)
        number = number * 10 + (uint64_t)(field.at[at] - '0');
    *ret = number;
    return at > 0;
}

/* False when it is no signed database. */
static bool read_head(const char *path, uint64_t *ret_version, uint64_t *ret_time)
{
    static const char magic[] = "ClamAV-VDB:";
    uint8_t head[HEAD_SIZE];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof head, 0);
    if (fd >= 0)
        close(fd);
    if (n < (ssize_t)sizeof magic || memcmp(head, magic, sizeof magic - 1) != 0)
        return false;
    bytes view = {head, (size_t)n};
    return head_number(view, HEAD_VERSION, ret_version) &&
           head_number(view, HEAD_TIME, ret_time);
}

uint32_t clamscan_daily(const char *directory, int64_t *ret_time)
{
    static const char *const names[] = {"daily.cvd", "daily.cld"};
    uint64_t newest = 0;
    for (size_t i = 0; i < COUNT(names); i++) {
        char path[PATH_MAX + 16];
        uint64_t version, seconds;
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        if (!read_head(path, &version, &seconds) || version <= newest)
            continue;
        newest = version;
        *ret_time = (int64_t)seconds;
    }
    return newest < UINT32_MAX ? (uint32_t)newest : 0;
}

/* The time of the newest signed database that is `path`, or in it; 0: there is none. */
static uint64_t newest_in(const char *path)
{
    uint64_t newest = 0, version, seconds;
    DIR *directory = opendir(path);
    struct dirent *entry;
    if (!directory)
        return read_head(path, &version, &seconds) ? seconds : 0;
    while ((entry = readdir(directory))) {
        char name[PATH_MAX + NAME_MAX + 2];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (read_head(name, &version, &seconds) && seconds > newest)
            newest = seconds;
    }
    closedir(directory);
    return newest;
}

int clamscan_check_age(const struct clamscan_arguments *arguments, int64_t now, struct why *why)
{
    char usual[PATH_MAX];
    const char *path = clamscan_database(usual, sizeof usual);
    int64_t days = arguments->outdated_days;
    int count = arguments->databases.n;
    if (days < 0)
        return 0;
    for (int i = 0; i < (count ? count : 1); i++) {
        uint64_t newest = newest_in(count ? arguments->databases.at[i] : path);
        if (now - (int64_t)newest > days * 86400)
            return fail(why, ESTALE, "Virus database is older than %lld days!",
                        (long long)days);
    }
    return 0;
}

/* Paths of databases; what they are is freed with list_free. */
struct list {
    char **at;
    uint32_t n;
};

static bool list_add(struct list *list, const char *path)
{
    char **at = realloc(list->at, (list->n + 1) * sizeof *at);
    if (!at)
        return false;
    list->at = at;
    list->at[list->n] = strdup(path);
    return list->at[list->n] && ++list->n;
}

static void list_free(struct list *list)
{
    for (uint32_t i = 0; i < list->n; i++)
        free(list->at[i]);
    free(list->at);
}

static bool is_signed(const char *path)
{
    static const char *const extensions[] = {".cvd", ".cld", ".cud"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < COUNT(extensions); i++)
        if (strcmp(dot, extensions[i]) == 0)
            return true;
    return false;
}

/* --official-db-only: the signed databases of a directory, or a file that is one. */
static int add_signed(struct list *list, const char *path, struct why *why)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    uint32_t before = list->n;
    bool added = directory || !is_signed(path) || list_add(list, path);
    while (directory && added && (entry = readdir(directory))) {
        char name[PATH_MAX + NAME_MAX + 2];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        added = !is_signed(name) || list_add(list, name);
    }
    if (directory)
        closedir(directory);
    return !added              ? fail(why, ENOMEM, "out of memory")
           : list->n == before ? fail(why, ENOENT, "no signed databases in '%.150s'", path)
                               : 0;
}

static int add_path(const struct clamscan_arguments *arguments, struct list *list,
                    const char *path, struct why *why)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return fail(why, errno, "Can't get file status: '%.150s': %s", path, strerror(errno));
    if (arguments->official)
        return add_signed(list, path, why);
    return list_add(list, path) ? 0 : fail(why, ENOMEM, "out of memory");
}

/* What cannot be used is said: how much of it. */
static int say_faults(const struct clamscan_arguments *arguments,
                      const struct definitions_clamav *found, struct why *why)
{
    const struct clamav_count sum = databases_report_sum(found);
    const uint64_t all = sum.refused + sum.read;
    if (found->failed && !sum.read)
        return fail(why, EINVAL, "%s", found->failures[0].text);
    if (arguments->quiet)
        return 0;
    databases_report_failures(found);
    if (sum.refused)
        fprintf(stderr,
                "WARNING: %llu of %llu signatures cannot be used here (candor defs check says "
                "which and why)\n",
                (unsigned long long)sum.refused, (unsigned long long)all);
    return 0;
}

static int compile(const struct clamscan_arguments *arguments, const struct list *list,
                   struct clamscan_sets *ret, struct why *why)
{
    struct definitions_report report = {.program = "candor", .max_errors = 10};
    struct external externals[16];
    struct cache_result result;
    uint32_t count = definitions_report_externals(NULL, 0, externals, COUNT(externals));
    const struct definitions_options options = {
        .message = definitions_report_message,
        .message_context = &report,
        .externals = externals,
        .external_count = count,
        .no_warnings = true,
        .clamav = {.pua =
                       arguments->pua || arguments->include_pua.n || arguments->exclude_pua.n,
                   .bytecode_quiet = !arguments->bytecode},
        .walls = true};
    const struct cache_sources sources = {.clamav = (const char *const *)list->at,
                                          .clamav_count = list->n};
    int error = cache_compile(&options, &sources, true, ret->at, &result, why);
    if (!error && !result.kept && say_faults(arguments, &result.clamav, why) < 0) {
        for (uint32_t i = 0; i < result.sets; i++)
            definitions_close(&ret->at[i]);
        error = -EINVAL;
    }
    ret->n = error ? 0 : (int)result.sets;
    definitions_report_end(&report);
    return error;
}

int clamscan_load(const struct clamscan_arguments *arguments, struct clamscan_sets *ret,
                  struct why *why)
{
    char usual[PATH_MAX];
    struct list list = {0};
    int error = 0;
    if (!arguments->databases.n)
        error = add_path(arguments, &list, clamscan_database(usual, sizeof usual), why);
    for (int i = 0; !error && i < arguments->databases.n; i++)
        error = add_path(arguments, &list, arguments->databases.at[i], why);
    if (!error)
        error = compile(arguments, &list, ret, why);
    for (int i = 0; i < ret->n; i++)
        ret->known += (uint64_t)ret->at[i].set.rule_count + ret->at[i].set.hash_count;
    list_free(&list);
    return error;
}
