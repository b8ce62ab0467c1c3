#include "cmd/commands.h"
#include "quarantine/mend.h"
#include "quarantine/restore.h"
#include "scan/text.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct quarantine_arguments {
    const char *directory, *to;
    bool json, force, yes;
};

#define TARGET(field)  offsetof(struct quarantine_arguments, field)
#define SHOW_MEMORY    ((size_t)64 << 20)
#define DIRECTORY_HELP "the quarantine is in DIR"

#define DIRECTORY_ROW                                                                          \
    {                                                                                          \
        "directory", 0, OPTION_TEXT, "DIR", "Options", DIRECTORY_HELP,                         \
            "Without it: /var/lib/candor/quarantine for root, else candor/quarantine below "   \
            "$XDG_DATA_HOME or ~/.local/share.",                                               \
            NULL, TARGET(directory)                                                            \
    }
#define JSON_ROW                                                                               \
    {                                                                                          \
        "json", 0, OPTION_FLAG, NULL, "Options", "write JSON Lines, an object for each entry", \
            NULL, NULL, TARGET(json)                                                           \
    }

static const struct option list_table[] = {JSON_ROW, DIRECTORY_ROW, {0}};
static const struct option show_table[] = {JSON_ROW, DIRECTORY_ROW, {0}};
static const struct option restore_table[] = {
    {"to", 0, OPTION_TEXT, "PATH", "Options",
     "put it there instead of where it was found; into PATH where that is a directory",
     "Where it was found, no part of the way may have become a symbolic link; links in a PATH "
     "that you give are followed.",
     NULL, TARGET(to)},
    {"force", 'f', OPTION_FLAG, NULL, "Options", "over a file that is there", NULL, NULL,
     TARGET(force)},
    JSON_ROW,
    DIRECTORY_ROW,
    {0}};
static const struct option delete_table[] = {
    {"yes", 'y', OPTION_FLAG, NULL, "Options", "do not ask", NULL, NULL, TARGET(yes)},
    DIRECTORY_ROW,
    {0}};

/* --- writing down --- */

static void print_time(struct text *out, struct timespec time, bool utc)
{
    char when[64];
    struct tm parts;
    if (!(utc ? gmtime_r(&time.tv_sec, &parts) : localtime_r(&time.tv_sec, &parts)) ||
        !strftime(when, sizeof when, utc ? "%Y-%m-%dT%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &parts)) {
        text_printf(out, "%lld", (long long)time.tv_sec);
        return;
    }
    text_word(out, when);
    if (utc)
        text_printf(out, ".%09ldZ", time.tv_nsec);
}

static void json_text(struct text *out, const char *name, bytes value)
{
    text_printf(out, ",\"%s\":", name);
    text_json(out, value);
    if (!text_is_utf8(value)) {
        text_printf(out, ",\"%s_hex\":\"", name);
        text_hex(out, value);
        text_byte(out, '"');
    }
}

static void json_time(struct text *out, const char *name, struct timespec time)
{
    text_printf(out, ",\"%s\":\"", name);
    print_time(out, time, true);
    text_byte(out, '"');
}

static void json_findings(struct text *out, const struct entry_facts *facts)
{
    text_printf(out, ",\"findings_in_all\":%llu,\"findings\":[",
                (unsigned long long)facts->findings);
    for (uint32_t i = 0; i < facts->finding.n; i++) {
        const struct entry_finding *finding = &facts->finding.at[i];
        text_word(out, i ? ",{\"rule\":" : "{\"rule\":");
        text_json(out, finding->rule);
        json_text(out, "namespace", finding->name_space);
        json_text(out, "source", finding->source);
        json_text(out, "object", finding->object);
        text_byte(out, '}');
    }
    text_byte(out, ']');
}

static void json_entry(struct text *out, const struct vault_entry *entry)
{
    const struct entry_facts *facts = &entry->facts;
    text_printf(out, "{\"id\":\"%s\"", entry->id);
    json_text(out, "path", facts->path);
    text_printf(out, ",\"size\":%llu,\"sha256\":\"", (unsigned long long)facts->size);
    text_hex(out, (bytes){facts->sha256, ENTRY_SHA256});
    text_printf(out, "\",\"mode\":\"%04o\",\"uid\":%u,\"gid\":%u", facts->mode, facts->uid,
                facts->gid);
    json_text(out, "owner", facts->owner);
    json_text(out, "group", facts->group);
    text_printf(out, ",\"links\":%llu,\"device\":%llu,\"inode\":%llu",
                (unsigned long long)facts->links, (unsigned long long)facts->device,
                (unsigned long long)facts->inode);
    json_time(out, "quarantined", facts->taken);
    json_time(out, "modified", facts->modified);
    json_time(out, "accessed", facts->accessed);
    json_time(out, "changed", facts->changed);
    json_text(out, "version", facts->version);
    text_printf(out, ",\"in_place\":%s,\"attributes\":{",
                entry->state == VAULT_MOVING ? "true" : "false");
    for (uint32_t i = 0; i < facts->attribute.n; i++) {
        text_word(out, i ? "," : "");
        text_json(out, facts->attribute.at[i].name);
        text_word(out, ":\"");
        text_hex(out, facts->attribute.at[i].value);
        text_byte(out, '"');
    }
    text_byte(out, '}');
    json_findings(out, facts);
    text_word(out, "}\n");
}

static void print_row(struct text *out, const struct vault_entry *entry)
{
    const struct entry_facts *facts = &entry->facts;
    text_printf(out, "%s  ", entry->id);
    print_time(out, facts->taken, false);
    text_word(out, "  ");
    text_size(out, facts->size);
    text_word(out, "  ");
    text_visible(out, facts->finding.n ? facts->finding.at[0].rule : bytes_of("-"));
    if (facts->findings > 1)
        text_printf(out, " and %llu more", (unsigned long long)facts->findings - 1);
    text_word(out, "  ");
    text_visible(out, facts->path);
    text_byte(out, '\n');
}

static void print_field(struct text *out, const char *name)
{
    text_printf(out, "  %-12s", name);
}

static void print_times(struct text *out, const struct entry_facts *facts)
{
    const struct {
        const char *name;
        struct timespec time;
    } rows[] = {{"taken", facts->taken},
                {"modified", facts->modified},
                {"accessed", facts->accessed},
                {"changed", facts->changed}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        print_field(out, rows[i].name);
        print_time(out, rows[i].time, true);
        text_byte(out, '\n');
    }
}

static void print_found(struct text *out, const struct entry_facts *facts)
{
    for (uint32_t i = 0; i < facts->finding.n; i++) {
        const struct entry_finding *finding = &facts->finding.at[i];
        print_field(out, i ? "" : "found");
        text_visible(out, finding->rule);
        text_word(out, " in ");
        text_visible(out, finding->name_space);
        text_word(out, " (");
        text_visible(out, finding->source);
        text_byte(out, ')');
        if (finding->object.len) {
            text_word(out, ": ");
            text_visible(out, finding->object);
        }
        text_byte(out, '\n');
    }
    if (facts->findings > facts->finding.n) {
        print_field(out, "");
        text_printf(out, "and %llu more\n",
                    (unsigned long long)facts->findings - facts->finding.n);
    }
}

static void print_entry(struct text *out, const struct vault_entry *entry)
{
    const struct entry_facts *facts = &entry->facts;
    text_printf(out, "%s\n", entry->id);
    print_field(out, "path");
    text_visible(out, facts->path);
    text_byte(out, '\n');
    print_field(out, "size");
    text_grouped(out, facts->size);
    text_word(out, " bytes\n");
    print_field(out, "SHA-256");
    text_hex(out, (bytes){facts->sha256, ENTRY_SHA256});
    text_byte(out, '\n');
    print_field(out, "owner");
    text_printf(out, "%u (", facts->uid);
    text_visible(out, facts->owner);
    text_printf(out, "), group %u (", facts->gid);
    text_visible(out, facts->group);
    text_printf(out, "), mode %04o\n", facts->mode);
    print_field(out, "was");
    text_printf(out, "inode %llu of device %llu, with %llu name%s\n",
                (unsigned long long)facts->inode, (unsigned long long)facts->device,
                (unsigned long long)facts->links, facts->links == 1 ? "" : "s");
    print_times(out, facts);
    for (uint32_t i = 0; i < facts->attribute.n; i++) {
        print_field(out, i ? "" : "attributes");
        text_visible(out, facts->attribute.at[i].name);
        text_printf(out, ", %zu bytes\n", facts->attribute.at[i].value.len);
    }
    print_found(out, facts);
    print_field(out, "by");
    text_word(out, "candor ");
    text_visible(out, facts->version);
    text_byte(out, '\n');
    if (entry->state == VAULT_MOVING)
        text_word(out, "  still in its place: another program is moving it\n");
}

/* --- commands --- */

/* Opens the quarantine after what killed processes left is out of the way. *ret is NULL where
 * there is none. */
static int open_vault(const struct quarantine_arguments *arguments, struct vault **ret,
                      struct why *why)
{
    char path[PATH_MAX];
    struct mend_counts counts;
    struct why mend;
    int error = arguments->directory ? 0 : vault_default(path, sizeof path, why);
    *ret = NULL;
    if (!error)
        error = vault_open(arguments->directory ? arguments->directory : path, false, ret, why);
    if (error)
        return error == -ENOENT && !arguments->directory ? 0 : error;
    if (mend_vault(*ret, &counts, &mend) < 0)
        fprintf(stderr, "candor: cleaning up in quarantine: %s\n", mend.text);
    if (counts.dropped + counts.finished)
        fprintf(stderr, "candor: after a run that was killed: finished %u, dropped %u\n",
                counts.finished, counts.dropped);
    return 0;
}

static int write_text(struct text *out)
{
    int error = text_write(out, 1);
    text_free(out);
    return error ? EXIT_ERROR : EXIT_CLEAN;
}

static int run_list(const struct command *self, void *parsed, int argc, char **argv)
{
    const struct quarantine_arguments *arguments = parsed;
    struct vault *vault;
    struct vault_list list = {0};
    struct vault_entry entry;
    struct why why;
    struct text out = {0};
    int status = EXIT_CLEAN;
    (void)self, (void)argv;
    if (argc)
        return command_error("'list' takes no arguments");
    struct arena *arena = arena_new(SHOW_MEMORY);
    int error = open_vault(arguments, &vault, &why);
    if (!error && vault)
        error = vault_all(vault, &list, &why);
    for (size_t i = 0; arena && !error && i < list.n; i++) {
        if (list.at[i].state != VAULT_ENTRY && list.at[i].state != VAULT_MOVING)
            continue;
        arena_reset(arena);
        if (vault_load(vault, list.at[i].id, arena, &entry, &why) < 0) {
            status = command_error(why.text);
            continue;
        }
        if (arguments->json)
            json_entry(&out, &entry);
        else
            print_row(&out, &entry);
        vault_entry_close(&entry);
    }
    vault_list_free(&list);
    vault_close(vault);
    arena_free(arena);
    if (error)
        status = command_error(why.text);
    else if (!out.len && !status && !arguments->json)
        text_word(&out, "Nothing is in quarantine\n");
    int written = write_text(&out);
    return status ? status : written;
}

/* What a command does with each entry that it is given. */
typedef int entry_action(struct vault *vault, const char *id,
                         const struct quarantine_arguments *arguments, struct text *out,
                         struct why *why);

static int run_each(const struct quarantine_arguments *arguments, int argc, char **argv,
                    entry_action *action)
{
    struct vault *vault;
    struct why why;
    struct text out = {0};
    char id[VAULT_ID + 1];
    int status = EXIT_CLEAN;
    if (argc == 0)
        return command_error("no ID given (see 'candor quarantine list')");
    if (open_vault(arguments, &vault, &why) < 0)
        return command_error(why.text);
    for (int i = 0; i < argc; i++) {
        int error = vault ? vault_find(vault, argv[i], id, &why)
                          : fail(&why, ENOENT, "nothing is in quarantine");
        if (!error)
            error = action(vault, id, arguments, &out, &why);
        if (error)
            status = command_error(why.text);
    }
    vault_close(vault);
    int written = write_text(&out);
    return status ? status : written;
}

static int show(struct vault *vault, const char *id,
                const struct quarantine_arguments *arguments, struct text *out, struct why *why)
{
    struct vault_entry entry;
    struct arena *arena = arena_new(SHOW_MEMORY);
    int error =
        arena ? vault_load(vault, id, arena, &entry, why) : fail(why, ENOMEM, "out of memory");
    if (!error) {
        if (arguments->json)
            json_entry(out, &entry);
        else
            print_entry(out, &entry);
        vault_entry_close(&entry);
    }
    arena_free(arena);
    return error;
}

static int run_show(const struct command *self, void *parsed, int argc, char **argv)
{
    (void)self;
    return run_each(parsed, argc, argv, show);
}

static int restore(struct vault *vault, const char *id,
                   const struct quarantine_arguments *arguments, struct text *out,
                   struct why *why)
{
    const struct restore_options options = {.to = arguments->to, .force = arguments->force};
    char path[ENTRY_PATH];
    int error = restore_entry(vault, id, &options, path, why);
    if (error)
        return why_wrap(why, error, id);
    if (arguments->json) {
        text_printf(out, "{\"id\":\"%s\"", id);
        json_text(out, "path", bytes_of(path));
        text_word(out, "}\n");
    } else {
        text_printf(out, "%s is back: ", id);
        text_visible(out, bytes_of(path));
        text_byte(out, '\n');
    }
    return 0;
}

static int run_restore(const struct command *self, void *parsed, int argc, char **argv)
{
    const struct quarantine_arguments *arguments = parsed;
    (void)self;
    if (arguments->to && argc > 1 && arguments->force)
        return command_error("several entries over one file: say '--to' for each");
    return run_each(arguments, argc, argv, restore);
}

static int drop(struct vault *vault, const char *id,
                const struct quarantine_arguments *arguments, struct text *out, struct why *why)
{
    struct vault_entry entry;
    struct arena *arena = arena_new(SHOW_MEMORY);
    (void)arguments, (void)out;
    int error =
        arena ? vault_load(vault, id, arena, &entry, why) : fail(why, ENOMEM, "out of memory");
    /* What cannot be read any more can be deleted all the same. */
    if (error == -EBADMSG) {
        error = vault_drop(vault, id, VAULT_ENTRY, why);
    } else if (!error) {
        error = vault_lock(vault, &entry, why);
        if (!error)
            error = vault_drop(vault, id, entry.state, why);
        vault_entry_close(&entry);
    }
    arena_free(arena);
    return error;
}

static bool ask(int count)
{
    char answer[16] = "";
    fprintf(stderr, "Delete %d file%s for ever? [y/N] ", count, count == 1 ? "" : "s");
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int run_delete(const struct command *self, void *parsed, int argc, char **argv)
{
    const struct quarantine_arguments *arguments = parsed;
    (void)self;
    if (argc && !arguments->yes && !isatty(0))
        return command_error("nobody can be asked: say '--yes'");
    if (argc && !arguments->yes && !ask(argc))
        return command_error("nothing was deleted");
    return run_each(arguments, argc, argv, drop);
}

static const struct command quarantine_commands[] = {
    {.name = "list",
     .title = "candor-quarantine-list",
     .summary = "list what is in quarantine, after cleaning up what killed runs left",
     .arguments = "",
     .exits = "0\tsuccess\n2\tan error: some entry could not be read",
     .options = list_table,
     .size = sizeof(struct quarantine_arguments),
     .run = run_list},
    {.name = "show",
     .title = "candor-quarantine-show",
     .summary = "show all that is known of entries",
     .arguments = "ID...",
     .exits = "0\tsuccess\n2\tan error",
     .options = show_table,
     .size = sizeof(struct quarantine_arguments),
     .run = run_show},
    {.name = "restore",
     .title = "candor-quarantine-restore",
     .summary = "put files back as they were",
     .arguments = "ID...",
     .exits = "0\tall are back\n2\tan error: what is not back is still in quarantine",
     .options = restore_table,
     .size = sizeof(struct quarantine_arguments),
     .run = run_restore},
    {.name = "delete",
     .title = "candor-quarantine-delete",
     .summary = "delete files for ever",
     .arguments = "ID...",
     .exits = "0\tall are deleted\n2\tan error, or the answer was no",
     .options = delete_table,
     .size = sizeof(struct quarantine_arguments),
     .run = run_delete},
    {0}};

static int run_quarantine(const struct command *self, void *options, int argc, char **argv)
{
    (void)options, (void)argc, (void)argv;
    options_help(self, stderr);
    return EXIT_ERROR;
}

static const struct option no_options[] = {{0}};

const struct command command_quarantine = {
    .name = "quarantine",
    .title = "candor-quarantine",
    .summary = "list, show, restore and delete files in quarantine",
    .arguments = "COMMAND [OPTION]... [ID]...",
    .doc =
        "candor scan --quarantine moves files in which something was found out of their place. "
        "They are stored encrypted, so that other scanners and users do not trip over them; "
        "the key lies beside them, readable for their owner alone, and keeps nothing from "
        "root. With each goes what is needed to put it back as it was: its path, owner, mode, "
        "times, extended attributes and access lists, and what was found in it.\n\n"
        "An ID may be cut to its first digits as long as they say which entry is meant.\n\n"
        "At whatever moment candor is killed, the file is whole in its place, or whole in "
        "quarantine, or both; the next command finishes what was begun. A file is only "
        "removed if it is the very file that was examined, unchanged.",
    .exits = "0\tsuccess\n2\tan error",
    .examples = "candor scan --quarantine /home\tmove what is found\n"
                "candor quarantine list\tsee what is there\n"
                "candor quarantine show 3f2a\tall that is known of one\n"
                "candor quarantine restore 3f2a --to /tmp/sample\tput it somewhere else",
    .options = no_options,
    .commands = quarantine_commands,
    .run = run_quarantine,
};
