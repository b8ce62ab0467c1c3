/* Files with findings, on their way to quarantine. */
#include "quarantine/take.h"
#include "scan/pool/pool.h"
#include "scan/scan_state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "b.docx > word/vbaProject.bin"; empty for the file itself. */
static bytes object_text(const struct examined *examined, uint32_t object, struct arena *arena)
{
    bytes names[REPLY_OBJECT_DEPTH + 2], joined = bytes_of("");
    size_t count = report_names(examined, object, bytes_of(""), false, names);
    for (size_t i = 0; i < count; i++) {
        bytes longer =
            arena_printf(arena, "%.*s%s%.*s", (int)joined.len, (const char *)joined.at,
                         i ? " > " : "", (int)names[i].len, (const char *)names[i].at);
        if (!longer.at)
            break;
        joined = longer;
    }
    return joined;
}

static uint32_t list_findings(const struct examined *examined, struct arena *arena,
                              struct entry_finding *ret)
{
    uint32_t count =
        examined->finding.n < ENTRY_FINDINGS ? examined->finding.n : ENTRY_FINDINGS;
    for (uint32_t i = 0; i < count; i++) {
        const struct examined_finding *finding = &examined->finding.at[i];
        struct ruleset_label label;
        report_label(examined, finding, &label);
        const char *name_space = label.name_space;
        const char *source = examined->sets[finding->set].source;
        ret[i] =
            (struct entry_finding){.rule = arena_copy(arena, bytes_of(label.name)),
                                   .name_space = bytes_of(name_space),
                                   .source = bytes_of(source ? source : name_space),
                                   .object = object_text(examined, finding->object, arena)};
    }
    return count;
}

/* The directory that the user named, with the links in it. */
static int open_parent(bytes path, size_t *ret_name)
{
    char parent[PATH_MAX];
    size_t slash = path.len;
    while (slash && path.at[slash - 1] != '/')
        slash--;
    *ret_name = slash;
    if (slash >= sizeof parent) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(parent, path.at, slash);
    parent[slash] = 0;
    return open(slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void scan_quarantine(struct scan *scan, const struct pool_result *result,
                     struct examined *examined)
{
    struct entry_finding findings[ENTRY_FINDINGS];
    struct arena *arena = arena_new((size_t)16 << 20);
    struct examined_move *move = &examined->move;
    struct take_result taken = {0};
    struct why why = {0};
    size_t name = result->name;
    int directory =
        result->directory ? result->directory->fd : open_parent(result->path, &name);
    int error = arena ? 0 : fail(&why, ENOMEM, "out of memory");
    move->tried = true;
    if (!error && directory < 0)
        error = fail(&why, errno, "cannot open its directory: %s", strerror(errno));
    if (!error) {
        const struct take_request request = {.directory = directory,
                                             .name = (const char *)result->path.at + name,
                                             .seen = result->st,
                                             .findings = findings,
                                             .finding_count =
                                                 list_findings(examined, arena, findings),
                                             .findings_all = examined->finding_count,
                                             .version = bytes_of(CANDOR_VERSION)};
        error = take_file(scan->options->vault, &request, &taken, &why);
    }
    if (!result->directory && directory >= 0)
        close(directory);
    arena_free(arena);
    if (error)
        snprintf(move->reason, sizeof move->reason, "%s", why.text);
    else
        snprintf(move->id, sizeof move->id, "%s", taken.id);
    move->names_left = taken.names_left;
}
