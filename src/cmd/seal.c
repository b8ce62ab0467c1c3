/* seal — a program of the build: compiles definitions/ into the ruleset that candor carries,
 * masked (see embedded.h).
 * candor-seal OUTPUT FILE...: the namespace of a file is its name without folder and ending. A
 * fault in a rule fails the build. */
#include "cmd/definitions_report.h"
#include "cmd/embedded.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add(struct definitions_loader *loader, const char *path, uint32_t *errors,
               struct why *why)
{
    char name[128];
    const char *slash = strrchr(path, '/');
    snprintf(name, sizeof name, "%s", slash ? slash + 1 : path);
    char *dot = strrchr(name, '.');
    if (dot)
        *dot = 0;
    return definitions_add_file(loader, path, name, errors, why);
}

static int write_masked(bytes file, const char *path, struct why *why)
{
    uint8_t *masked = malloc(file.len);
    FILE *out = masked ? fopen(path, "wb") : NULL;
    int error = out ? 0 : fail(why, EIO, "cannot write '%s'", path);
    if (out) {
        embedded_mask(file.at, masked, file.len);
        size_t written = fwrite(masked, 1, file.len, out);
        if (fclose(out) || written != file.len)
            error = fail(why, EIO, "cannot write '%s'", path);
    }
    free(masked);
    return error;
}

int main(int argc, char **argv)
{
    struct definitions_report report = {.source = true};
    struct external externals[8];
    struct definitions definitions;
    struct why why = {""};
    uint32_t errors = 0;
    if (argc < 2)
        return EXIT_FAILURE;
    const struct definitions_options options = {
        .message = definitions_report_message,
        .message_context = &report,
        .externals = externals,
        .external_count = definitions_report_externals(NULL, 0, externals, COUNT(externals)),
    };
    struct definitions_loader *loader = definitions_loader_new(&options);
    int error = loader ? 0 : -1;
    for (int i = 2; !error && i < argc; i++)
        error = add(loader, argv[i], &errors, &why);
    if (!error && !errors)
        error = definitions_seal(loader, &definitions, &why);
    if (!error && !errors) {
        error = write_masked(definitions.set.file, argv[1], &why);
        definitions_close(&definitions);
    }
    if (error || errors)
        fprintf(stderr, "candor-seal: %u errors %s\n", errors, why.text);
    definitions_loader_free(loader);
    return error || errors ? EXIT_FAILURE : EXIT_SUCCESS;
}
