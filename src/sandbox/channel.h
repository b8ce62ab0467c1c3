/* channel — messages between a process and one that it sealed: each comes whole or not at all,
 * with the descriptors that were sent along. A socket of AF_UNIX and SOCK_SEQPACKET (unix(7)).
 */
#pragma once
#include "base/base.h"

#include <sys/types.h>

enum { CHANNEL_FDS = 64 }; /* descriptors in one message, at most */

/* What came along; the receiver closes them. */
struct channel_fds {
    size_t count;
    int at[CHANNEL_FDS];
};

/* The two ends of a new channel, which the caller closes. */
int channel_open(int ret_ends[2], struct why *why) MUST_USE;

/* Sends `len` bytes as one message, with fds[0..count), which stay open here. 0; -EAGAIN when
 * it would wait and `flags` is MSG_DONTWAIT (else 0); -E... when the other side is gone. */
int channel_send(int socket, const void *at, size_t len, const int *fds, size_t count,
                 int flags) MUST_USE;

/* One message of at most `max` bytes into `at`, and what came along into `ret_fds` (NULL:
 * nothing may). Its length; 0: the other side is gone; -EAGAIN as above; -EMSGSIZE: it was
 * longer or brought more, all of it is lost. */
ssize_t channel_receive(int socket, void *at, size_t max, struct channel_fds *ret_fds,
                        int flags) MUST_USE;

/* A message of exactly `len` bytes; waits for it. When false, no descriptor was taken. */
bool channel_take(int socket, void *at, size_t len, struct channel_fds *ret_fds) MUST_USE;

/* What a sealed process said in words, for a person: ends within its room (of at least 1), and
 * what would steer a terminal (control characters) is '?'. */
void channel_tame(char *text, size_t room);
/* The same into `ret`, up to its first zero or as much as there is room for. */
void channel_text(char *ret, size_t room, bytes said);
