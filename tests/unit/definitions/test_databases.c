/* ClamAV databases that are read behind walls give what they give without. */
#include "definitions/definitions.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    if (!file || fputs(text, file) < 0 || fclose(file))
        exit(2);
}

static void hear(void *context, const struct yara_message *message)
{
    (void)message;
    ++*(uint32_t *)context;
}

/* Returns what was counted; the ruleset goes to *ret. */
static struct definitions_clamav compile(const char *path, bool walls, struct definitions *ret,
                                         uint32_t *heard)
{
    const struct definitions_options options = {
        .message = hear, .message_context = heard, .walls = walls};
    struct definitions_loader *loader = definitions_loader_new(&options);
    struct why why = {0};
    CHECK_INT(definitions_add_clamav(loader, path, &why), 0);
    CHECK_STR(why.text, "");
    CHECK_INT(definitions_seal(loader, ret, &why), 0);
    struct definitions_clamav found = *definitions_clamav(loader);
    definitions_loader_free(loader);
    return found;
}

static void write_databases(void)
{
    CHECK(mkdir("db", 0700) == 0);
    write_file("db/zz.ign2", "Left.Out-1\n");
    write_file("db/aa.yar", "rule one { strings: $a = \"text to find\" condition: $a }\n"
                            "rule two { condition: nonsense }\n"
                            "rule three { condition: one }\n");
    write_file("db/no.database.txt", "nothing\n");
    write_file("db/x.cbc", "ClamBC\n");
    CHECK(symlink("/nonexistent", "db/gone.hdb") == 0);
    CHECK(mkdir("db/folder.hdb", 0700) == 0);
    /* More than one window, the last line without its end. */
    FILE *file = fopen("db/many.ign2", "w");
    for (int i = 0; file && i < 300000; i++)
        fprintf(file, "Some.Name.Of.A.Signature-%d\r\n", i);
    if (!file || fputs("Last-1", file) < 0 || fclose(file))
        exit(2);
}

static void test_directory(void)
{
    struct definitions plain = {0}, walled = {0};
    uint32_t heard = 0;
    struct definitions_clamav a = compile("db", false, &plain, &heard);
    struct definitions_clamav b = compile("db", true, &walled, &heard);
    CHECK_INT(heard, 0);
    CHECK_INT(a.files, 5);
    CHECK_INT(a.failed, 1);
    CHECK(strncmp(a.failures[0].text, "db/gone.hdb: ", 13) == 0);
    CHECK_INT(a.counts[CLAMAV_IGNORED].read, 300002);
    CHECK_INT(a.counts[CLAMAV_YARA].read, 2);
    CHECK_INT(a.counts[CLAMAV_YARA].refused, 1);
    CHECK_INT(a.counts[CLAMAV_BYTECODE].refused, 1);
    CHECK_INT(a.reason_count, 2);
    CHECK(memcmp(a.counts, b.counts, sizeof a.counts) == 0);
    CHECK(memcmp(a.reasons, b.reasons, sizeof a.reasons) == 0);
    CHECK_INT(b.files, a.files);
    CHECK_STR(b.failures[0].text, a.failures[0].text);
    CHECK(bytes_equal(plain.set.file, walled.set.file));
    CHECK_INT(plain.set.rule_count, 2);
    struct ruleset_label label;
    ruleset_label(&plain.set, 0, &label);
    CHECK_STR(label.name, "YARA.one.UNOFFICIAL");
    CHECK_STR(label.name_space, "aa.yar");
    CHECK(plain.set.rules[0].flags & RULE_SIGNATURE);
    definitions_close(&plain);
    definitions_close(&walled);
}

static void test_refused(void)
{
    const struct definitions_options options = {.message = hear};
    struct definitions_loader *loader = definitions_loader_new(&options);
    struct why why = {0};
    CHECK(mkdir("empty", 0700) == 0);
    CHECK(definitions_add_clamav(loader, "missing", &why) < 0);
    CHECK(definitions_add_clamav(loader, "empty", &why) < 0);
    CHECK(definitions_add_clamav(loader, "db/no.database.txt", &why) < 0);
    CHECK_STR(why.text, "'db/no.database.txt' has no name of a ClamAV database");
    definitions_loader_free(loader);
}

int main(void)
{
    char folder[] = "/tmp/candor-databases-XXXXXX";
    if (!mkdtemp(folder) || chdir(folder) < 0)
        return 2;
    write_databases();
    test_directory();
    test_refused();
    const char *const files[] = {"db/zz.ign2", "db/aa.yar",   "db/no.database.txt",
                                 "db/x.cbc",   "db/gone.hdb", "db/many.ign2"};
    for (size_t i = 0; i < COUNT(files); i++)
        unlink(files[i]);
    return rmdir("db/folder.hdb") | rmdir("db") | rmdir("empty") | rmdir(folder) ? 2
                                                                                 : tap_done();
}
