#include "stage.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int must(const char *what, long result)
{
    if (result < 0) {
        printf("Bail out! %s: %s\n", what, strerror(errno));
        exit(1);
    }
    return (int)result;
}

/* Above the numbers that a worker uses for what it was given. */
static int plant(int fd)
{
    if (fd < 0)
        return -1;
    int planted = must("F_DUPFD", fcntl(fd, F_DUPFD, 100));
    close(fd);
    return planted;
}

static int make_file(const struct stage *stage, const char *name, int flags)
{
    char path[128], text[4096] = "#!/bin/sh\nexit 42\n";
    snprintf(path, sizeof path, "%s/%s", stage->folder, name);
    int fd = must(name, open(path, O_RDWR | O_CREAT | O_TRUNC, 0700));
    must("write", write(fd, text, sizeof text));
    close(fd);
    return must(name, open(path, flags));
}

static int listen_on(const struct sockaddr *at, size_t size)
{
    int fd = must("socket", socket(at->sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0));
    must("bind", bind(fd, at, (socklen_t)size));
    must("listen", listen(fd, 64));
    return fd;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in at;
    socklen_t size = sizeof at;
    must("getsockname", getsockname(fd, (struct sockaddr *)&at, &size));
    return ntohs(at.sin_port);
}

static void set_sockets(struct stage *stage)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    stage->door = plant(listen_on((struct sockaddr *)&any, sizeof any));
    stage->tcp_port = port_of(stage->door);
    int udp = must("socket", socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    must("bind", bind(udp, (struct sockaddr *)&any, sizeof any));
    stage->udp_port = port_of(udp);

    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(stage->abstract + 1, sizeof stage->abstract - 1, "candor-walls-%d", getpid());
    size_t length = 1 + strlen(stage->abstract + 1);
    memcpy(name.sun_path, stage->abstract, length);
    listen_on((struct sockaddr *)&name, offsetof(struct sockaddr_un, sun_path) + length);
    snprintf(name.sun_path, sizeof name.sun_path, "%s/socket", stage->folder);
    listen_on((struct sockaddr *)&name, sizeof name);

    int ends[2];
    must("socketpair", socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends));
    stage->post = plant(ends[0]);
}

static void set_files(struct stage *stage)
{
    char path[128];
    snprintf(stage->folder, sizeof stage->folder, "/tmp/candor-walls-XXXXXX");
    if (!mkdtemp(stage->folder))
        must("mkdtemp", -1);
    snprintf(path, sizeof path, "%s/mountpoint", stage->folder);
    must("mkdir", mkdir(path, 0700));
    stage->secret = plant(make_file(stage, "secret", O_RDONLY));
    stage->handed = plant(make_file(stage, "handed", O_RDONLY));
    stage->writable = plant(make_file(stage, "writable", O_RDWR));
    close(make_file(stage, "moved", O_RDONLY));
    close(make_file(stage, "removed", O_RDONLY));
    stage->directory = plant(open("/", O_RDONLY | O_DIRECTORY));
    stage->proc = plant(open("/proc", O_RDONLY | O_DIRECTORY));
    stage->shell = plant(open("/bin/sh", O_RDONLY));
    stage->names = plant(open("/proc/self/ns/uts", O_RDONLY));
    stage->terminal = posix_openpt(O_RDWR | O_NOCTTY);
    if (stage->terminal >= 0 && unlockpt(stage->terminal) == 0)
        stage->terminal = plant(stage->terminal);
    stage->handle.size = sizeof stage->handle.bytes;
    snprintf(path, sizeof path, "%s/secret", stage->folder);
    syscall(SYS_name_to_handle_at, AT_FDCWD, path, &stage->handle, &stage->mount_id, 0);
}

void stage_set(struct stage *stage)
{
    set_files(stage);
    set_sockets(stage);
    stage->outsider = must("fork", fork());
    if (stage->outsider == 0) {
        signal(SIGUSR1, SIG_IGN);
        alarm(600);
        for (;;)
            pause();
    }
    stage->outsider_pidfd = plant((int)syscall(SYS_pidfd_open, stage->outsider, 0));
}

void stage_knock(const struct stage *stage)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(stage->tcp_port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        perror("# nobody could knock");
    close(fd);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void stage_strike(struct stage *stage)
{
    kill(stage->outsider, SIGKILL);
    waitpid(stage->outsider, NULL, 0);
    nftw(stage->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
