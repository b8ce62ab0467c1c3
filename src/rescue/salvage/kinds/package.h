/* package — a zip file that is written anew out of members that survived (APPNOTE.TXT 6.3.10):
 * their compressed bytes as they are, under headers of our own. */
#pragma once
#include "rescue/salvage/salvage.h"

struct package_member {
    bytes name;
    uint16_t method, flags, time, date;
    uint32_t crc, packed, size;
    uint32_t at; /* of its local header in the package */
};

struct package {
    struct salvage *salvage;
    VEC(struct package_member) members;
    uint64_t size; /* written so far */
};

/* The local header; then the caller puts the member's packed bytes. False: stop, or over 4 GiB
 * (then nothing was written and *ret_full is true). */
bool package_add(struct package *package, const struct package_member *member,
                 bool *ret_full) MUST_USE;
/* The directory. */
bool package_finish(struct package *package) MUST_USE;
