/* pattern — one YARA pattern (text, hex, regular expression): compiled to a program, and found.
 *
 * Compile side: a description out of the rule language goes in; a position-independent program
 * and the pattern's necessary literals come out. Match side: program and bytes go in, all
 * matches with YARA's offsets and lengths come out. Pure: no files, no clock, all memory from
 * the arena it is handed.
 *
 * Semantics are those of YARA 4.5 (docs/writingrules, "Strings"), down to its limits: 4,096
 * bytes of scanning each way from an atom, 1,000,000 matches a pattern, jumps over 200 split
 * into chains. See docs/patterns.md for the places where that shows. */
#pragma once
#include "base/arena.h"
#include "base/budget.h"

enum pattern_kind {
    PATTERN_TEXT,
    PATTERN_HEX,
    PATTERN_REGEX,
    PATTERN_CLAMAV, /* the body of a ClamAV signature */
};

enum pattern_flag {
    PATTERN_ASCII = 1 << 0,
    PATTERN_WIDE = 1 << 1,
    PATTERN_NOCASE = 1 << 2,
    PATTERN_FULLWORD = 1 << 3,
    PATTERN_PRIVATE = 1 << 4,
    PATTERN_XOR = 1 << 5,
    PATTERN_BASE64 = 1 << 6,
    PATTERN_BASE64WIDE = 1 << 7,
    PATTERN_DOTALL = 1 << 8,  /* /regex/s */
    PATTERN_TAILS = 1 << 10,  /* CLAMAV: of a match in several parts, where the last begins */
    PATTERN_WAS_HEX = 1 << 9, /* of a pattern in a ruleset: it was written as hex string */
};

struct pattern_source {
    enum pattern_kind kind;
    uint32_t flags;           /* enum pattern_flag; ASCII is set by the parser when implied */
    uint8_t xor_min, xor_max; /* with PATTERN_XOR, inclusive */
    bytes alphabet;           /* base64 alphabet, 64 bytes; empty for the standard one */
    bytes alphabet_wide;
    bytes text; /* TEXT: the bytes, escapes resolved. HEX: between the braces, as written.
                 * REGEX: between the slashes, as written. CLAMAV: the hexadecimal text
                 * with its wildcards, without offset and `::` modifiers (which are flags). */
};

/* A fault in a hex string or a regular expression. `at` is an offset in source.text. */
struct pattern_fault {
    size_t at;
    bool is_warning;
    char text[200]; /* YARA's wording where it has one */
};

/* What stands around a literal wherever it counts: (byte & mask) == value for each of the bytes
 * from `lead` before it. Empty where nothing is known. */
struct literal_context {
    bytes value, mask; /* of the same length */
    uint32_t lead;
};

struct pattern_literal {
    bytes text;  /* at least one byte */
    bool nocase; /* ASCII letters match in both cases; text is then lower case */
    struct literal_context context;
};

struct pattern_code {
    bytes program; /* position-independent; 8-aligned; in the arena */
    /* Every match contains at least one of these. None: any object may match, and the pattern
     * must be looked for in every one (`/[0-9]{10}/`). Chosen long and rare: a few long ones
     * beat many short ones. */
    struct pattern_literal *literals;
    uint32_t literal_count;
    bool is_slow; /* YARA would warn that it may slow down scanning */
    bool whole;   /* TEXT without xor/base64/fullword: a literal found is a match found */
    uint32_t min_length, max_length; /* of a match, in bytes; max is UINT32_MAX if unbounded */
};

/* Compiles. 0, or -EINVAL with *fault filled (what is wrong and where), or -ENOMEM/-E2BIG when
 * the arena is full or the pattern is over its limits (fault says so). *ret on success only;
 * fault->text may hold a warning then (is_warning). */
int pattern_compile(const struct pattern_source *source, struct arena *arena,
                    struct pattern_code *ret, struct pattern_fault *fault) MUST_USE;

/* True when a program read from a file is well formed: every jump, class and length inside it.
 * Programs are only run after this said yes. `program.at` is 8-aligned. */
bool pattern_valid(bytes program);

struct match {
    uint64_t offset; /* from the start of the object */
    uint32_t length;
    uint8_t xor_key; /* 0 where the pattern has no xor modifier */
};

/* Sorted by offset, one match per offset. */
struct matches {
    VEC(struct match) list;
};

/* Appends every match of the program in `object` to *ret (already holding those of earlier
 * blocks, if any); offsets are relative to object.at plus `base`. False when the budget or the
 * arena ran out (budget->hit says which): then *ret holds what was found until there. */
bool pattern_find(bytes program, bytes object, uint64_t base, struct arena *arena,
                  struct budget *budget, struct matches *ret);

/* True when the program matches somewhere; cheaper than pattern_find where one match is enough.
 * `from` is an offset before which the caller knows that no match begins. */
bool pattern_exists(bytes program, bytes object, size_t from, struct arena *arena,
                    struct budget *budget);

/* Matches only at `offset` (for `$a at 0`): true, and *ret when there is one. */
bool pattern_at(bytes program, bytes object, size_t offset, struct arena *arena,
                struct budget *budget, struct match *ret);

/* The `matches` operator and regular expressions handed to module functions: program of a
 * PATTERN_REGEX compiled from source with flags NOCASE/DOTALL only. Length of the first match
 * anywhere in subject (YARA's yr_re_match), or -1. Does not need an arena-fresh state. */
int pattern_match_text(bytes program, bytes subject, struct arena *arena,
                       struct budget *budget);
