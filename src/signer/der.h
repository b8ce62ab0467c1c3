/* der — ASN.1 in its distinguished encoding (X.690), item by item, as ClamAV 1.4 reads it:
 *
 *   u8 type, length: u8 below 128, or u8 0x80 + n and n bytes (n up to 4), content
 *
 * Reads never leave the file; an item never leaves what it lies in. */
#pragma once
#include "base/base.h"

enum der_type {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BITS = 0x03,
    DER_BYTES = 0x04,
    DER_NULL = 0x05,
    DER_NAME = 0x06, /* object identifier */
    DER_TIME = 0x17,
    DER_LONG_TIME = 0x18,
    DER_LIST = 0x30, /* sequence */
    DER_SET = 0x31,
    DER_PART = 0xa0, /* [0], [1] ...: constructed, by its number */
};

/* What is left to read of a file's bytes. */
struct der {
    bytes file;
    uint64_t at;
    uint32_t left;
};

struct der_item {
    uint8_t type;
    struct der in;     /* its content */
    uint64_t at, size; /* all of it, in the file */
};

/* The next item; false when there is none that is whole. */
bool der_next(struct der *from, struct der_item *ret) MUST_USE;
/* The same; false when it is of another type. */
bool der_take(struct der *from, uint8_t type, struct der_item *ret) MUST_USE;
/* An item of that type with this content. */
bool der_expect(struct der *from, uint8_t type, bytes content) MUST_USE;
/* `content` of the item. */
bytes der_content(const struct der_item *item);
/* All of it. */
bytes der_whole(const struct der_item *item);
/* A UTCTime or GeneralizedTime: seconds since 1970. As ClamAV reads the latter: of years from
 * 2000 on, all are 2020. */
bool der_time(struct der *from, int64_t *ret) MUST_USE;
