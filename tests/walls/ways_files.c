/* Files by their names, and by what leads to them. */
#include "ways.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *in(const struct stage *stage, const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", stage->folder, name);
    return path;
}

/* Opening is not yet having: a byte must come. */
static int read_from(int fd)
{
    char byte;
    if (fd < 0)
        return -errno;
    ssize_t n = read(fd, &byte, 1);
    return n == 1 ? 0 : n < 0 ? -errno : -ENODATA;
}

WAY(read_passwd)
{
    return read_from(open("/etc/passwd", O_RDONLY));
}

WAY(read_secret)
{
    return read_from(open(in(stage, "secret"), O_RDONLY));
}

WAY(read_relative)
{
    return read_from(open("etc/../../../../../../../etc/passwd", O_RDONLY)) == 0 ||
                   chdir("/") == 0
               ? read_from(open("etc/passwd", O_RDONLY))
               : -errno;
}

WAY(write_secret)
{
    return ways_got(open(in(stage, "secret"), O_WRONLY));
}

WAY(create)
{
    return ways_got(open(in(stage, "new"), O_WRONLY | O_CREAT, 0600));
}

WAY(create_in_root)
{
    int fd = open("/candor-walls", O_WRONLY | O_CREAT | O_EXCL, 0600), error = -errno;
    unlink("/candor-walls");
    return fd < 0 ? error : 0;
}

WAY(open_path)
{
    return ways_got(open("/etc", O_PATH));
}

WAY(temporary)
{
    return ways_got(open(stage->folder, O_TMPFILE | O_RDWR, 0600));
}

WAY(list_root)
{
    DIR *folder = opendir("/");
    if (!folder)
        return -errno;
    for (struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.')
            return 0;
    return -ENOENT;
}

WAY(below_planted)
{
    return read_from(openat(stage->directory, "etc/passwd", O_RDONLY));
}

WAY(openat2_planted)
{
    struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_IN_ROOT};
    return read_from(
        (int)syscall(SYS_openat2, stage->directory, "etc/passwd", &how, sizeof how));
}

WAY(openat2_cwd)
{
    struct open_how how = {.flags = O_RDONLY};
    return read_from((int)syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", &how, sizeof how));
}

WAY(by_handle)
{
    return read_from(
        (int)syscall(SYS_open_by_handle_at, stage->directory, &stage->handle, O_RDONLY));
}

WAY(to_handle)
{
    struct stage copy = *stage;
    copy.handle.size = sizeof copy.handle.bytes;
    return ways_got(syscall(SYS_name_to_handle_at, AT_FDCWD, in(stage, "secret"), &copy.handle,
                            &copy.mount_id, 0));
}

WAY(planted_secret)
{
    return read_from(stage->secret);
}

WAY(planted_writable)
{
    return ways_got(write(stage->writable, "x", 1));
}

/* Anything but what it was given: its socket, the handed file, and /dev/null. */
WAY(any_descriptor)
{
    struct stat st;
    for (int fd = 3; fd < 1024; fd++)
        if (fd != stage->socket && fd != stage->handed && syscall(SYS_fstat, fd, &st) == 0)
            return 0;
    return -EBADF;
}

WAY(any_planted)
{
    struct stat st;
    for (int fd = 100; fd < 1024; fd++)
        if (syscall(SYS_fstat, fd, &st) == 0)
            return 0;
    return -EBADF;
}

WAY(own_memory)
{
    static volatile int value = 1;
    int fd = open("/proc/self/mem", O_RDWR), changed = 2;
    if (fd < 0)
        return -errno;
    return pwrite(fd, &changed, sizeof changed, (off_t)(uintptr_t)&value) < 0 ? -errno : 0;
}

WAY(own_program)
{
    return read_from(open("/proc/self/exe", O_RDONLY));
}

WAY(first_process)
{
    return read_from(open("/proc/1/stat", O_RDONLY));
}

WAY(proc_planted)
{
    return read_from(openat(stage->proc, "1/stat", O_RDONLY));
}

WAY(other_environment)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/environ", stage->outsider);
    return ways_got(open(path, O_RDONLY));
}

WAY(kernel_setting)
{
    return read_from(open("/proc/sys/kernel/hostname", O_RDONLY));
}

WAY(raw_memory)
{
    return ways_got(open("/dev/mem", O_RDONLY));
}

WAY(terminal_device)
{
    return ways_got(open("/dev/ptmx", O_RDWR | O_NOCTTY));
}

WAY(stat_path)
{
    struct stat st;
    return ways_got(stat("/etc/passwd", &st));
}

WAY(statx_path)
{
    struct statx st;
    return ways_got(statx(AT_FDCWD, "/etc/passwd", 0, STATX_SIZE, &st));
}

WAY(statfs_path)
{
    struct statfs st;
    return statfs("/etc", &st) < 0 ? -errno : 0;
}

WAY(access_path)
{
    return ways_got(access("/etc/passwd", R_OK));
}

WAY(readlink_path)
{
    char target[256];
    return ways_got(readlink("/proc/self/exe", target, sizeof target));
}

WAY(change_mode)
{
    return ways_got(chmod(in(stage, "secret"), 0600));
}

WAY(change_owner)
{
    return ways_got(chown(in(stage, "secret"), (uid_t)-1, (gid_t)-1));
}

WAY(cut)
{
    return ways_got(truncate(in(stage, "writable"), 0));
}

WAY(move)
{
    char from[128];
    snprintf(from, sizeof from, "%s", in(stage, "moved"));
    if (rename(from, in(stage, "moved2")) == 0)
        return 0;
    int error = -errno;
    return rename(in(stage, "moved2"), from) == 0 ? 0 : error;
}

WAY(remove_file)
{
    return ways_got(unlink(in(stage, "removed")));
}

WAY(make_folder)
{
    return ways_got(mkdir(in(stage, "folder"), 0700));
}

WAY(make_link)
{
    char from[128];
    snprintf(from, sizeof from, "%s", in(stage, "secret"));
    return ways_got(link(from, in(stage, "link")));
}

WAY(make_symlink)
{
    return ways_got(symlink("/etc/passwd", in(stage, "symlink")));
}

WAY(make_fifo)
{
    return ways_got(mkfifo(in(stage, "fifo"), 0600));
}

WAY(make_device)
{
    return ways_got(mknod(in(stage, "device"), S_IFCHR | 0600, (dev_t)(1 << 8 | 3)));
}

WAY(attribute_path)
{
    char value[64];
    return getxattr("/etc/passwd", "user.x", value, sizeof value) < 0 && errno != ENODATA
               ? -errno
               : 0;
}

WAY(times_path)
{
    return ways_got(utimensat(AT_FDCWD, in(stage, "secret"), NULL, 0));
}

WAY(change_folder)
{
    return ways_got(chdir("/etc"));
}

WAY(change_folder_planted)
{
    return fchdir(stage->directory) == 0 ? read_from(open("etc/passwd", O_RDONLY)) : -errno;
}

WAY(watch)
{
    int fd = inotify_init1(0);
    return fd < 0 ? -errno : ways_got(inotify_add_watch(fd, "/etc", IN_ALL_EVENTS));
}

WAY(watch_all)
{
    return ways_got(fanotify_init(FAN_CLASS_NOTIF, O_RDONLY));
}

WAY(shared_memory)
{
    int fd = shm_open("/candor-walls", O_RDWR | O_CREAT, 0600);
    if (fd < 0)
        return -errno;
    shm_unlink("/candor-walls");
    return 0;
}

WAY(message_queue)
{
    mqd_t queue = mq_open("/candor-walls", O_RDWR | O_CREAT, 0600, NULL);
    if (queue < 0)
        return -errno;
    mq_unlink("/candor-walls");
    return 0;
}

const struct way ways_files[] = {
    {"read /etc/passwd", read_passwd, WALL_LANDLOCK},
    {"read the user's file", read_secret, WALL_LANDLOCK},
    {"read by ../..", read_relative, WALL_LANDLOCK},
    {"write the user's file", write_secret, WALL_LANDLOCK},
    {"create a file", create, WALL_LANDLOCK},
    {"create a file in /", create_in_root, WALL_MOUNTS},
    {"O_PATH", open_path, WALL_MOUNTS},
    {"O_TMPFILE", temporary, WALL_MOUNTS},
    {"list /", list_root, WALL_LANDLOCK},
    {"openat below an inherited folder", below_planted, WALL_LANDLOCK},
    {"openat2 below an inherited folder", openat2_planted, WALL_LANDLOCK},
    {"openat2", openat2_cwd, WALL_LANDLOCK},
    {"open_by_handle_at", by_handle, WALL_CAPABILITIES},
    {"name_to_handle_at", to_handle, WALL_MOUNTS},
    {"read an inherited descriptor", planted_secret, WALL_LIMITS},
    {"write to an inherited descriptor", planted_writable, WALL_LIMITS},
    {"any descriptor but its own", any_descriptor, WALL_LIMITS},
    {"any descriptor above 100", any_planted, WALL_LIMITS},
    {"/proc/self/mem", own_memory, WALL_LANDLOCK},
    {"/proc/self/exe", own_program, WALL_LANDLOCK},
    {"/proc/1/stat", first_process, WALL_LANDLOCK},
    {"1/stat below an inherited /proc", proc_planted, WALL_LANDLOCK},
    {"another process's environment", other_environment, WALL_LANDLOCK},
    {"/proc/sys", kernel_setting, WALL_LANDLOCK},
    {"/dev/mem", raw_memory, WALL_LANDLOCK},
    {"/dev/ptmx", terminal_device, WALL_LANDLOCK},
    {"stat", stat_path, WALL_MOUNTS},
    {"statx", statx_path, WALL_MOUNTS},
    {"statfs", statfs_path, WALL_MOUNTS},
    {"access", access_path, WALL_MOUNTS},
    {"readlink", readlink_path, WALL_MOUNTS},
    {"chmod", change_mode, WALL_MOUNTS},
    {"chown", change_owner, WALL_MOUNTS},
    {"truncate", cut, WALL_MOUNTS},
    {"rename", move, WALL_MOUNTS},
    {"unlink", remove_file, WALL_MOUNTS},
    {"mkdir", make_folder, WALL_MOUNTS},
    {"link", make_link, WALL_MOUNTS},
    {"symlink", make_symlink, WALL_MOUNTS},
    {"mkfifo", make_fifo, WALL_MOUNTS},
    {"mknod of a device", make_device, WALL_MOUNTS},
    {"getxattr", attribute_path, WALL_MOUNTS},
    {"utimensat", times_path, WALL_MOUNTS},
    {"chdir", change_folder, WALL_MOUNTS},
    {"fchdir to an inherited folder", change_folder_planted, WALL_LANDLOCK},
    {"inotify", watch, WALL_MOUNTS},
    {"fanotify_init", watch_all, WALL_CAPABILITIES},
    {"shm_open", shared_memory, WALL_LANDLOCK},
    {"mq_open", message_queue, WALL_LIMITS},
    {NULL, NULL, WALL_CALLS},
};
