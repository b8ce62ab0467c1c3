/* archive — zip archives that are encrypted the old way: what is in them, which of their bytes
 * are known, and the same archive without encryption.
 *
 * Source: APPNOTE.TXT 6.3.10, sections 4.3 and 6.1. */
#pragma once
#include "base/budget.h"
#include "rescue/source.h"
#include "rescue/zip/attack.h"

enum { ARCHIVE_DIRECTORY = 64 << 20, ARCHIVE_MEMBERS = 1 << 20, ARCHIVE_HEADS = 64 };

struct archive_member {
    bytes name;      /* as it stands there: hostile */
    uint16_t method; /* 0 stored, 8 deflated */
    uint16_t flags;  /* bit 0: encrypted, 3: sizes stand behind the data, 6: in another way */
    uint16_t time, date;
    uint16_t version;
    uint32_t crc, attributes;
    uint64_t packed, size; /* packed: with the 12 bytes of the header */
    uint64_t local, data;  /* where its local header and its data begin */
    bool legacy;           /* encrypted in the way that is dealt with here */
};

struct archive {
    VEC(struct archive_member) member;
    uint32_t legacy, other; /* members encrypted in this way, and in other ways */
};

/* Reads the central directory. -EBADMSG: no zip archive, or a damaged one. */
int archive_read(const struct source *source, struct arena *arena, struct archive *ret,
                 struct why *why) MUST_USE;
/* Bytes of a member that are known from its name (stored PNG, SQLite, OLE2 ...) and from its
 * local header (the check byte): their number, at most `max`; fewer than ATTACK_KNOWN are of no
 * use. The name may lie: keys that are found prove it. */
size_t archive_known(const struct archive_member *member, struct attack_known *ret, size_t max);
/* The byte that stands last in the member's encrypted header. */
uint8_t archive_check_byte(const struct archive_member *member);
/* The member that promises most by archive_known, NULL: none is of use. */
const struct archive_member *archive_easiest(const struct archive *archive);
const struct archive_member *archive_find(const struct archive *archive, bytes name);

struct archive_result {
    uint32_t opened;  /* members whose CRC-32 is right: proven */
    uint32_t plain;   /* that were not encrypted */
    uint32_t left;    /* with another password, or encrypted in another way: as they were */
    uint32_t unknown; /* decrypted, but packed in a way that is not checked here */
    uint32_t broken; /* the check byte fits (of other passwords, too, 1 in 256), the CRC-32 does
                        not: left as they were */
};

/* The archive again, without the encryption of what the keys open, to `write`. Reads each
 * member twice: first to see that its CRC-32 is right. `arena` for windows. -EFBIG: over 4
 * GiB. */
int archive_open(const struct archive *archive, const struct source *source,
                 struct zip_keys keys, struct arena *arena,
                 int (*write)(void *context, bytes part), void *context,
                 struct archive_result *ret, struct why *why) MUST_USE;
