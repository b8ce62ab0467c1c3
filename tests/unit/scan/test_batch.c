/* Objects put into a batch come out as they went in; a batch that was cut anywhere gives what
 * is whole, and no more. */
#include "scan/batch.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"a", "", "folder/b", "c"};

static struct unpack_child child_of(size_t i)
{
    return (struct unpack_child){.name = bytes_of(names[i]),
                                 .data = bytes_slice(bytes_of("0123456789"), 0, 2 * i + 1),
                                 .partial = i == 2};
}

static size_t fill(struct batch *batch)
{
    size_t n = 0;
    for (; n < COUNT(names); n++) {
        const struct unpack_child child = child_of(n);
        if (!batch_add(batch, &child))
            break;
    }
    return n;
}

/* How many come out, each as it went in. */
static size_t count(bytes rest)
{
    struct unpack_child child;
    size_t n = 0;
    for (; batch_next(&rest, &child); n++) {
        const struct unpack_child wanted = child_of(n);
        CHECK(bytes_equal(child.name, wanted.name) && bytes_equal(child.data, wanted.data));
        CHECK_INT(child.partial, wanted.partial);
    }
    return n;
}

int main(void)
{
    uint8_t at[256];
    size_t ends[COUNT(names)], whole = 0;
    struct batch batch = {.at = at, .room = sizeof at};
    CHECK_INT(fill(&batch), COUNT(names));
    CHECK_INT(batch.count, COUNT(names));
    CHECK_INT(count((bytes){at, batch.used}), COUNT(names));
    /* In memory of just that size, so that a read beyond it is seen. */
    for (size_t len = 0; len <= batch.used; len++) {
        uint8_t *cut = malloc(len + 1);
        memcpy(cut + 1, at, len);
        size_t n = count((bytes){cut + 1, len});
        CHECK(n == whole || n == whole + 1);
        if (n > whole)
            ends[whole++] = len;
        free(cut);
    }
    CHECK_INT(whole, COUNT(names));
    /* What has no room is refused, and what is there stays. */
    for (size_t room = 0; room < batch.used; room++) {
        struct batch small = {.at = at, .room = room};
        size_t n = fill(&small);
        CHECK_INT(n, small.count);
        CHECK(n < COUNT(names) && ends[n] > room && (n == 0 || small.used == ends[n - 1]));
        CHECK_INT(count((bytes){at, small.used}), n);
    }
    return tap_done();
}
