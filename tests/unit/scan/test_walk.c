/* The walk and the queue over a tree with everything in it that is not a file. */
#include "scan/queue.h"
#include "scan/walk.h"

#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROOM = 65536 };

static char seen[ROOM];
static int skips[WALK_SKIPS];

static void append(char *to, const char *text)
{
    size_t len = strlen(to);
    snprintf(to + len, ROOM - len, "%s", text);
}

static bool on_file(void *context, const struct walk_file *file)
{
    (void)context;
    append(seen, (const char *)file->path.at);
    append(seen, "\n");
    return true;
}

static void on_skip(void *context, enum walk_skip reason, bytes path, int error)
{
    (void)context, (void)path, (void)error;
    skips[reason]++;
}

static void touch(const char *path)
{
    FILE *file = fopen(path, "w");
    if (file)
        fclose(file);
}

static bool put(void *context, const struct walk_file *file)
{
    queue_put(context, file);
    return true;
}

static void examine(void *context, int worker, const struct walk_file *file, struct text *out,
                    struct text *err)
{
    (void)context, (void)worker, (void)err;
    struct stat st;
    bool there = fstatat(file->directory->fd, (const char *)file->path.at + file->name, &st,
                         AT_SYMLINK_NOFOLLOW) == 0;
    text_printf(out, "%s%s\n", (const char *)file->path.at, there ? "" : " is not there");
}

static void emit(void *context, struct text *out, struct text *err)
{
    (void)context, (void)err;
    text_byte(out, 0);
    append(seen, out->at);
}

int main(void)
{
    char root[] = "/tmp/candor-walk-XXXXXX";
    struct walk_options options = {.file = on_file, .skip = on_skip};
    if (!mkdtemp(root) || chdir(root) < 0)
        return 1;
    mkdir("d", 0755);
    mkdir("d/e", 0755);
    touch("d/z"), touch("d/b"), touch("d/e/a"), touch("d/line\nbreak"), touch("d/skip.iso");
    CHECK(symlink("../d", "d/loop") == 0);
    CHECK(mkfifo("d/fifo", 0600) == 0);
    const char *excludes[] = {"*.iso"};
    options.excludes = excludes;
    options.exclude_count = 1;
    walk_path(&options, "d");
    CHECK_STR(seen, "d/b\nd/line\nbreak\nd/z\nd/e/a\n");
    CHECK_INT(skips[WALK_LINK], 1);
    CHECK_INT(skips[WALK_SPECIAL], 1);
    CHECK_INT(skips[WALK_EXCLUDED], 1);
    walk_path(&options, "nothing");
    CHECK_INT(skips[WALK_UNREADABLE], 1);
    walk_path(&options, "/proc");
    CHECK_INT(skips[WALK_PSEUDO], 1);
    excludes[0] = "d/e*";
    seen[0] = 0;
    walk_path(&options, "d/");
    CHECK_STR(seen, "d/b\nd/line\nbreak\nd/skip.iso\nd/z\n");

    char wanted[ROOM] = "";
    for (int i = 0; i < 2000; i++) {
        char name[32];
        snprintf(name, sizeof name, "d/e/f%04d", i);
        touch(name);
        append(wanted, name);
        append(wanted, "\n");
    }
    unlink("d/e/a");
    seen[0] = 0;
    const struct queue_options queue_options = {.jobs = 4, .examine = examine, .emit = emit};
    struct queue *queue = queue_new(&queue_options);
    const struct walk_options feed = {.context = queue, .file = put, .skip = on_skip};
    walk_path(&feed, "d/e");
    queue_finish(queue);
    CHECK(strcmp(seen, wanted) == 0);
    for (int i = 0; i < 2000; i++) {
        char name[32];
        snprintf(name, sizeof name, "d/e/f%04d", i);
        unlink(name);
    }
    unlink("d/b"), unlink("d/z"), unlink("d/line\nbreak"), unlink("d/skip.iso");
    unlink("d/loop"), unlink("d/fifo"), rmdir("d/e"), rmdir("d");
    CHECK(chdir("/") == 0 && rmdir(root) == 0);
    return tap_done();
}
