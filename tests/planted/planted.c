/* planted — containers whose parsers have every bug that one can have, one row for each class
 * of parser that antiviruses were broken into through. Only in candor-planted, which tests run;
 * never in candor.
 *
 *     PLANTED class\n        archive, program, pdf, document or mail
 *     verb text\n ...        in this order, each:
 *         member TEXT        an object with that text
 *         null, write, stack, loop, memory, abort, call     a bug (see `bugs`)
 *         nonsense, huge, other, silent                     lies to whoever waits for the
 * answer
 *
 *     PLANTED probe\n        a crash before any row has the object open
 */
#include "unpack/formats.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SOCKET = 3 }; /* SANDBOX_FIRST */

static volatile int sink;

static void null(void)
{
    volatile int *volatile nowhere = NULL;
    *nowhere = 1;
}

/* Far out of its bounds, into what is not there. */
static void write_outside(void)
{
    volatile uint8_t *volatile block = malloc(64);
    for (size_t i = 0; i < SIZE_MAX; i += 4096)
        block[i + 64] = 1;
}

/* Deeper than any stack. */
static int deeper(volatile int *above)
{
    volatile int here[256];
    here[0] = above[0] + 1;
    if (here[0] != INT_MAX)
        sink = deeper(here);
    return here[0] + sink;
}

static void stack(void)
{
    volatile int start[1] = {0};
    sink = deeper(start);
}

static void loop(void)
{
    for (;;)
        sink = 1;
}

/* All that there is; where nothing limits it (sanitizers), 1 GiB. */
static void memory(void)
{
    for (size_t i = 0; i < 64; i++) {
        uint8_t *at = mmap(NULL, (size_t)16 << 20, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(at, 1, (size_t)16 << 20);
    }
    null();
}

static void call(void)
{
    syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    null();
}

static void say(const void *at, size_t len)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)at, .iov_len = len};
    const struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    sink = (int)sendmsg(SOCKET, &message, MSG_NOSIGNAL);
}

static void nonsense(void)
{
    char text[300];
    memset(text, 'A', sizeof text);
    say(text, sizeof text);
}

/* A frame that claims more than the message has. */
static void huge(void)
{
    static const uint32_t frame[2] = {1, 0x7fffffff};
    say(frame, sizeof frame);
}

/* An answer about a job that is not its own. */
static void other(void)
{
    static const uint32_t frame[2] = {4711, 0x80000000};
    say(frame, sizeof frame);
}

static void silent(void)
{
    _exit(0);
}

static const struct {
    const char *name;
    void (*run)(void);
} bugs[] = {{"null", null},   {"write", write_outside}, {"stack", stack},
            {"loop", loop},   {"memory", memory},       {"abort", abort},
            {"call", call},   {"nonsense", nonsense},   {"huge", huge},
            {"other", other}, {"silent", silent}};

static void planted_open(struct unpack *unpack)
{
    bytes rest = unpack->data, line, verb;
    bytes_cut(&rest, '\n', &line);
    while (rest.len && bytes_cut(&rest, '\n', &line)) {
        bytes_cut(&line, ' ', &verb);
        if (bytes_is(verb, "member") && !unpack_view(unpack, bytes_of("member"), line))
            return;
        for (size_t i = 0; i < COUNT(bugs); i++)
            if (bytes_is(verb, bugs[i].name))
                bugs[i].run();
    }
}

static bool planted_probe(bytes data)
{
    (void)data;
    null();
    return true;
}

#define ROW(class)                                                                             \
    {                                                                                          \
        "planted " class, {{0, sizeof "PLANTED " class "\n" - 1, "PLANTED " class "\n"}},      \
            NULL, planted_open                                                                 \
    }

#define PROBE                                                                                  \
    {                                                                                          \
        "planted probe", {{0, sizeof "PLANTED probe\n" - 1, "PLANTED probe\n"}},               \
            planted_probe, planted_open                                                        \
    }

const struct unpack_format unpack_planted[] = {
    ROW("archive"), ROW("program"), ROW("pdf"), ROW("document"), ROW("mail"), PROBE, {0}};
