/* nsis — what the files of the NSIS reader share. */
#pragma once
#include "unpack/archive/decode.h"
#include "unpack/unpack.h"

/* nsis.c — the row. */
void nsis_open(struct unpack *unpack);

/* --- nsis_deflate.c, nsis_bzip2.c: one stream into the child being written --- */

/* Deflate (RFC 1951) whose stored blocks have no complement of their length. */
enum decoded nsis_inflate(struct unpack *unpack, bytes *in);
/* bzip2 without headers and checksums. */
enum decoded nsis_bunzip(struct unpack *unpack, bytes *in);

/* --- nsis_header.c --- */

/* A file that the script writes: its place in the data, and indexes of texts. */
struct nsis_file {
    uint32_t at, name, folder;
};

struct nsis_header {
    bytes strings;
    bool wide;               /* UTF-16LE */
    bool version3;           /* special characters are 1 to 4, not 252 to 255 */
    struct nsis_file *files; /* sorted by place */
    uint32_t count;
};

/* Reads the header block. False when it makes no sense or the arena is full: *ret then names
 * nothing. */
bool nsis_header_read(struct unpack *unpack, bytes block, struct nsis_header *ret);
/* The name of the file at a place in the data, in the arena; .at NULL where there is none. */
bytes nsis_header_name(struct unpack *unpack, const struct nsis_header *header, uint32_t at);
/* Hands out all texts of the script, one a line. False: return. */
bool nsis_header_texts(struct unpack *unpack, const struct nsis_header *header) MUST_USE;
