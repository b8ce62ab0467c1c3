/* zip — what finding members (zip.c), decoding (zip_member.c) and deciphering (zip_cipher.c)
 * share. Source: APPNOTE.TXT 6.3.10, PKWARE; its section numbers are in the files. */
#pragma once
#include "unpack/archive/decode.h"

enum {
    ZIP_ENCRYPTED = 1, /* flags */
    ZIP_OPTIONS = 6,   /* two bits for the method */
    ZIP_TRAILED = 8,   /* sizes and checksum follow the data */
    ZIP_STRONG = 0x40,
    ZIP_STORED = 0, /* methods */
    ZIP_SHRINK = 1,
    ZIP_REDUCE_1 = 2,
    ZIP_REDUCE_4 = 5,
    ZIP_IMPLODE = 6,
    ZIP_DEFLATE = 8,
    ZIP_DEFLATE64 = 9,
    ZIP_BZIP2 = 12,
    ZIP_LZMA = 14,
    ZIP_OLD_ZSTD = 20,
    ZIP_ZSTD = 93,
    ZIP_XZ = 95,
    ZIP_PPMD = 98,
    ZIP_AES = 99,
};

struct zip_entry {
    bytes name;
    uint64_t header; /* of its local header, in the file */
    uint64_t data;   /* where its data begins */
    uint64_t packed, size;
    uint32_t crc;
    uint16_t method, flags, time;
    uint16_t aes_method; /* behind ZIP_AES; aes_key: 1..3, 0 without that field */
    uint8_t aes_key, aes_version;
    bool sized; /* packed, size and crc are known */
};

/* Hands out one member; *ret_used: bytes of the file its data takes. False: return. */
bool zip_member(struct unpack *unpack, const struct zip_entry *entry, uint64_t *ret_used);
/* Decodes by a method from the head of *in; size UINT64_MAX: until the stream ends. */
enum decoded zip_decode(struct unpack *unpack, const struct zip_entry *entry, unsigned method,
                        bytes *in);
/* A name for a method, or "". */
const char *zip_method_name(unsigned method);

/* --- zip_old.c, inflate64.c: methods of APPNOTE 5.1 to 5.3 and 5.6 --- */
enum decoded zip_unshrink(struct unpack *unpack, bytes in, uint64_t size);
enum decoded zip_unreduce(struct unpack *unpack, bytes in, uint64_t size, unsigned factor);
enum decoded zip_explode(struct unpack *unpack, bytes in, uint64_t size, unsigned flags);
enum decoded zip_inflate64(struct unpack *unpack, bytes *in, uint64_t size);
