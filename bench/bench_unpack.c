/* bench_unpack — what unpacking alone costs: libarchive over everything in some files, down to
 * the innermost, and nothing done with it.
 *
 *     bench_unpack FILE...        prints bytes unpacked */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEEPEST = 16 };

static uint64_t unpack(const uint8_t *at, size_t size, int depth);

/* One entry whole: what is in it may be a container. */
static uint64_t entry_unpack(struct archive *archive, int depth)
{
    static size_t rooms[DEEPEST + 1];
    static uint8_t *buffers[DEEPEST + 1];
    size_t used = 0;
    la_ssize_t n;
    for (;;) {
        if (rooms[depth] - used < 1 << 16) {
            size_t room = rooms[depth] ? 2 * rooms[depth] : 1 << 20;
            uint8_t *larger = realloc(buffers[depth], room);
            if (!larger)
                return used;
            buffers[depth] = larger;
            rooms[depth] = room;
        }
        n = archive_read_data(archive, buffers[depth] + used, rooms[depth] - used);
        if (n <= 0)
            break;
        used += (size_t)n;
    }
    return used + unpack(buffers[depth], used, depth + 1);
}

static uint64_t unpack(const uint8_t *at, size_t size, int depth)
{
    static const struct {
        size_t at;
        const char *magic;
    } known[] = {{0, "PK\3\4"},
                 {0, "\x1f\x8b"},
                 {0, "BZh"},
                 {0, "\xfd\x37zXZ"},
                 {0, "\x28\xb5\x2f\xfd"},
                 {0, "7z\xbc\xaf"},
                 {0, "Rar!"},
                 {0, "!<arch>"},
                 {0, "MSCF"},
                 {257, "ustar"},
                 {0, "07070"},
                 {0, "\xed\xab\xee\xdb"},
                 {0x8001, "CD001"}};

    uint64_t total = 0;
    size_t i = 0;
    while (i < sizeof known / sizeof *known &&
           (known[i].at + strlen(known[i].magic) > size ||
            memcmp(at + known[i].at, known[i].magic, strlen(known[i].magic)) != 0))
        i++;
    if (i == sizeof known / sizeof *known || depth > DEEPEST)
        return 0;
    struct archive *archive = archive_read_new();
    struct archive_entry *entry;
    archive_read_support_filter_all(archive);
    archive_read_support_format_all(archive);
    archive_read_support_format_raw(archive);
    if (archive_read_open_memory(archive, at, size) == ARCHIVE_OK)
        while (archive_read_next_header(archive, &entry) >= ARCHIVE_WARN)
            total += entry_unpack(archive, depth);
    archive_read_free(archive);
    return total;
}

int main(int argc, char **argv)
{
    uint64_t total = 0;
    for (int i = 1; i < argc; i++) {
        struct stat st;
        int fd = open(argv[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0) {
            close(fd);
            continue;
        }
        uint8_t *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (at != MAP_FAILED) {
            total += unpack(at, (size_t)st.st_size, 0);
            munmap(at, (size_t)st.st_size);
        }
        close(fd);
    }
    printf("%llu\n", (unsigned long long)total);
    return 0;
}
