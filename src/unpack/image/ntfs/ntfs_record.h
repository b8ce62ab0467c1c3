/* ntfs_record — the master file table of NTFS: its records, their attributes, and streams. */
#pragma once
#include "unpack/image/tree.h"

enum ntfs_type {
    NTFS_ATTRIBUTE_LIST = 0x20,
    NTFS_FILE_NAME = 0x30,
    NTFS_DATA = 0x80,
    NTFS_REPARSE = 0xc0,
};

enum {
    NTFS_RECORD_MOST = 4096,
    NTFS_COMPRESSED = 0x00ff, /* of an attribute's flags */
    NTFS_ENCRYPTED = 0x4000,
};

struct ntfs {
    struct tree *tree;
    uint32_t cluster, record_size;
    uint64_t table;       /* where its first record is */
    struct tree_file mft; /* all of the table */
    uint64_t records;
    uint32_t run; /* that was read last, and where it begins in the table */
    uint64_t run_from;
    uint64_t damaged; /* records in use that cannot be read */
};

struct ntfs_attribute {
    uint32_t type;
    uint16_t flags, id;
    bool resident;
    bytes name;             /* UTF-16 */
    bytes value;            /* of a resident one, else its runs */
    uint64_t first;         /* cluster of the stream that the runs begin with */
    uint64_t size, written; /* of the stream; when `first` is 0 */
    unsigned unit;          /* compressed: clusters of a unit (shift) */
};

/* Reads the boot sector. */
bool ntfs_record_boot(struct source *source, struct ntfs *ret);
/* Reads the table's own record: where all of it lies. False when it cannot be read. */
bool ntfs_record_table(struct ntfs *ntfs);
/* A record, with its sectors' ends put back. False when it is none or damaged. */
bool ntfs_record_read(struct ntfs *ntfs, uint64_t number, uint8_t ret[static NTFS_RECORD_MOST]);
/* The attribute at *at of a record, and moves there to the next; 0: the first. */
bool ntfs_record_next(const struct ntfs *ntfs, const uint8_t *record, size_t *at,
                      struct ntfs_attribute *ret);
/* Adds an attribute's runs to a file. False when they are damaged. */
bool ntfs_record_runs(struct ntfs *ntfs, bytes runs, struct tree_file *file);
