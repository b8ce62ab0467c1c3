#include "cmd/options.h"

#include <string.h>

/* Text for roff: backslashes doubled, dashes kept as dashes, a leading dot or quote guarded. */
static void roff(FILE *to, const char *text)
{
    for (const char *p = text; *p; p++) {
        bool starts = p == text || p[-1] == '\n';
        if (starts && (*p == '.' || *p == '\''))
            fputs("\\&", to);
        if (*p == '\\')
            fputs("\\e", to);
        else if (*p == '-')
            fputs("\\-", to);
        else if (*p == '\n' && p[1] == '\n')
            fputs("\n.PP", to);
        else
            fputc(*p, to);
    }
}

static void roff_view(FILE *to, bytes view)
{
    char line[512];
    snprintf(line, sizeof line, "%.*s", (int)view.len, (const char *)view.at);
    roff(to, line);
}

static void roff_sentence(FILE *to, const char *text)
{
    char first = *text;
    if (first >= 'a' && first <= 'z')
        first = (char)(first - 32);
    fputc(first, to);
    roff(to, text + 1);
    fputs(text[strlen(text) - 1] == '.' ? "\n" : ".\n", to);
}

static void man_option(const struct option *option, FILE *to)
{
    fputs(".TP\n\\fB", to);
    if (option->letter)
        fprintf(to, "\\-%c\\fR, \\fB", option->letter);
    fputs("\\-\\-", to);
    roff(to, option->name);
    fputs("\\fR", to);
    if (option->argument)
        fprintf(to, "=\\fI%s\\fR", option->argument);
    else if (option->kind == OPTION_SWITCH)
        fputs("[=yes/no]", to);
    fputc('\n', to);
    roff_sentence(to, option->help);
    if (option->doc)
        roff_sentence(to, option->doc);
}

static void man_pairs(const char *heading, const char *pairs, FILE *to)
{
    if (!pairs)
        return;
    fprintf(to, ".SH %s\n", heading);
    bytes rest = bytes_of(pairs), line, left;
    while (bytes_cut(&rest, '\n', &line)) {
        if (!line.len || !bytes_cut(&line, '\t', &left))
            continue;
        fputs(".TP\n.B ", to);
        roff_view(to, left);
        fputc('\n', to);
        roff_view(to, line);
        fputc('\n', to);
    }
}

/* "candor defs compile" of "candor-defs-compile". */
static void print_words(const char *title, FILE *to)
{
    for (const char *p = title; *p; p++)
        fputc(*p == '-' ? ' ' : *p, to);
}

static void man_commands(const struct command *command, FILE *to)
{
    fputs(".SH COMMANDS\n", to);
    for (const struct command *c = command->commands; c->name; c++) {
        if (c->hidden)
            continue;
        fprintf(to, ".TP\n.B %s\n", c->name);
        roff_sentence(to, c->summary);
    }
}

/* Whether it is a command of that command. */
static bool man_is_below(const struct command *parent, const struct command *command)
{
    for (const struct command *c = parent->commands; c && c->name; c++)
        if (c == command)
            return true;
    return false;
}

static void man_names(const struct command *list, const struct command *except,
                      const char **between, FILE *to)
{
    for (const struct command *c = list; c && c->name; c++) {
        if (c == except || c->hidden || !c->doc)
            continue;
        fprintf(to, "%s.BR %s (1)", *between, c->title);
        *between = ",\n";
    }
}

/* A command of a command names its siblings, any other one its own commands and the main ones.
 */
static void man_see_also(const struct command *program, const struct command *command, FILE *to)
{
    const char *between = "";
    const struct command *parent = NULL;
    for (const struct command *c = program->commands; c->name; c++)
        if (man_is_below(c, command))
            parent = c;
    fputs(".SH SEE ALSO\n", to);
    if (command != program) {
        fputs(".BR candor (1)", to);
        between = ",\n";
    }
    if (parent) {
        fprintf(to, "%s.BR %s (1)", between, parent->title);
        man_names(parent->commands, command, &between, to);
    } else {
        if (command != program)
            man_names(command->commands, NULL, &between, to);
        man_names(program->commands, command, &between, to);
    }
    fputc('\n', to);
}

/* The options of a command, or of a command of a command, under their headings. */
static void man_options(const struct command *command, bool is_main, FILE *to)
{
    const char *category = "";
    if (!command->options || !command->options->name || command->hidden)
        return;
    fputs(is_main ? ".SH OPTIONS" : ".SH OPTIONS OF ", to);
    if (!is_main)
        print_words(command->title, to);
    fputc('\n', to);
    for (const struct option *o = command->options; o->name; o++) {
        if (!o->category)
            continue;
        if (strcmp(category, o->category) != 0)
            fprintf(to, ".SS %s\n", o->category);
        category = o->category;
        man_option(o, to);
    }
}

void options_man(const struct command *program, const struct command *command, FILE *to)
{
    fprintf(to, ".TH \"%s\" \"1\" \"\" \"Candor\" \"User Commands\"\n.SH NAME\n",
            command->title);
    roff(to, command->title);
    fputs(" \\- ", to);
    roff(to, command->summary);
    fputs("\n.SH SYNOPSIS\n.B ", to);
    print_words(command->title, to);
    fprintf(to, "\n%s",
            command->options && command->options->name ? "[\\fIOPTION\\fR]... " : "");
    roff(to, command->arguments);
    fputs("\n.SH DESCRIPTION\n", to);
    roff(to, command->doc ? command->doc : command->summary);
    fputc('\n', to);
    if (command->commands)
        man_commands(command, to);
    man_options(command, true, to);
    for (const struct command *c = command->commands; c && c->name; c++)
        man_options(c, false, to);
    man_pairs("EXIT STATUS", command->exits, to);
    man_pairs("EXAMPLES", command->examples, to);
    man_see_also(program, command, to);
}

static bool takes_file(const struct option *option)
{
    return option->argument &&
           (strstr(option->argument, "FILE") || strstr(option->argument, "DIR"));
}

static void bash_options(const struct command *command, FILE *to)
{
    fputs("        opts=\"", to);
    for (const struct option *o = command->options; o && o->name; o++)
        if (o->category)
            fprintf(to, "--%s ", o->name);
    for (const struct command *c = command->commands; c && c->name; c++) {
        fprintf(to, "%s ", c->name);
        for (const struct option *o = c->options; o->name; o++)
            fprintf(to, "--%s ", o->name);
    }
    fputs("\"\n", to);
}

static void bash_values(const struct command *command, FILE *to)
{
    fputs("        case $prev in\n", to);
    for (const struct option *o = command->options; o && o->name; o++) {
        if (!o->argument || !o->category)
            continue;
        fprintf(to, "        --%s", o->name);
        if (o->letter)
            fprintf(to, "|-%c", o->letter);
        if (o->choices)
            fprintf(to, ") COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n",
                    o->choices);
        else if (takes_file(o))
            fputs(") COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n", to);
        else
            fputs(") return ;;\n", to);
    }
    fputs("        *) ;;\n        esac\n", to);
}

void options_bash(const struct command *program, FILE *to)
{
    fputs("# bash completion for candor; made from its table of options\n"
          "_candor()\n{\n    local cur prev cmd opts\n    cur=${COMP_WORDS[COMP_CWORD]}\n"
          "    prev=${COMP_WORDS[COMP_CWORD-1]}\n    cmd=${COMP_WORDS[1]}\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W '",
          to);
    for (const struct command *c = program->commands; c->name; c++)
        if (!c->hidden)
            fprintf(to, "%s ", c->name);
    fputs("' -- \"$cur\"))\n        return\n    fi\n    case $cmd in\n", to);
    for (const struct command *c = program->commands; c->name; c++) {
        if (c->hidden)
            continue;
        fprintf(to, "    %s)\n", c->name);
        bash_options(c, to);
        bash_values(c, to);
        fputs("        ;;\n", to);
    }
    fputs("    *) opts= ;;\n    esac\n"
          "    if [[ $cur == -* ]]; then\n"
          "        COMPREPLY=($(compgen -W \"$opts\" -- \"$cur\"))\n    else\n"
          "        COMPREPLY=($(compgen -f -- \"$cur\"))\n    fi\n}\n"
          "complete -o filenames -F _candor candor\n",
          to);
}

/* Inside single quotes of zsh's _arguments: brackets, colons and quotes mean something. */
static void zsh_text(const char *text, FILE *to)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", to);
        else if (strchr("[]:\\", *text))
            fprintf(to, "\\%c", *text);
        else
            fputc(*text, to);
    }
}

static void zsh_option(const struct option *option, FILE *to)
{
    fprintf(to, " \\\n        '%s--%s%s[", option->kind == OPTION_LIST ? "*" : "", option->name,
            option->argument ? "=" : "");
    zsh_text(option->help, to);
    fputc(']', to);
    if (option->argument) {
        fputs(": :", to);
        if (option->choices)
            fprintf(to, "(%s)", option->choices);
        else if (takes_file(option))
            fputs("_files", to);
    }
    fputc('\'', to);
}

/* The commands of a command as its first argument. */
static void zsh_commands(const struct command *commands, FILE *to)
{
    fputs(" \\\n        '1: :(", to);
    for (const struct command *c = commands; c->name; c++)
        fprintf(to, "%s%s", c == commands ? "" : " ", c->name);
    fputs(")'", to);
}

void options_zsh(const struct command *program, FILE *to)
{
    fputs("#compdef candor\n# made from candor's table of options\n_candor() {\n"
          "    local -a commands\n    commands=(\n",
          to);
    for (const struct command *c = program->commands; c->name; c++) {
        if (c->hidden)
            continue;
        fprintf(to, "        '%s:", c->name);
        zsh_text(c->summary, to);
        fputs("'\n", to);
    }
    fputs(
        "    )\n    if (( CURRENT == 2 )); then\n        _describe command commands\n"
        "        return\n    fi\n    shift words\n    (( CURRENT-- ))\n    case $words[1] in\n",
        to);
    for (const struct command *c = program->commands; c->name; c++) {
        if (c->hidden)
            continue;
        fprintf(to, "    %s)\n        _arguments", c->name);
        for (const struct option *o = c->options; o && o->name; o++)
            if (o->category)
                zsh_option(o, to);
        if (c->commands)
            zsh_commands(c->commands, to);
        fputs(" '*:file:_files' ;;\n", to);
    }
    fputs("    esac\n}\n_candor \"$@\"\n", to);
}

static void fish_text(const char *text, FILE *to)
{
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            fputc('\\', to);
        fputc(*text, to);
    }
}

static void fish_options(const struct command *command, const char *after, FILE *to)
{
    for (const struct option *o = command->options; o && o->name; o++) {
        if (!o->category)
            continue;
        fprintf(to, "complete -c candor -n '__fish_seen_subcommand_from %s' -l %s", after,
                o->name);
        if (o->letter)
            fprintf(to, " -s %c", o->letter);
        if (o->choices)
            fprintf(to, " -x -a '%s'", o->choices);
        else if (o->argument)
            fputs(takes_file(o) ? " -r" : " -x", to);
        fputs(" -d '", to);
        fish_text(o->help, to);
        fputs("'\n", to);
    }
}

void options_fish(const struct command *program, FILE *to)
{
    fputs("# fish completion for candor; made from its table of options\n", to);
    for (const struct command *c = program->commands; c->name; c++) {
        if (c->hidden)
            continue;
        fprintf(to, "complete -c candor -n __fish_use_subcommand -f -a %s -d '", c->name);
        fish_text(c->summary, to);
        fputs("'\n", to);
        fish_options(c, c->name, to);
        for (const struct command *sub = c->commands; sub && sub->name; sub++) {
            fprintf(to, "complete -c candor -n '__fish_seen_subcommand_from %s' -f -a %s -d '",
                    c->name, sub->name);
            fish_text(sub->summary, to);
            fputs("'\n", to);
            fish_options(sub, sub->name, to);
        }
    }
}
