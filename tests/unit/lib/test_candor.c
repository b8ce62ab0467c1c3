/* libcandor as a program sees it: only candor.h, linked with the shared library. */
#include "candor.h"

#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static const char rules_text[] =
    "rule mark : one two { meta: text = \"t\" number = 5 yes = true part = 0.5\n"
    "  strings: $m = \"MARK\" $x = \"secret\" xor $p = \"MARK\" private\n"
    "  condition: any of them }\n"
    "private rule hidden { condition: true }\n"
    "rule named { condition: name == \"it\" and size == 7 and part > 0.4 and yes }\n"
    "rule faulty { condition: nonsense }\n";

static int faults;

static void count_fault(void *context, const struct candor_message *message)
{
    faults += message->is_error && strcmp(message->file, "text") == 0 &&
              strcmp(message->rule, "faulty") == 0 && message->line == 6 &&
              context == (void *)&faults;
}

static struct candor_rules *compile(void)
{
    struct candor_rules *rules = NULL;
    struct candor_error error = {""};
    struct candor_compiler *compiler = candor_compiler_new();
    candor_on_message(compiler, count_fault, &faults);
    CHECK_INT(candor_define_text(compiler, "name", "nobody"), 0);
    CHECK_INT(candor_define_int(compiler, "size", 0), 0);
    CHECK_INT(candor_define_float(compiler, "part", 0), 0);
    CHECK_INT(candor_define_bool(compiler, "yes", false), 0);
    CHECK_INT(candor_define_int(compiler, "size", 0), -EEXIST);
    CHECK_INT(
        candor_add_text(compiler, rules_text, strlen(rules_text), "text", "space", &error), 1);
    CHECK_INT(faults, 1);
    CHECK_INT(candor_define_int(compiler, "late", 0), -EBUSY);
    CHECK_INT(candor_add_file(compiler, "/nowhere", NULL, &error), -ENOENT);
    CHECK_STR(error.text, "cannot open '/nowhere': No such file or directory");
    CHECK_INT(candor_compile(compiler, &rules, &error), 0);
    candor_compiler_free(compiler);
    return rules;
}

static void check_findings(struct candor_scanner *scanner)
{
    struct candor_finding finding;
    struct candor_meta meta;
    struct candor_pattern pattern;
    struct candor_match match;
    const char *tag = "";
    CHECK_INT(candor_scan_memory(scanner, "a MARK and a MARK", 17, NULL), 1);
    CHECK(candor_not_full(scanner) == NULL);
    CHECK_INT(candor_finding(scanner, 0, &finding), 0);
    CHECK_STR(finding.rule, "mark");
    CHECK_STR(finding.name_space, "space");
    CHECK_INT(candor_tag(scanner, 0, 1, &tag), 0);
    CHECK_STR(tag, "two");
    CHECK_INT(candor_tag(scanner, 0, 2, &tag), -ERANGE);
    CHECK(candor_meta(scanner, 0, 0, &meta) == 0 && meta.type == CANDOR_TEXT &&
          meta.length == 1);
    CHECK(candor_meta(scanner, 0, 1, &meta) == 0 && meta.type == CANDOR_INT &&
          meta.integer == 5);
    CHECK(candor_meta(scanner, 0, 2, &meta) == 0 && meta.type == CANDOR_BOOL && meta.integer);
    CHECK_INT(candor_meta(scanner, 0, finding.meta_count, &meta), -ERANGE);
    CHECK_INT(candor_pattern(scanner, 0, 0, &pattern), 0);
    CHECK_STR(pattern.id, "$m");
    CHECK_INT(pattern.match_count, 2);
    CHECK_INT(candor_match(scanner, 0, 0, 1, &match), 0);
    CHECK(match.offset == 13 && match.length == 4 && memcmp(match.data, "MARK", 4) == 0);
    CHECK_INT(candor_match(scanner, 0, 0, 2, &match), -ERANGE);
    CHECK(candor_pattern(scanner, 0, 2, &pattern) == 0 && pattern.match_count == 0);
    CHECK_INT(candor_finding(scanner, 1, &finding), -ERANGE);
    CHECK_INT(candor_scan_memory(scanner, "", 0, NULL), 0);
    CHECK_INT(candor_finding(scanner, 0, &finding), -ERANGE);
}

static void check_variables(struct candor_scanner *scanner)
{
    struct candor_finding finding;
    CHECK_INT(candor_set_text(scanner, "name", "it"), 0);
    CHECK_INT(candor_set_int(scanner, "size", 7), 0);
    CHECK_INT(candor_set_float(scanner, "part", 0.5), 0);
    CHECK_INT(candor_set_bool(scanner, "yes", true), 0);
    CHECK_INT(candor_set_int(scanner, "unknown", 7), -ENOENT);
    CHECK_INT(candor_set_text(scanner, "unknown", "x"), -ENOENT);
    CHECK_INT(candor_scan_memory(scanner, "x", 1, NULL), 1);
    CHECK(candor_finding(scanner, 0, &finding) == 0 && strcmp(finding.rule, "named") == 0);
    CHECK_INT(candor_set_text(scanner, "name", "nobody"), 0);
    CHECK_INT(candor_scan_memory(scanner, "x", 1, NULL), 0);
}

static void check_files(struct candor_scanner *scanner, const struct candor_rules *rules)
{
    char name[] = "/tmp/candor-lib-XXXXXX", saved[64];
    struct candor_rules *mapped = NULL;
    struct candor_error error;
    int fd = mkstemp(name);
    CHECK(fd >= 0 && write(fd, "xx MARK", 7) == 7);
    CHECK_INT(candor_scan_fd(scanner, fd, &error), 1);
    CHECK_INT(candor_scan_file(scanner, name, &error), 1);
    CHECK_INT(candor_scan_file(scanner, "/nowhere", &error), -ENOENT);
    CHECK_INT(candor_scan_file(scanner, "/tmp", &error), -EINVAL);
    CHECK_INT(candor_scan_fd(scanner, -1, &error), -EBADF);
    snprintf(saved, sizeof saved, "%s.cdr", name);
    CHECK_INT(candor_rules_save(rules, saved, &error), 0);
    CHECK_INT(candor_rules_open(saved, &mapped, &error), 0);
    CHECK_INT(candor_rules_count(mapped), candor_rules_count(rules));
    struct candor_scanner *second = candor_scanner_new(mapped);
    CHECK_INT(candor_scan_file(second, name, &error), 1);
    candor_scanner_free(second);
    candor_rules_free(mapped);
    CHECK(candor_rules_open(name, &mapped, &error) < 0);
    close(fd);
    unlink(name);
    unlink(saved);
}

static void *scan_often(void *context)
{
    struct candor_scanner *scanner = candor_scanner_new(context);
    intptr_t good = scanner != NULL;
    for (int i = 0; i < 300 && good; i++)
        good = candor_scan_memory(scanner, "a MARK", 6, NULL) == 1 &&
               candor_scan_memory(scanner, "no mark", 7, NULL) == 0;
    candor_scanner_free(scanner);
    return (void *)good;
}

int main(void)
{
    CHECK(strlen(candor_version()) >= 5);
    struct candor_rules *rules = compile();
    CHECK_INT(candor_rules_count(rules), 3);
    struct candor_scanner *scanner = candor_scanner_new(rules);
    check_findings(scanner);
    check_variables(scanner);
    check_files(scanner, rules);
    candor_scanner_free(scanner);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, scan_often, rules) == 0);
    for (int i = 0; i < 4; i++) {
        void *good = NULL;
        pthread_join(threads[i], &good);
        CHECK(good != NULL);
    }
    candor_rules_free(rules);
    candor_rules_free(NULL);
    candor_scanner_free(NULL);
    candor_compiler_free(NULL);
    return tap_done();
}
