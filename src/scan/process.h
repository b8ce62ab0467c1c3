/* process — the memory of a running process, as blocks: /proc/PID/maps, /proc/PID/mem.
 *
 * Every readable region is a block, cut into chunks of at most `chunk` bytes, in order of
 * addresses. Pages that were never touched read as zero without being touched by us. The
 * process is not stopped: it may change meanwhile. */
#pragma once
#include "base/base.h"
#include "yara/module.h"

struct process {
    struct block *blocks;
    uint32_t count, room;
};

/* -EPERM and the like when the process cannot be read. process_close in any case. */
int process_open(struct process *process, long pid, uint64_t chunk) MUST_USE;
void process_close(struct process *process);
