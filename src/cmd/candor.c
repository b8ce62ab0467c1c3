#include "base/cpu.h"
#include "cmd/commands.h"
#include "cmd/rescue/rescue.h"
#include "sandbox/sandbox.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const struct option no_options[] = {{0}};

static struct command commands[10];

/* The table of subcommands, copied together once because each row lives in its own file. */
static void table_fill(void)
{
    const struct command *rows[] = {&command_scan,    &command_yara,       &command_clamscan,
                                    &command_defs,    &command_quarantine, &command_rescue,
                                    &command_version, &command_help,       &command_dev_docs};
    rescue_table_fill();
    for (size_t i = 0; i < COUNT(rows); i++)
        commands[i] = *rows[i];
}

static int run_without_command(const struct command *self, void *options, int argc, char **argv)
{
    (void)options, (void)argc, (void)argv;
    options_help(self, stderr);
    return EXIT_ERROR;
}

const struct command command_candor = {
    .name = "candor",
    .title = "candor",
    .summary = "the antivirus you can check",
    .arguments = "COMMAND [OPTION]... [ARGUMENT]...",
    .doc =
        "Candor looks for malware in files with YARA rules: its own, which are built in, and "
        "any that you give it. It sends nothing anywhere, and says of every file that it is "
        "clean, that something was found, or that it was not fully examined, and why.",
    .exits = "0\tnothing was found\n1\tsomething was found\n2\tan error\n"
             "3\twith --strict: something was not fully examined\n"
             "4\twith --quarantine: something was found that could not be moved there",
    .examples = "candor scan /home\tlooks for malware with the built-in definitions\n"
                "candor scan --rules rules/ --json /srv\twith your rules too, for a program\n"
                "candor yara rules.yar FILE\tas the yara command does",
    .options = no_options,
    .commands = commands,
    .run = run_without_command,
};

int command_error(const char *text)
{
    fprintf(stderr, "candor: %s\n", text);
    return EXIT_ERROR;
}

static const struct command *find(const struct command *list, const char *name)
{
    for (const struct command *c = list; c && c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

static int fail_command(const struct command *parent, const char *name)
{
    const char *names[16];
    int count = 0;
    for (const struct command *c = parent->commands; c->name; c++)
        if (!c->hidden)
            names[count++] = c->name;
    const char *near = options_nearest(name, names, count);
    if (near)
        fprintf(stderr, "candor: unknown command '%s': did you mean '%s'?\n", name, near);
    else
        fprintf(stderr, "candor: unknown command '%s' (see 'candor help')\n", name);
    return EXIT_ERROR;
}

static bool asks_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int command_run(const struct command *command, int argc, char **argv)
{
    struct why why;
    if (command->own_parser)
        return command->run(command, NULL, argc, argv);
    if (argc > 1 && asks_help(argv[1])) {
        options_help(command, stdout);
        return EXIT_CLEAN;
    }
    if (command->commands && argc > 1 && argv[1][0] != '-') {
        const struct command *sub = find(command->commands, argv[1]);
        return sub ? command_run(sub, argc - 1, argv + 1) : fail_command(command, argv[1]);
    }
    if (command == &command_candor && argc > 1 && strcmp(argv[1], "--version") == 0)
        return command_run(&command_version, argc - 1, argv + 1);
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (!command->as_clamav && strcmp(argv[i], "--help") == 0) {
            options_help(command, stdout);
            return EXIT_CLEAN;
        }
    void *options = calloc(1, command->size ? command->size : 1);
    if (!options)
        return command_error("out of memory");
    if (command->defaults)
        memcpy(options, command->defaults, command->size);
    int n = options_parse(command, options, argc, argv, &why);
    int status = n < 0 ? command_error(why.text) : command->run(command, options, n, argv);
    options_free(command, options);
    free(options);
    return status;
}

static int run_version(const struct command *self, void *options, int argc, char **argv)
{
    (void)self, (void)options, (void)argc, (void)argv;
    printf("candor %s\n", CANDOR_VERSION);
    return EXIT_CLEAN;
}

const struct command command_version = {
    .name = "version",
    .title = "candor-version",
    .summary = "print the version",
    .arguments = "",
    .options = no_options,
    .run = run_version,
};

static int run_help(const struct command *self, void *options, int argc, char **argv)
{
    (void)self, (void)options;
    const struct command *command = &command_candor;
    for (int i = 0; i < argc; i++) {
        const struct command *sub = command->commands ? find(command->commands, argv[i]) : NULL;
        if (!sub)
            return fail_command(command->commands ? command : &command_candor, argv[i]);
        command = sub;
    }
    options_help(command, stdout);
    return EXIT_CLEAN;
}

const struct command command_help = {
    .name = "help",
    .title = "candor-help",
    .summary = "explain a command",
    .arguments = "[COMMAND]",
    .options = no_options,
    .run = run_help,
};

/* `candor dev-docs man [COMMAND [COMMAND]] | bash | zsh | fish`: used by the build. */
static int run_dev_docs(const struct command *self, void *options, int argc, char **argv)
{
    (void)self, (void)options;
    const char *kind = argc > 0 ? argv[0] : "";
    const struct command *command = &command_candor;
    for (int i = 1; i < argc; i++) {
        const struct command *sub = command->commands ? find(command->commands, argv[i]) : NULL;
        if (!sub)
            return fail_command(command, argv[i]);
        command = sub;
    }
    if (strcmp(kind, "man") == 0)
        options_man(&command_candor, command, stdout);
    else if (strcmp(kind, "bash") == 0)
        options_bash(&command_candor, stdout);
    else if (strcmp(kind, "zsh") == 0)
        options_zsh(&command_candor, stdout);
    else if (strcmp(kind, "fish") == 0)
        options_fish(&command_candor, stdout);
    else
        return command_error("dev-docs makes 'man', 'bash', 'zsh' or 'fish'");
    return EXIT_CLEAN;
}

const struct command command_dev_docs = {
    .name = "dev-docs",
    .title = "candor-dev-docs",
    .summary = "print pages made from the tables of options",
    .arguments = "man [COMMAND] | bash | zsh | fish",
    .hidden = true,
    .options = no_options,
    .run = run_dev_docs,
};

/* CANDOR_CPU=scalar|avx2|avx512: for tests and measurements of the slower variants. */
static void cpu_choose(void)
{
    const char *level = getenv("CANDOR_CPU");
    if (level && strcmp(level, "scalar") == 0)
        cpu_force(CPU_SCALAR);
    else if (level && strcmp(level, "avx2") == 0)
        cpu_force(CPU_AVX2);
}

/* The command that the program is called by: a link to it named clamscan, or candor-clamscan.
 */
static const struct command *named_command(const char *program)
{
    const char *slash = strrchr(program, '/'), *name = slash ? slash + 1 : program;
    bool is_clamscan = strcmp(name, "clamscan") == 0 || strcmp(name, "candor-clamscan") == 0;
    return is_clamscan ? &command_clamscan : &command_candor;
}

int main(int argc, char **argv)
{
    struct why why;
    cpu_choose();
    table_fill();
    /* No command needs a network or another program. */
    if (sandbox_confine(&why) < 0)
        command_error(why.text);
    return command_run(named_command(argc > 0 ? argv[0] : ""), argc, argv);
}
