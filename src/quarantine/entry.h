/* entry — a file in quarantine: what was known of it, and how that is written down.
 *
 * An entry is one file, all numbers little-endian:
 *
 *   offset  size  what
 *        0     8  magic "CANDORQ1"
 *        8     4  h: bytes of the header
 *       12    32  salt: random, of this entry alone
 *       44     h  header, encrypted
 *     44+h    16  its tag
 *     60+h     .  chunks of 65536 encrypted bytes, each followed by its tag of 16; the last
 *                 chunk is of 0 to 65536 bytes, and there always is one
 *
 * The key of an entry is HMAC-SHA-256 of the salt under the vault's key (vault.h). Header and
 * chunks are AES-256-GCM under it; nonces are 12 bytes: the chunk's number (8, the header's is
 * 0), 0 for the header and 1 for chunks (1), 1 for the last chunk and the header, else 0 (1), 0
 * (2). So no nonce comes twice, and what is cut, swapped or put together from two entries does
 * not open. The header is sealed together with the first 44 bytes.
 *
 * The header is records, in any order: tag (2), length (4), value:
 *
 *     1 FACTS      size (8), mode (4), uid (4), gid (4), device (8), inode (8), links (8),
 *                  accessed, modified, changed, taken (each seconds, 8, and nanoseconds, 4),
 *                  SHA-256 (32), findings in all (8)                     exactly one
 *     2 PATH       absolute, without ".", ".." and links                 exactly one
 *     3 OWNER      name of the user                                      at most one
 *     4 GROUP      name of the group                                     at most one
 *     5 VERSION    of the program                                        at most one
 *     6 ATTRIBUTE  length of the name (2), name, value: an extended attribute; POSIX ACLs are
 *                  among them (system.posix_acl_access)                  ascending names
 *     7 EXTENT     offset (8), length (8): where the file has data; everything else are holes.
 *                  The chunks hold the extents, one after the other      ascending
 *     8 FINDING    four times length (2) and text, cut at 1024: rule, namespace, where the rule
 * came from, the object in the file, its names separated by " > "
 *
 * Other tags are refused: a newer program wrote them. */
#pragma once
#include "base/arena.h"

#include <time.h>

enum {
    ENTRY_MAGIC = 8,
    ENTRY_SALT = 32,
    ENTRY_OPEN = 44, /* bytes that are not encrypted */
    ENTRY_HEADER_MAX = 4 << 20,
    ENTRY_CHUNK = 65536,
    ENTRY_EXTENTS = 4096,
    ENTRY_FINDINGS = 256, /* written down; all are counted */
    ENTRY_SHA256 = 32,
    ENTRY_PATH = 8192,
};

struct entry_attribute {
    bytes name, value;
};

struct entry_extent {
    uint64_t at, len;
};

/* Texts are those of a scan: hostile where they come from the file. */
struct entry_finding {
    bytes rule, name_space, source, object;
};

struct entry_facts {
    uint64_t size, device, inode, links;
    uint32_t mode, uid, gid; /* mode: permissions only, 07777 */
    struct timespec accessed, modified, changed, taken;
    uint8_t sha256[ENTRY_SHA256]; /* of the whole file, holes as zeros */
    uint64_t findings;            /* in all */
    bytes path, owner, group, version;
    VEC(struct entry_attribute) attribute;
    VEC(struct entry_extent) extent;
    VEC(struct entry_finding) finding;
};

/* The header, into the arena. -E2BIG when it would be larger than ENTRY_HEADER_MAX. */
int entry_encode(const struct entry_facts *entry, struct arena *arena, bytes *ret,
                 struct why *why) MUST_USE;
/* Reads a header; trusts nothing. Views point into it. -EBADMSG, -ENOMEM. */
int entry_decode(bytes header, struct arena *arena, struct entry_facts *ret,
                 struct why *why) MUST_USE;
