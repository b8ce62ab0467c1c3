/* landlock — no right to any file, port, socket or signal outside, by the kernel's Landlock.
 * Source: linux/landlock.h up to ABI 7; older kernels know fewer rights and are asked for
 * those. */
#pragma once
#include "base/base.h"

/* Gives up every right that this kernel's Landlock knows, for the calling thread and what comes
 * of it. Needs no_new_privs. Returns the ABI (1 and up), or -E... when there is none. */
int landlock_seal(void) MUST_USE;
