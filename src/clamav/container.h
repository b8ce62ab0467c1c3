/* container — .cvd, .cld and .cud: database files in one, with a header and signatures.
 *
 * Layout (docs.clamav.net, "ClamAV Virus Database File Format"): 512 bytes of text filled up
 * with spaces,
 *
 *     ClamAV-VDB:TIME:VERSION:SIGNATURES:LEVEL:MD5:DSIG:BUILDER:SECONDS
 *
 * then a tar archive (ustar, plain files without folders), gzip'd or not. In it, NAME.info
 * repeats the header, lists the files, and is signed (but in a .cud):
 *
 *     FILE:SIZE:SHA-256        a line each
 *     DSIG:SIGNATURE
 *
 * The MD5 is of all behind the header, DSIG signs it (a .cld has an X for both, since it was
 * patched after it was signed). */
#pragma once
#include "base/arena.h"

enum { CONTAINER_HEADER = 512 };

enum container_check {
    CONTAINER_ABSENT, /* there is nothing to check, or nothing to check it with */
    CONTAINER_GOOD,
    CONTAINER_WRONG,
};

/* What is known of a container. No pointers; texts are NUL-terminated, cut if need be. */
struct container_facts {
    char time[40], builder[40], signer[64];
    uint32_t version, signatures, level;
    uint64_t seconds; /* since 1970, 0 when the header has none */
    bool packed;
    uint32_t files; /* that the list names; 0 until container_unpack */
    uint64_t size;  /* of the archive, unpacked */
    /* enum container_check */
    uint8_t md5;      /* what lies behind the header has the MD5 that it says */
    uint8_t legacy;   /* DSIG signs that MD5: RSA of 1024 bits, without padding: weak */
    uint8_t list;     /* the list of files is signed: RSA of 2048 bits, PSS, SHA-256 */
    uint8_t external; /* a .sign file's certificate vouches for the container */
};

struct container_listed;

struct container {
    struct container_facts facts;
    bytes name;
    bytes body;    /* behind the header */
    bytes archive; /* unpacked */
    size_t at;     /* of the next member in it */
    struct container_listed *listed;
    uint32_t listed_count, members;
};

struct container_member {
    bytes name, text;
    bool listed; /* with the size and the SHA-256 that the list says */
};

/* Reads the header, checks MD5 and DSIG; nothing is refused for being unsigned. -EBADMSG: it is
 * no container. */
int container_open(bytes name, bytes file, struct container *ret, struct why *why) MUST_USE;
/* Looks for a signature of `file` in a .sign file: lines
 *
 *     #clamsign-1.0
 *     MIN_LEVEL:MAX_LEVEL:pkcs7-pem:CMS in base64
 *
 * by a certificate that leads to one of `certificates` (PEM). The levels say which ClamAV knows
 * the format; this one does. */
void container_check_external(struct container *container, bytes file, bytes sign,
                              bytes certificates);
/* Unpacks the archive into the arena and reads the list. -EBADMSG: damaged, or the list
 * contradicts the header. -ENOMEM. */
int container_unpack(struct container *container, struct arena *arena,
                     struct why *why) MUST_USE;
/* 1 with the next member, 0 at the end, -EBADMSG. */
int container_next(struct container *container, struct container_member *ret,
                   struct why *why) MUST_USE;

/* Whether ClamAV takes such a container for its own, by the ending of its name: a .cvd needs
 * its DSIG (or .sign) and its list to be signed, a .cld its list. A .cud never is. */
bool container_is_official(const struct container *container);
/* The version that a header says; UINT32_MAX when it is no header. For telling which of two is
 * newer. */
uint32_t container_version(bytes head);
