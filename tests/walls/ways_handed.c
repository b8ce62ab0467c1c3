/* The file it was handed, opened for reading: what else could be done with it. */
#include "ways.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

WAY(write_it)
{
    return ways_got(write(stage->handed, "x", 1));
}

WAY(write_vector)
{
    struct iovec part = {(char[]){'x'}, 1};
    return ways_got(pwritev2(stage->handed, &part, 1, 0, 0));
}

WAY(cut_it)
{
    return ways_got(ftruncate(stage->handed, 0));
}

WAY(map_shared_writable)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, stage->handed, 0);
    return at == MAP_FAILED ? -errno : 0;
}

WAY(reopen)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", stage->handed);
    return ways_got(open(path, O_WRONLY));
}

WAY(mode_it)
{
    return ways_got(fchmod(stage->handed, 0600));
}

WAY(owner_it)
{
    return ways_got(fchown(stage->handed, (uid_t)-1, (gid_t)-1));
}

WAY(attribute_it)
{
    return ways_got(fsetxattr(stage->handed, "user.candor", "x", 1, 0));
}

WAY(read_attributes)
{
    char list[256];
    return ways_got(flistxattr(stage->handed, list, sizeof list));
}

WAY(times_it)
{
    return ways_got(futimens(stage->handed, NULL));
}

WAY(lock_it)
{
    return ways_got(flock(stage->handed, LOCK_EX | LOCK_NB));
}

WAY(lock_region)
{
    struct flock region = {.l_type = F_RDLCK};
    return ways_got(fcntl(stage->handed, F_OFD_SETLK, &region));
}

WAY(lease_it)
{
    return ways_got(fcntl(stage->handed, F_SETLEASE, F_RDLCK));
}

WAY(own_it)
{
    return ways_got(fcntl(stage->handed, F_SETOWN, stage->outsider));
}

WAY(signal_it)
{
    return ways_got(fcntl(stage->handed, F_SETSIG, SIGKILL));
}

WAY(duplicate_it)
{
    return ways_got(dup(stage->handed));
}

WAY(duplicate_over_socket)
{
    return ways_got(dup2(stage->handed, 60));
}

WAY(flags_it)
{
    return ways_got(fcntl(stage->handed, F_GETFL));
}

WAY(inode_flags)
{
    int flags;
    return ways_got(ioctl(stage->handed, FS_IOC_GETFLAGS, &flags));
}

WAY(block_map)
{
    int count;
    return ways_got(ioctl(stage->handed, FIONREAD, &count));
}

WAY(punch)
{
    return ways_got(fallocate(stage->handed, 0, 0, 4096));
}

WAY(sync_it)
{
    return ways_got(fsync(stage->handed));
}

WAY(link_it)
{
    char path[128];
    snprintf(path, sizeof path, "%s/linked", stage->folder);
    return ways_got(linkat(stage->handed, "", AT_FDCWD, path, AT_EMPTY_PATH));
}

WAY(handle_it)
{
    struct stage copy = *stage;
    copy.handle.size = sizeof copy.handle.bytes;
    return ways_got(syscall(SYS_name_to_handle_at, stage->handed, "", &copy.handle,
                            &copy.mount_id, AT_EMPTY_PATH));
}

WAY(from_it_upwards)
{
    return ways_got(openat(stage->handed, "..", O_RDONLY));
}

WAY(copy_into)
{
    off_t from = 0;
    return ways_got(copy_file_range(stage->handed, &from, stage->writable, NULL, 1, 0));
}

WAY(copy_onto_itself)
{
    off_t from = 0, to = 8192;
    return ways_got(copy_file_range(stage->handed, &from, stage->handed, &to, 1, 0));
}

WAY(send_to_socket)
{
    off_t from = 0;
    return ways_got(sendfile(stage->socket, stage->handed, &from, 1));
}

WAY(splice_to_socket)
{
    int ends[2];
    if (pipe(ends) < 0)
        return -errno;
    return ways_got(splice(stage->handed, NULL, ends[1], NULL, 1, 0));
}

WAY(tee_it)
{
    int from[2], to[2];
    if (pipe(from) < 0 || pipe(to) < 0 || write(from[1], "x", 1) < 0)
        return -errno;
    return ways_got(tee(from[0], to[1], 1, 0));
}

WAY(vmsplice_it)
{
    int ends[2];
    struct iovec part = {(char[]){'x'}, 1};
    if (pipe(ends) < 0)
        return -errno;
    return ways_got(vmsplice(ends[1], &part, 1, 0));
}

WAY(advise_it)
{
    return ways_got(readahead(stage->handed, 0, 4096));
}

WAY(stat_by_path)
{
    struct stat st;
    return ways_got(syscall(SYS_newfstatat, stage->handed, "", &st, AT_EMPTY_PATH));
}

WAY(say_on_stdout)
{
    return ways_got(write(1, "", 0));
}

const struct way ways_handed[] = {
    {"write to the handed file", write_it, WALL_LIMITS},
    {"pwritev2 to the handed file", write_vector, WALL_LIMITS},
    {"ftruncate the handed file", cut_it, WALL_LIMITS},
    {"map the handed file to write", map_shared_writable, WALL_LIMITS},
    {"open the handed file again to write", reopen, WALL_LANDLOCK},
    {"fchmod the handed file", mode_it, WALL_CALLS},
    {"fchown the handed file", owner_it, WALL_CALLS},
    {"fsetxattr the handed file", attribute_it, WALL_CALLS},
    {"flistxattr the handed file", read_attributes, WALL_CALLS},
    {"futimens the handed file", times_it, WALL_CALLS},
    {"flock the handed file", lock_it, WALL_CALLS},
    {"lock a part of the handed file", lock_region, WALL_CALLS},
    {"lease of the handed file", lease_it, WALL_CALLS},
    {"F_SETOWN", own_it, WALL_CALLS},
    {"F_SETSIG", signal_it, WALL_CALLS},
    {"dup", duplicate_it, WALL_CALLS},
    {"dup2", duplicate_over_socket, WALL_CALLS},
    {"F_GETFL", flags_it, WALL_CALLS},
    {"FS_IOC_GETFLAGS", inode_flags, WALL_CALLS},
    {"FIONREAD", block_map, WALL_CALLS},
    {"fallocate the handed file", punch, WALL_LIMITS},
    {"fsync the handed file", sync_it, WALL_CALLS},
    {"linkat the handed file", link_it, WALL_MOUNTS},
    {"name_to_handle_at the handed file", handle_it, WALL_CALLS},
    {"openat upwards from the handed file", from_it_upwards, WALL_LANDLOCK},
    {"copy_file_range to an inherited file", copy_into, WALL_LIMITS},
    {"copy_file_range within the handed file", copy_onto_itself, WALL_LIMITS},
    {"sendfile to its socket", send_to_socket, WALL_CALLS},
    {"splice", splice_to_socket, WALL_CALLS},
    {"tee", tee_it, WALL_CALLS},
    {"vmsplice", vmsplice_it, WALL_CALLS},
    {"readahead", advise_it, WALL_CALLS},
    {"newfstatat", stat_by_path, WALL_CALLS},
    {"write to stdout", say_on_stdout, WALL_CALLS},
    {NULL, NULL, WALL_CALLS},
};
