/* partition — the tables that divide a disk: MBR with its chain of extended partitions, GPT,
 * Apple partition map. */
#pragma once
#include "unpack/image/source.h"

enum partition_scheme { PARTITION_NONE, PARTITION_MBR, PARTITION_GPT, PARTITION_APPLE };

enum { PARTITION_NAME = 64 };

struct partition {
    uint64_t from, size;       /* as the table says: may go beyond the disk */
    char name[PARTITION_NAME]; /* "partition 1 (Linux)" */
};

struct partition_table {
    VEC(struct partition) parts;
    bool damaged; /* not all of it could be read */
};

/* Which table the disk begins with: looks at its first 4 KiB and its last sector. */
enum partition_scheme partition_scheme(struct source *disk);
/* The partitions that hold something, without those that begin where the disk does. */
struct partition_table partition_list(struct source *disk, enum partition_scheme scheme,
                                      struct arena *arena);

/* The rows. */
bool partition_mbr_probe(bytes data);
bool partition_gpt_probe(bytes data);
bool partition_apple_probe(bytes data);
void partition_mbr_open(struct unpack *unpack);
void partition_gpt_open(struct unpack *unpack);
void partition_apple_open(struct unpack *unpack);
