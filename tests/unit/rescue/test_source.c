#include "rescue/format.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static void reads_a_file_and_memory_alike(void)
{
    char path[] = "/tmp/candor-source-XXXXXX";
    int fd = mkstemp(path);
    unlink(path);
    CHECK(write(fd, "0123456789", 10) == 10);

    struct source sources[] = {source_of_file(fd, 10, bytes_of("a")),
                               source_of_bytes(bytes_of("0123456789"), bytes_of("a"))};
    for (size_t i = 0; i < COUNT(sources); i++) {
        char part[16] = "";
        CHECK_INT(source_read(&sources[i], 3, part, 4, NULL), 0);
        CHECK_STR(part, "3456");
        CHECK_INT(source_tail(&sources[i], part, 4, NULL), 0);
        CHECK_STR(part, "6789");
        CHECK_INT(source_tail(&sources[i], part, 11, NULL), -ENODATA);
        CHECK_INT(source_read(&sources[i], 7, part, 4, NULL), -ENODATA);
        CHECK_INT(source_read(&sources[i], UINT64_MAX, part, 1, NULL), -ENODATA);
        CHECK_INT(source_read(&sources[i], 10, part, 0, NULL), 0);

        struct arena *arena = arena_new(64);
        bytes taken = {0};
        CHECK_INT(source_take(&sources[i], 2, 3, arena, &taken, NULL), 0);
        CHECK(bytes_is(taken, "234"));
        CHECK_INT(source_take(&sources[i], 2, SIZE_MAX, arena, &taken, NULL), -ENODATA);
        arena_free(arena);
    }
    close(fd);
}

static void says_when_a_file_became_shorter(void)
{
    char path[] = "/tmp/candor-source-XXXXXX";
    int fd = mkstemp(path);
    unlink(path);
    struct source source = source_of_file(fd, 100, bytes_of("a"));
    struct why why = {""};
    char part[16];
    CHECK_INT(source_read(&source, 0, part, 4, &why), -ENODATA);
    CHECK_STR(why.text, "the file became shorter while it was read");
    close(fd);
}

int main(void)
{
    reads_a_file_and_memory_alike();
    says_when_a_file_became_shorter();
    return tap_done();
}
