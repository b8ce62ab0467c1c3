#include "cmd/rescue/rescue.h"
#include "home/home.h"
#include "rescue/salvage/outbox.h"
#include "rescue/salvage/salvage_worker.h"
#include "scan/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RANGES_SHOWN = 6, RANGES_JSON = 4096, PARTS_SHOWN = 20 };

/* Of what is reported of one file. */
#define MEMORY ((size_t)512 << 20)

struct salvage_arguments {
    const char *output;
    bool json;
};

#define TARGET(field) offsetof(struct salvage_arguments, field)

static const struct option salvage_table[] = {
    {"output", 0, OPTION_TEXT, "DIR", "Options", "write what comes back below DIR",
     "A folder for each file, by its name. Nothing that is there is overwritten.", NULL,
     TARGET(output)},
    {"json", 0, OPTION_FLAG, NULL, "Options", "write JSON Lines, an object for each file", NULL,
     NULL, TARGET(json)},
    {0}};

/* One file's run. */
struct run {
    struct outbox outbox;
    bytes folder;
    struct text parts; /* as they will be shown */
    bool json;
    uint64_t count, written, given, proven;
    const char *kind;
    const struct salvage_beside *beside;
    uint32_t rule; /* of the pattern that explains it for sure, 0: none does */
    struct why why;
    int error;
};

static bool part_begin(void *to, bytes name, const char *kind)
{
    struct run *run = to;
    outbox_drop(&run->outbox);
    run->kind = kind;
    run->error = outbox_begin(&run->outbox, run->folder, name, &run->why);
    return !run->error;
}

static bool part_put(void *to, bytes data)
{
    struct run *run = to;
    run->error = outbox_put(&run->outbox, data, &run->why);
    return !run->error;
}

static const char *verdict_word(enum salvage_verdict verdict)
{
    return verdict == SALVAGE_PROVEN      ? "proven"
           : verdict == SALVAGE_PLAUSIBLE ? "plausible"
                                          : "partial";
}

static void json_part(struct run *run, enum salvage_verdict verdict, uint64_t rows,
                      const char *note, const struct salvage_span *spans, size_t n)
{
    struct text *out = &run->parts;
    text_word(out, run->count > 1 ? ",{\"name\":" : "{\"name\":");
    text_json(out, bytes_of(run->outbox.path));
    text_printf(out, ",\"kind\":\"%s\",\"verdict\":\"%s\",\"bytes\":%llu,\"count\":%llu",
                run->kind, verdict_word(verdict), (unsigned long long)run->outbox.size,
                (unsigned long long)rows);
    text_word(out, ",\"note\":");
    text_json(out, bytes_of(note));
    text_word(out, ",\"from\":[");
    for (size_t i = 0; i < n; i++)
        text_printf(out, "%s[%llu,%llu]", i ? "," : "", (unsigned long long)spans[i].from,
                    (unsigned long long)spans[i].to);
    text_word(out, "]}");
}

static bool part_end(void *to, enum salvage_verdict verdict, uint64_t rows, const char *note,
                     const struct salvage_span *spans, size_t n)
{
    struct run *run = to;
    run->error = outbox_end(&run->outbox, &run->why);
    if (run->error || !run->outbox.path[0])
        return !run->error;
    run->count++;
    run->written += run->outbox.size;
    run->proven += verdict == SALVAGE_PROVEN;
    for (size_t i = 0; i < n; i++)
        run->given += spans[i].to - spans[i].from;
    if (run->json) {
        json_part(run, verdict, rows, note, spans, n);
    } else if (run->count <= PARTS_SHOWN) {
        text_word(&run->parts, "  ");
        text_visible(&run->parts, bytes_of(run->outbox.path));
        text_printf(&run->parts, ": %s, %s, ", run->kind, verdict_word(verdict));
        text_size(&run->parts, run->outbox.size);
        text_printf(&run->parts, " (%s)\n", note);
    }
    return true;
}

static void json_map(struct text *out, const struct map *map)
{
    const struct pattern *p = &map->pattern;
    text_printf(out, ",\"encrypted\":{\"bytes\":%llu,\"count\":%llu,\"pattern\":",
                (unsigned long long)map->total, (unsigned long long)map->count);
    if (map->regular) {
        text_printf(out,
                    "{\"head\":%llu,\"start\":%llu,\"run\":%llu,\"stride\":%llu,"
                    "\"repeats\":%llu,\"tail\":%llu,\"trailer\":%llu,\"as\":",
                    (unsigned long long)p->head, (unsigned long long)p->start,
                    (unsigned long long)p->run, (unsigned long long)p->stride,
                    (unsigned long long)p->count, (unsigned long long)p->tail,
                    (unsigned long long)p->trailer);
        if (p->family)
            text_json(out, bytes_of(p->family));
        else
            text_word(out, "null");
        text_byte(out, '}');
    } else {
        text_word(out, "null");
    }
    text_word(out, ",\"ranges\":[");
    for (uint32_t i = 0; i < map->encrypted.n && i < RANGES_JSON; i++)
        text_printf(out, "%s[%llu,%llu]", i ? "," : "",
                    (unsigned long long)map->encrypted.at[i].from,
                    (unsigned long long)map->encrypted.at[i].to);
    text_word(out, "]}");
}

static void print_map(struct text *out, const struct map *map)
{
    const struct pattern *p = &map->pattern;
    uint64_t size = map->file.len ? map->file.len : 1;
    if (!map->encrypted.n) {
        text_word(out, "  no encrypted part was found\n");
        return;
    }
    text_word(out, "  encrypted: ");
    text_size(out, map->total);
    text_printf(
        out, " (%llu.%llu %%) in %llu ranges", (unsigned long long)(map->total * 100 / size),
        (unsigned long long)(map->total * 1000 / size % 10), (unsigned long long)map->count);
    if (map->regular && p->run)
        text_printf(out, ": %llu bytes every %llu", (unsigned long long)p->run,
                    (unsigned long long)p->stride);
    if (map->regular && p->family)
        text_printf(out, ", as %s does", p->family);
    text_byte(out, '\n');
    for (uint32_t i = 0; i < map->encrypted.n && i < RANGES_SHOWN; i++)
        text_printf(out, "    %llu to %llu\n", (unsigned long long)map->encrypted.at[i].from,
                    (unsigned long long)map->encrypted.at[i].to);
    if (map->count > RANGES_SHOWN)
        text_printf(out, "    and %llu more\n", (unsigned long long)map->count - RANGES_SHOWN);
    if (map->regular && p->family && !strcmp(p->family, "Black Basta"))
        text_word(
            out,
            "  if its name ends in '.basta', try first: candor rescue decrypt (files of 2023 "
            "can come back whole, without a key)\n");
}

static void report(struct text *out, const char *path, const struct salvage *salvage,
                   const struct run *run)
{
    const struct map *map = &salvage->map;
    if (run->json) {
        text_word(out, "{\"path\":");
        text_json(out, bytes_of(path));
        text_printf(out, ",\"size\":%zu,\"type\":", salvage->file.len);
        text_json(out, bytes_of(salvage->kind ? salvage->kind : "unknown"));
        json_map(out, map);
        text_printf(out, ",\"given\":%llu,\"parts\":[", (unsigned long long)run->given);
        text_add(out, run->parts.at, run->parts.len);
        text_word(out, "]}\n");
        return;
    }
    text_visible(out, bytes_of(path));
    text_printf(out, ": %s\n", salvage->kind ? salvage->kind : "nothing that is known");
    print_map(out, map);
    text_add(out, run->parts.at, run->parts.len);
    if (run->count > PARTS_SHOWN)
        text_printf(out, "  and %llu more parts\n",
                    (unsigned long long)(run->count - PARTS_SHOWN));
    text_printf(out, "  %llu parts, %llu proven, ", (unsigned long long)run->count,
                (unsigned long long)run->proven);
    text_size(out, run->given);
    text_word(out, " of ");
    text_size(out, salvage->file.len - map->total);
    text_word(out, " that are not encrypted\n");
}

/* Opens the file, which is read in a sealed process, and writes what comes back. */
static int salvage_file(const char *path, struct run *run, struct text *out, struct why *why)
{
    const char *slash = strrchr(path, '/');
    struct stat facts;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return fail(why, errno, "cannot read '%.150s': %s", path, strerror(errno));
    if (fstat(fd, &facts) == 0 && S_ISDIR(facts.st_mode)) {
        close(fd);
        return fail(why, EISDIR, "'%.150s' is a folder: name the files in it, one or several",
                    path);
    }
    if (fstat(fd, &facts) < 0 || !S_ISREG(facts.st_mode) || !facts.st_size) {
        close(fd);
        return fail(why, EINVAL, "'%.150s' is empty or not a regular file", path);
    }
    struct salvage salvage;
    struct arena *arena = arena_new(MEMORY);
    const struct salvage_sink sink = {run, part_begin, part_put, part_end};
    run->folder = bytes_of(slash ? slash + 1 : path);
    int error = arena ? salvage_worker_run(fd, (uint64_t)facts.st_size, run->folder,
                                           run->beside, &sink, arena, &salvage, why)
                      : fail(why, ENOMEM, "out of memory");
    close(fd);
    outbox_drop(&run->outbox);
    if (run->error) {
        *why = run->why;
        error = run->error;
    }
    if (!error && salvage.map.sure && salvage.map.regular)
        run->rule = salvage.map.pattern.rule;
    if (!error || error == -ECANCELED)
        report(out, path, &salvage, run);
    else if (error != -EAGAIN)
        why_wrap(why, error, path);
    arena_free(arena);
    return error;
}

/* The rules that were seen, each once. */
static void take_rule(struct salvage_beside *beside, uint32_t rule)
{
    for (size_t i = 0; rule && i < MAP_HINTS; i++) {
        if (!beside->hints[i])
            beside->hints[i] = rule;
        if (beside->hints[i] == rule)
            return;
    }
}

static int run_salvage(const struct command *self, void *parsed, int argc, char **argv)
{
    const struct salvage_arguments *arguments = parsed;
    struct text out = {0};
    struct why why;
    int status = EXIT_CLEAN;
    (void)self;
    if (!argc || !arguments->output)
        return command_error(argc ? "no --output DIR given: what comes back goes there"
                                  : "no PATH given (see 'candor rescue salvage --help')");
    if (home_make(arguments->output, &why))
        return command_error(why.text);
    int directory = open(arguments->output, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        (void)fail(&why, errno, "cannot open '%.150s': %s", arguments->output, strerror(errno));
        return command_error(why.text);
    }
    /* Those that are not sure of their pattern come last: one tool encrypted them all. */
    uint8_t *later = calloc((size_t)argc, 1);
    struct salvage_beside beside = {.waits = later && argc > 1};
    for (int i = 0; i < argc * 2; i++) {
        struct run run = {.json = arguments->json,
                          .beside = &beside,
                          .outbox = {.directory = directory, .fd = -1}};
        if (i == argc)
            beside.waits = false;
        if (i >= argc && !(later && later[i % argc]))
            continue;
        int error = salvage_file(argv[i % argc], &run, &out, &why);
        if (error == -EAGAIN && i < argc)
            later[i] = 1;
        else if (error < 0)
            status = command_error(why.text);
        take_rule(&beside, run.rule);
        outbox_free(&run.outbox);
        text_free(&run.parts);
        if (text_write(&out, 1) < 0)
            status = EXIT_ERROR;
    }
    free(later);
    close(directory);
    text_free(&out);
    return status;
}

const struct command rescue_salvage_command = {
    .name = "salvage",
    .title = "candor-rescue-salvage",
    .summary = "give back what survives in partly encrypted files, without any key",
    .arguments = "--output DIR PATH...",
    .doc =
        "Many families encrypt only parts of a file. This finds which parts, and writes what "
        "is left in files that open: members of packages, objects, pages and rows, pictures, "
        "films, "
        "text with its gaps marked. The encrypted file is only read.\n\n"
        "Each part has a verdict: proven (a checksum or the structure holds over all of it), "
        "plausible (made of bytes that are not encrypted), partial (with gaps).",
    .exits = "0\tsuccess\n2\tan error",
    .examples = "candor rescue salvage --output back disk.vmdk.locked\tfiles out of a disk",
    .options = salvage_table,
    .size = sizeof(struct salvage_arguments),
    .run = run_salvage,
};
