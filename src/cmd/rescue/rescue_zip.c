#include "base/cpu.h"
#include "cmd/rescue/rescue.h"
#include "home/home.h"
#include "rescue/pair/outfile.h"
#include "rescue/zip/crew.h"
#include "sandbox/channel.h"
#include "scan/text.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PRINTABLE_MOST = 8, LETTERS_MOST = 9, WAIT = 500, CHUNK = 32 };

struct zip_arguments {
    const char *plain, *member, *keys, *output;
    struct option_list known;
    int64_t from, password;
    bool json;
};

#define TARGET(field) offsetof(struct zip_arguments, field)

static const struct option zip_table[] = {
    {"plain", 0, OPTION_TEXT, "FILE", "Options",
     "a file that is in the archive, as it was before it was packed",
     "It is found there by its size and CRC-32, and packed again in the ways that zlib has "
     "until "
     "its packed size is the same.",
     NULL, TARGET(plain)},
    {"member", 0, OPTION_TEXT, "NAME", "Options",
     "the member that --plain or --known are about", NULL, NULL, TARGET(member)},
    {"known", 0, OPTION_LIST, "OFFSET:HEX", "Options",
     "bytes of the member, as it is packed: 8 in a row and 4 more at least", NULL, NULL,
     TARGET(known)},
    {"keys", 0, OPTION_TEXT, "X-Y-Z", "Options",
     "the keys, when they are known: three words in hex", NULL, NULL, TARGET(keys)},
    {"from", 0, OPTION_NUMBER, "N", "Options", "go on with value N, as a stopped run said",
     NULL, NULL, TARGET(from)},
    {"password", 0, OPTION_NUMBER, "LENGTH", "Options",
     "look for passwords of letters and digits of up to LENGTH (9; 10 take minutes)", NULL,
     NULL, TARGET(password)},
    {"output", 0, OPTION_TEXT, "DIR", "Options",
     "write the archive without encryption into DIR", NULL, NULL, TARGET(output)},
    {"json", 0, OPTION_FLAG, NULL, "Options", "write a JSON object", NULL, NULL, TARGET(json)},
    {0}};

static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

struct run {
    const struct zip_arguments *arguments;
    const char *path;
    struct stat facts;
    struct crew_job job;
    struct attack_known known[CREW_KNOWN];
    struct zip_keys keys;
    char password[PASSWORD_MOST + 1];
    bool has_password;
    uint32_t values, known_count, members, legacy;
    char name[CREW_NAME];
    double seconds;
    struct archive_result result;
    char written[OUTFILE_PATH];
    size_t processes;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* --- what was given --- */

static int add_known(struct run *run, const char *text, struct why *why)
{
    char *end;
    errno = 0;
    unsigned long long at = strtoull(text, &end, 0);
    if (errno || end == text || *end != ':' || !end[1])
        return fail(why, EINVAL, "'%.100s' is not OFFSET:HEX", text);
    for (const char *hex = end + 1; *hex; hex += 2, at++) {
        int high = ascii_hex((uint8_t)hex[0]), low = hex[1] ? ascii_hex((uint8_t)hex[1]) : -1;
        if (high < 0 || low < 0)
            return fail(why, EINVAL, "'%.100s' has no pairs of hex digits", end + 1);
        if (run->job.known_count == CREW_KNOWN)
            return fail(why, EINVAL, "more than %d known bytes", CREW_KNOWN);
        run->known[run->job.known_count++] =
            (struct attack_known){at, (uint8_t)(high << 4 | low)};
    }
    return 0;
}

static int read_keys(const char *text, struct zip_keys *ret, struct why *why)
{
    uint32_t *const words[] = {&ret->x, &ret->y, &ret->z};
    for (size_t i = 0; i < COUNT(words); i++) {
        char *end;
        errno = 0;
        unsigned long word = strtoul(text, &end, 16);
        if (errno || end == text || word > UINT32_MAX || *end != (i < 2 ? '-' : 0))
            return fail(why, EINVAL,
                        "keys are three words in hex, as 12345678-23456789-34567890");
        *words[i] = (uint32_t)word;
        text = end + 1;
    }
    return 0;
}

static int begin(struct run *run, struct why *why)
{
    const struct zip_arguments *a = run->arguments;
    struct stat plain;
    run->job = (struct crew_job){.archive = -1,
                                 .plain = -1,
                                 .level = cpu_level(),
                                 .known = run->known,
                                 .from = (uint32_t)a->from};
    if (a->from > UINT32_MAX || a->password > PASSWORD_MOST)
        return fail(why, EINVAL, "a number is too large");
    run->job.archive = rescue_open(run->path, &run->facts, why);
    if (run->job.archive < 0)
        return run->job.archive;
    run->job.archive_size = (uint64_t)run->facts.st_size;
    if (a->member)
        run->job.member = bytes_of(a->member);
    for (int i = 0; i < a->known.n; i++) {
        int error = add_known(run, a->known.at[i], why);
        if (error)
            return error;
    }
    if (a->plain) {
        run->job.plain = rescue_open(a->plain, &plain, why);
        if (run->job.plain < 0)
            return run->job.plain;
        run->job.plain_size = (uint64_t)plain.st_size;
    }
    cpu_set_t cpus;
    run->processes = sched_getaffinity(0, sizeof cpus, &cpus) ? 1 : (size_t)CPU_COUNT(&cpus);
    return 0;
}

/* --- the attack --- */

static void show_progress(const struct run *run, const struct crew_page *page, double since)
{
    uint32_t values = page->values, done = page->done;
    if (!isatty(2) || !values || done > values)
        return;
    double each = (now() - since) / (done > run->job.from ? done - run->job.from : 1);
    fprintf(stderr, "\r%u of %u values, at most %.0f s more   ", done, values,
            each * (values - done));
}

static int attack_ended(struct run *run, const struct crew_page *page, struct why *why)
{
    if (!page->ready)
        return fail(why, EFAULT, "what reads the archive was stopped");
    if (page->error)
        return fail(why, EBADMSG, "%s", page->why.text);
    if (page->found) {
        run->keys = page->keys;
        return 0;
    }
    if (interrupted) {
        uint32_t open = (uint32_t)run->processes * CHUNK;
        uint32_t from = page->next > run->job.from + open ? page->next - open : run->job.from;
        return fail(why, EINTR, "stopped: go on with --from %u", from);
    }
    if (page->done < page->values)
        return fail(why, EFAULT, "what looks for the keys was stopped");
    return fail(why, ENOENT,
                "no keys give the known bytes of '%.80s': they are not what is in the archive",
                page->name);
}

static int attack(struct run *run, struct why *why)
{
    struct crew crew;
    double since = now();
    int error = crew_attack(&run->job, run->processes, &crew, why);
    if (error)
        return error;
    while (!crew_wait(&crew, WAIT)) {
        crew.page->stop |= interrupted != 0;
        show_progress(run, crew.page, since);
    }
    if (isatty(2))
        fprintf(stderr, "\r%60s\r", "");
    channel_tame(crew.page->why.text, sizeof crew.page->why.text);
    channel_tame(crew.page->name, sizeof crew.page->name);
    error = attack_ended(run, crew.page, why);
    run->values = crew.page->values;
    run->known_count = crew.page->known;
    memcpy(run->name, crew.page->name, sizeof run->name);
    run->seconds = now() - since;
    crew_end(&crew);
    return error;
}

/* --- the password --- */

static int try_passwords(struct run *run, const char *list, unsigned from, unsigned to,
                         struct why *why)
{
    struct password_set set = password_set(bytes_of(list));
    for (unsigned len = from; len <= to && !run->has_password && !interrupted; len++) {
        struct crew crew;
        int error =
            crew_password(run->keys, &set, len, len > 7 ? run->processes : 1, &crew, why);
        if (error)
            return error;
        while (!crew_wait(&crew, WAIT))
            crew.page->stop |= interrupted != 0;
        if (crew.page->found) {
            memcpy(run->password, crew.page->password, sizeof run->password);
            channel_tame(run->password, sizeof run->password);
            struct zip_keys keys = zipcrypto_of_password(bytes_of(run->password));
            run->has_password =
                keys.x == run->keys.x && keys.y == run->keys.y && keys.z == run->keys.z;
        }
        crew_end(&crew);
    }
    return 0;
}

static int find_password(struct run *run, struct why *why)
{
    char printable[96];
    unsigned most =
        run->arguments->password ? (unsigned)run->arguments->password : LETTERS_MOST;
    for (unsigned i = 0; i < 95; i++)
        printable[i] = (char)(' ' + i);
    printable[95] = 0;
    unsigned all = most < PRINTABLE_MOST ? most : PRINTABLE_MOST;
    int error = try_passwords(run, printable, 0, all, why);
    return error ? error : try_passwords(run, letters, all + 1, most, why);
}

/* --- the archive --- */

struct writing {
    struct outfile *file;
    struct why *why;
};

static int write_part(void *context, bytes part)
{
    struct writing *writing = context;
    return outfile_write(writing->file, part, writing->why);
}

static int write_nothing(void *context, bytes part)
{
    (void)context, (void)part;
    return 0;
}

static int open_archive(struct run *run, struct why *why)
{
    const char *output = run->arguments->output;
    if (!output)
        return crew_open(&run->job, run->keys, write_nothing, NULL, &run->result, why);
    const char *slash = strrchr(run->path, '/');
    int error = home_make(output, why);
    if (error)
        return error;
    int root = open(output, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return fail(why, errno, "cannot open '%.150s': %s", output, strerror(errno));
    struct outfile file;
    error = outfile_begin(&file, root, output, slash ? slash + 1 : run->path, why);
    close(root);
    if (error)
        return error;
    struct writing writing = {&file, why};
    error = crew_open(&run->job, run->keys, write_part, &writing, &run->result, why);
    if (!error && !run->result.opened && !run->result.unknown)
        error = fail(why, EKEYREJECTED, "the keys open no member: nothing was written");
    if (!error)
        error = outfile_end(&file, &run->facts, why);
    else
        outfile_drop(&file);
    if (!error)
        memcpy(run->written, file.path, sizeof run->written);
    return error;
}

/* --- what came of it --- */

static void print_json(const struct run *run, struct text *out)
{
    const struct archive_result *r = &run->result;
    text_word(out, "{\"path\":");
    text_json(out, bytes_of(run->path));
    text_printf(out, ",\"keys\":\"%08x-%08x-%08x\"", run->keys.x, run->keys.y, run->keys.z);
    if (run->values) {
        text_word(out, ",\"member\":");
        text_json(out, bytes_of(run->name));
        text_printf(out, ",\"known\":%u,\"values\":%u,\"seconds\":%.1f", run->known_count,
                    run->values, run->seconds);
    }
    if (run->has_password) {
        text_word(out, ",\"password\":");
        text_json(out, bytes_of(run->password));
    }
    text_printf(out, ",\"proven\":%u,\"unknown\":%u,\"plain\":%u,\"left\":%u,\"broken\":%u",
                r->opened, r->unknown, r->plain, r->left, r->broken);
    if (run->written[0]) {
        text_word(out, ",\"written\":");
        text_json(out, bytes_of(run->written));
    }
    text_word(out, "}\n");
}

static void print_text(const struct run *run, struct text *out)
{
    const struct archive_result *r = &run->result;
    text_visible(out, bytes_of(run->path));
    text_printf(out, ": keys %08x-%08x-%08x\n", run->keys.x, run->keys.y, run->keys.z);
    if (run->values) {
        text_printf(out, "  found by %u known bytes of ", run->known_count);
        text_visible(out, bytes_of(run->name));
        text_printf(out, ", %u values, in %.1f s\n", run->values, run->seconds);
    }
    if (run->has_password) {
        text_word(out, "  password: ");
        text_visible(out, bytes_of(run->password));
        text_byte(out, '\n');
    } else {
        text_word(out,
                  "  no short password gives these keys; they open the archive without it\n");
    }
    text_printf(out, "  %u members proven by their CRC-32", r->opened);
    if (r->unknown)
        text_printf(out, ", %u of unknown kind", r->unknown);
    if (r->plain)
        text_printf(out, ", %u were not encrypted", r->plain);
    if (r->left)
        text_printf(out,
                    ", %u left as they were: another password, or encrypted in another way",
                    r->left);
    if (r->broken)
        text_printf(out, ", %u left as they were: damaged, or another password", r->broken);
    text_byte(out, '\n');
    if (run->written[0]) {
        text_word(out, "  written without encryption: ");
        text_visible(out, bytes_of(run->written));
        text_byte(out, '\n');
    }
}

static int work(struct run *run, struct why *why)
{
    int error = begin(run, why);
    if (!error && run->arguments->keys)
        error = read_keys(run->arguments->keys, &run->keys, why);
    else if (!error)
        error = attack(run, why);
    if (!error)
        error = find_password(run, why);
    return error ? error : open_archive(run, why);
}

static int run_zip(const struct command *self, void *parsed, int argc, char **argv)
{
    struct why why = {""};
    struct text out = {0};
    (void)self;
    if (argc != 1)
        return command_error("give one ARCHIVE (see 'candor rescue zip --help')");
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return command_error("out of memory");
    run->arguments = parsed;
    run->path = argv[0];
    const struct sigaction act = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &act, NULL);
    int error = work(run, &why);
    bool all = !run->result.left && !run->result.broken;
    if (!error)
        (run->arguments->json ? print_json : print_text)(run, &out);
    if (text_write(&out, 1) < 0 && !error)
        error = fail(&why, EPIPE, "cannot write the result");
    text_free(&out);
    if (run->job.archive >= 0)
        close(run->job.archive);
    if (run->job.plain >= 0)
        close(run->job.plain);
    free(run);
    if (error)
        return command_error(why.text);
    return all ? EXIT_CLEAN : EXIT_NOT_FULLY;
}

static const struct zip_arguments defaults = {.from = 0};

const struct command rescue_zip_command = {
    .name = "zip",
    .title = "candor-rescue-zip",
    .summary = "open a zip archive with the old encryption by 12 bytes that are known",
    .arguments = "[OPTION]... ARCHIVE",
    .doc =
        "The old encryption of zip, which some ransomware and many people use, falls when 12 "
        "bytes of one member are known: 8 in a row and 4 anywhere. A picture, database or "
        "office "
        "file that is stored unpacked begins with bytes that all of its kind have: then "
        "nothing "
        "has to be given. Else give a file that is in the archive, or bytes of one.\n\n"
        "With the keys, every member with the same password is decrypted and proven by its "
        "CRC-32; a short password is found, too. AES-encrypted archives are not opened by "
        "this. "
        "A run takes minutes; Ctrl-C ends it and says how to go on.",
    .exits = "0\tthe archive is open\n2\tan error, or the keys were not found\n"
             "3\topen, but for members with another password",
    .examples =
        "candor rescue zip --output open/ photos.zip\tknows how pictures begin\n"
        "candor rescue zip --plain readme.txt --output open/ all.zip\treadme.txt is in it",
    .options = zip_table,
    .size = sizeof(struct zip_arguments),
    .defaults = &defaults,
    .run = run_zip,
};
