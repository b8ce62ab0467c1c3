/* partition — tables whose partitions share sectors, as clamscan 1.4 finds it. Of a table
 * `most` entries are looked at, PARTITION_MOST at most. */
#pragma once
#include "base/base.h"

enum { PARTITION_MOST = 1000 };

bool partition_mbr(bytes disk, uint32_t most);
bool partition_gpt(bytes disk, uint32_t most);
bool partition_apm(bytes disk, uint32_t most);
