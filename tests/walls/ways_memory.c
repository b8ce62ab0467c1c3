/* Data that becomes code, and calls that another machine's numbers hide. */
#include "ways.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096 };

static int mapped(void *at)
{
    return at == MAP_FAILED ? -errno : 0;
}

static void *page(int protection)
{
    return mmap(NULL, PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

WAY(map_code)
{
    return mapped(page(PROT_READ | PROT_EXEC));
}

WAY(map_writable_code)
{
    return mapped(page(PROT_READ | PROT_WRITE | PROT_EXEC));
}

WAY(map_exec_only)
{
    return mapped(page(PROT_EXEC));
}

WAY(data_to_code)
{
    void *at = page(PROT_READ | PROT_WRITE);
    return at == MAP_FAILED ? -errno : ways_got(mprotect(at, PAGE, PROT_READ | PROT_EXEC));
}

WAY(data_to_writable_code)
{
    void *at = page(PROT_READ | PROT_WRITE);
    return at == MAP_FAILED ? -errno
                            : ways_got(mprotect(at, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
}

WAY(data_to_code_keyed)
{
    void *at = page(PROT_READ | PROT_WRITE);
    return at == MAP_FAILED
               ? -errno
               : ways_got(syscall(SYS_pkey_mprotect, at, PAGE, PROT_READ | PROT_EXEC, -1));
}

WAY(code_to_data)
{
    uintptr_t at = (uintptr_t)&code_to_data & ~(uintptr_t)(PAGE - 1);
    return ways_got(mprotect((void *)at, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
}

WAY(handed_as_code)
{
    return mapped(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, stage->handed, 0));
}

WAY(over_code)
{
    void *data = page(PROT_READ | PROT_WRITE), *place = page(PROT_NONE);
    if (data == MAP_FAILED || place == MAP_FAILED)
        return -errno;
    return mapped(mremap(data, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place));
}

WAY(memory_file)
{
    return ways_got(memfd_create("x", 0));
}

WAY(secret_memory)
{
    return ways_got(syscall(SYS_memfd_secret, 0));
}

WAY(remap_pages)
{
    void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? -errno : ways_got(remap_file_pages(at, PAGE, 0, 0, 0));
}

WAY(system_v_memory)
{
    int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600);
    if (id < 0)
        return -errno;
    shmctl(id, IPC_RMID, NULL);
    return 0;
}

WAY(lock_memory)
{
    void *at = page(PROT_READ | PROT_WRITE);
    return at == MAP_FAILED ? -errno : ways_got(syscall(SYS_mlock, at, PAGE));
}

WAY(page_faults)
{
    return ways_got(syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));
}

WAY(page_faults_of_kernel)
{
    return ways_got(syscall(SYS_userfaultfd, O_CLOEXEC));
}

WAY(read_means_execute)
{
    return ways_got(personality(READ_IMPLIES_EXEC));
}

WAY(other_memory_limit)
{
    return mapped(mmap(NULL, (size_t)64 << 40, PROT_READ,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
}

WAY(more_than_granted)
{
    return mapped(mmap(NULL, (size_t)16 << 30, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
}

/* No limit counts what is shared and has no file. */
WAY(shared_without_file)
{
    return mapped(mmap(NULL, (size_t)16 << 30, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
}

#ifdef __x86_64__
static long call_32(long number, unsigned long first, unsigned long second)
{
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(first), "c"(second)
                     : "memory", "r8", "r9", "r10", "r11");
    if (result < 0 && result > -4096) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

WAY(getpid_32)
{
    return ways_got(call_32(20, 0, 0));
}

WAY(open_32)
{
    char *low = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (low == MAP_FAILED)
        return -errno;
    memcpy(low, "/etc/passwd", 12);
    return ways_got(call_32(5, (unsigned long)(uintptr_t)low, O_RDONLY));
}

/* 3 is read in the list of 64 bit calls that are granted, and close in the other list. */
WAY(granted_number_32)
{
    return ways_got(call_32(3, 1000, 0)) == -EBADF ? 0 : -EINVAL;
}

WAY(getpid_x32)
{
    return ways_got(syscall(0x40000000 | SYS_getpid));
}

WAY(read_x32)
{
    char byte;
    return ways_got(syscall(0x40000000 | SYS_pread64, stage->handed, &byte, 1, 0));
}

WAY(descriptor_table)
{
    char table[16];
    return ways_got(syscall(SYS_modify_ldt, 0, table, sizeof table));
}

WAY(ports_all)
{
    return ways_got(syscall(SYS_iopl, 3));
}

WAY(port_one)
{
    return ways_got(syscall(SYS_ioperm, 0x80, 1, 1));
}

WAY(segment_base)
{
    unsigned long base;
    return ways_got(syscall(SYS_arch_prctl, 0x1003, &base));
}
#endif

const struct way ways_memory[] = {
    {"mmap of code", map_code, WALL_CALLS},
    {"mmap of writable code", map_writable_code, WALL_CODE},
    {"mmap of code that is not readable", map_exec_only, WALL_CALLS},
    {"mprotect data to code", data_to_code, WALL_CODE},
    {"mprotect data to writable code", data_to_writable_code, WALL_CODE},
    {"pkey_mprotect data to code", data_to_code_keyed, WALL_CODE},
    {"mprotect code to writable code", code_to_data, WALL_CODE},
    {"mmap of the handed file as code", handed_as_code, WALL_CALLS},
    {"mremap over other memory", over_code, WALL_CALLS},
    {"memfd_create", memory_file, WALL_CALLS},
    {"memfd_secret", secret_memory, WALL_CALLS},
    {"remap_file_pages", remap_pages, WALL_CALLS},
    {"shmget", system_v_memory, WALL_CALLS},
    {"mlock", lock_memory, WALL_LIMITS},
    {"userfaultfd", page_faults, WALL_CALLS},
    {"userfaultfd for the kernel", page_faults_of_kernel, WALL_CAPABILITIES},
    {"personality READ_IMPLIES_EXEC", read_means_execute, WALL_CALLS},
    {"64 TiB of memory", other_memory_limit, WALL_LIMITS},
    {"16 GiB of memory", more_than_granted, WALL_LIMITS},
    {"16 GiB of shared memory", shared_without_file, WALL_CALLS},
#ifdef __x86_64__
    {"getpid by int 0x80", getpid_32, WALL_CALLS},
    {"open by int 0x80", open_32, WALL_LANDLOCK},
    {"a granted number by int 0x80", granted_number_32, WALL_CALLS},
    {"getpid as x32", getpid_x32, WALL_CALLS},
    {"pread64 as x32", read_x32, WALL_CALLS},
    {"modify_ldt", descriptor_table, WALL_CALLS},
    {"iopl", ports_all, WALL_CAPABILITIES},
    {"ioperm", port_one, WALL_CAPABILITIES},
    {"arch_prctl", segment_base, WALL_CALLS},
#endif
    {NULL, NULL, WALL_CALLS},
};
