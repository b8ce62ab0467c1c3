/* clamav — ClamAV's databases to a draft. The door of this folder.
 *
 * A database file is its name and its bytes; a signature becomes a rule of the draft (flag
 * RULE_SIGNATURE, namespace: the file's name, line: its line), a hash signature an entry of the
 * draft's hashes. Nothing is dropped in silence: what is not read is counted with a reason.
 * Formats: docs.clamav.net, "Signatures"; where that is silent, as clamscan 1.4 behaves. */
#pragma once
#include "rules/draft.h"

/* One row for each kind of signature, in the order of the documentation. */
enum clamav_kind {
    CLAMAV_HASH,        /* .hdb .hsb .hdu .hsu */
    CLAMAV_SECTION,     /* .mdb .msb .mdu .msu */
    CLAMAV_IMPORTS,     /* .imp */
    CLAMAV_BODY,        /* .ndb .ndu, the old .db and .sdb */
    CLAMAV_LOGICAL,     /* .ldb .ldu */
    CLAMAV_CONTAINER,   /* .cdb */
    CLAMAV_METADATA,    /* .zmd .rmd */
    CLAMAV_CERTIFICATE, /* .crb, .cat */
    CLAMAV_FILETYPE,    /* .ftm */
    CLAMAV_TRUSTED,     /* .fp .sfp */
    CLAMAV_IGNORED,     /* .ign .ign2 */
    CLAMAV_ICON,        /* .idb */
    CLAMAV_PHISHING,    /* .pdb .wdb .gdb */
    CLAMAV_PASSWORD,    /* .pwdb */
    CLAMAV_YARA,        /* .yar .yara */
    CLAMAV_BYTECODE,    /* .cbc: refused, definitions have no power but to match */
    CLAMAV_OTHER,       /* .info, .cfg, COPYING: read past */
    CLAMAV_KINDS,
};

/* ".hdb .hsb .hdu .hsu" and "hashes of files": for people. */
const char *clamav_kind_extensions(enum clamav_kind kind);
const char *clamav_kind_text(enum clamav_kind kind);

/* What came of one kind. */
struct clamav_count {
    uint64_t read;    /* in use */
    uint64_t ignored; /* named in an .ign or .ign2 file, or for another engine level */
    uint64_t refused; /* malformed, or nothing here knows what it asks */
};

enum { CLAMAV_REASON = 96, CLAMAV_REASONS = 64 };

/* Why signatures were refused: "uses a macro", 17 times, first in main.ldb line 5. */
struct clamav_reason {
    enum clamav_kind kind;
    char text[CLAMAV_REASON];
    char file[64];
    uint32_t line; /* of the first */
    uint64_t count;
};

/* Two processes can share one compilation: hash signatures are a table of their own. */
enum clamav_part { CLAMAV_ALL, CLAMAV_HASHES, CLAMAV_OTHERS };

struct clamav_options {
    enum clamav_part part; /* what is read; the rest is as if it were not there */
    bool pua;              /* take signatures of possibly unwanted applications (.ndu ...) */
    bool bytecode_quiet;   /* do not count .cbc among the refused */
    uint32_t level;        /* ClamAV functionality level; 0: that of 1.4 */
    int64_t now;           /* seconds since 1970: catalogues must be valid */
};

/* One compilation. In the draft's arena. */
struct clamav {
    struct draft *draft;
    struct clamav_options options;
    struct clamav_count counts[CLAMAV_KINDS];
    struct clamav_reason reasons[CLAMAV_REASONS];
    uint32_t reason_count;          /* later ones are only counted */
    struct clamav_ignored *ignored; /* ignore.h: names to leave out */
    bytes file;                     /* name of the database file at work */
    enum clamav_kind kind;          /* of it */
    bool pua;                       /* it is about possibly unwanted applications */
    bool official;                  /* it lies in a signed container: no `.UNOFFICIAL` */
    bytes text;                     /* the line at work, without its end */
    uint32_t line;                  /* and its number, from 1 */
    uint32_t name_space;            /* of the file at work */
    uint32_t source;                /* and its number among the hashes', or UINT32_MAX */
    bool has_macros;                /* a line had to do with groups: macro.h */
    bool any_serial; /* trust.h: what lines of .crb files leave to those behind */
    int64_t not_before;
    struct arena *scratch; /* given back after each signature */
};

/* Hash signatures of any kind. */
bool clamav_is_hash(enum clamav_kind kind);
/* Whether signatures of that kind belong to the part. Ignore lists belong to both. */
bool clamav_part_has(enum clamav_part part, enum clamav_kind kind);
/* The kind of a database file by its name; CLAMAV_KINDS when it is none (containers are none:
 * see container.h). */
enum clamav_kind clamav_kind_of(bytes file_name);

/* NULL when memory is out. */
struct clamav *clamav_new(struct draft *draft, const struct clamav_options *options);
/* Gives the scratch memory back. NULL is fine. Returns NULL. */
struct clamav *clamav_free(struct clamav *clamav);
/* Reads one database file: every line of it. Ignore lists must come before what they are about.
 * 0, or -ENOMEM; faults of single signatures are counted. */
int clamav_read(struct clamav *clamav, bytes file_name, bytes text, bool official,
                struct why *why) MUST_USE;
/* The same in parts: clamav_begin, then its text in pieces of whole lines. Kinds that are not
 * read line by line (CLAMAV_YARA, CLAMAV_CERTIFICATE's .cat, CLAMAV_BYTECODE, CLAMAV_OTHER) are
 * counted by clamav_begin; their text is not needed. */
int clamav_begin(struct clamav *clamav, bytes file_name, bool official,
                 struct why *why) MUST_USE;
int clamav_lines(struct clamav *clamav, bytes text, struct why *why) MUST_USE;
/* `name` as it is reported: with `.UNOFFICIAL` unless the file at work is official. In the
 * scratch arena; .at is NULL when memory is out. */
bytes clamav_label(struct clamav *clamav, bytes name);
/* Whether this engine's functionality level lies between the two (decimal; an empty `max` has
 * no end). *ret_valid: they are numbers. */
bool clamav_level_fits(const struct clamav *clamav, bytes min, bytes max, bool *ret_valid);
/* Counts a signature of the line at work that is for another engine level or is not asked for.
 */
void clamav_leave_out(struct clamav *clamav, enum clamav_kind kind);
/* Counts a refused signature of the line at work. */
void clamav_refuse(struct clamav *clamav, enum clamav_kind kind, const char *fmt, ...)
    LIKE_PRINTF(3, 4);

/* --- one file of this folder each; called by clamav_read with one line, without its end --- */

/* 0 when it was taken, refused or ignored (and counted); -ENOMEM. */
int clamav_hash_line(struct clamav *clamav, enum clamav_kind kind, bytes line) MUST_USE;
int clamav_body_line(struct clamav *clamav, bytes line) MUST_USE;    /* body.c: .ndb */
int clamav_old_line(struct clamav *clamav, bytes line) MUST_USE;     /* body.c: .db, .sdb */
int clamav_logical_line(struct clamav *clamav, bytes line) MUST_USE; /* logical.c: .ldb */
