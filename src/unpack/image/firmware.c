/* U-Boot (image.h), big endian: 0 27051956, 12 size, 30 kind (4: several), 32 name[32], 64
 * data; of several: their sizes, up to a 0, then each, filled up to 4 bytes TRX (of Broadcom):
 * 0 "HDR0", 4 size, 14 version, 16 where its parts are: three, from version 2 on four Android
 * ("Boot image header", source.android.com): 0 "ANDROID!", 8 size of the kernel, 16 of the
 *     ramdisk, 24 of a second loader, 36 size of a page, 40 version, from 1 on: 1632 size of a
 *     recovery image, from 2 on 1648 of a device tree; version 3 and later: 8 kernel, 12
 * ramdisk, pages of 4096. Each part begins at a page. Of vendors: 0 "VNDRBOOT", 12 page, 24
 * ramdisk, 2096 size of this header, 2100 of a device tree initramfs (Linux,
 * early-userspace/buffer-format): archives of cpio, each as it is or compressed, with zeros
 * between them cpio: 0 "070701" or "070702", 54 size and 94 length of the name in eight hex
 * digits, 110 name */
#include "unpack/image/firmware.h"

#include <string.h>

enum {
    UIMAGE_HEADER = 64,
    UIMAGE_SEVERAL = 4,
    PARTS_MOST = 32,
    CPIO_HEADER = 110,
    TRAILER = 11, /* with its NUL */
};

/* Hands out [from, from+size), with a gap for what is not there. */
static bool show_part(struct unpack *unpack, const char *name, uint64_t from, uint64_t size)
{
    bytes part = from < unpack->data.len ? bytes_slice(unpack->data, (size_t)from, (size_t)size)
                                         : (bytes){NULL, 0};
    if (part.len < size)
        unpack_gap(unpack, bytes_of(name), GAP_DAMAGED, "goes beyond the end of the image");
    return unpack_view(unpack, bytes_of(name), part);
}

void firmware_uimage_open(struct unpack *unpack)
{
    bytes data = unpack->data;
    uint32_t size, sizes[PARTS_MOST], count = 0;
    uint64_t at = UIMAGE_HEADER;
    static const char *const names[] = {"part 1", "part 2", "part 3", "part 4"};
    if (!bytes_be32(data, 12, &size) || !bytes_has(data, 0, UIMAGE_HEADER)) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the header is cut short");
        return;
    }
    if (data.at[30] != UIMAGE_SEVERAL) {
        bytes name = {data.at + 32, strnlen((const char *)data.at + 32, 32)};
        bytes part = bytes_slice(data, UIMAGE_HEADER, size);
        if (part.len < size)
            unpack_gap(unpack, name, GAP_DAMAGED, "goes beyond the end of the image");
        if (!unpack_view(unpack, name.len ? name : bytes_of("data"), part))
            return;
        at += size;
    } else {
        while (count < PARTS_MOST && bytes_be32(data, at, &sizes[count]) && sizes[count]) {
            count++;
            at += 4;
        }
        at += 4;
        for (uint32_t i = 0; i < count; i++) {
            if (!show_part(unpack, i < COUNT(names) ? names[i] : "part", at, sizes[i]))
                return;
            at += ((uint64_t)sizes[i] + 3) & ~UINT64_C(3);
        }
    }
    bytes rest = at < data.len ? bytes_slice(data, (size_t)at, data.len) : (bytes){NULL, 0};
    if (rest.len)
        (void)!unpack_view(unpack, bytes_of("trailing data"), rest);
}

void firmware_trx_open(struct unpack *unpack)
{
    bytes data = unpack->data;
    uint32_t size, from[5] = {0}, count;
    uint16_t version;
    static const char *const names[] = {"part 1", "part 2", "part 3", "part 4"};
    if (!bytes_le32(data, 4, &size) || !bytes_le16(data, 14, &version)) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the header is cut short");
        return;
    }
    count = version >= 2 ? 4 : 3;
    for (uint32_t i = 0; i < count; i++)
        if (!bytes_le32(data, 16 + 4 * i, &from[i]))
            return;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t end = size;
        for (uint32_t k = 0; k < count; k++)
            if (from[k] > from[i] && from[k] < end)
                end = from[k];
        if (from[i] && from[i] < end && !show_part(unpack, names[i], from[i], end - from[i]))
            return;
    }
}

/* Parts that begin at pages, one after the other. */
static void show_pages(struct unpack *unpack, uint32_t page, uint64_t from,
                       const char *const *names, const uint32_t *sizes, size_t count)
{
    uint64_t at = (from + page - 1) / page * page;
    for (size_t i = 0; i < count; i++) {
        if (sizes[i] && !show_part(unpack, names[i], at, sizes[i]))
            return;
        at += ((uint64_t)sizes[i] + page - 1) / page * page;
    }
}

void firmware_android_open(struct unpack *unpack)
{
    static const char *const names[] = {"kernel", "ramdisk", "second", "recovery_dtbo", "dtb"};
    bytes data = unpack->data;
    uint32_t sizes[5] = {0}, page = 4096, version = 0, head = 1;
    bool fine = bytes_le32(data, 40, &version) && bytes_le32(data, 8, &sizes[0]);
    if (version == 3 || version == 4) {
        fine &= bytes_le32(data, 12, &sizes[1]) && bytes_le32(data, 20, &head);
    } else {
        fine &= bytes_le32(data, 16, &sizes[1]) && bytes_le32(data, 24, &sizes[2]) &&
                bytes_le32(data, 36, &page);
        if (version == 1 || version == 2)
            fine &= bytes_le32(data, 1632, &sizes[3]);
        if (version == 2)
            fine &= bytes_le32(data, 1648, &sizes[4]);
    }
    if (!fine || page < 512 || page > 1 << 20)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the header is damaged");
    else
        show_pages(unpack, page, head, names, sizes, COUNT(sizes));
}

void firmware_vendor_open(struct unpack *unpack)
{
    static const char *const names[] = {"ramdisk", "dtb"};
    bytes data = unpack->data;
    uint32_t sizes[2], page, head;
    if (!bytes_le32(data, 12, &page) || !bytes_le32(data, 24, &sizes[0]) ||
        !bytes_le32(data, 2096, &head) || !bytes_le32(data, 2100, &sizes[1]) || page < 512 ||
        page > 1 << 20)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the header is damaged");
    else
        show_pages(unpack, page, head, names, sizes, COUNT(sizes));
}

static bool hex_read(const uint8_t *text, uint32_t *ret)
{
    *ret = 0;
    for (size_t i = 0; i < 8; i++) {
        uint32_t c = ascii_lower(text[i]);
        if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
            return false;
        *ret = *ret << 4 | (c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return true;
}

/* Where the first archive ends; 0 when that cannot be told. */
static uint64_t archive_end(struct unpack *unpack)
{
    bytes data = unpack->data;
    for (uint64_t at = 0; bytes_has(data, at, CPIO_HEADER);) {
        uint32_t size, name;
        const uint8_t *head = data.at + at;
        if (memcmp(head, "07070", 5) != 0 || !hex_read(head + 54, &size) ||
            !hex_read(head + 94, &name) || !budget_charge(unpack->budget, 16))
            return 0;
        at += CPIO_HEADER;
        bool last = name == TRAILER && bytes_has(data, at, TRAILER) &&
                    memcmp(data.at + at, "TRAILER!!!", TRAILER) == 0;
        at = (at + name + 3) & ~UINT64_C(3);
        at = (at + size + 3) & ~UINT64_C(3);
        if (last)
            return at;
    }
    return 0;
}

void firmware_initramfs_open(struct unpack *unpack)
{
    uint64_t at = archive_end(unpack);
    bytes data = unpack->data;
    if (at == 0)
        return;
    while (at < data.len && data.at[at] == 0)
        at++;
    if (at < data.len && budget_charge(unpack->budget, at / 16))
        (void)!unpack_view(unpack, bytes_of("[next archive]"),
                           bytes_slice(data, (size_t)at, data.len));
}
