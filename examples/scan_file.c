/* scan_file RULES FILE...: prints what YARA rules find in files, with libcandor.
 *
 *   cc scan_file.c $(pkg-config --cflags --libs candor) -o scan_file */
#include <candor.h>

#include <stdio.h>
#include <stdlib.h>

static void print_message(void *context, const struct candor_message *message)
{
    (void)context;
    fprintf(stderr, "%s:%u:%u: %s: %s\n", message->file, message->line, message->column,
            message->is_error ? "error" : "warning", message->text);
}

static struct candor_rules *compile(const char *path)
{
    struct candor_rules *rules = NULL;
    struct candor_error error;
    struct candor_compiler *compiler = candor_compiler_new();
    if (!compiler)
        return NULL;
    candor_on_message(compiler, print_message, NULL);
    if (candor_add_file(compiler, path, NULL, &error) < 0 ||
        candor_compile(compiler, &rules, &error) < 0)
        fprintf(stderr, "%s\n", error.text);
    candor_compiler_free(compiler);
    return rules;
}

static void print_findings(struct candor_scanner *scanner, const char *path)
{
    struct candor_finding finding;
    struct candor_pattern pattern;
    struct candor_match match;
    for (uint32_t i = 0; candor_finding(scanner, i, &finding) == 0; i++) {
        printf("%s: %s\n", path, finding.rule);
        for (uint32_t k = 0; candor_pattern(scanner, i, k, &pattern) == 0; k++)
            for (uint32_t m = 0; candor_match(scanner, i, k, m, &match) == 0; m++)
                printf("  %s at %llu, %u bytes\n", pattern.id, (unsigned long long)match.offset,
                       match.length);
    }
    if (candor_not_full(scanner))
        printf("%s: not fully examined: %s\n", path, candor_not_full(scanner));
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: scan_file RULES FILE...\n");
        return EXIT_FAILURE;
    }
    struct candor_rules *rules = compile(argv[1]);
    struct candor_scanner *scanner = rules ? candor_scanner_new(rules) : NULL;
    int status = scanner ? EXIT_SUCCESS : EXIT_FAILURE;
    for (int i = 2; scanner && i < argc; i++) {
        struct candor_error error;
        if (candor_scan_file(scanner, argv[i], &error) < 0) {
            fprintf(stderr, "%s: %s\n", argv[i], error.text);
            status = EXIT_FAILURE;
        } else {
            print_findings(scanner, argv[i]);
        }
    }
    candor_scanner_free(scanner);
    candor_rules_free(rules);
    return status;
}
