/* re — the syntax tree that hex strings and regular expressions are parsed to.
 *
 * The tree keeps the shape that YARA's own grammar gives it (left-leaning alternatives, a
 * concatenation around every sequence of a regular expression), because the choice of atoms,
 * and with it the visible matches, depends on that shape. Nodes live in an arena. */
#pragma once
#include "base/arena.h"
#include "match/pattern.h"

enum re_kind {
    RE_LITERAL,    /* value */
    RE_MASKED,     /* (byte & mask) == value */
    RE_NOT,        /* byte != value */
    RE_NOT_MASKED, /* (byte & mask) != value */
    RE_ANY,        /* `.` and `??` */
    RE_CLASS,      /* set */
    RE_WORD,
    RE_NOT_WORD,
    RE_SPACE,
    RE_NOT_SPACE,
    RE_DIGIT,
    RE_NOT_DIGIT,
    RE_CONCAT, /* first..last */
    RE_ALT,    /* first, last */
    RE_STAR,   /* first */
    RE_PLUS,   /* first */
    RE_RANGE,  /* first, start..end times */
    RE_GAP,    /* start..end bytes, as `.{n,m}` and `[n-m]` */
    RE_EMPTY,
    RE_START,
    RE_END,
    RE_BOUNDARY,
    RE_NOT_BOUNDARY,
    RE_LINE_START, /* `^` and `$` after (?m) */
    RE_LINE_END,
    RE_BESIDE, /* what stands beside; takes no byte: `beside`, value, mask, start..end */
};

struct re_set {
    uint8_t bits[32];
};

static inline bool re_set_has(const struct re_set *set, uint8_t byte)
{
    return set->bits[byte >> 3] >> (byte & 7) & 1;
}

static inline void re_set_add(struct re_set *set, uint8_t byte)
{
    set->bits[byte >> 3] |= (uint8_t)(1 << (byte & 7));
}

struct re_node {
    uint8_t kind; /* enum re_kind */
    bool lazy;
    uint8_t value, mask;
    uint8_t beside;     /* enum program_beside */
    bool negated;       /* of a class: `set` is what stands between the brackets */
    bool ends_piece;    /* of RE_GAP: split here, however short */
    int32_t start, end; /* of RE_RANGE, RE_GAP */
    struct re_set *set; /* of RE_CLASS */
    struct re_node *first, *last, *prev, *next;
    uint32_t forward, backward; /* code at the node, and code of what precedes it */
};

enum re_flag { RE_GREEDY = 1, RE_LAZY = 2, RE_ALTERNATIVE = 4 };

enum {
    RE_MAX_REPEAT = 32767, /* of `{n,m}`, YARA's RE_MAX_RANGE */
    RE_MAX_DEPTH = 500,    /* of parentheses */
    RE_CHAIN_GAP = 200,    /* a longer gap splits a pattern, YARA_STRING_CHAINING_THRESHOLD */
};

struct re_tree {
    struct re_node *root;
    uint32_t flags;      /* enum re_flag */
    uint8_t left, right; /* enum program_edge: what must stand beside a match */
};

/* A new node, NULL when the arena is full. */
struct re_node *re_node(struct arena *arena, enum re_kind kind);
void re_append(struct re_node *parent, struct re_node *child);

/* Regular expression between its slashes. 0, -EINVAL (fault says what and where), -ENOMEM. */
int re_parse(bytes text, struct arena *arena, struct re_tree *ret,
             struct pattern_fault *fault) MUST_USE;
/* Hex string, what stands between the braces. */
int hex_parse(bytes text, struct arena *arena, struct re_tree *ret,
              struct pattern_fault *fault) MUST_USE;

/* The body of a ClamAV signature: source->text with source->flags. */
int clamav_parse(const struct pattern_source *source, struct arena *arena, struct re_tree *ret,
                 struct pattern_fault *fault) MUST_USE;

/* Writes the fault and returns -EINVAL. */
int re_fault(struct pattern_fault *fault, size_t at, const char *text);

/* The bytes of a tree that is nothing but literals in a row; .at NULL when it is not, or
 * *ret_full when memory ran out. */
bytes re_literal(const struct re_tree *tree, struct arena *arena, bool *ret_full);
/* True for `.*`, `.+` and `.{n,}` at the top of the tree: slow, worth a warning. */
bool re_has_open_gap(const struct re_node *node);
/* Cuts the tree at its first long lazy gap: *tree keeps the head, *ret the rest. False when
 * there is none. *ret->root is NULL when memory ran out. */
bool re_split(struct re_tree *tree, struct arena *arena, struct re_tree *ret, int32_t *ret_min,
              int32_t *ret_max);
/* Shortest and longest match in characters; UINT32_MAX where unbounded. */
void re_length(const struct re_node *node, uint32_t *ret_min, uint32_t *ret_max);
/* Which bytes a node of one character accepts; false for other nodes. */
bool re_accepts(const struct re_node *node, bool nocase, bool dotall, struct re_set *ret);
