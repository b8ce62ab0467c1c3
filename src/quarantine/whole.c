#include "quarantine/whole.h"

#include <errno.h>
#include <unistd.h>

int whole_write(int fd, bytes data, uint64_t at)
{
    for (size_t done = 0; done < data.len;) {
        ssize_t n = pwrite(fd, data.at + done, data.len - done, (off_t)(at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? -errno : -EIO;
        done += (size_t)n;
    }
    return 0;
}

int whole_read(int fd, uint8_t *to, size_t len, uint64_t at)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pread(fd, to + done, len - done, (off_t)(at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? -errno : -ENODATA;
        done += (size_t)n;
    }
    return 0;
}
