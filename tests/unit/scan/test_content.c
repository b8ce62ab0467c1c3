/* Files of both kinds, read and mapped, and one that is cut while it is mapped. */
#include "scan/content.h"

#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { SMALL = 100000, LARGE = 9 << 20 };

static void make(const char *path, size_t size)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    uint8_t *data = malloc(size + 1);
    for (size_t i = 0; data && i < size; i++)
        data[i] = (uint8_t)(i * 7 + 1);
    CHECK(data && write(fd, data, size) == (ssize_t)size);
    free(data);
    close(fd);
}

static bool is_whole(bytes data, size_t size)
{
    for (size_t i = 0; i < data.len; i++)
        if (data.at[i] != (uint8_t)(i * 7 + 1))
            return false;
    return data.len == size;
}

int main(void)
{
    char root[] = "/tmp/candor-content-XXXXXX";
    struct content content = {0};
    if (!mkdtemp(root) || chdir(root) < 0)
        return 1;
    content_guard();
    make("small", SMALL);
    make("large", LARGE);
    make("empty", 0);
    CHECK_INT(content_open(&content, AT_FDCWD, "small", false, 0), 0);
    CHECK(is_whole(content.data, SMALL) && !content.shrunk);
    content_release(&content);
    CHECK_INT(content_open(&content, AT_FDCWD, "empty", false, 0), 0);
    CHECK_INT(content.data.len, 0);
    content_release(&content);
    CHECK_INT(content_open(&content, AT_FDCWD, "large", false, 0), 0);
    CHECK(is_whole(content.data, LARGE) && !content.shrunk);
    content_release(&content);
    CHECK_INT(content_open(&content, AT_FDCWD, "large", false, 0), 0);
    CHECK(truncate("large", LARGE / 2) == 0);
    CHECK_INT(content.data.at[LARGE - 1], 0);
    CHECK(content.shrunk);
    CHECK_INT(content.data.at[10], 71);
    content_release(&content);
    make("large", LARGE);
    CHECK_INT(content_open(&content, AT_FDCWD, "large", false, 0), 0);
    const bytes data = content.data;
    const int number = content_keep(&content);
    CHECK(number >= 0);
    CHECK_INT(content_keep(&content), -1);
    content_release(&content);
    CHECK(is_whole(data, LARGE));
    CHECK(truncate("large", LARGE / 2) == 0);
    CHECK_INT(data.at[LARGE - 1], 0);
    CHECK(!content.shrunk);
    content_forget(number);
    content_forget(-1);
    make("large", LARGE);
    for (int i = 0; i <= CONTENT_KEPT; i++) {
        CHECK_INT(content_open(&content, AT_FDCWD, "large", false, 0), 0);
        CHECK_INT(content_keep(&content), i < CONTENT_KEPT ? i : -1);
        content_release(&content);
    }
    for (int i = 0; i < CONTENT_KEPT; i++)
        content_forget(i);
    /* It is cut while it is examined and kept. */
    CHECK_INT(content_open(&content, AT_FDCWD, "large", false, 0), 0);
    CHECK_INT(content_keep(&content), 0);
    CHECK(truncate("large", LARGE / 2) == 0);
    CHECK_INT(content.data.at[LARGE - 1], 0);
    CHECK(content.shrunk);
    content_release(&content);
    content_forget(0);
    CHECK_INT(content_open(&content, AT_FDCWD, "small", false, SMALL - 1), -EFBIG);
    CHECK_INT(content_open(&content, AT_FDCWD, "small", false, SMALL), 0);
    content_release(&content);
    CHECK_INT(content_open(&content, AT_FDCWD, ".", false, 0), -EINVAL);
    CHECK_INT(content_open(&content, AT_FDCWD, "missing", false, 0), -ENOENT);
    CHECK(symlink("small", "link") == 0);
    CHECK_INT(content_open(&content, AT_FDCWD, "link", false, 0), -ELOOP);
    CHECK_INT(content_open(&content, AT_FDCWD, "link", true, 0), 0);
    content_free(&content);
    CHECK_INT(content_open(&content, AT_FDCWD, "/proc/self/stat", false, 0), 0);
    CHECK(content.data.len > 10);
    content_free(&content);
    unlink("small"), unlink("large"), unlink("empty"), unlink("link");
    CHECK(chdir("/") == 0 && rmdir(root) == 0);
    return tap_done();
}
