#include "cmd/rescue/rescue.h"
#include "rescue/identify/note_learn.h"
#include "rescue/identify/note_text.h"
#include "rescue/source.h"
#include "scan/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEARN_MEMORY ((size_t)8 << 30)

struct learn_arguments {
    struct option_list texts;
    const char *output;
};

#define TARGET(field) offsetof(struct learn_arguments, field)

static const struct option learn_table[] = {
    {"output", 'o', OPTION_TEXT, "FILE", "Options", "write the model to FILE", NULL, NULL,
     TARGET(output)},
    {"texts", 0, OPTION_LIST, "PATH", "Options",
     "learn from the texts below PATH what is no ransom note (repeatable)",
     "Without it, the model tells families apart, but does not judge whether a text is a note "
     "at all: everything that resembles a known note is called one.",
     NULL, TARGET(texts)},
    {0}};

struct learning {
    struct arena *arena;
    VEC(struct note_sample) note;
    VEC(struct note_sample) text;
    VEC(bytes) family;
    size_t root; /* length of DIR with its slash */
    bool texts;  /* these are no notes */
    int unread;
    bool failed;
};

static bool read_file(const struct walk_file *file, struct arena *arena, bytes *ret)
{
    struct stat facts;
    int fd = walk_open(file, &facts);
    bool good = fd >= 0 && facts.st_size > 0 && facts.st_size <= NOTE_TEXT_FILE;
    if (good) {
        struct source source = source_of_file(fd, (uint64_t)facts.st_size, (bytes){0});
        good = source_take(&source, 0, (size_t)facts.st_size, arena, ret, NULL) == 0;
    }
    if (fd >= 0)
        close(fd);
    return good;
}

/* The folder below DIR that a note lies in. */
static bool family_of(struct learning *learning, bytes path, uint32_t *ret)
{
    bytes rest = bytes_slice(path, learning->root, path.len), name;
    if (!bytes_cut(&rest, '/', &name) || !rest.len || !name.len || name.len > 255)
        return false;
    for (uint32_t i = 0; i < learning->family.n; i++)
        if (bytes_equal(learning->family.at[i], name)) {
            *ret = i;
            return true;
        }
    bytes *to = vec_push(learning->arena, &learning->family);
    if (!to)
        return false;
    *to = arena_copy(learning->arena, name);
    *ret = learning->family.n - 1;
    return to->at;
}

static bool take_text(struct learning *learning, const struct walk_file *file,
                      struct note_sample *ret)
{
    bytes whole, text;
    return read_file(file, learning->arena, &whole) &&
           note_text_plain(whole, learning->arena, &text, NULL) == 0 &&
           note_feature_take(text, learning->arena, &ret->features, NULL) == 0;
}

static bool add_note(struct learning *learning, const struct walk_file *file)
{
    struct note_sample sample = {0};
    if (!family_of(learning, file->path, &sample.family))
        return true;
    if (!take_text(learning, file, &sample)) {
        learning->unread++;
        return true;
    }
    sample.file = arena_copy(learning->arena, rescue_name(file->path));
    struct note_sample *to = vec_push(learning->arena, &learning->note);
    if (to)
        *to = sample;
    return to;
}

/* Of other texts only the words are kept. */
static bool add_text(struct learning *learning, const struct walk_file *file)
{
    struct note_sample sample = {0};
    struct arena_mark mark = arena_mark(learning->arena);
    if (!take_text(learning, file, &sample)) {
        arena_pop(learning->arena, mark);
        return true;
    }
    uint32_t n = sample.features.word.n;
    uint16_t *words = malloc(n * sizeof *words + 1);
    if (words)
        memcpy(words, sample.features.word.at, n * sizeof *words);
    arena_pop(learning->arena, mark);
    uint16_t *kept = words ? PUSH_ARRAY(learning->arena, uint16_t, n) : NULL;
    struct note_sample *to = kept ? vec_push(learning->arena, &learning->text) : NULL;
    if (to) {
        memcpy(kept, words, n * sizeof *words);
        to->features.word.at = kept;
        to->features.word.n = n;
    }
    free(words);
    return to;
}

static bool take_file(void *context, const struct walk_file *file)
{
    struct learning *learning = context;
    bool good = learning->texts ? add_text(learning, file) : add_note(learning, file);
    learning->failed |= !good;
    return good;
}

static void take_skip(void *context, enum walk_skip reason, bytes path, int error)
{
    (void)context, (void)reason, (void)path, (void)error;
}

static int write_file(const char *path, bytes file, struct why *why)
{
    FILE *out = fopen(path, "wb");
    size_t written = out ? fwrite(file.at, 1, file.len, out) : 0;
    if (!out || fclose(out) || written != file.len)
        return fail(why, EIO, "cannot write '%s'", path);
    return 0;
}

static int learn(struct learning *learning, const struct learn_arguments *arguments,
                 const char *directory, struct why *why)
{
    const struct walk_options walk = {
        .context = learning, .file = take_file, .skip = take_skip};
    struct note_judge *judge = PUSH(learning->arena, struct note_judge);
    bytes model;
    learning->root = strlen(directory);
    while (learning->root && directory[learning->root - 1] == '/')
        learning->root--;
    learning->root++;
    walk_path(&walk, directory);
    learning->texts = true;
    for (int i = 0; i < arguments->texts.n; i++)
        walk_path(&walk, arguments->texts.at[i]);
    if (learning->failed || !judge)
        return fail(why, ENOMEM, "no memory to learn from so many texts");
    if (!learning->note.n)
        return fail(why, EINVAL, "no notes in '%s': they lie in a folder for each family",
                    directory);
    if (learning->text.n)
        note_learn_judge(learning->note.at, learning->note.n, learning->text.at,
                         learning->text.n, learning->arena, judge);
    else
        judge->bias = 0;
    int error =
        note_learn_model(learning->note.at, learning->note.n, SIZE_MAX, learning->family.at,
                         learning->family.n, judge, learning->arena, &model, why);
    if (!error)
        error = write_file(arguments->output, model, why);
    if (!error)
        printf("%u notes of %u families, %u other texts, %d unread: %zu bytes\n",
               learning->note.n, learning->family.n, learning->text.n, learning->unread,
               model.len);
    return error;
}

static int run(const struct command *self, void *parsed, int argc, char **argv)
{
    struct learning learning = {.arena = arena_new(LEARN_MEMORY)};
    const struct learn_arguments *arguments = parsed;
    struct why why;
    (void)self;
    if (!learning.arena)
        return command_error("out of memory");
    if (argc != 1 || !arguments->output) {
        arena_free(learning.arena);
        return command_error("say a DIR with notes and '--output FILE'");
    }
    int error = learn(&learning, arguments, argv[0], &why);
    arena_free(learning.arena);
    return error ? command_error(why.text) : EXIT_CLEAN;
}

const struct command rescue_learn_command = {
    .name = "learn",
    .title = "candor-rescue-learn",
    .summary = "learn from ransom notes how families write",
    .arguments = "DIR -o FILE",
    .doc = "DIR has a folder for each family, with its notes. What is learned are hashes of "
           "pieces of words and of addresses: no text can be read out of it. 'candor rescue "
           "identify --notes FILE' and 'triage --notes FILE' use it.",
    .exits = "0\tFILE was written\n2\tan error",
    .options = learn_table,
    .size = sizeof(struct learn_arguments),
    .run = run,
};
