/* candor yara — does what the yara command does, with its words: options, output, messages and
 * exit statuses are YARA 4.5's. docs/yara-command.md lists where they differ. */
#include "cmd/commands.h"
#include "cmd/yara_output.h"
#include "definitions/definitions.h"
#include "definitions/rulefiles.h"
#include "scan/content.h"
#include "scan/examine/examine.h"
#include "scan/facts.h"
#include "scan/pool/pool.h"
#include "scan/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define USAGE "Usage: yara [OPTION]... [NAMESPACE:]RULES_FILE... FILE | DIR | PID"

enum { THREADS_MAX = 32, TOO_DEEP = 100, NEVER = 1 << 30 };

/* The number of a libyara error that its command prints as a number. */
enum { ERROR_DUPLICATED_EXTERNAL = 56 };

struct module_file {
    bytes module, data;
};

/* What scans: in a sealed worker, or, for the memory of a process, in this one. */
struct yara_worker {
    struct yara_run *run;
    struct scanner *scanner;
    struct text logs;
};

/* The reply of a worker about one file: this, then what goes to stdout, then to stderr. */
struct yara_reply {
    int32_t matching;
    uint32_t out; /* bytes */
    bool good;
};

struct yara_run {
    struct yara_arguments arguments;
    struct yara_output output;
    struct definitions definitions;
    struct external externals[YARA_LIST_MAX];
    uint32_t external_count;
    struct module_file modules[YARA_LIST_MAX];
    uint32_t module_count;
    int errors, warnings; /* of the rules */
    char twice[128];      /* the rule that was reported last as defined twice */
    int jobs;
    struct pool *pool;
    bool many;                /* targets: not one alone */
    bool bad;                 /* something about the one target went wrong */
    volatile bool stop;       /* the time is up */
    struct timespec deadline; /* of the monotonic clock */
    sem_t done;
};

/* --- rules --- */

/* yara does not read on in a rule whose name is taken, and gives up on a file's rules that rest
 * on faulty ones before it sees them: messages that it would not print. */
static bool is_unsaid(struct yara_run *run, const struct yara_message *message, bool is_twice)
{
    if (is_twice)
        snprintf(run->twice, sizeof run->twice, "%.*s", (int)message->rule.len,
                 (const char *)message->rule.at);
    else if (!bytes_is(message->rule, run->twice))
        run->twice[0] = 0;
    return strcmp(message->code, "faulty_rule") == 0 ||
           (!is_twice && message->rule.len && bytes_is(message->rule, run->twice));
}

static void print_message(void *context, const struct yara_message *message)
{
    struct yara_run *run = context;
    bool is_error = message->severity == YARA_ERROR;
    bool is_twice = strcmp(message->code, "duplicated_identifier") == 0;
    const char *kind = is_error ? "error" : "warning";
    if ((!is_error && run->arguments.no_warnings) || is_unsaid(run, message, is_twice))
        return;
    *(is_error ? &run->errors : &run->warnings) += 1;
    int file = (int)message->file.len, rule = is_twice ? 0 : (int)message->rule.len;
    if (rule)
        fprintf(stderr, "%s: rule \"%.*s\" in %.*s(%u): %s\n", kind, rule,
                (const char *)message->rule.at, file, (const char *)message->file.at,
                message->line, message->text);
    else
        fprintf(stderr, "%.*s(%u): %s: %s\n", file, (const char *)message->file.at,
                message->line, kind, message->text);
}

/* The values of -d. A wrong one ends the list without an error, as in yara. */
static void parse_externals(struct yara_run *run)
{
    for (int i = 0; i < run->arguments.externals.n; i++) {
        const char *text = run->arguments.externals.at[i];
        if (!external_parse(text, &run->externals[run->external_count])) {
            fprintf(stderr, "error: wrong syntax for `-d` option.\n");
            return;
        }
        run->external_count++;
    }
}

static bool load_module_data(struct yara_run *run)
{
    for (int i = 0; i < run->arguments.module_data.n; i++) {
        const char *text = run->arguments.module_data.at[i], *equal = strchr(text, '=');
        if (!equal) {
            fprintf(stderr, "error: wrong syntax for `-x` option.\n");
            return false;
        }
        struct module_file *file = &run->modules[run->module_count];
        file->module = (bytes){(const uint8_t *)text, (size_t)(equal - text)};
        if (rulefiles_read(equal + 1, SIZE_MAX / 4, &file->data, NULL) < 0) {
            fprintf(stderr, "error: could not open file \"%s\".\n", equal + 1);
            return false;
        }
        run->module_count++;
    }
    return true;
}

static bytes module_data(void *context, bytes module)
{
    const struct yara_run *run = context;
    for (uint32_t i = run->module_count; i > 0; i--)
        if (bytes_equal(run->modules[i - 1].module, module))
            return run->modules[i - 1].data;
    return (bytes){NULL, 0};
}

/* The last variable, if it was defined before: yara looks at the last result only. */
static bool last_external_is_double(const struct yara_run *run)
{
    for (uint32_t i = 0; i + 1 < run->external_count; i++)
        if (bytes_equal(run->externals[i].name, run->externals[run->external_count - 1].name))
            return true;
    return false;
}

static bool add_rule_file(struct definitions_loader *loader, char *argument)
{
    const char *name_space = "default", *path = argument;
    uint32_t errors = 0;
    struct why why;
    char *colon = access(argument, F_OK) != 0 ? strchr(argument, ':') : NULL;
    if (colon && colon[1] != '\\') {
        *colon = 0;
        name_space = argument;
        path = colon + 1;
    }
    bytes text;
    if (rulefiles_read(path, (size_t)1 << 30, &text, NULL) < 0) {
        fprintf(stderr, "error: could not open file: %s\n", path);
        return false;
    }
    int error = definitions_add_text(loader, text, path, name_space, &errors, &why);
    if (error)
        fprintf(stderr, "not enough memory\n");
    free((void *)(uintptr_t)text.at);
    return !error && !errors;
}

static bool compile_rules(struct yara_run *run, int count, char **files)
{
    const struct definitions_options options = {.message = print_message,
                                                .message_context = run,
                                                .externals = run->externals,
                                                .external_count = run->external_count,
                                                .strict_4 = true,
                                                .no_warnings = run->arguments.no_warnings,
                                                .walls = true};
    struct why why;
    if (last_external_is_double(run)) {
        fprintf(stderr, "error: %d\n", ERROR_DUPLICATED_EXTERNAL);
        return false;
    }
    struct definitions_loader *loader = definitions_loader_new(&options);
    bool good = loader != NULL;
    if (!good)
        fprintf(stderr, "not enough memory\n");
    for (int i = 0; good && i < count; i++)
        good = add_rule_file(loader, files[i]);
    good = good && !run->errors && !(run->arguments.fail_on_warnings && run->warnings);
    if (good && definitions_seal(loader, &run->definitions, &why) < 0) {
        fprintf(stderr, "error: %s\n", why.text);
        good = false;
    }
    definitions_loader_free(loader);
    return good;
}

/* -C: the variables of -d must be those of the compiled rules. */
static bool load_compiled(struct yara_run *run, int count, const char *path)
{
    struct why why;
    if (count != 1) {
        fprintf(stderr, "error: can't accept multiple rules files if one of them is in "
                        "compiled form.\n");
        return false;
    }
    int error = definitions_map(path, &run->definitions, &why);
    if (error == -EBADMSG)
        fprintf(stderr, "invalid compiled rules file.\n");
    else if (error)
        fprintf(stderr, "could not open file\n");
    const struct ruleset *set = &run->definitions.set;
    const char *fault = NULL;
    for (uint32_t i = 0; !error && i < run->external_count; i++) {
        uint32_t k = 0;
        while (k < set->external_count &&
               !bytes_is(run->externals[i].name, ruleset_text(set, set->externals[k].name)))
            k++;
        fault = k == set->external_count ? "error: 29" /* invalid argument */
                : set->externals[k].type != run->externals[i].type
                    ? "invalid type for external "
                      "variable"
                    : NULL;
    }
    if (fault)
        fprintf(stderr, "%s\n", fault);
    return !error && !fault;
}

/* --- scanning --- */

static void take_log(void *context, bytes text)
{
    struct text *logs = context;
    text_add(logs, text.at, text.len);
    text_byte(logs, '\n');
}

static struct yara_worker *worker_new(struct yara_run *run, const volatile bool *stop)
{
    const struct scanner_options options = {
        .steps = UINT64_MAX, .memory = (size_t)2 << 30, .stop = stop};
    struct yara_worker *worker = calloc(1, sizeof *worker);
    struct scanner *scanner = worker ? scanner_new(&run->definitions.set, &options) : NULL;
    if (!scanner) {
        free(worker);
        return NULL;
    }
    worker->run = run;
    worker->scanner = scanner;
    for (uint32_t k = 0; k < run->external_count; k++)
        scanner_set(scanner, run->externals[k].name, facts_external(&run->externals[k]));
    return worker;
}

static void worker_free(struct yara_worker *worker)
{
    scanner_free(worker->scanner);
    text_free(&worker->logs);
    free(worker);
}

/* Examines blocks and prints. False when it was cut short, with the message in err. */
static bool scan_blocks(struct yara_run *run, struct yara_worker *worker,
                        const struct block *blocks, uint32_t count, bool is_process,
                        const char *path, int *ret_matching, struct text *out, struct text *err)
{
    const struct object_input object = {
        .blocks = blocks,
        .block_count = count,
        .is_process = is_process,
        .now = time(NULL),
        .log = run->arguments.no_logs ? NULL : take_log,
        .log_to = &worker->logs,
        .module_data = run->module_count ? module_data : NULL,
        .module_data_to = run,
    };
    struct verdict verdict = {0};
    worker->logs.len = 0;
    *ret_matching = 0;
    const char *fault = NULL;
    if (scanner_scan(worker->scanner, &object, &verdict) < 0 || verdict.limit == LIMIT_MEMORY)
        fault = "not enough memory";
    else if (verdict.limit == LIMIT_DATA)
        fault = "error: 57"; /* YARA has no text for ERROR_INVALID_MODULE_DATA */
    else if (verdict.limit == LIMIT_STOPPED || verdict.limit == LIMIT_STEPS)
        fault = "scanning timed out";
    if (!fault && run->arguments.module_dump)
        yara_output_modules(&run->output, worker->scanner, out);
    text_add(out, worker->logs.at, worker->logs.len);
    if (!fault)
        *ret_matching =
            yara_output_rules(&run->output, worker->scanner, &verdict, &object, path, out, err);
    else
        text_printf(err, "error scanning %s: %s\n", path, fault);
    if (verdict.limit == LIMIT_REGEX)
        text_printf(err, "warning: %s was not fully examined: %s\n", path,
                    examine_limit_text(verdict.limit));
    return !fault;
}

/* In a new worker, before it is sealed. */
static void *start_worker(void *context, struct examine_control *control)
{
    return worker_new(context, &control->stop);
}

/* In a sealed worker. */
static void work(void *started, const struct examine_file *file, struct text *reply)
{
    struct yara_worker *worker = started;
    const struct block block = {.data = file->content->data};
    struct text out = {0}, err = {0};
    int matching;
    bool good = scan_blocks(worker->run, worker, &block, 1, false, (const char *)file->path.at,
                            &matching, &out, &err);
    const struct yara_reply head = {
        .matching = matching, .out = (uint32_t)out.len, .good = good};
    text_add(reply, &head, sizeof head);
    text_add(reply, out.at, out.len);
    text_add(reply, err.at, err.len);
    text_free(&out);
    text_free(&err);
}

static void write_texts(struct yara_run *run, struct text *out, struct text *err)
{
    if (text_write(err, 2) < 0 || text_write(out, 1) < 0)
        run->stop = true;
}

static const char *take_reply(const struct pool_result *result, struct yara_reply *head,
                              struct text *out, struct text *err)
{
    bytes reply = result->reply->reply;
    if (result->error)
        return "could not open file";
    if (result->reply->fault.len)
        return (const char *)result->reply->fault.at;
    if (reply.len >= sizeof *head)
        memcpy(head, reply.at, sizeof *head);
    bytes texts = bytes_slice(reply, sizeof *head, reply.len);
    if (reply.len < sizeof *head || head->out > texts.len)
        return "the worker gave an answer that makes no sense";
    text_add(out, texts.at, head->out);
    texts = bytes_slice(texts, head->out, texts.len);
    text_add(err, texts.at, texts.len);
    return NULL;
}

static void emit(void *context, const struct pool_result *result)
{
    struct yara_run *run = context;
    struct yara_reply head = {0};
    struct text out = {0}, err = {0};
    const char *path = (const char *)result->path.at;
    const char *fault = take_reply(result, &head, &out, &err);
    if (fault)
        text_printf(&err, "error scanning %s: %s\n", path, fault);
    if (!run->many && (fault || !head.good))
        run->bad = true;
    if (run->arguments.count_only && run->many)
        text_printf(&out, "%s: %d\n", path, (int)head.matching);
    else if (run->arguments.count_only && !run->bad)
        text_printf(&out, "%d\n", (int)head.matching);
    write_texts(run, &out, &err);
    text_free(&out);
    text_free(&err);
}

/* Before every wait: looks at the clock. */
static void pause_for(void *context, bytes at)
{
    struct yara_run *run = context;
    struct timespec now;
    (void)at;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec > run->deadline.tv_sec ||
        (now.tv_sec == run->deadline.tv_sec && now.tv_nsec >= run->deadline.tv_nsec))
        run->stop = true;
}

/* --- files --- */

static void put_file(struct yara_run *run, const char *path)
{
    if (!run->stop)
        pool_put(run->pool, &(struct walk_file){.path = bytes_of(path), .named = true});
}

static void put_directory(struct yara_run *run, const char *path, int depth);

static void put_entry(struct yara_run *run, const char *folder, const char *name, int depth)
{
    const struct yara_arguments *a = &run->arguments;
    char *path, target[3];
    struct stat st;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return;
    bool there = lstat(path, &st) == 0;
    if (there && S_ISLNK(st.st_mode)) {
        ssize_t len = readlink(path, target, sizeof target);
        bool self = (len == 1 && target[0] == '.') ||
                    (len == 2 && target[0] == '.' && target[1] == '.');
        there = !a->no_follow && !self && stat(path, &st) == 0;
    }
    if (there && S_ISREG(st.st_mode)) {
        if (a->skip_larger <= 0 || a->skip_larger > st.st_size)
            put_file(run, path);
        else if (!a->no_warnings)
            fprintf(stderr, "skipping %s (%lld bytes) because it's larger than %lld bytes.\n",
                    path, (long long)st.st_size, (long long)a->skip_larger);
    } else if (there && S_ISDIR(st.st_mode) && a->recursive && strcmp(name, ".") != 0 &&
               strcmp(name, "..") != 0 && depth < TOO_DEEP) {
        put_directory(run, path, depth + 1);
    }
    free(path);
}

static void put_directory(struct yara_run *run, const char *path, int depth)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    while (directory && !run->stop && (entry = readdir(directory)))
        put_entry(run, path, entry->d_name, depth);
    if (directory)
        closedir(directory);
}

static bool is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool put_list(struct yara_run *run, const char *name)
{
    FILE *list = fopen(name, "re");
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    if (!list) {
        fprintf(stderr, "error: could not open file \"%s\".\n", name);
        return false;
    }
    while (!run->stop && (n = getline(&line, &room, list)) > 0) {
        if (line[n - 1] == '\n')
            line[n - 1] = 0;
        if (is_directory(line))
            put_directory(run, line, 0);
        else
            put_file(run, line);
    }
    free(line);
    fclose(list);
    return true;
}

static void *watch_clock(void *context)
{
    struct yara_run *run = context;
    int result;
    do
        result = sem_clockwait(&run->done, CLOCK_MONOTONIC, &run->deadline);
    while (result < 0 && errno == EINTR);
    run->stop = result < 0;
    return NULL;
}

/* Files are examined in sealed workers. */
static int scan_files(struct yara_run *run, const char *target)
{
    const struct examine_options examine = {.sets = &run->definitions, .set_count = 1};
    const struct pool_options options = {.jobs = run->jobs,
                                         .reply_max = (size_t)1 << 30,
                                         .stop = &run->stop,
                                         .context = run,
                                         .start = start_worker,
                                         .work = work,
                                         .emit = emit,
                                         .pause = pause_for};
    struct walls walls;
    struct why why;
    bool good = true;
    examine_warm(&examine);
    if (pool_new(&options, &run->pool, &walls, &why) < 0) {
        fprintf(stderr, "error: %s\n", why.text);
        return EXIT_FAILURE;
    }
    if (run->arguments.scan_list)
        good = put_list(run, target);
    else if (run->many)
        put_directory(run, target, 0);
    else
        put_file(run, target);
    if (pool_finish(run->pool, &why) < 0) {
        fprintf(stderr, "error: %s\n", why.text);
        good = false;
    }
    return good && !run->bad ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The memory of a process is read and examined in this one, which has the rights to. */
static int scan_process(struct yara_run *run, const char *target)
{
    struct text out = {0}, err = {0};
    struct process process;
    struct yara_worker *worker = NULL;
    pthread_t clock;
    int matching = 0;
    bool good = true;
    char *end;
    long pid = strtol(target, &end, 10);
    int error = -ENOENT;
    if (pid > 0 && !*end) {
        bool watched = pthread_create(&clock, NULL, watch_clock, run) == 0;
        error = process_open(&process, pid, (uint64_t)run->arguments.memory_chunk);
        worker = error ? NULL : worker_new(run, &run->stop);
        if (worker)
            good = scan_blocks(run, worker, process.blocks, process.count, true, target,
                               &matching, &out, &err);
        else
            error = error ? error : -ENOMEM;
        process_close(&process);
        sem_post(&run->done);
        if (watched)
            pthread_join(clock, NULL);
    }
    const char *fault = error == -ENOENT   ? "could not open file"
                        : error == -ENOMEM ? "not enough memory"
                        : error            ? "can not attach to process (try running as root)"
                                           : NULL;
    if (fault)
        text_printf(&err, "error scanning %s: %s\n", target, fault);
    good = good && !fault;
    if (good && run->arguments.count_only)
        text_printf(&out, "%d\n", matching);
    write_texts(run, &out, &err);
    text_free(&out);
    text_free(&err);
    if (worker)
        worker_free(worker);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Whether it can be opened and is a file; what is not, and is a number, is a process. */
static bool is_file(const char *target)
{
    struct stat st;
    int fd = open(target, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    bool file = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (fd >= 0)
        close(fd);
    return file;
}

static int jobs_wanted(const struct yara_arguments *arguments)
{
    cpu_set_t set;
    int processors = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    if (arguments->threads > 0)
        return (int)arguments->threads;
    return processors < 1 ? 1 : processors > THREADS_MAX ? THREADS_MAX : processors;
}

static int scan_target(struct yara_run *run, const char *target)
{
    bool many = run->arguments.scan_list || is_directory(target);
    if (run->arguments.scan_list && is_directory(target)) {
        fprintf(stderr, "error: cannot use a directory as scan list.\n");
        return EXIT_FAILURE;
    }
    run->jobs = many ? jobs_wanted(&run->arguments) : 1;
    clock_gettime(CLOCK_MONOTONIC, &run->deadline);
    /* For yara 0 means no limit where there is one target, and no time at all for many. */
    run->deadline.tv_sec += run->arguments.timeout > 0 || many ? run->arguments.timeout : NEVER;
    sem_init(&run->done, 0, 0);
    run->many = many;
    return many || is_file(target) ? scan_files(run, target) : scan_process(run, target);
}

static int run_rules(struct yara_run *run, int argc, char **argv)
{
    parse_externals(run);
    bool good = load_module_data(run) &&
                (run->arguments.compiled ? load_compiled(run, argc - 1, argv[0])
                                         : compile_rules(run, argc - 1, argv));
    if (!good)
        return EXIT_FAILURE;
    /* Shared with the workers: it only says when -l has had enough. */
    void *total = mmap(NULL, sizeof *run->output.total, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (total == MAP_FAILED) {
        fprintf(stderr, "not enough memory\n");
        return EXIT_FAILURE;
    }
    run->output.total = total;
    run->output.arguments = &run->arguments;
    run->output.set = &run->definitions.set;
    if (run->arguments.fast)
        run->output.counted = yara_output_counted(&run->definitions.set);
    if (run->arguments.stats) {
        struct text out = {0};
        yara_output_stats(&run->definitions.set, &out);
        write_texts(run, &out, &(struct text){0});
        text_free(&out);
    }
    return scan_target(run, argv[argc - 1]);
}

static void run_free(struct yara_run *run)
{
    if (run->output.total)
        munmap(run->output.total, sizeof *run->output.total);
    definitions_close(&run->definitions);
    free((void *)(uintptr_t)run->output.counted);
    for (uint32_t i = 0; i < run->module_count; i++)
        free((void *)(uintptr_t)run->modules[i].data.at);
    options_free(&command_yara, &run->arguments);
    free(run);
}

/* Options that print something and end; -1 when there is scanning to do. */
static int run_information(const struct yara_run *run, int argc)
{
    const struct yara_arguments *a = &run->arguments;
    if (a->version) {
        printf("4.5.8\n");
    } else if (a->help) {
        printf("candor yara %s, which does what YARA 4.5 does.\n" USAGE
               "\n\nMandatory arguments to long options are mandatory for short options "
               "too.\n\n",
               CANDOR_VERSION);
        yara_options_help(stdout);
    } else if (a->threads > THREADS_MAX) {
        fprintf(stderr, "maximum number of threads is %d\n", THREADS_MAX);
        return EXIT_FAILURE;
    } else if (a->module_names) {
        for (const struct module *const *row = module_table; *row; row++)
            printf("%s\n", (*row)->name);
    } else if (argc < 2) {
        fprintf(stderr, "yara: wrong number of arguments\n" USAGE
                        "\n\nTry `--help` for more options\n");
        return EXIT_FAILURE;
    } else {
        return -1;
    }
    return EXIT_SUCCESS;
}

static int run_yara(const struct command *self, void *options, int argc, char **argv)
{
    (void)self, (void)options;
    struct yara_run *run = calloc(1, sizeof *run);
    if (!run)
        return command_error("out of memory");
    content_guard();
    int count = yara_options_parse(&run->arguments, argc, argv);
    int status = count < 0 ? EXIT_FAILURE : run_information(run, count);
    if (status < 0)
        status = run_rules(run, count, argv);
    run_free(run);
    return status;
}

const struct command command_yara = {
    .name = "yara",
    .title = "candor-yara",
    .summary = "do what the yara command does, faster",
    .arguments = "[NAMESPACE:]RULES_FILE... FILE|DIR|PID",
    .doc =
        "Takes the options and arguments of the yara command, version 4.5, and prints what it "
        "prints: alias yara='candor yara' is meant to work. Where YARA 4.5 and YARA-X differ, "
        "this command follows YARA 4.5.\n\n"
        "It differs in this: -C reads rules compiled by candor defs compile; -S prints "
        "figures of its own; the threads of -p write whole files in order; directories that "
        "contain themselves through symbolic links are left after 40 links.",
    .exits = "0\tthe target was scanned, whatever was found\n1\tan error",
    .examples = "candor yara -s rules.yar FILE\tprint what matched where\n"
                "candor yara -r rules.yar DIR\tscan what is below DIR\n"
                "candor yara rules.yar 4711\tscan the memory of process 4711",
    .options = yara_table,
    .own_parser = true,
    .run = run_yara,
};
