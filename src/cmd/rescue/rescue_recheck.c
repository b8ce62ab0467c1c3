#include "cmd/rescue/rescue.h"
#include "cmd/rescue/rescue_knowledge.h"
#include "rescue/park/park.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define KNOWLEDGE_MEMORY ((size_t)256 << 20)

struct recheck_arguments {
    const char *cases;
    bool json;
};

#define TARGET(field) offsetof(struct recheck_arguments, field)

static const struct option recheck_table[] = {
    {"cases", 0, OPTION_TEXT, "DIR", "Options", "cases are in DIR",
     "Without it: where 'candor rescue triage' records them.", NULL, TARGET(cases)},
    {"json", 0, OPTION_FLAG, NULL, "Options",
     "write JSON Lines, an object for each piece of news", NULL, NULL, TARGET(json)},
    {0}};

static int run(const struct command *self, void *parsed, int argc, char **argv)
{
    const struct recheck_arguments *arguments = parsed;
    struct arena *arena = arena_new(KNOWLEDGE_MEMORY);
    struct knowledge knowledge;
    struct text out = {0};
    struct why why;
    uint32_t news = 0, cases = 0;
    (void)self, (void)argv;
    if (argc) {
        arena_free(arena);
        return command_error("'recheck' takes no arguments");
    }
    if (arguments->cases && access(arguments->cases, R_OK | X_OK) < 0) {
        (void)fail(&why, errno, "cannot read the cases in '%.180s': %s", arguments->cases,
                   strerror(errno));
        arena_free(arena);
        return command_error(why.text);
    }
    int error = arena ? rescue_knowledge_open(NULL, arena, &knowledge, &why)
                      : fail(&why, ENOMEM, "out of memory");
    if (!error)
        error = park_recheck(arguments->cases, &knowledge, arguments->json, &out, &news, &cases,
                             &why);
    arena_free(arena);
    if (error) {
        text_free(&out);
        return command_error(why.text);
    }
    if (!arguments->json && !cases)
        text_word(&out, "No case is recorded\n");
    else if (!arguments->json && !news)
        text_printf(&out, "%u case%s, no news\n", cases, cases == 1 ? "" : "s");
    int status = text_write(&out, 1) < 0 ? EXIT_ERROR : news ? EXIT_FOUND : EXIT_CLEAN;
    text_free(&out);
    return status;
}

const struct command rescue_recheck_command = {
    .name = "recheck",
    .title = "candor-rescue-recheck",
    .summary = "say whether newer definitions help in recorded cases",
    .arguments = "",
    .doc =
        "Compares what was known of a family when a case was recorded with what is known now. "
        "Nothing is asked of a network.",
    .exits = "0\tno news\n1\tthere is news\n2\tan error",
    .options = recheck_table,
    .size = sizeof(struct recheck_arguments),
    .run = run,
};
