/* ruleset — compiled definitions: the file format, and opening one.
 *
 * The file is position-independent and used as it lies in memory: mapped read-only, shared by
 * all workers, never parsed. All numbers are little-endian. Layout:
 *
 *   offset  size  what
 *        0     8  magic "CANDORRS"
 *        8     4  version of this layout (RULESET_VERSION)
 *       12     4  number of sections (RULESET_SECTIONS)
 *       16     8  size of the whole file
 *       24     8  hash64 of the last block (RULESET_BLOCK) of everything from byte 64 on, each
 *                 seeded with that of the block before it, the first with RULESET_VERSION;
 *                 blocks are counted up to SECTION_HASHES, which is none, and from its end on
 *       32     8  fingerprint of the module tables the conditions were compiled against
 *       40     4  TARGET_BITs of what all rules are for together
 *       44    20  zero
 *       64   16n  section table: offset (8), number of elements (8)
 *        .        sections, each 64-byte aligned, in the order of enum ruleset_section; but the
 *                 hash signatures, if there are some, come first, at RULESET_HASHES: they are
 *                 laid out by the page, and written before the rest is known
 *
 * A change to any struct here, to struct node, or to the programs of match/ raises
 * RULESET_VERSION. The hash finds damage, not malice: who may write definitions is the
 * business of update/. The table of hash signatures has checksums of its own, by the page, and
 * is not read whole. A file of which all was checked before may be checked block by block, each
 * before its first use (definitions/guard.h). ruleset_open nevertheless checks every number
 * that is later used as an index, so that a hostile file can do no more than match the wrong
 * things. */
#pragma once
#include "base/base.h"
#include "filetype/target.h"
#include "filetype/types.h"
#include "match/hashes.h"
#include "rules/node.h"

enum {
    RULESET_VERSION = 15,
    RULESET_HEADER_SIZE = 64,
    RULESET_ALIGN = 64,
    RULESET_PAGE = 4096,
    RULESET_HASHES = RULESET_PAGE,
    RULESET_BLOCK = 256 << 10
};

enum { RULESET_NONE = 0xffffffff };

#define RULESET_ANY_OFFSET INT64_MIN
#define RULESET_MAGIC      "CANDORRS"

enum ruleset_section {
    SECTION_TEXTS,      /* uint8_t: NUL-terminated texts */
    SECTION_RULES,      /* struct ruleset_rule, in order of definition */
    SECTION_PATTERNS,   /* struct ruleset_pattern */
    SECTION_METAS,      /* struct ruleset_meta */
    SECTION_TAGS,       /* uint32_t: offsets in texts */
    SECTION_NAMESPACES, /* uint32_t: offsets in texts */
    SECTION_EXTERNALS,  /* struct ruleset_external */
    SECTION_MODULES,    /* struct ruleset_module */
    SECTION_NODES,      /* struct node */
    SECTION_LINKS,      /* uint32_t */
    SECTION_PROGRAMS,   /* struct ruleset_program */
    SECTION_CODE,       /* uint8_t: the programs' code, each 8-aligned */
    SECTION_FILTERS,    /* struct ruleset_filter: for each kind and target, at least one */
    SECTION_LITERALS,   /* the filters' tables (match/literals.h), each 64-byte aligned */
    SECTION_FILTERED,   /* uint32_t: the anchors that the filters' literals stand for */
    SECTION_ANCHORS,    /* struct ruleset_anchor, one per literal */
    SECTION_SUSPECTS,   /* uint32_t: programs that may match where an anchor is seen */
    SECTION_WAKES,      /* uint32_t: rules that may match where a program may */
    SECTION_KINDS,      /* struct ruleset_kind, one per enum kind */
    SECTION_KIND_RULES, /* uint32_t: rules that may match objects of a kind, ascending */
    SECTION_GATES,      /* struct ruleset_gate, one per rule */
    SECTION_GLOBALS,    /* uint32_t: global rules, ascending */
    SECTION_HASHES,     /* the table of hash signatures (match/hashes.h); may be empty */
    SECTION_PASSWORDS,  /* struct ruleset_password */
    SECTION_TYPES,      /* struct types_row (filetype/types.h), in order of definition */
    SECTION_URLS,       /* struct ruleset_url */
    SECTION_ICONS,      /* struct ruleset_icon */
    SECTION_SIGNERS,    /* struct ruleset_signer */
    SECTION_CATALOGUE,  /* struct ruleset_catalogued */
    RULESET_SECTIONS,
};

enum ruleset_rule_flag {
    RULE_GLOBAL = 1,
    RULE_PRIVATE = 2,
    RULE_SPEAKS = 4,    /* calls the console module (set by draft_seal) */
    RULE_SIGNATURE = 8, /* a ClamAV signature: known by its name alone, nothing else is shown */
    RULE_SIGNER = 16,   /* a signature about who signed: found in what others trust, too */
};

struct ruleset_rule {
    uint32_t name;       /* in texts */
    uint32_t name_space; /* number of a namespace */
    uint32_t flags;      /* enum ruleset_rule_flag */
    uint32_t condition;  /* root node */
    uint32_t slots;      /* variables its condition uses */
    uint32_t pattern_start, pattern_count;
    uint32_t meta_start, meta_count;
    uint32_t tag_start, tag_count;
    uint32_t line; /* of a signature, in the file its namespace is named after; else 0 */
};

struct ruleset_pattern {
    uint32_t name;    /* in texts, with its `$` */
    uint32_t flags;   /* enum pattern_flag */
    uint32_t program; /* number of a program */
    uint32_t rule;    /* that it belongs to */
};

struct ruleset_meta {
    uint32_t name;   /* in texts */
    uint32_t type;   /* enum value_type: BOOL, INT, FLOAT, STRING */
    uint32_t text;   /* in texts, for STRING */
    uint32_t length; /* of it */
    int64_t integer; /* BOOL, INT; the bits of a FLOAT */
};

struct ruleset_external {
    uint32_t name;
    uint32_t type;
    uint32_t text, length;
    int64_t integer;
};

struct ruleset_module {
    uint32_t name;
    uint32_t reserved;
};

enum ruleset_program_flag {
    PROGRAM_REGEX_TEXT = 1, /* operand of `matches` or of a module function */
    PROGRAM_WHOLE = 2,      /* a literal of it found is a match found */
    PROGRAM_ANCHORED = 4,   /* all its literals are in the filter: none seen, no match */
};

struct ruleset_program {
    uint64_t code;                   /* offset in SECTION_CODE */
    uint32_t length;                 /* of the code */
    uint32_t flags;                  /* enum ruleset_program_flag */
    int64_t fixed_offset;            /* or RULESET_ANY_OFFSET */
    uint32_t wake_start, wake_count; /* in SECTION_WAKES */
    uint32_t max_length;             /* of a match; UINT32_MAX when unbounded */
    uint32_t reserved;
};

/* The filter for objects of some kinds and targets: whatever is wanted in such an object has
 * its literals in it, or in a filter with a reach. Its literal i is that of anchor
 * filtered[anchor_start + i]. */
struct ruleset_filter {
    uint64_t at, size;                   /* of its table, in SECTION_LITERALS */
    uint32_t kinds, targets;             /* set of enum kind; TARGET_BITs */
    uint32_t anchor_start, anchor_count; /* in SECTION_FILTERED */
    uint32_t reach;                      /* only so many bytes of an object; 0: all of it */
    uint32_t reserved;
};

/* A literal of the filters: the programs that can only match where it is seen. */
struct ruleset_anchor {
    uint32_t suspect_start, suspect_count; /* in SECTION_SUSPECTS */
};

/* The rules to look at in every object of a kind, whatever anchors are seen. */
struct ruleset_kind {
    uint32_t start, count; /* in SECTION_KIND_RULES */
};

/* Cheap facts without which a rule cannot match: tested before anything else of it. */
struct ruleset_gate {
    uint64_t size_min, size_max; /* of the object */
    uint32_t magic, magic_mask;  /* first four bytes, little-endian: (bytes & mask) == magic */
    uint32_t targets;            /* bits of enum target: the object is one of these */
    uint32_t kinds;              /* set of enum kind: likewise */
};

/* A customary password out of a .pwdb file. */
struct ruleset_password {
    uint32_t text, length; /* in texts */
    uint32_t filetype;     /* enum filetype of the containers it is tried on */
    uint32_t reserved;
};

/* What addresses in mails are compared with (phishing/phishing.h). */
enum url_kind {
    URL_WATCHED_HOST,    /* "example.com/": links that are shown as such are looked at */
    URL_WATCHED_PATTERN, /* a PCRE: the same of "target:shown/" */
    URL_ALLOWED_HOST,    /* "target.example:example.com/": fine */
    URL_ALLOWED_PATTERN,
    URL_HASH_FINE, /* 32 bytes: the SHA-256 of an address */
    URL_HASH_MALWARE,
    URL_HASH_BLOCKED,
    URL_HASH_PHISHING,
    URL_KINDS,
};

struct ruleset_url {
    uint32_t text, length; /* in texts */
    uint32_t kind;         /* enum url_kind */
    uint32_t reserved;
};

/* What can be wrong with a link. */
enum url_fault {
    URL_FINE,
    URL_SPOOFED,    /* shown as one place, leads to another */
    URL_CLOAKED,    /* has a NUL in it */
    URL_NOT_SECURE, /* shown as https, leads to something else */
    URL_MALWARE,    /* by its hash: of URL_HASH_MALWARE, ... */
    URL_BLOCKED,
    URL_LISTED,
    URL_FAULTS,
};

/* What an icon looks like (picture/icon.h): areas of a quarter of its side. */
enum icon_kind {
    ICON_COLOUR,
    ICON_GREY,
    ICON_BRIGHT,
    ICON_DARK,
    ICON_EDGE,
    ICON_NO_EDGE,
    ICON_KINDS
};

enum { ICON_AREAS = 3 };

struct ruleset_icon {
    uint32_t groups[2]; /* in texts */
    uint32_t side;      /* in pixels: 16, 24 or 32 */

    struct icon_area {
        uint16_t level;
        uint8_t x, y;
    } areas[ICON_KINDS][ICON_AREAS];

    uint8_t red, green, blue, colours; /* percent; 0 for an icon without colours */
};

/* A certificate whose programs are trusted or blocked (signer/signer.h). */
enum signer_flag {
    SIGNER_BLOCKED = 1,
    SIGNER_ANY_SERIAL = 2,
    SIGNER_CODE = 4, /* what it may vouch for */
    SIGNER_TIMES = 8,
    SIGNER_CERTIFICATES = 16,
};

struct ruleset_signer {
    uint8_t subject[20], serial[20], issuer[20]; /* SHA-1 */
    uint32_t key, key_length;                    /* modulus, in texts */
    uint32_t exponent, exponent_length;          /* the same */
    uint32_t flags;                              /* of enum signer_flag */
    uint32_t algorithm; /* by which it is signed itself: of signer/certificate.h, or 0 */
    uint32_t reserved;
    int64_t not_before, not_after; /* of certificates that it stands for: seconds since 1970 */
};

/* A file that a catalogue lists. */
enum catalogue_kind {
    CATALOGUE_CABINET = 1, /* SHA-1 of all of it */
    CATALOGUE_PROGRAM = 2, /* of what a signature covers */
};

struct ruleset_catalogued {
    uint32_t kind; /* enum catalogue_kind */
    uint32_t digest_size;
    uint8_t digest[32];
};

/* An open ruleset: views into the file. */
struct ruleset {
    bytes file;
    bytes texts, code, literals;
    struct hashes hashes;
    const struct ruleset_rule *rules;
    const struct ruleset_pattern *patterns;
    const struct ruleset_meta *metas;
    const uint32_t *tags, *namespaces, *links, *suspects, *wakes, *kind_rules, *globals;
    const struct ruleset_external *externals;
    const struct ruleset_module *modules;
    const struct node *nodes;
    const struct ruleset_program *programs;
    const struct ruleset_filter *filters;
    const uint32_t *filtered;
    const struct ruleset_anchor *anchors;
    const struct ruleset_kind *kinds;
    const struct ruleset_gate *gates;
    const struct ruleset_password *passwords;
    const struct types_row *types;
    const struct ruleset_url *urls;
    const struct ruleset_icon *icons;
    const struct ruleset_signer *signers;
    const struct ruleset_catalogued *catalogue;
    uint32_t rule_count, pattern_count, meta_count, tag_count, namespace_count, link_count,
        suspect_count, wake_count, kind_rule_count, global_count, external_count, module_count,
        node_count, program_count, anchor_count, filter_count, filtered_count, password_count,
        type_count, url_count, icon_count, signer_count, catalogue_count;
    uint32_t targets;    /* of all rules together */
    uint32_t hash_count; /* hash signatures: their numbers follow those of the rules */
};

/* Findings are numbered below this. */
static inline uint32_t ruleset_finding_count(const struct ruleset *set)
{
    return set->rule_count + set->hash_count;
}

/* What a finding is called. */
struct ruleset_label {
    const struct ruleset_rule *rule; /* NULL for a hash signature */
    const char *name_space;          /* of a signature: the database file */
    uint32_t line;                   /* in it; 0 where that is not known */
    char name[256];                  /* NUL-terminated, cut if need be */
};

/* The label of rule or hash signature `number` (< rule_count + hash_count). */
void ruleset_label(const struct ruleset *set, uint32_t number, struct ruleset_label *ret);

/* What the header says of a file's bytes; the file has a header and a section table. */
uint64_t ruleset_checksum(bytes file);

/* Opens a ruleset that lies in memory (64-byte aligned, and outliving *ret). Says what is wrong
 * with a file that is cut, changed, of another version or not a ruleset: -EBADMSG. */
int ruleset_open(bytes file, uint64_t fingerprint, struct ruleset *ret,
                 struct why *why) MUST_USE;
/* The three parts of it, for who has two processors for a large file: where the sections lie,
 * then, in any order, the checksum and what numbers point at (ruleset_verify). Of a ruleset
 * that was only read, nothing may be used. -EBADMSG. */
int ruleset_read(bytes file, uint64_t fingerprint, struct ruleset *ret,
                 struct why *why) MUST_USE;
int ruleset_undamaged(bytes file, struct why *why) MUST_USE;
/* Opens bytes that ruleset_open has opened before, and that are the same since: touches nothing
 * but where its parts lie. */
int ruleset_trust(bytes file, uint64_t fingerprint, struct ruleset *ret,
                  struct why *why) MUST_USE;

static inline const char *ruleset_text(const struct ruleset *set, uint32_t at)
{
    return (const char *)set->texts.at + at;
}

static inline bytes ruleset_filter_table(const struct ruleset *set, uint32_t filter)
{
    return (bytes){set->literals.at + set->filters[filter].at, set->filters[filter].size};
}
