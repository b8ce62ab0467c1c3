#include "clamav/cdiff.h"

#include "clamav/dsig.h"
#include "clamav/gzip.h"
#include "shim/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 4096, EDITS_MAX = 1 << 26 };

/* --- the file --- */

/* Cuts the signature off; it has no colon. */
static void check_signature(bytes *file, struct cdiff *ret)
{
    uint8_t sha256[DIGEST_MAX];
    const uint8_t *colon = memrchr(file->at, ':', file->len);
    bytes head = {file->at, (size_t)(colon - file->at)};
    bytes signature = bytes_slice(*file, head.len + 1, file->len);
    while (signature.len && strchr("\r\n", signature.at[signature.len - 1]))
        signature.len--;
    ret->legacy = digest_parts(DIGEST_SHA256, &head, 1, sha256) &&
                          dsig_signs(DSIG_DIFF, signature, sha256)
                      ? CONTAINER_GOOD
                      : CONTAINER_WRONG;
    *file = head;
}

int cdiff_open(bytes file, bytes sign, bytes certificates, struct arena *arena,
               struct cdiff *ret, struct why *why)
{
    struct cdiff made = {0};
    struct container beside = {0};
    bytes rest = file, magic, version, length;
    uint64_t number, size;
    container_check_external(&beside, file, sign, certificates);
    made.external = beside.facts.external;
    memcpy(made.signer, beside.facts.signer, sizeof made.signer);
    if (!bytes_is(bytes_slice(file, 0, 12), "ClamAV-Diff:")) {
        made.script = file;
        *ret = made;
        return 0;
    }
    if (!bytes_cut(&rest, ':', &magic) || !bytes_cut(&rest, ':', &version) ||
        !bytes_cut(&rest, ':', &length) || !bytes_decimal(version, UINT32_MAX, &number) ||
        !bytes_decimal(length, UINT32_MAX, &size) || !rest.len)
        return fail(why, EBADMSG, "its header is malformed");
    size_t start = (size_t)(rest.at - file.at);
    check_signature(&file, &made);
    if (file.len < start)
        return fail(why, EBADMSG, "it is cut short");
    int error = gzip_inflate(bytes_slice(file, start, file.len), arena, &made.script, why);
    if (!error && made.script.len != size)
        error = fail(why, EBADMSG, "its script is not as long as its header says");
    made.version = (uint32_t)number;
    if (!error)
        *ret = made;
    return error;
}

/* --- running it --- */

struct edit {
    uint64_t line;
    uint32_t order; /* of the commands */
    bytes begin, text;
    bool replace;
};

struct run {
    struct cdiff_files *files;
    struct arena *arena;
    uint32_t open; /* number of the file + 1, or 0 */
    VEC(struct edit) edits;
    VEC(uint8_t) additions;
    struct why *why;
    uint64_t line; /* of the script */
};

static int wrong(const struct run *run, const char *what)
{
    return fail(run->why, EBADMSG, "line %llu of its script %s", (unsigned long long)run->line,
                what);
}

static int full(const struct run *run)
{
    return fail(run->why, ENOMEM, "its script needs too much memory");
}

static bool is_name(bytes name)
{
    bool good = name.len > 0 && name.len < 128 && name.at[0] != '.';
    for (size_t i = 0; good && i < name.len; i++)
        good = ascii_alnum(name.at[i]) || name.at[i] == '.' || name.at[i] == '_';
    return good;
}

/* NULL when there is none (any more). */
static struct cdiff_file *find_file(const struct run *run, bytes name)
{
    for (uint32_t i = 0; i < run->files->at.n; i++)
        if (bytes_equal(run->files->at.at[i].name, name) && !run->files->at.at[i].gone)
            return &run->files->at.at[i];
    return NULL;
}

static int open_file(struct run *run, bytes name)
{
    if (run->open || !is_name(name))
        return wrong(run, run->open ? "opens a second file" : "names no database file");
    struct cdiff_file *file = find_file(run, name);
    if (!file) {
        file = run->files->at.n < FILES_MAX ? vec_push(run->arena, &run->files->at) : NULL;
        if (!file)
            return full(run);
        /* It is there once something is added to it. */
        *file = (struct cdiff_file){.name = name, .gone = true};
    }
    run->open = (uint32_t)(file - run->files->at.at) + 1;
    run->edits.n = 0;
    run->additions.n = 0;
    return 0;
}

static int add_line(struct run *run, bytes line)
{
    if (!run->open || !line.at)
        return wrong(run, run->open ? "is malformed" : "adds to no file");
    uint8_t *to = vec_push_many(run->arena, &run->additions, line.len + 1);
    if (!to)
        return full(run);
    if (line.len)
        memcpy(to, line.at, line.len);
    to[line.len] = '\n';
    return 0;
}

static int add_edit(struct run *run, bytes rest, bool replace)
{
    struct edit edit = {.order = run->edits.n, .replace = replace};
    bytes number;
    if (!run->open)
        return wrong(run, "changes no file");
    if (!bytes_cut(&rest, ' ', &number) || !bytes_cut(&rest, ' ', &edit.begin) ||
        !bytes_decimal(number, UINT32_MAX, &edit.line) || (replace && !rest.at))
        return wrong(run, "is malformed");
    edit.text = rest;
    struct edit *kept = run->edits.n < EDITS_MAX ? vec_push(run->arena, &run->edits) : NULL;
    if (!kept)
        return full(run);
    *kept = edit;
    return 0;
}

static int order_edits(const void *a, const void *b)
{
    const struct edit *x = a, *y = b;
    return x->line != y->line ? (x->line < y->line ? -1 : 1) : x->order < y->order ? -1 : 1;
}

/* Of two for a line the later one counts. */
static void sort_edits(struct run *run)
{
    uint32_t kept = 0;
    if (run->edits.n)
        qsort(run->edits.at, run->edits.n, sizeof *run->edits.at, order_edits);
    for (uint32_t i = 0; i < run->edits.n; i++) {
        if (kept && run->edits.at[kept - 1].line == run->edits.at[i].line)
            kept--;
        run->edits.at[kept++] = run->edits.at[i];
    }
    run->edits.n = kept;
}

static uint8_t *put(uint8_t *to, bytes text)
{
    if (text.len)
        memcpy(to, text.at, text.len);
    return to + text.len;
}

static bool begins(bytes line, bytes with)
{
    return bytes_equal(bytes_slice(line, 0, with.len), with);
}

/* The text with its edits, at `to`; NULL when they do not fit. */
static uint8_t *edit_text(struct run *run, bytes text, uint8_t *to)
{
    bytes rest = text, line;
    uint64_t number = 0;
    uint32_t next = 0;
    while (next < run->edits.n && rest.len && bytes_cut(&rest, '\n', &line)) {
        const struct edit *edit = &run->edits.at[next];
        bool whole = rest.at != NULL;
        if (!whole)
            return NULL;
        if (++number < edit->line) {
            to = put(to, (bytes){line.at, line.len + 1});
            continue;
        }
        if (number > edit->line || !begins(line, edit->begin))
            return NULL;
        if (edit->replace) {
            to = put(to, edit->text);
            *to++ = '\n';
        }
        next++;
    }
    /* Edited files end with a whole line. */
    if (next < run->edits.n || (next && rest.len && rest.at[rest.len - 1] != '\n'))
        return NULL;
    return put(to, rest);
}

static int close_file(struct run *run)
{
    if (!run->open)
        return wrong(run, "closes no file");
    struct cdiff_file *file = &run->files->at.at[run->open - 1];
    size_t size = file->text.len + run->additions.n;
    run->open = 0;
    for (uint32_t i = 0; i < run->edits.n; i++)
        size += run->edits.at[i].text.len + 1;
    if (!run->edits.n && !run->additions.n)
        return 0;
    uint8_t *text = arena_push_raw(run->arena, size + 1);
    if (!text)
        return full(run);
    sort_edits(run);
    uint8_t *end = edit_text(run, file->text, text);
    if (!end || (run->edits.n && file->gone))
        return wrong(run, "closes a file that its changes do not fit");
    end = put(end, (bytes){run->additions.at, run->additions.n});
    file->text = (bytes){text, (size_t)(end - text)};
    file->changed = true;
    file->gone = false;
    return 0;
}

/* Where a line begins, that must begin with `begin`; NULL. */
static const uint8_t *find_line(bytes text, uint64_t number, bytes begin)
{
    bytes rest = text, line;
    for (uint64_t i = 1; rest.len && bytes_cut(&rest, '\n', &line); i++)
        if (i == number)
            return rest.at && begins(line, begin) ? line.at : NULL;
    return NULL;
}

static int move_lines(struct run *run, bytes rest)
{
    bytes part[6];
    uint64_t first, last;
    for (size_t i = 0; i < COUNT(part); i++)
        if (!bytes_cut(&rest, ' ', &part[i]))
            return wrong(run, "is malformed");
    struct cdiff_file *from = find_file(run, part[0]), *to = find_file(run, part[1]);
    if (run->open || !from || !to || from == to ||
        !bytes_decimal(part[2], UINT32_MAX, &first) ||
        !bytes_decimal(part[4], UINT32_MAX, &last) || first >= last)
        return wrong(run, "moves nothing that there is");
    const uint8_t *start = find_line(from->text, first, part[3]);
    const uint8_t *end = find_line(from->text, last, part[5]);
    if (!start || !end)
        return wrong(run, "moves lines that are not there");
    end =
        (const uint8_t *)memchr(end, '\n', (size_t)(from->text.at + from->text.len - end)) + 1;
    size_t moved = (size_t)(end - start), before = (size_t)(start - from->text.at);
    uint8_t *grown = arena_push_raw(run->arena, to->text.len + moved + 1);
    uint8_t *left = arena_push_raw(run->arena, from->text.len - moved + 1);
    if (!grown || !left)
        return full(run);
    put(put(grown, to->text), (bytes){start, moved});
    put(put(left, bytes_slice(from->text, 0, before)),
        bytes_slice(from->text, before + moved, from->text.len));
    to->text = (bytes){grown, to->text.len + moved};
    from->text = (bytes){left, from->text.len - moved};
    to->changed = from->changed = true;
    return 0;
}

static int unlink_file(struct run *run, bytes name)
{
    struct cdiff_file *file = run->open ? NULL : find_file(run, name);
    if (!file)
        return wrong(run, "removes no file that there is");
    file->gone = true;
    file->text = (bytes){0};
    return 0;
}

static int run_line(struct run *run, bytes line)
{
    bytes rest = line, command;
    bytes_cut(&rest, ' ', &command);
    if (bytes_is(command, "OPEN"))
        return open_file(run, rest);
    if (bytes_is(command, "ADD"))
        return add_line(run, rest);
    if (bytes_is(command, "DEL"))
        return add_edit(run, rest, false);
    if (bytes_is(command, "XCHG"))
        return add_edit(run, rest, true);
    if (bytes_is(command, "CLOSE"))
        return close_file(run);
    if (bytes_is(command, "MOVE"))
        return move_lines(run, rest);
    if (bytes_is(command, "UNLINK"))
        return unlink_file(run, rest);
    return wrong(run, "is no command");
}

int cdiff_apply(const struct cdiff *cdiff, struct cdiff_files *files, struct arena *arena,
                struct why *why)
{
    struct run run = {.files = files, .arena = arena, .why = why};
    bytes rest = cdiff->script, line;
    int error = 0;
    while (!error && rest.len && bytes_cut(&rest, '\n', &line)) {
        run.line++;
        if (!line.len || line.at[0] != '#')
            error = run_line(&run, line);
    }
    return error || !run.open ? error
                              : fail(why, EBADMSG, "its script ends inside an open file");
}
