/* Rules that are compiled behind walls give what they give without. */
#include "definitions/definitions.h"
#include "tap.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char heard[2][4096];

static void hear(void *context, const struct yara_message *message)
{
    char *to = context;
    size_t len = strlen(to);
    snprintf(to + len, sizeof heard[0] - len, "%d %s %.*s:%u:%u+%u %s (%.*s) %.*s\n",
             (int)message->severity, message->code, (int)message->file.len,
             (const char *)message->file.at, message->line, message->column, message->length,
             message->text, (int)message->rule.len, (const char *)message->rule.at,
             (int)message->source_line.len, (const char *)message->source_line.at);
}

static int compile(const char *path, bool walls, struct definitions *ret, uint32_t *errors,
                   struct why *why)
{
    const struct external external = {
        .name = bytes_of("colour"), .type = TYPE_STRING, .text = bytes_of("red")};
    const struct definitions_options options = {.message = hear,
                                                .message_context = heard[walls],
                                                .externals = &external,
                                                .external_count = 1,
                                                .walls = walls};
    struct definitions_loader *loader = definitions_loader_new(&options);
    int error = definitions_add_file(loader, path, "space", errors, why);
    if (!error)
        error = definitions_add_text(loader, bytes_of("rule text { condition: true }"), "text",
                                     NULL, errors, why);
    if (!error)
        error = definitions_seal(loader, ret, why);
    definitions_loader_free(loader);
    return error;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    if (!file || fputs(text, file) < 0 || fclose(file))
        exit(2);
}

/* The same ruleset to the byte, the same messages, the same counts. */
static void same(const char *path)
{
    struct definitions plain = {0}, walled = {0};
    uint32_t plain_errors = 0, walled_errors = 0;
    struct why why = {0};
    heard[0][0] = heard[1][0] = 0;
    CHECK_INT(compile(path, false, &plain, &plain_errors, &why), 0);
    CHECK_INT(compile(path, true, &walled, &walled_errors, &why), 0);
    CHECK_STR(why.text, "");
    CHECK_INT(walled_errors, plain_errors);
    CHECK_STR(heard[1], heard[0]);
    CHECK(plain.set.rule_count > 0);
    CHECK(bytes_equal(plain.set.file, walled.set.file));
    definitions_close(&plain);
    definitions_close(&walled);
}

/* A flaw in the compiler is played by a message that never comes back: the worker is killed
 * while it waits for the answer. */
static void hear_and_kill(void *context, const struct yara_message *message)
{
    (void)message;
    char command[128];
    FILE *children;
    int pid = 0;
    snprintf(command, sizeof command, "/proc/self/task/%d/children", (int)getpid());
    children = fopen(command, "r");
    if (children && fscanf(children, "%d", &pid) == 1)
        kill(pid, SIGKILL);
    if (children)
        fclose(children);
    *(int *)context = pid;
}

static void dies(const char *path)
{
    int pid = 0;
    const struct definitions_options options = {
        .message = hear_and_kill, .message_context = &pid, .walls = true};
    struct definitions_loader *loader = definitions_loader_new(&options);
    struct definitions made;
    struct why why = {0};
    int error = definitions_add_file(loader, path, NULL, NULL, &why);
    if (!pid) {
        tap_skip("a compiler that dies", "the kernel does not list children");
    } else {
        CHECK_INT(error, -EFAULT);
        CHECK_STR(why.text, "the compiler of the rules was stopped by Killed");
        CHECK_INT(definitions_seal(loader, &made, &why), -EFAULT);
    }
    definitions_loader_free(loader);
}

int main(void)
{
    char folder[] = "/tmp/candor-forge-XXXXXX";
    struct definitions made;
    struct why why = {0};
    if (!mkdtemp(folder) || chdir(folder) < 0)
        return 2;
    write_file("good.yar", "import \"pe\"\n"
                           "rule a { strings: $a = \"hello\" $b = /ab+c{2,9}/ nocase\n"
                           "condition: all of them and colour == \"red\" }\n"
                           "rule b { condition: pe.is_pe or a }\n");
    write_file("bad.yar", "include \"good.yar\"\ninclude \"none.yar\"\n"
                          "rule c { strings: $a = { 00 condition: $a }\n"
                          "rule d { condition: nowhere == 1 }\nrule e { condition: true }\n");
    same("good.yar");
    same("bad.yar");
    dies("bad.yar");
    CHECK_INT(compile("nowhere.yar", true, &made, NULL, &why), -ENOENT);
    CHECK_STR(why.text, "cannot open 'nowhere.yar': No such file or directory");
    unlink("good.yar");
    unlink("bad.yar");
    rmdir(folder);
    return tap_done();
}
