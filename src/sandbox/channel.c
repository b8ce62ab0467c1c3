#include "sandbox/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* cmsg(3): a buffer for control messages is aligned as their head. */
union control {
    struct cmsghdr head;
    char at[CMSG_SPACE(CHANNEL_FDS * sizeof(int))];
};

int channel_open(int ret_ends[2], struct why *why)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_ends) < 0)
        return fail(why, errno, "socketpair: %s", strerror(errno));
    return 0;
}

int channel_send(int socket, const void *at, size_t len, const int *fds, size_t count,
                 int flags)
{
    union control control;
    struct iovec part = {.iov_base = (void *)(uintptr_t)at, .iov_len = len};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > CHANNEL_FDS)
        return -EMSGSIZE;
    if (count) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.at;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(&control.head), fds, count * sizeof(int));
    }
    ssize_t n;
    do
        n = sendmsg(socket, &message, MSG_NOSIGNAL | flags);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

/* The kernel gives the descriptors that came in one control message. */
static void take_fds(struct msghdr *message, struct channel_fds *ret)
{
    const struct cmsghdr *head = CMSG_FIRSTHDR(message);
    ret->count = 0;
    if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
        return;
    ret->count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(ret->at, CMSG_DATA(head), ret->count * sizeof(int));
}

static void close_fds(struct channel_fds *fds)
{
    for (size_t i = 0; i < fds->count; i++)
        close(fds->at[i]);
    fds->count = 0;
}

ssize_t channel_receive(int socket, void *at, size_t max, struct channel_fds *ret_fds,
                        int flags)
{
    union control control;
    struct iovec part = {.iov_base = at, .iov_len = max};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = ret_fds ? control.at : NULL,
                             .msg_controllen = ret_fds ? sizeof control.at : 0};
    ssize_t n;
    if (ret_fds)
        ret_fds->count = 0;
    do
        n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    if (ret_fds)
        take_fds(&message, ret_fds);
    if (!(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        return n;
    if (ret_fds)
        close_fds(ret_fds);
    return -EMSGSIZE;
}

bool channel_take(int socket, void *at, size_t len, struct channel_fds *ret_fds)
{
    ssize_t n = channel_receive(socket, at, len, ret_fds, 0);
    if (n != (ssize_t)len && ret_fds)
        close_fds(ret_fds);
    return n == (ssize_t)len;
}

/* ECMA-48: C0, DEL, and C1, which in UTF-8 are 0xc2 and a byte below 0xa0. */
static size_t steers(const char *text)
{
    uint8_t c = (uint8_t)text[0], next = c ? (uint8_t)text[1] : 0;
    return c == 0xc2 && next >= 0x80 && next < 0xa0 ? 2 : c < ' ' || c == 0x7f;
}

void channel_tame(char *text, size_t room)
{
    text[room - 1] = 0;
    while (*text) {
        size_t n = steers(text);
        memset(text, '?', n);
        text += n ? n : 1;
    }
}

void channel_text(char *ret, size_t room, bytes said)
{
    size_t n = said.len < room ? said.len : room - 1;
    if (n)
        memcpy(ret, said.at, n);
    ret[n] = 0;
    channel_tame(ret, room);
}
