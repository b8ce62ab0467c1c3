/* ole2 — compound files, [MS-CFB]: storages and streams in sectors.
 *
 * What documents of Office 97 to 2003, their VBA projects, messages of Outlook and installers
 * are written in. ole2.c reads the structure; ole2_open.c walks it and hands out streams. */
#pragma once
#include "unpack/unpack.h"

enum ole2_type { OLE2_EMPTY = 0, OLE2_STORAGE = 1, OLE2_STREAM = 2, OLE2_ROOT = 5 };

enum { OLE2_NONE = UINT32_MAX };

/* A directory entry, 2.6.1. */
struct ole2_entry {
    bytes name; /* UTF-8; of installers: decoded */
    uint32_t left, right, child;
    uint32_t parent; /* the storage; OLE2_NONE of the root and of those that none leads to */
    uint32_t start;
    uint64_t size;
    uint64_t source_at; /* where its compressed VBA source begins, plus 1; 0: not known */
    bytes source_name;  /* what the project calls the module */
    uint8_t type;       /* enum ole2_type, or damaged */
    bool reached;       /* the tree leads here */
    uint8_t class_id[16];
};

struct ole2 {
    struct unpack *unpack;
    bytes file;
    unsigned shift; /* sectors are of 1 << shift bytes */
    uint64_t cutoff;

    struct sectors {
        const uint32_t *at;
        uint32_t count;
    } fat, minifat, mini; /* where these lie, in order */
    struct ole2_entry *entries;
    uint32_t count;
    uint32_t *order; /* the entries that the tree leads to, in its order */
    uint32_t order_count;
    uint64_t left; /* bytes that streams may still have in all: they do not share sectors */
};

/* Reads header, tables and directory. Damage that can be read past is noted as a gap. False
 * when there is no directory: then also a gap was noted. */
bool ole2_read(struct ole2 *ole, struct unpack *unpack);
/* "A/B/name", in the arena. */
bytes ole2_path(const struct ole2 *ole, uint32_t entry);
/* The entry of that name in a storage (any case), or OLE2_NONE. 0 is the root. */
uint32_t ole2_find(const struct ole2 *ole, uint32_t storage, bytes name);
/* Hands out a stream. *ret_data: its bytes, good as what unpack_end_kept returns. False:
 * return. */
bool ole2_hand_out(struct ole2 *ole, uint32_t entry, bytes name, bytes *ret_data) MUST_USE;
/* The bytes of a stream without handing it out: kept, as by unpack_keep; what is cut short is
 * given as far as it goes. Empty when there is none. */
bytes ole2_load(struct ole2 *ole, uint32_t entry);

void ole2_open(struct unpack *unpack);
