#include "cmd/rescue/rescue.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const struct option no_options[] = {{0}};

static struct command rescue_commands[12];

void rescue_table_fill(void)
{
    const struct command *const rows[] = {
        &rescue_decrypt_command, &rescue_identify_command, &rescue_learn_command,
        &rescue_pair_command,    &rescue_recheck_command,  &rescue_salvage_command,
        &rescue_triage_command,  &rescue_zip_command,
    };
    _Static_assert(COUNT(rows) < COUNT(rescue_commands), "the table ends with an empty row");
    for (size_t i = 0; i < COUNT(rows); i++)
        rescue_commands[i] = *rows[i];
}

bytes rescue_name(bytes path)
{
    size_t at = path.len;
    while (at && path.at[at - 1] != '/')
        at--;
    return bytes_slice(path, at, path.len);
}

int rescue_open(const char *path, struct stat *ret, struct why *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return fail(why, errno, "cannot read '%.150s': %s", path, strerror(errno));
    if (fstat(fd, ret) == 0 && S_ISREG(ret->st_mode))
        return fd;
    close(fd);
    return fail(why, EINVAL, "'%.150s' is no file", path);
}

static int run_rescue(const struct command *self, void *options, int argc, char **argv)
{
    (void)options, (void)argc, (void)argv;
    options_help(self, stderr);
    return EXIT_ERROR;
}

const struct command command_rescue = {
    .name = "rescue",
    .title = "candor-rescue",
    .summary = "after ransomware: what it was, and the files back",
    .arguments = "COMMAND [OPTION]... PATH...",
    .doc =
        "For someone whose files were encrypted. Nothing is sent anywhere, and nothing that "
        "is there is changed: what comes back is written beside it.\n\n"
        "Work on a copy of the disk where you can, and keep the encrypted files and the notes: "
        "a key may be published later.",
    .exits = "0\tsuccess\n2\tan error",
    .examples =
        "candor rescue triage /srv/data\twhat happened there, and what to do first\n"
        "candor rescue identify /srv/data\twhat encrypted these files\n"
        "candor rescue decrypt --dry-run --key police.pem /srv/data\twhat would come back",
    .options = no_options,
    .commands = rescue_commands,
    .run = run_rescue,
};
