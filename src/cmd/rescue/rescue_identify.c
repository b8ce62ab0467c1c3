#include "cmd/rescue/rescue.h"
#include "rescue/format.h"
#include "scan/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FITS_MAX = 5 };

struct identify_arguments {
    bool json;
};

#define TARGET(field) offsetof(struct identify_arguments, field)

static const struct option identify_table[] = {{"json", 0, OPTION_FLAG, NULL, "Options",
                                                "write JSON Lines, an object for each file",
                                                NULL, NULL, TARGET(json)},
                                               {0}};

static const char *fit_word(enum fit fit)
{
    return fit == FIT_IS ? "is" : "can be";
}

static void print_fit(struct text *out, const struct format *format,
                      const struct recognition *fit)
{
    text_printf(out, "  %s %s", fit_word(fit->fit), format->title);
    if (fit->variant)
        text_printf(out, " (%s)", fit->variant);
    text_printf(out, ": %s\n", fit->reason.text);
}

static void json_fit(struct text *out, const struct format *format,
                     const struct recognition *fit)
{
    text_printf(out, "{\"family\":\"%s\",\"certain\":%s,\"reason\":", format->family,
                fit->fit == FIT_IS ? "true" : "false");
    text_json(out, bytes_of(fit->reason.text));
    text_byte(out, '}');
}

static int identify(const char *path, bool json, struct text *out, struct why *why)
{
    const struct format *found[FITS_MAX];
    struct recognition fits[FITS_MAX];
    struct stat facts;
    const char *slash = strrchr(path, '/');
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0 || fstat(fd, &facts) < 0 || !S_ISREG(facts.st_mode)) {
        int error = fail(why, fd < 0 ? errno : EINVAL, "cannot read '%s': %s", path,
                         fd < 0 ? strerror(errno) : "not a regular file");
        if (fd >= 0)
            close(fd);
        return error;
    }
    struct source source =
        source_of_file(fd, (uint64_t)facts.st_size, bytes_of(slash ? slash + 1 : path));
    size_t n = format_recognise(&source, found, fits, FITS_MAX);
    close(fd);

    if (json) {
        text_word(out, "{\"path\":");
        text_json(out, bytes_of(path));
        text_word(out, ",\"formats\":[");
    } else {
        text_visible(out, bytes_of(path));
        text_word(out, n ? "\n" : ": of no format that is known\n");
    }
    for (size_t i = 0; i < n; i++) {
        if (json && i)
            text_byte(out, ',');
        (json ? json_fit : print_fit)(out, found[i], &fits[i]);
    }
    if (json)
        text_word(out, "]}\n");
    return 0;
}

static int run(const struct command *self, void *parsed, int argc, char **argv)
{
    const struct identify_arguments *arguments = parsed;
    struct text out = {0};
    struct why why;
    int status = EXIT_CLEAN;
    (void)self;
    if (!argc)
        return command_error("no PATH given (see 'candor rescue identify --help')");
    for (int i = 0; i < argc; i++)
        if (identify(argv[i], arguments->json, &out, &why) < 0)
            status = command_error(why.text);
    if (text_write(&out, 1) < 0)
        status = EXIT_ERROR;
    text_free(&out);
    return status;
}

const struct command rescue_identify_command = {
    .name = "identify",
    .title = "candor-rescue-identify",
    .summary = "say which ransomware encrypted files or wrote notes, and why",
    .arguments = "PATH...",
    .exits = "0\tsuccess\n2\tan error",
    .options = identify_table,
    .size = sizeof(struct identify_arguments),
    .run = run,
};
