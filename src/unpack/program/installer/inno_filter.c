/* Inno Setup's filter for programs: the targets of calls (e8) and jumps (e9) in it are
 * absolute. Before 5.2 any four bytes after; since then only those whose highest byte is 0 or
 * ff, and that do not cross a border of 64 KiB; since 5.3.9 the highest byte is turned over
 * where bit 23 is set. Inno Setup 6, Projects/CompressBase.pas: TransformCallInstructions. */
#include "unpack/program/installer/inno.h"

enum { BLOCK = 0x10000 };

static void unfilter_old(uint8_t *at, size_t size)
{
    for (size_t i = 0; i + 5 <= size; i++) {
        if (at[i] != 0xe8 && at[i] != 0xe9)
            continue;
        uint32_t target = load_le32(at + i + 1) - (uint32_t)(i + 5);
        for (unsigned k = 0; k < 4; k++)
            at[i + 1 + k] = (uint8_t)(target >> 8 * k);
        i += 4;
    }
}

void inno_unfilter(uint8_t *at, size_t size, unsigned version)
{
    if (version < INNO_5200) {
        unfilter_old(at, size);
        return;
    }
    for (size_t i = 0; i + 5 <= size; i++) {
        if ((at[i] != 0xe8 && at[i] != 0xe9) || BLOCK - i % BLOCK < 5)
            continue;
        uint8_t *p = at + i + 1;
        if (p[3] == 0 || p[3] == 0xff) {
            uint32_t target = (load_le32(p) & 0xffffff) - (uint32_t)((i + 5) & 0xffffff);
            p[0] = (uint8_t)target;
            p[1] = (uint8_t)(target >> 8);
            p[2] = (uint8_t)(target >> 16);
            if (version >= INNO_5309 && target & 0x800000)
                p[3] = (uint8_t)~p[3];
        }
        i += 4;
    }
}
