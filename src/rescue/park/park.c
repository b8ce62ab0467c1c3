#include "rescue/park/park.h"

#include "home/home.h"
#include "shim/jsontree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CASE_MEMORY = 8 << 20, CASE_MAX = 1 << 20, NUMBERS = 1000 };

int park_directory(const char *given, char *ret, size_t size, struct why *why)
{
    int n, error = 0;
    if (!given)
        error = home_place(HOME_DATA, "rescue", ret, size);
    else if ((n = snprintf(ret, size, "%s", given)) <= 0 || (size_t)n >= size)
        error = -ENAMETOOLONG;
    if (error == -ENOENT)
        return fail(why, ENOENT, "there is no home for cases: say --cases");
    return error ? fail(why, ENAMETOOLONG, "the path is too long") : 0;
}

bool park_worthy(const struct triage *triage)
{
    if (triage->notes_unknown || triage->encrypted_unknown)
        return true;
    for (uint32_t i = 0; i < triage->family.n; i++) {
        const struct catalogue_family *known =
            knowledge_family(triage->knowledge, triage->family.at[i].family);
        if (!known || known->rescue != RESCUE_NOW)
            return true;
    }
    return false;
}

/* --- writing --- */

static void json_list(struct text *out, const char *name, const bytes *texts, uint32_t count)
{
    text_printf(out, ",\"%s\":[", name);
    for (uint32_t i = 0; i < count; i++) {
        text_word(out, i ? "," : "");
        text_json(out, texts[i]);
    }
    text_byte(out, ']');
}

static void json_formats(const struct catalogue_family *known, struct text *out)
{
    bool first = true;
    text_word(out, ",\"formats\":[");
    for (uint16_t i = 0; known && i < known->format_count; i++) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)known->formats[i].len, known->formats[i].at);
        if (!format_find(name))
            continue;
        text_word(out, first ? "" : ",");
        text_json(out, known->formats[i]);
        first = false;
    }
    text_byte(out, ']');
}

static void write_case(const struct park_case *parked, struct text *out)
{
    const struct triage *triage = parked->triage;
    text_printf(out,
                "{\"version\":1,\"time\":%lld,\"notes_unknown\":%llu,"
                "\"encrypted_unknown\":%llu,\"paths\":[",
                (long long)parked->when, (unsigned long long)triage->notes_unknown,
                (unsigned long long)triage->encrypted_unknown);
    for (int i = 0; i < parked->path_count; i++) {
        text_word(out, i ? "," : "");
        text_json(out, bytes_of(parked->paths[i]));
    }
    text_word(out, "],\"families\":[");
    for (uint32_t i = 0; i < triage->family.n; i++) {
        const struct triage_family *row = &triage->family.at[i];
        const struct catalogue_family *known = knowledge_family(triage->knowledge, row->family);
        text_word(out, i ? ",{\"family\":" : "{\"family\":");
        text_json(out, knowledge_name(triage->knowledge, row->family));
        text_printf(out, ",\"rescue\":\"%s\",\"encrypted\":%llu,\"notes\":%llu",
                    catalogue_rescue_word(known ? known->rescue : RESCUE_UNKNOWN),
                    (unsigned long long)row->encrypted, (unsigned long long)row->notes);
        json_formats(known, out);
        json_list(out, "samples", row->sample, row->samples);
        text_byte(out, '}');
    }
    text_word(out, "],\"note_sample\":");
    text_json(out, triage->note_sample);
    text_word(out, "}\n");
}

/* A new file, or the next number. */
static int create(const char *directory, time_t when, char *ret, size_t size, struct why *why)
{
    for (int number = 1; number < NUMBERS; number++) {
        int n = snprintf(ret, size, "%s/case-%lld-%d.json", directory, (long long)when, number);
        if (n <= 0 || (size_t)n >= size)
            return fail(why, ENAMETOOLONG, "the path is too long");
        int fd = open(ret, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd >= 0)
            return fd;
        if (errno != EEXIST)
            return fail(why, errno, "cannot make '%s': %s", ret, strerror(errno));
    }
    return fail(why, EEXIST, "too many cases at once in '%s'", directory);
}

int park_record(const char *directory, const struct park_case *parked, char *ret, size_t size,
                struct why *why)
{
    char path[PATH_MAX];
    struct text out = {0};
    int error = park_directory(directory, path, sizeof path, why);
    if (!error)
        error = home_make(path, why);
    if (error)
        return error;
    ret[0] = 0;
    int fd = create(path, parked->when, ret, size, why);
    if (fd < 0) {
        ret[0] = 0;
        return fd;
    }
    write_case(parked, &out);
    error = out.failed ? -ENOMEM : text_write(&out, fd);
    text_free(&out);
    if (!error && fsync(fd) < 0)
        error = -errno;
    close(fd);
    if (!error)
        return 0;
    unlink(ret);
    ret[0] = 0;
    return fail(why, -error, "cannot write the case: %s", strerror(-error));
}

/* --- looking again --- */

struct rechecking {
    const struct knowledge *knowledge;
    struct arena *arena;
    struct text *out;
    const char *name; /* of the case's file */
    bool json;
    uint32_t news;
};

static bytes text_of(const struct jsontree *map, const char *key)
{
    const struct jsontree *member = jsontree_member(map, key);
    return member && member->kind == JSONTREE_TEXT ? member->text : (bytes){0};
}

static void say(struct rechecking *in, bytes family, const char *what, bytes more)
{
    in->news++;
    if (in->json) {
        text_printf(in->out, "{\"case\":\"%s\",\"family\":", in->name);
        text_json(in->out, family);
        text_printf(in->out, ",\"news\":\"%s\",\"detail\":", what);
        text_json(in->out, more);
        text_word(in->out, "}\n");
        return;
    }
    text_printf(in->out, "%s: ", in->name);
    text_visible(in->out, family);
    text_printf(in->out, ": %s ", what);
    text_visible(in->out, more);
    text_byte(in->out, '\n');
}

/* Better is further to the left. */
static int rank(const char *word, size_t len)
{
    static const char *const order[] = {"now", "some", "key", "not-today", "unknown"};
    for (int i = 0; i < (int)COUNT(order); i++)
        if (strlen(order[i]) == len && memcmp(order[i], word, len) == 0)
            return i;
    return COUNT(order);
}

static bool had_format(const struct jsontree *family, bytes format)
{
    const struct jsontree *list = jsontree_member(family, "formats");
    for (size_t i = 0; list && list->kind == JSONTREE_LIST && i < list->count; i++)
        if (list->items[i].kind == JSONTREE_TEXT && bytes_equal(list->items[i].text, format))
            return true;
    return false;
}

static void recheck_family(struct rechecking *in, const struct jsontree *family)
{
    bytes name = text_of(family, "family"), was = text_of(family, "rescue");
    int at = catalogue_family(&in->knowledge->catalogue, name);
    const struct catalogue_family *known =
        at < 0 ? NULL : knowledge_family(in->knowledge, (uint32_t)at);
    if (!known)
        return;
    const char *is = catalogue_rescue_word(known->rescue);
    if (rank(is, strlen(is)) < rank((const char *)was.at, was.len))
        say(in, name,
            "better news than before:", bytes_of(catalogue_rescue_text(known->rescue)));
    for (uint16_t i = 0; i < known->format_count; i++) {
        char format[64];
        snprintf(format, sizeof format, "%.*s", (int)known->formats[i].len,
                 known->formats[i].at);
        if (format_find(format) && !had_format(family, known->formats[i]))
            say(in, name, "its files can be opened now with a key: format", known->formats[i]);
    }
}

static int read_case(const char *path, struct arena *arena, struct jsontree **ret,
                     struct why *why)
{
    struct stat facts;
    bytes file = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &facts) < 0 || !S_ISREG(facts.st_mode) ||
        facts.st_size > CASE_MAX) {
        int error = fail(why, fd < 0 ? errno : EBADMSG, "cannot read '%s'", path);
        if (fd >= 0)
            close(fd);
        return error;
    }
    struct source source = source_of_file(fd, (uint64_t)facts.st_size, (bytes){0});
    int error = source_take(&source, 0, (size_t)facts.st_size, arena, &file, why);
    close(fd);
    return error ? error : jsontree_parse(file, arena, ret, why);
}

static void recheck_case(struct rechecking *in, const char *directory)
{
    char path[PATH_MAX];
    struct jsontree *tree;
    struct why why;
    int n = snprintf(path, sizeof path, "%s/%s", directory, in->name);
    arena_reset(in->arena);
    int error = n > 0 && (size_t)n < sizeof path
                    ? read_case(path, in->arena, &tree, &why)
                    : fail(&why, ENAMETOOLONG, "its path is too long");
    if (error) {
        say(in, bytes_of(""), "this case cannot be read:", bytes_of(why.text));
        return;
    }
    const struct jsontree *families = jsontree_member(tree, "families");
    for (size_t i = 0; families && families->kind == JSONTREE_LIST && i < families->count; i++)
        recheck_family(in, &families->items[i]);
}

static int is_case(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return strncmp(entry->d_name, "case-", 5) == 0 && len > 10 &&
           strcmp(entry->d_name + len - 5, ".json") == 0;
}

int park_recheck(const char *directory, const struct knowledge *knowledge, bool json,
                 struct text *out, uint32_t *news, uint32_t *cases, struct why *why)
{
    char path[PATH_MAX];
    struct dirent **list = NULL;
    int error = park_directory(directory, path, sizeof path, why);
    *news = *cases = 0;
    if (error)
        return error;
    struct rechecking in = {
        .knowledge = knowledge, .arena = arena_new(CASE_MEMORY), .out = out, .json = json};
    if (!in.arena)
        return fail(why, ENOMEM, "out of memory");
    int n = scandir(path, &list, is_case, alphasort);
    if (n < 0 && errno != ENOENT)
        error = fail(why, errno, "cannot read '%s': %s", path, strerror(errno));
    for (int i = 0; i < n; i++) {
        uint32_t before = in.news;
        in.name = list[i]->d_name;
        recheck_case(&in, path);
        *news += in.news > before;
        ++*cases;
        free(list[i]);
    }
    free(list);
    arena_free(in.arena);
    return error;
}
