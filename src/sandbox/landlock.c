#include "sandbox/landlock.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/* struct landlock_ruleset_attr; a kernel takes longer ones than it knows if the rest is 0. Not
 * from the header, which is older than the kernel where candor is built. */
struct rights {
    uint64_t files; /* execute .. make_sym; ABI 2 refer, 3 truncate, 5 ioctl on devices */
    uint64_t ports; /* ABI 4: TCP bind, connect */
    uint64_t scope; /* ABI 6: abstract sockets, signals */
};

enum { VERSION = 1 }; /* flag: asks for the ABI */

int landlock_seal(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION);
    if (abi < 1)
        return abi < 0 ? -errno : -ENOSYS;
    int file_rights = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;
    struct rights rights = {
        .files = (UINT64_C(1) << file_rights) - 1,
        .ports = abi >= 4 ? 3 : 0,
        .scope = abi >= 6 ? 3 : 0,
    };
    size_t size = abi >= 6 ? sizeof rights : abi >= 4 ? 16 : 8;
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rights, size, 0);
    if (ruleset < 0)
        return -errno;
    int error = syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ? -errno : (int)abi;
    close(ruleset);
    return error;
}
