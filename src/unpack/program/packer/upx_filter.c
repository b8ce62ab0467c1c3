/* The filters of UPX: the targets of calls, which were made absolute so that equal ones are
 * equal, are made relative again.
 *
 *   0x1n  4 bytes after e8 (n modulo 3 = 1), e9 (2) or both (0); n > 3: stored big endian
 *   0x24, 0x25, 0x26, 0x36, 0x46  the same where the first of the 4 bytes, big endian, is the
 *         mark cto: the other three are the target; 0x49: also after 0f 80 to 0f 8f
 *   0x50, 0x51, 0x52  the low 24 or 26 bits of branches of ARM (both orders) and AArch64
 *   0xd0  branches of PowerPC whose top bits are the mark
 *
 * UPX 4.2, src/filter/ct.h, cto.h, ctoj.h, ctok.h, ppcbxx.h. */
#include "unpack/program/packer/upx.h"

static void store_le(uint8_t *p, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> 8 * i);
}

static void store_be(uint8_t *p, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        p[3 - i] = (uint8_t)(value >> 8 * i);
}

static bool is_branch(unsigned id, uint8_t byte)
{
    unsigned which = (id & 0xf0) == 0x10 || (id & 0xf0) == 0x20 ? id % 16 % 3 : 0;
    return (byte == 0xe8 && which != 2) || (byte == 0xe9 && which != 1);
}

static void unfilter_all(unsigned id, uint8_t *buf, size_t size, uint32_t base)
{
    bool from_le = (id & 15) <= 3, to_be = (id & 15) >= 7;
    for (size_t i = 0; i + 5 < size; i++) {
        if (!is_branch(id, buf[i]))
            continue;
        uint8_t *p = buf + i + 1;
        uint32_t value = from_le || to_be ? load_le32(p) : load_be32(p);
        value -= (uint32_t)i + 1 + base;
        if (to_be)
            store_be(p, value);
        else
            store_le(p, value);
        i += 4;
    }
}

static void unfilter_marked(unsigned id, uint8_t cto, uint8_t *buf, size_t size, uint32_t base)
{
    size_t last = 0;
    for (size_t i = 0; i + 5 < size; i++) {
        bool branch = is_branch(id, buf[i]);
        if (!branch && id == 0x49)
            branch = last != i && buf[i - 1] == 0x0f && (buf[i] & 0xf0) == 0x80;
        if (!branch || buf[i + 1] != cto)
            continue;
        store_le(buf + i + 1,
                 load_be32(buf + i + 1) - (uint32_t)i - 1 - base - ((uint32_t)cto << 24));
        i += 4;
        last = i + 1;
    }
}

static void unfilter_arm(unsigned id, uint8_t *buf, size_t size, uint32_t base)
{
    const uint32_t mask = id == 0x52 ? 0x03ffffff : 0x00ffffff;
    for (size_t i = 0; i + 4 < size; i += 4) {
        uint32_t word = id == 0x51 ? load_be32(buf + i) : load_le32(buf + i);
        bool branch = id == 0x52 ? (word >> 24 & 0x7c) == 0x14 : (word >> 24 & 0x0f) == 0x0b;
        if (!branch)
            continue;
        word = (word & ~mask) | ((word - (uint32_t)i / 4 - base) & mask);
        if (id == 0x51)
            store_be(buf + i, word);
        else
            store_le(buf + i, word);
    }
}

static void unfilter_powerpc(uint8_t cto, uint8_t *buf, size_t size, uint32_t base)
{
    enum { MARK = 4 }; /* bits of the mark */

    const uint32_t reach = (UINT32_C(1) << (26 - MARK)) - 4;
    if (size > reach + 8) /* as the filter does */
        size = reach + 8;
    for (size_t i = 0; i + 4 <= size; i += 4) {
        uint32_t word = load_be32(buf + i);
        if (word >> 26 != 18 || (word >> (26 - MARK) & ((1u << MARK) - 1)) != cto)
            continue;
        uint32_t target = word & reach;
        store_be(buf + i, (word & 0xfc000003) | (0x03fffffc & (target - (uint32_t)i - base)));
    }
}

bool upx_unfilter(unsigned id, uint8_t cto, uint8_t *buf, size_t size, uint32_t base)
{
    if (id == 0 || size < 8)
        return true;
    if (id >= 0x11 && id <= 0x19)
        unfilter_all(id, buf, size, base);
    else if ((id >= 0x24 && id <= 0x26) || id == 0x36 || id == 0x46 || id == 0x49)
        unfilter_marked(id, cto, buf, size, base);
    else if (id >= 0x50 && id <= 0x52)
        unfilter_arm(id, buf, size, base);
    else if (id == 0xd0)
        unfilter_powerpc(cto, buf, size, base);
    else
        return false;
    return true;
}
