/* sevenzip — 7z archives that libarchive cannot read as they stand: passwords. The header is
 * read and taken apart here, what is encrypted is deciphered, and libarchive gets an archive
 * without the cipher ("7zFormat.txt" of the 7-Zip SDK; its ids are named as there). */
#pragma once
#include "base/arena.h"
#include "unpack/archive/decode.h"

#include <string.h>

enum {
    SEVENZIP_START = 32,   /* bytes before the packed streams: signature and start header */
    SEVENZIP_STREAMS = 32, /* coders of one folder, and streams into one */
    SEVENZIP_KEY = 32,
};

enum sevenzip_id {
    SEVENZIP_END = 0,
    SEVENZIP_HEADER = 1,
    SEVENZIP_PROPERTIES = 2,
    SEVENZIP_MAIN_STREAMS = 4,
    SEVENZIP_FILES = 5,
    SEVENZIP_PACK_INFO = 6,
    SEVENZIP_UNPACK_INFO = 7,
    SEVENZIP_SUBSTREAMS = 8,
    SEVENZIP_SIZE = 9,
    SEVENZIP_CRC = 10,
    SEVENZIP_FOLDER = 11,
    SEVENZIP_UNPACK_SIZE = 12,
    SEVENZIP_COUNTS = 13,
    SEVENZIP_EMPTY = 14,
    SEVENZIP_NAMES = 17,
    SEVENZIP_ENCODED = 23,
};

enum sevenzip_method {
    SEVENZIP_COPY = 0,
    SEVENZIP_LZMA2 = 0x21,
    SEVENZIP_LZMA = 0x30101,
    SEVENZIP_BZIP2 = 0x40202,
    SEVENZIP_AES = 0x6f10701,
};

struct sevenzip_coder {
    uint64_t method; /* its id as a number, big endian */
    bytes id, properties;
    uint32_t ins, outs;
};

struct sevenzip_bind {
    uint32_t in, out;
};

/* A packed stream that is encrypted. */
struct sevenzip_lock {
    bytes properties; /* of the cipher; .at is NULL: not encrypted */
    uint64_t size;    /* deciphered, without padding */
    uint64_t reader;  /* the method of the coder that reads it, UINT64_MAX: none */
};

/* How some packed streams become some files: taken apart. */
struct sevenzip_folder {
    uint32_t coder_count, bind_count, pack_count, outs;
    struct sevenzip_coder coders[SEVENZIP_STREAMS];
    struct sevenzip_bind binds[SEVENZIP_STREAMS];
    uint32_t packs[SEVENZIP_STREAMS]; /* the stream into a coder that each packed stream is */
    uint64_t sizes[SEVENZIP_STREAMS]; /* of what comes out of each coder */
    struct sevenzip_lock locks[SEVENZIP_STREAMS]; /* of each packed stream: see strip */
};

/* The same as it lies in the header. */
struct sevenzip_place {
    bytes folder, sizes; /* as they stand */
    uint64_t size;       /* of what comes out */
    uint32_t first_pack, pack_count;
    uint32_t crc;
    bool has_crc;
    bool locked; /* has the cipher somewhere */
    bool apart;  /* or something else that libarchive does not read */
    uint32_t first_file, file_count;
};

/* A file that is not empty. */
struct sevenzip_file {
    uint64_t size;
    uint32_t crc;
    bool has_crc;
    bytes name; /* UTF-16, little endian, with a NUL at its end; .at may be NULL */
};

struct sevenzip_pack {
    uint64_t at, size; /* from the end of the start header */
};

struct sevenzip_header {
    VEC(struct sevenzip_pack) packs;
    VEC(struct sevenzip_place) folders;
    VEC(struct sevenzip_file) files; /* those of the first folder first */
};

/* --- sevenzip_read.c --- */

/* A header (`encoded`: what tells where the real one is packed). False: not as expected. */
bool sevenzip_read(struct unpack *unpack, bytes data, bool encoded,
                   struct sevenzip_header *ret);
/* Takes the cipher out of a folder: its packed streams are what was deciphered, and `locks`
 * says how. False: the cipher is somewhere else. */
bool sevenzip_strip(struct unpack *unpack, const struct sevenzip_place *place,
                    struct sevenzip_folder *ret);

/* --- sevenzip_chain.c --- */

/* libarchive reads this method, and such a folder (but for its cipher). */
bool sevenzip_decodes(uint64_t method);
bool sevenzip_known(const struct sevenzip_folder *folder);
/* The coders in the order in which data goes through them; 0: they are no chain. */
uint32_t sevenzip_chain(const struct sevenzip_folder *folder, uint32_t *order);
/* Decodes into the child with a method that libarchive has not. */
enum decoded sevenzip_decode(struct unpack *unpack, const struct sevenzip_coder *coder,
                             uint64_t size, bytes in);
/* Undoes a filter in place. False: nobody knows it. */
bool sevenzip_unfilter(const struct sevenzip_coder *coder, uint8_t *at, size_t size);

/* --- sevenzip_write.c --- */

/* An archive being put together: its packed streams are in the child that is being written. */
struct sevenzip_made {
    struct unpack *unpack;
    uint8_t start[SEVENZIP_START];
    uint8_t *at; /* the header */
    size_t size, room;
    bool full;
};

/* Begins a header of at most `size` bytes. */
bool sevenzip_make(struct sevenzip_made *made, struct unpack *unpack, size_t size);
/* What goes into it, in order; what has no room is left out and `full` says so. */
void sevenzip_put(struct sevenzip_made *made, bytes data);
void sevenzip_put_id(struct sevenzip_made *made, enum sevenzip_id id);
void sevenzip_put_number(struct sevenzip_made *made, uint64_t value);
/* PackInfo of streams that lie one after the other from the beginning. */
void sevenzip_put_packs(struct sevenzip_made *made, const uint64_t *sizes, size_t count);
void sevenzip_put_folder(struct sevenzip_made *made, const struct sevenzip_folder *folder);
void sevenzip_put_sizes(struct sevenzip_made *made, const struct sevenzip_folder *folder);
/* The rest of the header of an archive with one folder, from substreams info on. */
void sevenzip_put_files(struct sevenzip_made *made, const struct sevenzip_file *files,
                        size_t count);
/* Puts the header behind the streams and says so in `start`. False: return. */
bool sevenzip_finish(struct sevenzip_made *made) MUST_USE;

/* --- sevenzip_key.c --- */

/* Keys of one salt, made when they are asked for. */
struct sevenzip_keys {
    struct unpack *unpack;
    uint32_t count; /* passwords to try */
    uint8_t power, salt[16];
    size_t salt_size;
    uint8_t (*keys)[SEVENZIP_KEY];
    bool *made;
};

/* False: no memory. */
bool sevenzip_keys_open(struct sevenzip_keys *keys, struct unpack *unpack);
/* The key and the first vector that a password gives with these properties of the cipher. NULL:
 * there is none (nobody knows these properties, or the budget is used up). */
const uint8_t *sevenzip_key(struct sevenzip_keys *keys, uint32_t password, bytes properties,
                            uint8_t iv[16]);
