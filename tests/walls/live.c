/* A worker that lives as long as standard input: for an outsider to look at (outside.py).
 *
 * usage: live [--user] */
#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct walls *walls;

static int run(void *context)
{
    char end;
    if (sandbox_seal(context, walls, NULL))
        return 1;
    return (int)read(SANDBOX_FIRST, &end, 1);
}

int main(int argc, char **argv)
{
    int ends[2];
    char byte;
    struct sandbox_child child;
    struct why why = {0};
    if (argc > 1 && strcmp(argv[1], "--user") == 0 && geteuid() == 0 &&
        (setgroups(0, NULL) < 0 || setresgid(65533, 65533, 65533) < 0 ||
         setresuid(65533, 65533, 65533) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0))
        return 2;
    walls =
        mmap(NULL, sizeof *walls, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    /* What a worker must not have. */
    if (open("/etc/passwd", O_RDONLY) < 0 || open("/", O_RDONLY) < 0 ||
        socket(AF_INET, SOCK_STREAM, 0) < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) < 0)
        return 2;
    struct sandbox_profile profile = profile_worker;
    if (sandbox_spawn(&profile, run, &profile, &ends[1], 1, &child, &why)) {
        fprintf(stderr, "%s\n", why.text);
        return 2;
    }
    close(ends[1]);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    char text[512];
    fprintf(stderr, "%s", walls_text(walls, text, sizeof text));
    sandbox_end(&child, NULL);
    return 0;
}
