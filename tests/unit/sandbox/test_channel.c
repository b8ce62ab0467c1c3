/* Messages come whole or not at all; what comes along is never left open; words are harmless.
 */
#include "sandbox/channel.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[2];

/* Descriptors that this process has open: none may be left behind. */
static int open_now(void)
{
    int n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void wholes(void)
{
    char got[8] = "";
    CHECK_INT(channel_receive(ends[1], got, sizeof got, NULL, MSG_DONTWAIT), -EAGAIN);
    CHECK_INT(channel_send(ends[0], "abcd", 4, NULL, 0, 0), 0);
    CHECK_INT(channel_send(ends[0], "ef", 2, NULL, 0, 0), 0);
    CHECK_INT(channel_receive(ends[1], got, sizeof got, NULL, 0), 4);
    CHECK_STR(got, "abcd");
    CHECK_INT(channel_receive(ends[1], got, sizeof got, NULL, 0), 2);
    CHECK_INT(channel_send(ends[0], "123456789", 9, NULL, 0, 0), 0);
    CHECK_INT(channel_receive(ends[1], got, sizeof got, NULL, 0), -EMSGSIZE);
    CHECK_INT(channel_send(ends[0], "123", 3, NULL, 0, 0), 0);
    CHECK(!channel_take(ends[1], got, 4, NULL));
    CHECK_INT(channel_send(ends[0], "1234", 4, NULL, 0, 0), 0);
    CHECK(channel_take(ends[1], got, 4, NULL));
}

static void descriptors(void)
{
    struct channel_fds came;
    int pipes[2], before, many[CHANNEL_FDS + 1];
    char got[4];
    CHECK(pipe(pipes) == 0);
    for (int i = 0; i <= CHANNEL_FDS; i++)
        many[i] = pipes[i & 1];
    before = open_now();

    CHECK_INT(channel_send(ends[0], "two", 4, pipes, 2, 0), 0);
    CHECK_INT(channel_receive(ends[1], got, sizeof got, &came, 0), 4);
    CHECK_INT(came.count, 2);
    CHECK(write(came.at[1], "x", 1) == 1 && read(pipes[0], got, 1) == 1 && got[0] == 'x');
    CHECK(fcntl(came.at[0], F_GETFD) == FD_CLOEXEC);
    close(came.at[0]);
    close(came.at[1]);

    CHECK_INT(channel_send(ends[0], "all", 4, many, CHANNEL_FDS, 0), 0);
    CHECK(channel_take(ends[1], got, 4, &came));
    CHECK_INT(came.count, CHANNEL_FDS);
    for (size_t i = 0; i < came.count; i++)
        close(came.at[i]);
    CHECK_INT(channel_send(ends[0], "more", 4, many, CHANNEL_FDS + 1, 0), -EMSGSIZE);

    /* Unasked for, or with a message of the wrong length. */
    CHECK_INT(channel_send(ends[0], "two", 4, pipes, 2, 0), 0);
    CHECK_INT(channel_receive(ends[1], got, sizeof got, NULL, 0), -EMSGSIZE);
    CHECK_INT(channel_send(ends[0], "12345", 5, pipes, 2, 0), 0);
    CHECK_INT(channel_receive(ends[1], got, sizeof got, &came, 0), -EMSGSIZE);
    CHECK_INT(came.count, 0);
    CHECK_INT(channel_send(ends[0], "12", 2, pipes, 2, 0), 0);
    CHECK(!channel_take(ends[1], got, 4, &came));
    CHECK_INT(open_now(), before);
    close(pipes[0]);
    close(pipes[1]);
}

static void words(void)
{
    char text[16] = "a\033[2Jb\xc2\x9b"
                    "c\x7f\xc3\xa4\n",
         full[4] = "abcd", cut[4];
    channel_tame(text, sizeof text);
    CHECK_STR(text, "a?[2Jb??c?\xc3\xa4?");
    channel_tame(full, sizeof full);
    CHECK_STR(full, "abc");
    channel_text(cut, sizeof cut, bytes_of("x\ryz"));
    CHECK_STR(cut, "x?y");
    channel_text(cut, sizeof cut, (bytes){0});
    CHECK_STR(cut, "");
    /* A lead byte at the very end looks at nothing behind it. */
    char last[2] = "\xc2";
    channel_tame(last, sizeof last);
    CHECK_STR(last, "\xc2");
}

int main(void)
{
    struct why why;
    char got[4];
    CHECK_INT(channel_open(ends, &why), 0);
    wholes();
    descriptors();
    words();
    close(ends[0]);
    CHECK_INT(channel_receive(ends[1], got, sizeof got, NULL, 0), 0);
    CHECK_INT(channel_send(ends[1], "x", 1, NULL, 0, 0), -EPIPE);
    return tap_done();
}
