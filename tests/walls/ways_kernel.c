/* Rights, and the many doors of the kernel that a parser has no business at. */
#include "ways.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <unistd.h>

static const char *mountpoint(const struct stage *stage)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/mountpoint", stage->folder);
    return path;
}

WAY(mount_tmpfs)
{
    if (!stage->own_mounts)
        return -EPERM;
    return ways_got(mount("none", mountpoint(stage), "tmpfs", 0, "size=4k"));
}

WAY(mount_proc)
{
    if (!stage->own_mounts)
        return -EPERM;
    return ways_got(mount("none", mountpoint(stage), "proc", 0, NULL));
}

WAY(remount)
{
    if (!stage->own_mounts)
        return -EPERM;
    return ways_got(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

WAY(unmount)
{
    if (!stage->own_mounts)
        return -EPERM;
    return ways_got(umount2("/proc", MNT_DETACH));
}

WAY(new_root)
{
    const char *place = mountpoint(stage);
    if (!stage->own_mounts)
        return -EPERM;
    if (mount("none", place, "tmpfs", 0, "size=4k") < 0 || chdir(place) < 0)
        return -errno;
    return ways_got(syscall(SYS_pivot_root, ".", "."));
}

WAY(change_root)
{
    return ways_got(chroot("/"));
}

WAY(open_filesystem)
{
    return ways_got(syscall(SYS_fsopen, "tmpfs", 0));
}

WAY(clone_tree)
{
    return ways_got(syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE));
}

WAY(open_tree_path)
{
    return ways_got(syscall(SYS_open_tree, AT_FDCWD, "/etc", 0));
}

WAY(move_tree)
{
    long tree = syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE);
    if (tree < 0 || !stage->own_mounts)
        return tree < 0 ? -errno : -EPERM;
    return ways_got(syscall(SYS_move_mount, tree, "", AT_FDCWD, mountpoint(stage), 4));
}

WAY(change_mount)
{
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NOATIME,
                                    .attr_clr = MOUNT_ATTR__ATIME};
    if (!stage->own_mounts)
        return -EPERM;
    return ways_got(
        syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &attributes, sizeof attributes));
}

WAY(user_root)
{
    return ways_got(setresuid(0, 0, 0));
}

WAY(user_other)
{
    return ways_got(setresuid(12345, 12345, 12345));
}

WAY(group_root)
{
    return ways_got(setresgid(0, 0, 0));
}

WAY(groups_root)
{
    gid_t group = 0;
    return ways_got(syscall(SYS_setgroups, 1, &group));
}

WAY(file_user)
{
    return syscall(SYS_setfsuid, 0) >= 0 && syscall(SYS_setfsuid, -1) == 0 ? 0 : -EPERM;
}

WAY(all_capabilities)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {.effective = 1u << CAP_SYS_ADMIN | 1, .permitted = 1u << CAP_SYS_ADMIN | 1}};
    return ways_got(syscall(SYS_capset, &header, data));
}

WAY(ambient)
{
    return ways_got(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
}

WAY(dumpable)
{
    return ways_got(prctl(PR_SET_DUMPABLE, 1));
}

WAY(move_program)
{
    /* 0 is no address that a stack can have: looked at after the rights. */
    return ways_past_rights(prctl(PR_SET_MM, PR_SET_MM_START_STACK, 0, 0, 0));
}

WAY(outlive_parent)
{
    return ways_got(prctl(PR_SET_PDEATHSIG, 0));
}

WAY(allow_tracing)
{
    return ways_got(prctl(PR_SET_CHILD_SUBREAPER, 1));
}

WAY(allow_new_code)
{
    /* Given up once set, and 0 is refused then. */
    return ways_got(prctl(65, 0, 0, 0, 0));
}

WAY(other_filter)
{
    struct sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
    struct sock_fprog program = {1, &allow};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
        return 0;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    return ways_got(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

WAY(listen_to_filter)
{
    unsigned action = SECCOMP_RET_USER_NOTIF;
    return ways_got(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
}

WAY(landlock_again)
{
    uint64_t rights = 1;
    return ways_got(syscall(SYS_landlock_create_ruleset, &rights, sizeof rights, 0));
}

WAY(ring)
{
    char parameters[256] = {0};
    return ways_got(syscall(SYS_io_uring_setup, 4, parameters));
}

WAY(asynchronous)
{
    unsigned long context = 0;
    return ways_got(syscall(SYS_io_setup, 4, &context));
}

WAY(load_bpf_map)
{
    union bpf_attr attributes = {
        .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    return ways_got(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes));
}

WAY(performance)
{
    struct perf_event_attr attributes = {.type = PERF_TYPE_SOFTWARE,
                                         .size = sizeof attributes,
                                         .config = PERF_COUNT_SW_TASK_CLOCK,
                                         .exclude_kernel = 1};
    return ways_got(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}

WAY(key_add)
{
    return ways_got(syscall(SYS_add_key, "user", "candor-walls", "x", 1, -2));
}

WAY(key_request)
{
    syscall(SYS_add_key, "user", "candor-walls", "x", 1, -2);
    return ways_got(syscall(SYS_request_key, "user", "candor-walls", NULL, -2));
}

WAY(key_control)
{
    return ways_got(syscall(SYS_keyctl, 0, -2, 1));
}

WAY(semaphores)
{
    int id = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
    if (id < 0)
        return -errno;
    semctl(id, 0, IPC_RMID);
    return 0;
}

WAY(messages)
{
    int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
    if (id < 0)
        return -errno;
    msgctl(id, IPC_RMID, NULL);
    return 0;
}

WAY(host_name)
{
    char name[65];
    if (gethostname(name, sizeof name) < 0)
        return -errno;
    return ways_got(sethostname(name, strlen(name)));
}

WAY(domain_name)
{
    struct utsname names;
    return uname(&names) < 0
               ? -errno
               : ways_got(setdomainname(names.domainname, strlen(names.domainname)));
}

WAY(set_time)
{
    /* Sets nothing, after a look at the rights. */
    return ways_got(syscall(SYS_settimeofday, NULL, NULL));
}

WAY(adjust_time)
{
    char nothing[256] = {0};
    return ways_got(syscall(SYS_adjtimex, nothing));
}

WAY(restart_machine)
{
    /* A command that no kernel knows. */
    return ways_past_rights(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x11111111, NULL));
}

WAY(other_kernel)
{
    return ways_past_rights(syscall(SYS_kexec_load, 0, 100000, NULL, 0));
}

WAY(load_module)
{
    return ways_past_rights(syscall(SYS_init_module, NULL, 0, NULL));
}

WAY(load_module_file)
{
    return ways_past_rights(syscall(SYS_finit_module, -1, "", 0));
}

WAY(kernel_log)
{
    return ways_got(klogctl(10, NULL, 0));
}

WAY(swap_on)
{
    return ways_past_rights(swapon("/nowhere/at/all", 0));
}

WAY(swap_off)
{
    return ways_past_rights(swapoff("/nowhere/at/all"));
}

WAY(accounting)
{
    return ways_past_rights(acct("/nowhere/at/all"));
}

WAY(push_input)
{
    return ways_got(ioctl(stage->terminal, TIOCSTI, "x"));
}

WAY(terminal_size)
{
    struct winsize size;
    return ways_got(ioctl(stage->terminal, TIOCGWINSZ, &size));
}

WAY(timer_descriptor)
{
    return ways_got(timerfd_create(CLOCK_MONOTONIC, 0));
}

WAY(signal_descriptor)
{
    sigset_t set;
    sigemptyset(&set);
    return ways_got(signalfd(-1, &set, 0));
}

WAY(event_descriptor)
{
    return ways_got(eventfd(0, 0));
}

WAY(epoll_descriptor)
{
    return ways_got(epoll_create1(0));
}

WAY(pipe_descriptor)
{
    int ends[2];
    return ways_got(pipe(ends));
}

WAY(signal_action)
{
    return ways_got(sigaction(SIGUSR2, &(struct sigaction){.sa_handler = SIG_IGN}, NULL));
}

WAY(about_system)
{
    struct sysinfo info;
    return ways_got(sysinfo(&info));
}

WAY(name_of_system)
{
    struct utsname names;
    return ways_got(uname(&names));
}

WAY(own_number)
{
    return ways_got(syscall(SYS_getpid));
}

WAY(file_mask)
{
    return ways_got(syscall(SYS_umask, 022));
}

WAY(memory_policy)
{
    return ways_got(syscall(SYS_set_mempolicy, 0, NULL, 0));
}

WAY(priority_lock)
{
    static uint32_t word;
    return ways_got(syscall(SYS_futex, &word, 6, 0, NULL, NULL, 0));
}

WAY(barrier)
{
    return ways_got(syscall(SYS_membarrier, 0, 0, 0));
}

WAY(no_such_call)
{
    return syscall(1000) < 0 && errno == ENOSYS ? 0 : -errno;
}

const struct way ways_kernel[] = {
    {"mount", mount_tmpfs, WALL_CAPABILITIES},
    {"mount /proc", mount_proc, WALL_CAPABILITIES},
    {"change how / is mounted", remount, WALL_CAPABILITIES},
    {"umount", unmount, WALL_MOUNTS},
    {"pivot_root", new_root, WALL_CAPABILITIES},
    {"chroot", change_root, WALL_CAPABILITIES},
    {"fsopen", open_filesystem, WALL_CAPABILITIES},
    {"open_tree, cloned", clone_tree, WALL_CAPABILITIES},
    {"open_tree", open_tree_path, WALL_MOUNTS},
    {"move_mount", move_tree, WALL_CAPABILITIES},
    {"mount_setattr", change_mount, WALL_CAPABILITIES},
    {"setresuid to root", user_root, WALL_USERS},
    {"setresuid to another user", user_other, WALL_USERS},
    {"setresgid to root", group_root, WALL_USERS},
    {"setgroups", groups_root, WALL_USERS},
    {"setfsuid to root", file_user, WALL_USERS},
    {"capset", all_capabilities, WALL_CAPABILITIES},
    {"PR_CAP_AMBIENT", ambient, WALL_CALLS},
    {"PR_SET_DUMPABLE", dumpable, WALL_CALLS},
    {"PR_SET_MM", move_program, WALL_CAPABILITIES},
    {"PR_SET_PDEATHSIG: outlive the parent", outlive_parent, WALL_CALLS},
    {"PR_SET_CHILD_SUBREAPER", allow_tracing, WALL_CALLS},
    {"PR_SET_MDWE off", allow_new_code, WALL_CODE},
    {"another seccomp filter", other_filter, WALL_CALLS},
    {"seccomp's own questions", listen_to_filter, WALL_CALLS},
    {"another Landlock ruleset", landlock_again, WALL_CALLS},
    {"io_uring_setup", ring, WALL_CALLS},
    {"io_setup", asynchronous, WALL_CALLS},
    {"bpf", load_bpf_map, WALL_CAPABILITIES},
    {"perf_event_open", performance, WALL_CALLS},
    {"add_key", key_add, WALL_CALLS},
    {"request_key", key_request, WALL_CALLS},
    {"keyctl", key_control, WALL_CALLS},
    {"semget", semaphores, WALL_CALLS},
    {"msgget", messages, WALL_CALLS},
    {"sethostname", host_name, WALL_CAPABILITIES},
    {"setdomainname", domain_name, WALL_CAPABILITIES},
    {"settimeofday", set_time, WALL_CAPABILITIES},
    {"adjtimex, reading", adjust_time, WALL_CALLS},
    {"reboot", restart_machine, WALL_CAPABILITIES},
    {"kexec_load", other_kernel, WALL_CAPABILITIES},
    {"init_module", load_module, WALL_CAPABILITIES},
    {"finit_module", load_module_file, WALL_CAPABILITIES},
    {"syslog", kernel_log, WALL_CALLS},
    {"swapon", swap_on, WALL_CAPABILITIES},
    {"swapoff", swap_off, WALL_CAPABILITIES},
    {"acct", accounting, WALL_CAPABILITIES},
    {"TIOCSTI on an inherited terminal", push_input, WALL_LIMITS},
    {"TIOCGWINSZ on an inherited terminal", terminal_size, WALL_LIMITS},
    {"timerfd_create", timer_descriptor, WALL_CALLS},
    {"signalfd", signal_descriptor, WALL_CALLS},
    {"eventfd", event_descriptor, WALL_CALLS},
    {"epoll_create", epoll_descriptor, WALL_CALLS},
    {"pipe", pipe_descriptor, WALL_CALLS},
    {"sigaction", signal_action, WALL_CALLS},
    {"sysinfo", about_system, WALL_CALLS},
    {"uname", name_of_system, WALL_CALLS},
    {"getpid", own_number, WALL_CALLS},
    {"umask", file_mask, WALL_CALLS},
    {"set_mempolicy", memory_policy, WALL_CALLS},
    {"futex with priorities", priority_lock, WALL_CALLS},
    {"membarrier", barrier, WALL_CALLS},
    {"a call that does not exist", no_such_call, WALL_CALLS},
    {NULL, NULL, WALL_CALLS},
};
