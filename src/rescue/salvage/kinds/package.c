#include "rescue/salvage/kinds/package.h"

#include <string.h>

enum { LOCAL_SIZE = 30, CENTRAL_SIZE = 46, END_SIZE = 22, NEEDED = 20, KEPT_FLAGS = 0x0806 };

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value);
    put16(at + 2, value >> 16);
}

/* What both headers have in the same order: from the version needed to the name's length. */
static void put_shared(uint8_t *at, const struct package_member *member)
{
    put16(at, NEEDED);
    put16(at + 2, member->flags & KEPT_FLAGS);
    put16(at + 4, member->method);
    put16(at + 6, member->time);
    put16(at + 8, member->date);
    put32(at + 10, member->crc);
    put32(at + 14, member->packed);
    put32(at + 18, member->size);
    put16(at + 22, (uint32_t)member->name.len);
}

bool package_add(struct package *package, const struct package_member *member, bool *ret_full)
{
    uint8_t header[LOCAL_SIZE] = "PK\3\4";
    uint64_t size = LOCAL_SIZE + member->name.len + (uint64_t)member->packed;
    *ret_full = package->size + size > UINT32_MAX - (1u << 24) || package->members.n >= 65535 ||
                member->name.len > UINT16_MAX;
    struct package_member *kept =
        *ret_full ? NULL : vec_push(package->salvage->arena, &package->members);
    if (!kept) {
        *ret_full = true;
        return false;
    }
    *kept = *member;
    kept->at = (uint32_t)package->size;
    package->size += size;
    put_shared(header + 4, member);
    return salvage_put(package->salvage, (bytes){header, sizeof header}) &&
           salvage_put(package->salvage, member->name);
}

bool package_finish(struct package *package)
{
    uint8_t end[END_SIZE] = "PK\5\6";
    uint64_t size = 0;
    for (uint32_t i = 0; i < package->members.n; i++) {
        const struct package_member *member = &package->members.at[i];
        uint8_t header[CENTRAL_SIZE] = "PK\1\2";
        put16(header + 4, NEEDED);
        put_shared(header + 6, member);
        put32(header + 42, member->at);
        size += CENTRAL_SIZE + member->name.len;
        if (!salvage_put(package->salvage, (bytes){header, sizeof header}) ||
            !salvage_put(package->salvage, member->name))
            return false;
    }
    put16(end + 8, package->members.n);
    put16(end + 10, package->members.n);
    put32(end + 12, (uint32_t)size);
    put32(end + 16, (uint32_t)package->size);
    return salvage_put(package->salvage, (bytes){end, sizeof end});
}
