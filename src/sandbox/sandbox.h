/* sandbox — processes that can do only what their row in profiles.c grants. The door of this
 * folder, and the only code that forks, drops and seals.
 *
 *     parent                          child
 *     sandbox_spawn ───────────────►  new namespaces, only the descriptors it was given,
 *       │                             an own session, dies with the parent
 *       │                             run(): warms up: opens what it will need; no hostile
 *       │                                    byte has been read yet
 *       │                             sandbox_seal: no files, no network, no rights, and only
 *       │                                    the system calls of its row, for ever
 *       │ ◄──── socket ────────────►  reads hostile bytes, answers on its socket
 *     sandbox_end: kills what is left, says how it ended
 *
 * The child is a copy of the parent, taken while no other thread of the parent runs (else it
 * may inherit a lock that nobody opens). In builds with sanitizers a short list of further
 * calls is granted, see profiles.c. */
#pragma once
#include "sandbox/profiles.h"
#include "sandbox/walls.h"

#include <sys/types.h>

struct stat;

/* The first descriptor that was kept is this one in the child, the others follow. 0, 1 and 2
 * are /dev/null (with sanitizers, 2 stays what it was: reports go there). */
enum { SANDBOX_FIRST = 3 };

struct sandbox_child {
    pid_t pid;
    int pidfd; /* becomes readable when it ended: for poll. Closed by sandbox_end */
};

/* How a child ended: by a signal, or else with an exit status. SIGSYS: it made a system call
 * that it was not granted. */
struct sandbox_end {
    int signal;
    int status;
    size_t peak; /* bytes of memory it held at most */
};

/* Starts run(context) in a child that keeps the descriptors keep[0..keep_count), renumbered
 * from SANDBOX_FIRST; what run returns is its exit status (nothing registered with atexit is
 * run). The environment is empty, all signals have their default action and none is blocked.
 * What the kernel refuses of the namespaces is noted in the walls that sandbox_seal returns.
 * -E... when there is no child. */
int sandbox_spawn(const struct sandbox_profile *profile, int (*run)(void *context),
                  void *context, const int *keep, size_t keep_count, struct sandbox_child *ret,
                  struct why *why) MUST_USE;

/* In the child, after its warming up: gives up everything that the profile does not grant, for
 * ever. Without system call filter, capabilities dropped, limits and no_new_privs nothing is
 * sealed: -E..., and the child must end. Namespaces, the empty root and Landlock may be refused
 * by a kernel: `ret` says so; it has no pointers and can be sent to the parent as it stands. */
int sandbox_seal(const struct sandbox_profile *profile, struct walls *ret,
                 struct why *why) MUST_USE;

/* For a process that opens the user's files and reports: from now on it reaches no network,
 * starts no program, and looks into no other process (profiles_reader in profiles.c); nor do
 * its children. Before it starts threads. */
int sandbox_confine(struct why *why) MUST_USE;

/* Kills the child if it still runs, waits for its end and closes the pidfd. `ret` may be NULL.
 */
void sandbox_end(struct sandbox_child *child, struct sandbox_end *ret);

/* fstat for sealed processes: glibc's asks by path, which they may not. -E... */
int sandbox_stat(int fd, struct stat *ret) MUST_USE;
