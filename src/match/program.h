/* program — how a compiled pattern lies in memory: the format that pattern_compile writes and
 * pattern_find runs. Position-independent; all offsets are from the start of the program.
 *
 *   struct program                 this header, with the tables of the atom finder
 *   struct program_part[parts]     a chain: each part follows the one before after a gap
 *   struct program_atom[atoms]     where to begin, sorted as they are to be tried
 *   struct re_inst[insts]          code of the general matcher, forward and backward
 *   struct hex_step[steps]         code of the simple matcher
 *   struct re_set[sets]            classes
 *   uint8_t[texts]                 bytes of literal parts and text forms
 *
 * A PROGRAM_TEXT has one part and searches for whole texts; a PROGRAM_ATOMS looks for atoms of
 * at most 4 bytes and matches around them, as YARA does; a PROGRAM_SUBJECT is for `matches`. A
 * PROGRAM_PLAIN is laid out otherwise: see plain.h. */
#pragma once
#include "match/find.h"
#include "match/re/re.h"

enum program_kind { PROGRAM_TEXT = 1, PROGRAM_ATOMS, PROGRAM_SUBJECT, PROGRAM_PLAIN };

enum {
    PROGRAM_MAGIC = 0x31544150,
    PROGRAM_MAX_PARTS = 1024,
    PROGRAM_MAX_ATOMS = 4096,
    PROGRAM_GROUPS = 16
};

struct program {
    uint32_t magic, size;
    uint8_t kind;  /* enum program_kind */
    uint8_t forms; /* of PROGRAM_TEXT: 1 or 2 struct text_form at `form` */
    uint8_t xor_min, xor_max;
    uint32_t flags; /* enum pattern_flag */
    uint32_t parts, part_count;
    uint32_t atoms, atom_count;
    uint32_t insts, inst_count;
    uint32_t steps, step_count;
    uint32_t sets, set_count;
    uint32_t texts, text_length;
    uint32_t min_length;   /* of a match, in bytes */
    uint16_t counters;     /* nesting of counted repetitions */
    uint8_t greedy;        /* a later match at the same offset replaces the length */
    uint8_t forms_fit;     /* TEXT: fits in an atom: each form is tried for itself */
    uint32_t first;        /* set number + 1 of bytes a match begins with; 0: unknown */
    uint16_t run, run_set; /* a match begins with `run` bytes of set run_set; 0: unknown */
    uint8_t left, right;   /* enum program_edge: what stands before and behind a match; of a
                              PROGRAM_TEXT only whether words end as in ClamAV */
    uint8_t reserved[2];

    struct text_form {
        uint32_t text, length; /* bytes to compare, in texts */
        uint32_t window;       /* from the start of a match to the last byte of the window */
        uint32_t wide;
    } form[2];
    struct finder finder;
};

/* What must stand beside a match of a ClamAV signature; the object's ends are edges. */
enum program_edge {
    EDGE_NONE,
    EDGE_DELIMITER, /* (B) */
    EDGE_LINE,      /* (L) */
    EDGE_WORD,      /* (W): no letter or digit */
    EDGE_KIND = 3,
    EDGE_NOT = 4,  /* it must not */
    EDGE_WIDE = 8, /* of EDGE_WORD: characters of two bytes */
};

/* Where one of these (kind, without more) may stand as a byte of its own: (B), (W). */
bool program_is_edge(uint8_t kind, uint8_t byte);
/* Whether an edge as asked for is before `at` (left) or from `at` on. */
bool program_edge_at(uint8_t edge, bool left, bytes object, size_t at);

/* What an OP_BESIDE asks for, at a place between two bytes. */
enum program_beside {
    BESIDE_LEFT,   /* an edge before it: enum program_edge */
    BESIDE_RIGHT,  /* an edge behind it */
    BESIDE_BEFORE, /* a byte, as of OP_MASKED, with min..max bytes between it and the place */
    BESIDE_BEHIND, /* the same, behind it */
    BESIDE_SPLIT_LINE, /* not \r before it and \n behind it */
};

enum part_kind { PART_LITERAL = 1, PART_SIMPLE, PART_GENERAL };

enum part_flag { PART_FITS = 1 }; /* literal no longer than an atom */

struct program_part {
    uint8_t kind; /* enum part_kind */
    uint8_t flags;
    uint16_t reserved;
    uint32_t start, count;    /* LITERAL: in texts; SIMPLE: in steps; GENERAL: unused */
    int32_t gap_min, gap_max; /* between the part before and this one */
};

/* An atom's bytes end at the position the finder reports. `exact` marks one that stands beside
 * a caseless twin: the twin is skipped where the exact one matches. */
struct program_atom {
    uint8_t length, twin, buckets;
    uint8_t group; /* atoms of the same bytes share a number; 0: alone */
    uint8_t value[4], mask[4];
    uint8_t same[4]; /* of a twin: the bytes of the exact one */
    uint32_t part;
    uint32_t backtrack; /* from the match's start to the atom's, literal parts only */
    uint32_t forward;   /* GENERAL: instruction; SIMPLE: step of the atom's first byte */
    uint32_t backward;  /* GENERAL: instruction; UINT32_MAX: nothing precedes */
};

enum re_op {
    OP_LITERAL = 1, /* a */
    OP_NOT,         /* a */
    OP_MASKED,      /* a & 0xff = value, a >> 8 = mask */
    OP_NOT_MASKED,
    OP_ANY,
    OP_CLASS,                /* a: set, case folding and negation worked in */
    OP_LAST_BYTE = OP_CLASS, /* those above take a byte */
    OP_GAP,                  /* min..max bytes; b: lazy */
    OP_MATCH,
    OP_START,
    OP_END,
    OP_BOUNDARY,
    OP_NOT_BOUNDARY,
    OP_LINE_START,
    OP_LINE_END,
    OP_BESIDE,     /* b: enum program_beside; a; min..max */
    OP_SPLIT_NEXT, /* try the next instruction first, then target; a: number of the split */
    OP_SPLIT_JUMP, /* target first */
    OP_JUMP,
    OP_REPEAT,     /* begin min..max loops; target is behind the end; b: lazy */
    OP_REPEAT_END, /* target is behind the begin */
    OP_COUNT,
};

struct re_inst {
    uint8_t op; /* enum re_op */
    uint8_t b;
    uint16_t a;
    uint16_t min, max;
    uint32_t target;
};

enum hex_op { STEP_BYTE = 1, STEP_NOT, STEP_GAP };

struct hex_step {
    uint8_t op; /* enum hex_op */
    uint8_t value, mask, reserved;
    uint16_t min, max; /* of STEP_GAP */
};

static inline const struct program_part *program_parts(const struct program *p)
{
    return (const struct program_part *)(const void *)((const uint8_t *)p + p->parts);
}

static inline const struct program_atom *program_atoms(const struct program *p)
{
    return (const struct program_atom *)(const void *)((const uint8_t *)p + p->atoms);
}

static inline const struct re_inst *program_insts(const struct program *p)
{
    return (const struct re_inst *)(const void *)((const uint8_t *)p + p->insts);
}

static inline const struct hex_step *program_steps(const struct program *p)
{
    return (const struct hex_step *)(const void *)((const uint8_t *)p + p->steps);
}

static inline const struct re_set *program_sets(const struct program *p)
{
    return (const struct re_set *)(const void *)((const uint8_t *)p + p->sets);
}

static inline const uint8_t *program_texts(const struct program *p)
{
    return (const uint8_t *)p + p->texts;
}

static inline bool program_is_word(uint8_t c)
{
    return ascii_alnum(c) || c == '_';
}

/* A program while it is being built. */
struct program_draft {
    struct arena *arena;
    struct program head;
    VEC(struct program_part) parts;
    VEC(struct program_atom) atoms;
    VEC(struct re_inst) insts;
    VEC(struct hex_step) steps;
    VEC(struct re_set) sets;
    VEC(uint8_t) texts;
    uint32_t quality; /* of the worst atom, as YARA rates it */
};

/* Copies bytes to the texts; their offset there, or UINT32_MAX when the arena is full. */
uint32_t program_text(struct program_draft *draft, bytes text);
/* Lays the draft out in one piece; .at NULL when the arena is full. */
bytes program_seal(struct program_draft *draft);
/* True when every offset, count, jump, class and length is inside the program. */
bool program_valid(bytes file);
