#include "cmd/rescue/rescue.h"
#include "cmd/rescue/rescue_describe.h"
#include "cmd/rescue/rescue_knowledge.h"
#include "rescue/identify/identify_worker.h"
#include "scan/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KNOWLEDGE_MEMORY ((size_t)256 << 20)

struct identify_arguments {
    const char *notes;
    bool json, all;
};

#define TARGET(field) offsetof(struct identify_arguments, field)

static const struct option identify_table[] = {
    {"all", 'a', OPTION_FLAG, NULL, "Options",
     "show files below a directory that nothing speaks against too", NULL, NULL, TARGET(all)},
    {"json", 0, OPTION_FLAG, NULL, "Options", "write JSON Lines, an object for each file", NULL,
     NULL, TARGET(json)},
    {"notes", 0, OPTION_TEXT, "FILE", "Options",
     "judge notes by the model FILE that 'candor rescue learn' wrote", NULL, NULL,
     TARGET(notes)},
    {0}};

struct identifying {
    const struct identify_arguments *arguments;
    struct knowledge knowledge;
    struct identify_worker *worker;
    struct text out;
    uint64_t seen, shown, unsure; /* files; `unsure`: not shown, and could be encrypted */
    int status;
};

static void print(struct identifying *identifying, bytes path, bool named,
                  const struct sighting *sighting)
{
    struct text *out = &identifying->out;
    identifying->seen++;
    if (sighting->kind == IDENTITY_NOTHING && !named && !identifying->arguments->all) {
        identifying->unsure += sighting->guesses > 0;
        return;
    }
    identifying->shown++;
    if (identifying->arguments->json) {
        text_word(out, "{\"path\":");
        text_json(out, path);
        if (!text_is_utf8(path)) {
            text_word(out, ",\"path_hex\":\"");
            text_hex(out, path);
            text_byte(out, '"');
        }
        text_byte(out, ',');
        rescue_describe_json(&identifying->knowledge, sighting, out);
        text_word(out, "}\n");
    } else {
        text_visible(out, path);
        text_byte(out, '\n');
        rescue_describe_text(&identifying->knowledge, sighting, out);
    }
}

/* For people: that there was more, or nothing. */
static void print_rest(struct identifying *identifying)
{
    struct text *out = &identifying->out;
    if (identifying->arguments->json || identifying->seen == identifying->shown)
        return;
    text_grouped(out, identifying->seen);
    text_printf(out, " file%s looked at", identifying->seen == 1 ? "" : "s");
    if (!identifying->shown)
        text_word(out, ": nothing in them is surely encrypted, or a ransom note");
    if (identifying->unsure) {
        text_word(out, identifying->shown ? "; of the others, " : "; ");
        text_grouped(out, identifying->unsure);
        text_word(out, " could be encrypted, or be archives, films and the like: their bytes "
                       "look the same ('--all' shows them)");
    }
    text_word(out, ".\n");
}

static bool take_file(void *context, const struct walk_file *file)
{
    struct identifying *identifying = context;
    struct sighting sighting;
    struct stat facts;
    struct why why;
    int fd = walk_open(file, &facts);
    int error = 0;
    if (fd < 0)
        error = fail(&why, -fd, "%s", fd == -EINVAL ? "not a regular file" : strerror(-fd));
    if (!error)
        error = identify_worker_look(identifying->worker, fd, (uint64_t)facts.st_size,
                                     rescue_name(file->path), &sighting, &why);
    if (fd >= 0)
        close(fd);
    if (error) {
        why_wrap(&why, error, (const char *)file->path.at);
        identifying->status = command_error(why.text);
        return true;
    }
    print(identifying, file->path, file->named, &sighting);
    if (identifying->out.len > 1 << 16 && text_write(&identifying->out, 1) < 0)
        identifying->status = EXIT_ERROR;
    return identifying->status != EXIT_ERROR || !identifying->out.failed;
}

static void take_skip(void *context, enum walk_skip reason, bytes path, int error)
{
    struct identifying *identifying = context;
    struct why why;
    if (reason != WALK_UNREADABLE)
        return;
    fail(&why, error, "%.*s: %s", (int)(path.len < 180 ? path.len : 180), path.at,
         strerror(error));
    identifying->status = command_error(why.text);
}

static int run(const struct command *self, void *parsed, int argc, char **argv)
{
    struct identifying identifying = {.arguments = parsed};
    const struct walk_options walk = {
        .context = &identifying, .file = take_file, .skip = take_skip};
    struct why why;
    (void)self;
    if (!argc)
        return command_error("no PATH given (see 'candor rescue identify --help')");
    struct arena *arena = arena_new(KNOWLEDGE_MEMORY);
    int error = arena ? rescue_knowledge_open(identifying.arguments->notes, arena,
                                              &identifying.knowledge, &why)
                      : fail(&why, ENOMEM, "out of memory");
    if (!error)
        error = identify_worker_new(&identifying.knowledge, &identifying.worker, &why);
    for (int i = 0; !error && i < argc; i++)
        walk_path(&walk, argv[i]);
    if (error)
        identifying.status = command_error(why.text);
    identify_worker_free(identifying.worker);
    print_rest(&identifying);
    if (text_write(&identifying.out, 1) < 0)
        identifying.status = EXIT_ERROR;
    text_free(&identifying.out);
    arena_free(arena);
    return identifying.status;
}

const struct command rescue_identify_command = {
    .name = "identify",
    .title = "candor-rescue-identify",
    .summary = "say which ransomware encrypted files or wrote notes, and why",
    .arguments = "PATH...",
    .doc =
        "Notes are told by their words, by addresses that known notes have, by the name they "
        "give "
        "themselves and by their file names; encrypted files by marks that their families "
        "leave, "
        "by what their formats look like, and by their names. Each reason is shown. A share is "
        "how "
        "much it speaks for that family beside all others and beside one that is not known.\n\n"
        "Every file is read by a process that can do nothing else.",
    .exits = "0\tsuccess\n2\tan error: some file could not be read",
    .options = identify_table,
    .size = sizeof(struct identify_arguments),
    .run = run,
};
