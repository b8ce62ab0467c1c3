/* Sockets of every kind, and what is reached through them. */
#include "ways.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int open_socket(int family, int type, int protocol)
{
    return ways_got(socket(family, type, protocol));
}

WAY(inet_stream)
{
    return open_socket(AF_INET, SOCK_STREAM, 0);
}

WAY(inet_datagram)
{
    return open_socket(AF_INET, SOCK_DGRAM, 0);
}

WAY(inet_raw)
{
    return open_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

WAY(inet_mptcp)
{
    return open_socket(AF_INET, SOCK_STREAM, 262);
}

WAY(inet6_stream)
{
    return open_socket(AF_INET6, SOCK_STREAM, 0);
}

WAY(unix_stream)
{
    return open_socket(AF_UNIX, SOCK_STREAM, 0);
}

WAY(netlink_route)
{
    return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

WAY(netlink_audit)
{
    return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT);
}

WAY(netlink_uevent)
{
    return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT);
}

WAY(packet)
{
    return open_socket(AF_PACKET, SOCK_RAW, 0);
}

WAY(vsock)
{
    return open_socket(AF_VSOCK, SOCK_STREAM, 0);
}

WAY(bluetooth)
{
    return open_socket(AF_BLUETOOTH, SOCK_RAW, 1);
}

WAY(algorithm)
{
    return open_socket(AF_ALG, SOCK_SEQPACKET, 0);
}

WAY(can)
{
    return open_socket(AF_CAN, SOCK_RAW, 1);
}

WAY(xdp)
{
    return open_socket(AF_XDP, SOCK_RAW, 0);
}

WAY(tipc)
{
    return open_socket(AF_TIPC, SOCK_STREAM, 0);
}

WAY(pair)
{
    int ends[2];
    return ways_got(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

WAY(connect_loopback)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = loopback(stage->tcp_port);
    return fd < 0 ? -errno : ways_got(connect(fd, (struct sockaddr *)&to, sizeof to));
}

WAY(fast_open)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = loopback(stage->tcp_port);
    return fd < 0
               ? -errno
               : ways_got(sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to, sizeof to));
}

WAY(listen_loopback)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = loopback(0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0)
        return -errno;
    return ways_got(listen(fd, 1));
}

/* A question for the address of example.com, to what listens on loopback. */
WAY(name_server)
{
    static const char question[] = "\0\1\1\0\0\1\0\0\0\0\0\0\7example\3com\0\0\1\0\1";
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = loopback(stage->udp_port);
    return fd < 0 ? -errno
                  : ways_got(sendto(fd, question, sizeof question - 1, 0,
                                    (struct sockaddr *)&to, sizeof to));
}

WAY(resolve)
{
    struct addrinfo *found = NULL;
    int error = getaddrinfo("localhost", "80", NULL, &found);
    if (error)
        return error == EAI_SYSTEM && errno ? -errno : -EHOSTUNREACH;
    freeaddrinfo(found);
    return 0;
}

WAY(interfaces)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq request = {.ifr_name = "lo"};
    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
        return -errno;
    return request.ifr_flags & IFF_UP ? 0 : -ENETDOWN;
}

static int connect_unix(const char *name, size_t length)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    memcpy(to.sun_path, name, length);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return fd < 0 ? -errno
                  : ways_got(
                        connect(fd, (struct sockaddr *)&to,
                                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)));
}

WAY(abstract)
{
    return connect_unix(stage->abstract, 1 + strlen(stage->abstract + 1));
}

WAY(unix_path)
{
    char path[100];
    snprintf(path, sizeof path, "%s/socket", stage->folder);
    return connect_unix(path, strlen(path) + 1);
}

/* Somebody has connected already. */
WAY(accept_planted)
{
    return ways_got(accept(stage->door, NULL, NULL));
}

static int send_right(int through, int right)
{
    char byte = 'x';
    struct iovec part = {&byte, 1};

    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof right)];
    } control = {.head = {.cmsg_len = CMSG_LEN(sizeof right),
                          .cmsg_level = SOL_SOCKET,
                          .cmsg_type = SCM_RIGHTS}};

    memcpy(CMSG_DATA(&control.head), &right, sizeof right);
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    return ways_got(sendmsg(through, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
}

WAY(give_socket_away)
{
    return send_right(stage->post, stage->socket);
}

WAY(write_to_post)
{
    return ways_got(sendto(stage->post, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0));
}

WAY(shut_socket)
{
    return ways_got(shutdown(stage->socket, SHUT_WR));
}

WAY(socket_option)
{
    int on = 1;
    return ways_got(setsockopt(stage->socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
}

WAY(rename_socket)
{
    char name[128];
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int n = snprintf(name, sizeof name, "candor-own-%d", stage->outsider);
    memcpy(at.sun_path + 1, name, (size_t)n);
    return ways_got(bind(stage->socket, (struct sockaddr *)&at,
                         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)));
}

const struct way ways_network[] = {
    {"socket inet stream", inet_stream, WALL_CALLS},
    {"socket inet datagram", inet_datagram, WALL_CALLS},
    {"socket inet raw", inet_raw, WALL_CAPABILITIES},
    {"socket inet mptcp", inet_mptcp, WALL_CALLS},
    {"socket inet6", inet6_stream, WALL_CALLS},
    {"socket unix", unix_stream, WALL_CALLS},
    {"socket netlink route", netlink_route, WALL_CALLS},
    {"socket netlink audit", netlink_audit, WALL_CALLS},
    {"socket netlink uevent", netlink_uevent, WALL_CALLS},
    {"socket packet", packet, WALL_CAPABILITIES},
    {"socket vsock", vsock, WALL_CALLS},
    {"socket bluetooth", bluetooth, WALL_CALLS},
    {"socket alg", algorithm, WALL_CALLS},
    {"socket can", can, WALL_CALLS},
    {"socket xdp", xdp, WALL_CAPABILITIES},
    {"socket tipc", tipc, WALL_CALLS},
    {"socketpair", pair, WALL_CALLS},
    {"connect to loopback", connect_loopback, WALL_NETWORK},
    {"TCP fast open to loopback", fast_open, WALL_NETWORK},
    {"listen on loopback", listen_loopback, WALL_LANDLOCK},
    {"DNS question to loopback", name_server, WALL_NETWORK},
    {"getaddrinfo", resolve, WALL_CALLS},
    {"a network interface that is up", interfaces, WALL_NETWORK},
    {"connect to an abstract socket", abstract, WALL_NETWORK},
    {"connect to a socket by path", unix_path, WALL_MOUNTS},
    {"accept on an inherited socket", accept_planted, WALL_LIMITS},
    {"give its socket to an outsider", give_socket_away, WALL_LIMITS},
    {"write to an inherited socket", write_to_post, WALL_LIMITS},
    {"shut its socket down", shut_socket, WALL_CALLS},
    {"set options of its socket", socket_option, WALL_CALLS},
    {"give its socket a name", rename_socket, WALL_CALLS},
    {NULL, NULL, WALL_CALLS},
};
