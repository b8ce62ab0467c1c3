/* patch — ClamAV's .cdiff files, applied to a directory of unpacked databases.
 *
 * A sealed worker reads patch and databases from the descriptors it was started with, and
 * leaves what becomes of them in a file without a name; this process writes that beside the
 * directory and puts it in its place at once: all of it or nothing. */
#pragma once
#include "base/base.h"
#include "clamav/container.h"

struct patch_options {
    bytes certificates; /* PEM: whom a .sign file may lead to */
    bool unsigned_too;  /* a patch that ClamAV did not sign is taken; bare scripts, too */
};

/* What a patch was. */
struct patch_result {
    uint32_t version;         /* that it leads to */
    uint8_t legacy, external; /* enum container_check */
    char signer[64];
    uint32_t files, changed, gone;
};

/* Applies the patch to the files in `directory`, which holds nothing else, and puts the result
 * there, or makes it `to` (which must not be there yet). -EKEYREJECTED: not signed by ClamAV.
 * -EBADMSG: it does not fit. The directory is then as it was. */
int patch_apply(const char *directory, const char *patch, const char *to,
                const struct patch_options *options, struct patch_result *ret,
                struct why *why) MUST_USE;
