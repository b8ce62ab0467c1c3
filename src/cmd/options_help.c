#include "cmd/options.h"

#include <string.h>

enum { HELP_COLUMN = 30, HELP_WIDTH = 92 };

/* Prints text from column `at`, broken at spaces. */
static void print_wrapped(FILE *to, const char *text, int at)
{
    int column = at;
    while (*text) {
        size_t len = strcspn(text, " ");
        if (column > at && column + 1 + (int)len > HELP_WIDTH) {
            fprintf(to, "\n%*s", at, "");
            column = at;
        } else if (column > at) {
            fputc(' ', to);
            column++;
        }
        fprintf(to, "%.*s", (int)len, text);
        column += (int)len;
        text += len + (text[len] == ' ');
    }
    fputc('\n', to);
}

static void print_option(FILE *to, const struct option *option)
{
    char head[80];
    int n = option->letter
                ? snprintf(head, sizeof head, "  -%c, --%s", option->letter, option->name)
                : snprintf(head, sizeof head, "      --%s", option->name);
    if (option->argument)
        n += snprintf(head + n, sizeof head - (size_t)n, "=%s", option->argument);
    else if (option->kind == OPTION_SWITCH)
        n += snprintf(head + n, sizeof head - (size_t)n, "[=yes/no]");
    fputs(head, to);
    if (n >= HELP_COLUMN - 1) {
        fputc('\n', to);
        n = 0;
    }
    fprintf(to, "%*s", HELP_COLUMN - n, "");
    print_wrapped(to, option->help, HELP_COLUMN);
}

/* A table "left TAB right NEWLINE ..." with the left side padded. */
static void print_pairs(FILE *to, const char *heading, const char *pairs, int width,
                        const char *before)
{
    if (!pairs)
        return;
    fprintf(to, "\n%s:\n", heading);
    bytes rest = bytes_of(pairs), line, left;
    while (bytes_cut(&rest, '\n', &line)) {
        if (!line.len)
            continue;
        bytes_cut(&line, '\t', &left);
        fprintf(to, "  %s%-*.*s  %.*s\n", before, width, (int)left.len, (const char *)left.at,
                (int)line.len, (const char *)line.at);
    }
}

static void print_commands(FILE *to, const struct command *commands)
{
    fputs("\nCommands:\n", to);
    for (const struct command *c = commands; c->name; c++)
        if (!c->hidden)
            fprintf(to, "  %-10s  %s\n", c->name, c->summary);
}

static void print_usage(FILE *to, const struct command *command)
{
    char words[64];
    snprintf(words, sizeof words, "%s", command->title);
    for (char *p = words; (p = strchr(p, '-')); p++)
        *p = ' ';
    fprintf(to, "%s: %s\n\nUsage: %s%s %s\n", words, command->summary, words,
            command->options && command->options->name ? " [OPTION]..." : "",
            command->arguments);
}

void options_help(const struct command *command, FILE *to)
{
    const char *category = "";
    print_usage(to, command);
    if (command->commands)
        print_commands(to, command->commands);
    for (const struct option *o = command->options; o && o->name; o++) {
        if (!o->category)
            continue;
        if (strcmp(category, o->category) != 0)
            fprintf(to, "\n%s:\n", o->category);
        category = o->category;
        print_option(to, o);
    }
    print_pairs(to, "Exit status", command->exits, 3, "");
    if (command->examples) {
        bytes rest = bytes_of(command->examples), line, left;
        fputs("\nExamples:\n", to);
        while (bytes_cut(&rest, '\n', &line))
            if (line.len && bytes_cut(&line, '\t', &left))
                fprintf(to, "  %.*s\n      %.*s\n", (int)left.len, (const char *)left.at,
                        (int)line.len, (const char *)line.at);
    }
}
