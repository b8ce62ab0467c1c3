#include "cmd/rescue/rescue.h"
#include "home/home.h"
#include "rescue/pair/find.h"
#include "rescue/pair/guess.h"
#include "rescue/pair/heads.h"
#include "rescue/pair/outfile.h"
#include "rescue/pair/serve.h"
#include "scan/text.h"
#include "scan/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MOST = 200 };

#define LIST_MEMORY ((size_t)512 << 20)

struct pair_arguments {
    struct option_list original, encrypted, originals;
    const char *output;
    bool json, dry_run;
};

#define TARGET(field) offsetof(struct pair_arguments, field)

static const struct option pair_table[] = {
    {"original", 0, OPTION_LIST, "FILE", "Options",
     "a file as it was; the --encrypted in the same place is its copy", NULL, NULL,
     TARGET(original)},
    {"encrypted", 0, OPTION_LIST, "FILE", "Options", "the same file, encrypted", NULL, NULL,
     TARGET(encrypted)},
    {"originals", 0, OPTION_LIST, "DIR", "Options",
     "look for originals in DIR: a backup, a camera's card, pictures that Windows brings",
     "They are matched with the files of PATH by name (\"a.doc\" with \"a.doc.locked\") and "
     "size, without names by size alone. One that does not belong is left out.",
     NULL, TARGET(originals)},
    {"output", 0, OPTION_TEXT, "DIR", "Options", "write what comes back below DIR",
     "Without it nothing is written: you are told what was done and what would come back.",
     NULL, TARGET(output)},
    {"dry-run", 0, OPTION_FLAG, NULL, "Options", "write nothing, even with --output", NULL,
     NULL, TARGET(dry_run)},
    {"json", 0, OPTION_FLAG, NULL, "Options", "write JSON Lines, an object for each file", NULL,
     NULL, TARGET(json)},
    {0}};

struct run {
    const struct pair_arguments *arguments;
    struct arena *arena;
    struct find_list originals, encrypted;
    struct find_pair pair[PAIR_SERVE_PAIRS];
    size_t pairs;
    bytes extension; /* what was put behind names */
    struct pair_serve serve;
    struct pair_summary summary;
    struct text out;
    int output;
    uint64_t files, proven, plausible, unknown, partly, failed, bytes, lost;
};

/* --- which files --- */

struct gather {
    struct run *run;
    struct find_list *list;
    bytes folder;
};

static bool gather_file(void *context, const struct walk_file *file)
{
    struct gather *gather = context;
    return find_add_walked(gather->list, gather->run->arena, file, gather->folder);
}

static void gather_skip(void *context, enum walk_skip reason, bytes path, int error)
{
    (void)context;
    if (reason != WALK_UNREADABLE)
        return;
    struct text line = {0};
    text_word(&line, "candor: cannot read ");
    text_visible(&line, path);
    text_printf(&line, ": %s\n", strerror(error));
    if (text_write(&line, 2) < 0)
        line.failed = true;
    text_free(&line);
}

static void gather_path(struct run *run, struct find_list *list, const char *path)
{
    struct gather gather = {run, list, bytes_of(path)};
    const struct walk_options options = {
        .context = &gather, .file = gather_file, .skip = gather_skip};
    walk_path(&options, path);
}

static const char *path_of(const struct find_list *list, uint32_t i)
{
    return (const char *)list->file.at[i].path.at;
}

/* --- learning --- */

static void close_pairs(struct pair_files *files, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (files[i].plain >= 0)
            close(files[i].plain);
        close(files[i].encrypted);
    }
}

static int open_pair(const char *plain, const char *encrypted, struct pair_files *ret,
                     struct why *why)
{
    struct stat facts;
    ret->plain = rescue_open(plain, &facts, why);
    if (ret->plain < 0)
        return ret->plain;
    ret->plain_size = (uint64_t)facts.st_size;
    ret->encrypted = rescue_open(encrypted, &facts, why);
    if (ret->encrypted < 0) {
        close(ret->plain);
        return ret->encrypted;
    }
    ret->encrypted_size = (uint64_t)facts.st_size;
    return 0;
}

/* The pairs that were given, then those that were found. */
static int open_pairs(struct run *run, struct pair_files *files, size_t *ret_n, struct why *why)
{
    const struct pair_arguments *a = run->arguments;
    size_t n = 0;
    for (int i = 0; i < a->original.n && n < PAIR_SERVE_PAIRS; i++) {
        int error = open_pair(a->original.at[i], a->encrypted.at[i], &files[n], why);
        if (error) {
            close_pairs(files, n);
            return error;
        }
        n++;
    }
    for (size_t i = 0; i < run->pairs && n < PAIR_SERVE_PAIRS; i++)
        if (!open_pair(path_of(&run->originals, run->pair[i].original),
                       path_of(&run->encrypted, run->pair[i].encrypted), &files[n], NULL))
            n++;
    *ret_n = n;
    return n ? 0
             : fail(why, ENODATA,
                    "no pair: none of the originals has the name or the size of an encrypted "
                    "file");
}

/* The extension that pairs of files that were named have in common. */
static void given_extension(struct run *run)
{
    const struct pair_arguments *a = run->arguments;
    for (int i = 0; i < a->original.n; i++) {
        const char *slash = strrchr(a->original.at[i], '/');
        bytes plain = bytes_of(slash ? slash + 1 : a->original.at[i]);
        slash = strrchr(a->encrypted.at[i], '/');
        bytes name = bytes_of(slash ? slash + 1 : a->encrypted.at[i]);
        if (bytes_same(bytes_slice(name, 0, plain.len), plain) && name.len > plain.len)
            run->extension = bytes_slice(name, plain.len, SIZE_MAX);
    }
}

static bool open_alone(struct run *run, uint32_t i, struct pair_files *ret)
{
    struct stat facts;
    const struct find_file *file = &run->encrypted.file.at[i];
    *ret = (struct pair_files){.plain = -1, .name = rescue_name(file->path)};
    ret->encrypted = rescue_open(path_of(&run->encrypted, i), &facts, NULL);
    ret->encrypted_size = ret->encrypted >= 0 ? (uint64_t)facts.st_size : 0;
    return ret->encrypted >= 0;
}

/* What all names end in, when it is the extension of no kind that is known. */
static void common_extension(struct run *run)
{
    bytes common = {0};
    for (uint32_t i = 0; i < run->encrypted.file.n; i++) {
        const struct find_file *file = &run->encrypted.file.at[i];
        bytes name = rescue_name(file->path);
        struct head_byte head[1];
        size_t dot = name.len;
        while (dot && name.at[dot - 1] != '.')
            dot--;
        bytes extension = bytes_slice(name, dot ? dot - 1 : 0, SIZE_MAX);
        if (dot < 2 || heads_of(name, false, head, 1) ||
            (common.len && !bytes_equal(common, extension)))
            return;
        common = extension;
    }
    if (run->encrypted.file.n > 1)
        run->extension = common;
}

/* Without originals: files whose kind is known by name, and the largest. */
static size_t open_all_alone(struct run *run, struct pair_files *files)
{
    enum { LARGEST = 8 };

    uint32_t large[LARGEST], larges = 0;
    size_t n = 0;
    for (uint32_t i = 0; i < run->encrypted.file.n; i++) {
        const struct find_file *file = &run->encrypted.file.at[i];
        struct head_byte head[1];
        if (n < GUESS_FILES - LARGEST && heads_of(rescue_name(file->path), true, head, 1) &&
            open_alone(run, i, &files[n]))
            n++;
        uint32_t at = larges;
        while (at && run->encrypted.file.at[large[at - 1]].size < file->size)
            at--;
        if (at == LARGEST)
            continue;
        larges += larges < LARGEST;
        memmove(&large[at + 1], &large[at], (larges - 1 - at) * sizeof *large);
        large[at] = i;
    }
    for (uint32_t i = 0; i < larges; i++)
        n += open_alone(run, large[i], &files[n]);
    return n;
}

static int learn(struct run *run, struct why *why)
{
    struct pair_files files[PAIR_SERVE_PAIRS];
    size_t n = 0;
    run->pairs = find_pairs(&run->originals, &run->encrypted, run->arena, run->pair,
                            PAIR_SERVE_PAIRS / 2);
    run->extension = find_extension(&run->originals, &run->encrypted, run->pair, run->pairs);
    if (!run->extension.len)
        given_extension(run);
    bool alone = !run->arguments->original.n && !run->arguments->originals.n;
    int error = 0;
    if (alone) {
        common_extension(run);
        n = open_all_alone(run, files);
    } else {
        error = open_pairs(run, files, &n, why);
    }
    if (error)
        return error;
    error = pair_serve_new(files, n, &run->serve, &run->summary, why);
    close_pairs(files, n);
    return error;
}

static const char *method_word(uint32_t method)
{
    static const char *const words[] = {"same", "xor", "add", "table", "cipher"};
    return method < COUNT(words) ? words[method] : "cipher";
}

static void print_summary(struct run *run)
{
    const struct pair_summary *s = &run->summary;
    struct text *out = &run->out;
    if (run->arguments->json) {
        text_printf(out,
                    "{\"pairs\":%u,\"agree\":%u,\"method\":\"%s\",\"period\":%llu,"
                    "\"block\":%u,\"prefix\":%llu,\"suffix\":%llu,\"known\":%llu,"
                    "\"agreed\":%llu,\"shared\":%s,\"words\":",
                    s->given, s->pairs, method_word(s->method), (unsigned long long)s->period,
                    s->block, (unsigned long long)s->prefix, (unsigned long long)s->suffix,
                    (unsigned long long)s->known, (unsigned long long)s->agreed,
                    s->shared ? "true" : "false");
        text_json(out, bytes_of(s->words));
        text_word(out, "}\n");
        return;
    }
    if (s->given)
        text_printf(out, "%u of %u pair%s agree%s: ", s->pairs, s->given,
                    s->given == 1 ? "" : "s", s->given == 1 ? "s" : "");
    text_visible(out, bytes_of(s->words));
    text_word(out, "\n");
}

/* --- the other files --- */

struct writing {
    struct outfile *file;
    struct why *why;
};

static int write_part(void *context, bytes part)
{
    struct writing *writing = context;
    return outfile_write(writing->file, part, writing->why);
}

/* Where a file goes: as it lay, without what leads out of the folder, and without the extension
 * that was put behind its name. */
static void target_name(const struct run *run, bytes path, char *ret, size_t size)
{
    size_t n = 0;
    bytes rest = path, part;
    if (run->extension.len && path.len > run->extension.len &&
        bytes_equal(bytes_slice(path, path.len - run->extension.len, SIZE_MAX), run->extension))
        rest.len -= run->extension.len;
    while (bytes_cut(&rest, '/', &part)) {
        if (!part.len || bytes_is(part, ".") || bytes_is(part, "..") || n + part.len + 2 > size)
            continue;
        if (part.len > NAME_MOST)
            part.len = NAME_MOST;
        if (n)
            ret[n++] = '/';
        memcpy(ret + n, part.at, part.len);
        n += part.len;
    }
    ret[n] = 0;
}

struct verdict {
    struct pair_outcome outcome;
    struct pair_judgement judgement;
    bool judged;
    const char *word;
    char path[OUTFILE_PATH];
    struct why why;
    int error;
};

static void write_file(struct run *run, bytes path, int fd, const struct stat *facts,
                       struct verdict *ret)
{
    char name[OUTFILE_PATH];
    struct outfile file;
    target_name(run, path, name, sizeof name);
    ret->error = outfile_begin(&file, run->output, run->arguments->output, name, &ret->why);
    if (ret->error)
        return;
    struct writing writing = {&file, &ret->why};
    ret->error = pair_serve_file(&run->serve, fd, (uint64_t)facts->st_size, write_part,
                                 &writing, &ret->outcome, &ret->why);
    if (!ret->error)
        ret->error = pair_serve_proof(&run->serve, file.fd, ret->outcome.size, bytes_of(name),
                                      &ret->judgement, &ret->why);
    ret->judged = !ret->error;
    if (!ret->error && ret->judgement.proof == PROOF_FAILED && !ret->outcome.lost)
        ret->error = fail(&ret->why, EKEYREJECTED, "what came out is no file: %.180s",
                          ret->judgement.reason.text);
    if (!ret->error)
        ret->error = outfile_end(&file, facts, &ret->why);
    else
        outfile_drop(&file);
    if (!ret->error)
        memcpy(ret->path, file.path, sizeof ret->path);
}

/* "partly" outranks what a proof says: its bytes are not all there. */
static void count_file(struct run *run, struct verdict *v)
{
    run->files++;
    if (v->error) {
        v->word = "failed";
        run->failed++;
        return;
    }
    run->bytes += v->outcome.size - v->outcome.lost;
    run->lost += v->outcome.lost;
    if (v->outcome.lost) {
        v->word = "partly";
        run->partly++;
    } else if (!v->judged) {
        v->word = "would come back";
    } else if (v->judgement.proof == PROOF_PROVEN) {
        v->word = "proven";
        run->proven++;
    } else if (v->judgement.proof == PROOF_PLAUSIBLE) {
        v->word = "plausible";
        run->plausible++;
    } else {
        v->word = "unknown";
        run->unknown++;
    }
}

static void print_file(struct run *run, bytes path, const struct verdict *v)
{
    struct text *out = &run->out;
    const char *reason = v->error ? v->why.text : v->judged ? v->judgement.reason.text : "";
    if (run->arguments->json) {
        text_word(out, "{\"path\":");
        text_json(out, path);
        text_printf(out, ",\"verdict\":\"%s\",\"size\":%llu,\"lost\":%llu,\"guess\":%s",
                    v->word, (unsigned long long)v->outcome.size,
                    (unsigned long long)v->outcome.lost, v->outcome.guess ? "true" : "false");
        if (v->path[0]) {
            text_word(out, ",\"written\":");
            text_json(out, bytes_of(v->path));
        }
        text_word(out, ",\"reason\":");
        text_json(out, bytes_of(reason));
        text_word(out, "}\n");
        return;
    }
    text_visible(out, path);
    text_printf(out, ": %s", v->word);
    if (v->outcome.lost && !v->error) {
        text_word(out, ", ");
        text_size(out, v->outcome.lost);
        text_word(out, " of ");
        text_size(out, v->outcome.size);
        text_word(out, " are lost: no pair shows how they were encrypted");
    } else if (reason[0]) {
        text_word(out, " (");
        text_visible(out, bytes_of(reason));
        text_byte(out, ')');
    }
    text_byte(out, '\n');
}

static void open_one(struct run *run, uint32_t i)
{
    struct verdict v = {.error = 0};
    struct stat facts;
    bytes path = run->encrypted.file.at[i].path;
    int fd = rescue_open(path_of(&run->encrypted, i), &facts, &v.why);
    if (fd < 0) {
        v.error = fd;
    } else {
        if (run->output >= 0)
            write_file(run, bytes_slice(path, run->encrypted.file.at[i].below, SIZE_MAX), fd,
                       &facts, &v);
        else
            v.error = pair_serve_file(&run->serve, fd, (uint64_t)facts.st_size, NULL, NULL,
                                      &v.outcome, &v.why);
        close(fd);
    }
    count_file(run, &v);
    print_file(run, path, &v);
}

static void print_end(struct run *run)
{
    typedef unsigned long long ull;
    if (run->arguments->json || !run->files)
        return;
    struct text *out = &run->out;
    if (run->output < 0) {
        text_printf(out, "nothing was written: give --output DIR\n");
        return;
    }
    text_printf(out,
                "%llu files: %llu proven, %llu plausible, %llu of unknown kind, %llu partly, "
                "%llu failed; ",
                (ull)run->files, (ull)run->proven, (ull)run->plausible, (ull)run->unknown,
                (ull)run->partly, (ull)run->failed);
    text_size(out, run->bytes);
    text_word(out, " came back, ");
    text_size(out, run->lost);
    text_word(out, " are lost\n");
}

static int check(const struct pair_arguments *a, int argc, struct why *why)
{
    if (a->original.n != a->encrypted.n)
        return fail(why, EINVAL, "each --original needs its --encrypted, and the reverse");
    if (!a->original.n && !argc)
        return fail(why, EINVAL, "no PATH given (see 'candor rescue pair --help')");
    return 0;
}

static int work(struct run *run, int argc, char **argv, struct why *why)
{
    const struct pair_arguments *a = run->arguments;
    for (int i = 0; i < a->originals.n; i++)
        gather_path(run, &run->originals, a->originals.at[i]);
    for (int i = 0; i < argc; i++)
        gather_path(run, &run->encrypted, argv[i]);
    if (a->output && !a->dry_run) {
        int error = home_make(a->output, why);
        if (error)
            return error;
        run->output = open(a->output, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (run->output < 0)
            return fail(why, errno, "cannot open '%.150s': %s", a->output, strerror(errno));
    }
    int error = learn(run, why);
    if (error)
        return error;
    print_summary(run);
    for (uint32_t i = 0; i < run->encrypted.file.n && run->summary.method != PAIR_CIPHER; i++) {
        open_one(run, i);
        if (text_write(&run->out, 1) < 0)
            return -EPIPE;
    }
    print_end(run);
    if (run->originals.full || run->encrypted.full)
        return fail(why, E2BIG, "there are more files than fit: go folder by folder");
    return 0;
}

static int run_pair(const struct command *self, void *parsed, int argc, char **argv)
{
    struct run run = {.arguments = parsed, .serve = {.child = {0, -1}, .socket = -1}};
    struct why why = {""};
    (void)self;
    run.output = -1;
    run.arena = arena_new(LIST_MEMORY);
    int error = run.arena ? check(parsed, argc, &why) : fail(&why, ENOMEM, "out of memory");
    if (!error)
        error = work(&run, argc, argv, &why);
    pair_serve_end(&run.serve);
    if (text_write(&run.out, 1) < 0 && !error)
        error = -EPIPE;
    text_free(&run.out);
    if (run.output >= 0)
        close(run.output);
    arena_free(run.arena);
    if (error)
        return why.text[0] ? command_error(why.text) : EXIT_ERROR;
    bool all = run.summary.method != PAIR_CIPHER && !run.failed && !run.partly;
    return all ? EXIT_CLEAN : EXIT_NOT_FULLY;
}

const struct command rescue_pair_command = {
    .name = "pair",
    .title = "candor-rescue-pair",
    .summary = "learn from an original and its encrypted copy what was done, and undo it",
    .arguments = "[OPTION]... [PATH]...",
    .doc =
        "Some ransomware joins all files with the same bytes, or encrypts equal blocks alike. "
        "Then one file that you still have as it was, in a backup, a sent mail or on a "
        "camera's "
        "card, opens many others. The larger it is, the more comes back.\n\n"
        "Without any original, short keys are found by how files of a kind begin, and blocks "
        "that are joined again and again by the zeros that disks are full of.\n\n"
        "The encrypted files are only read. What comes back is written below --output, "
        "checked, "
        "and each file is said to be proven (checksums cover it), plausible, of "
        "unknown kind, or there in part: bytes that no pair shows stay encrypted and are "
        "counted as lost. A file whose structure is broken although no byte is lost is not "
        "written.",
    .exits = "0\tall files came back\n2\tan error\n3\tsome did not, or only in part",
    .examples =
        "candor rescue pair --original backup/plan.doc --encrypted plan.doc.locked\twhat was "
        "done?\n"
        "candor rescue pair --originals /mnt/backup --output /mnt/rescue /srv/data\tfinds "
        "pairs "
        "by itself, and opens what they open",
    .options = pair_table,
    .size = sizeof(struct pair_arguments),
    .run = run_pair,
};
