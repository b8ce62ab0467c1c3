/* node — conditions as both rule languages compile to them, and as they lie in a ruleset file.
 *
 * A condition is a tree in one flat array: a node names its children by index, and a child's
 * index is always smaller than its parent's, so an array read from a file is checked in one
 * pass and cannot loop. Lists of children lie in `links`, an array of uint32_t.
 *
 * Values are undefined, bool, integer (int64), float (double), string (bytes), or an object of
 * a module. Undefined spreads through arithmetic, comparison, `not` and calls; AND, OR, FOR
 * and OF take it for false; a condition that ends undefined is false. */
#pragma once
#include <stdint.h>

struct node {
    uint8_t op;   /* enum node_op */
    uint8_t type; /* enum value_type of the result, as far as the checker knows it */
    uint16_t aux; /* small operand, see the op */
    uint32_t a, b, c;
};

_Static_assert(sizeof(struct node) == 16, "nodes are mapped from files");

enum value_type {
    TYPE_UNDEFINED,
    TYPE_BOOL,
    TYPE_INT,
    TYPE_FLOAT,
    TYPE_STRING,
    TYPE_REGEX,
    TYPE_STRUCT,
    TYPE_ARRAY,
    TYPE_DICT,
    TYPE_FUNCTION,
};

/* "child" is a node index; "list" is (start in links, count). A pattern operand is the number
 * of a pattern (struct ruleset_pattern), or NODE_LOOP_PATTERN for `$`, `#`, `@`, `!` inside
 * `for ... of`: the pattern of the innermost such loop. */
enum { NODE_LOOP_PATTERN = 0xffffffff, NODE_NONE = 0xffffffff };

enum node_op {
    /* Constants. */
    NODE_UNDEFINED,
    NODE_BOOL,   /* a = 0 or 1 */
    NODE_INT,    /* a = low, b = high 32 bits */
    NODE_FLOAT,  /* the bits of the double, as NODE_INT */
    NODE_STRING, /* a = offset in texts, b = length */
    NODE_REGEX,  /* a = number of a program (see ruleset.h): operand of MATCHES, of calls */
    /* The object. */
    NODE_FILESIZE,
    NODE_ENTRYPOINT, /* the deprecated variable, from ELF or PE headers */
    NODE_READ,       /* uint8(x) ...: a = child offset, aux = enum node_read */
    NODE_EXTERNAL,   /* a = number of an external variable */
    /* Logic. A list is evaluated in order and stops early. */
    NODE_AND,     /* list a, b */
    NODE_OR,      /* list a, b */
    NODE_NOT,     /* a = child */
    NODE_DEFINED, /* a = child */
    /* Comparison: a, b = children of equal type, or int and float mixed. */
    NODE_EQ,
    NODE_NE,
    NODE_LT,
    NODE_LE,
    NODE_GT,
    NODE_GE,
    /* Arithmetic: a, b = children. Integers wrap; `/` and `%` by 0 are undefined; a shift by a
     * negative number is undefined, by 64 or more is 0. Float if either side is. */
    NODE_ADD,
    NODE_SUB,
    NODE_MUL,
    NODE_DIV,
    NODE_MOD,
    NODE_BIT_AND,
    NODE_BIT_OR,
    NODE_BIT_XOR,
    NODE_SHL,
    NODE_SHR,
    NODE_NEG,     /* a = child */
    NODE_BIT_NOT, /* a = child */
    /* Strings: a, b = children. */
    NODE_CONTAINS,
    NODE_ICONTAINS,
    NODE_STARTSWITH,
    NODE_ISTARTSWITH,
    NODE_ENDSWITH,
    NODE_IENDSWITH,
    NODE_IEQUALS,
    NODE_MATCHES, /* a = child string, b = child NODE_REGEX */
    NODE_LENGTH,  /* a = child string, array or dict: bytes or items in it (YARA-X `.len()`) */
    /* Patterns: a = pattern operand. */
    NODE_FOUND,    /* $a */
    NODE_FOUND_AT, /* $a at b */
    NODE_FOUND_IN, /* $a in (b..c) */
    NODE_COUNT,    /* #a */
    NODE_COUNT_IN, /* #a in (b..c); aux = COUNT_NONE_UNDEFINED: 0 where b or c is undefined */
    NODE_OFFSET,   /* @a[b], from 1; b is NODE_NONE for @a = @a[1] */
    NODE_MATCH_LENGTH, /* !a[b], likewise */
    /* Other rules: a = number of a rule that comes earlier. */
    NODE_RULE,
    /* Sets. Quantifier q: aux = enum node_quantifier, with its number or percentage in child c
     * (NODE_NONE for all, any, none). */
    NODE_OF,       /* q of list (a, b); each is a child of any kind taken as a bool, mostly
                    * NODE_FOUND, NODE_FOUND_AT, NODE_FOUND_IN, NODE_RULE */
    NODE_FOR_OF,   /* for q of (patterns): body. a = start in links of
                    * [body child, pattern operand...], b = number of patterns */
    NODE_FOR_IN,   /* for q vars in iterator: body. a = start in links of
                    * [body, iterator child, variable slot...], b = number of variables */
    NODE_RANGE,    /* iterator (a..b), both children integers, inclusive */
    NODE_LIST,     /* iterator over list a, b of children */
    NODE_LET,      /* with v = x : (body). a = slot, b = child x, c = body child */
    NODE_VARIABLE, /* a = slot, set by FOR_IN or LET; slots are numbered from 0 in a rule */
    /* Modules. */
    NODE_MODULE, /* a = number of a module of this ruleset: its root structure */
    NODE_FIELD,  /* a = child structure, b = index of the field in its table, aux = 1 when the
                  * field has a value in objects of every kind (struct field.everywhere) */
    NODE_INDEX,  /* a = child array (b = child int) or child dict (b = child string) */
    NODE_CALL,   /* a = child structure that holds the function, b = index of the field,
                  * aux = which overload, c = start in links of [count, child...] */
    /* What signatures (clamav/) ask of an object. Undefined where it has none of it. */
    NODE_PLACE,         /* a place or number in an executable: aux = enum node_place, a = number
                         * of a section where the place is of one */
    NODE_WITHIN,        /* the innermost containers around the object are of the types in links
                         * (a, b), outermost first: enum filetype. FILETYPE_ANY stands for no
                         * container in particular, but for one more around the object */
    NODE_FOUND_VERSION, /* a = pattern: it matches where a string of the PE version information
                         * begins */
    NODE_COUNT_VERSION, /* a = pattern: how often */
    NODE_NUMBER,        /* a number written in the object: a = pattern; links (b, 3): distance
                         * from its last match (int32), bytes, 0; aux = enum node_number */
    NODE_COUNT_PCRE,    /* how often a PCRE matches: links (a, 7): text offset and length, enum
                         * node_pcre, first and last+1 child of the range of offsets or
                         * NODE_NONE, two zeros */
    NODE_MEMBER, /* a fact of the object as member of a container: aux = enum node_member */
    NODE_MEMBER_NAME, /* string: its name there */
    NODE_IMAGE_HASH,  /* the picture's perceptual hash is (a low, b high), c bits may differ */
    NODE_URL_FAULT,   /* what is wrong with a link of the object is a (enum url_fault) */
    NODE_ICON,    /* an icon of the program is like one of the groups a, b: texts, "*" is any */
    NODE_SIGNER,  /* the program is signed by someone whom row a of the signers blocks */
    NODE_HANDLER, /* true: the object is to be looked at as type a (enum filetype), too */
    NODE_GROUP,   /* no value: list a, b of patterns, those of other rules among them */
    NODE_COUNT_FOLLOWED, /* how often a pattern is followed by one of a group, and that by one
                          * of the next: see node_followed */
    NODE_OPS,
};

enum { COUNT_NONE_UNDEFINED = 1 }; /* aux of NODE_COUNT_IN */

/* aux of NODE_PLACE. Offsets are in the file. */
enum node_place {
    PLACE_ENTRY,         /* of the first instruction: PE, ELF, Mach-O */
    PLACE_SECTION,       /* where section a begins */
    PLACE_SECTION_END,   /* and ends */
    PLACE_LAST_SECTION,  /* where the last section begins */
    PLACE_SECTION_COUNT, /* not a place: how many there are */
};

/* aux of NODE_NUMBER: how it is written. Texts as strtol reads them: white space first, then a
 * sign; 0 where there are no digits. */
enum node_number {
    NUMBER_TEXT_HEX, /* 0x or not */
    NUMBER_TEXT_DECIMAL,
    NUMBER_TEXT_AUTO, /* hexadecimal after 0x, else decimal; 3 bytes or more */
    NUMBER_LITTLE,    /* binary: 1, 2, 4 or 8 bytes */
    NUMBER_BIG,
    NUMBER_KIND = 15,
    NUMBER_EXACT = 16,  /* with the first three: all bytes belong to it, else undefined */
    NUMBER_TURNED = 32, /* hexadecimal: the last pair of digits comes first */
};

/* Bits of NODE_COUNT_PCRE. */
enum node_pcre {
    PCRE_NOCASE = 1,      /* i */
    PCRE_DOTALL = 2,      /* s */
    PCRE_MULTILINE = 4,   /* m */
    PCRE_EXTENDED = 8,    /* x */
    PCRE_ANCHORED = 16,   /* A */
    PCRE_DOLLAR_END = 32, /* E */
    PCRE_UNGREEDY = 64,   /* U */
    PCRE_GLOBAL = 128,    /* g: all matches, else the first ends it */
    PCRE_ROLLING = 256,   /* r: the range says where the search begins only */
    PCRE_ENCOMPASS = 512, /* e: a match must end inside the range */
};

/* NODE_COUNT_FOLLOWED, as clamscan 1.4 counts. a, c = patterns whose matches are taken together
 * (c may be NODE_NONE), b = start in links of these, then of a row of groups, each
 * FOLLOWED_EACH: NODE_GROUP child, least and most bytes from one match's start to the other's.
 * aux = whose count it is: 0 the patterns', n that of the row's nth group.
 *
 * A match is followed when, as the next one begins (of the last: at the object's end), the last
 * match of the group lies within the distances from it. One that is not followed does not
 * count, but for the only one that is left. After one that is followed all later ones are
 * measured from it. What follows a group is looked for at the object's end alone, where it was
 * counted twice. */
enum node_followed {
    FOLLOWED_FIRST, /* first and last child of the range of offsets that count, or NODE_NONE */
    FOLLOWED_LAST,
    FOLLOWED_GROUPS, /* how many groups follow */
    FOLLOWED_HEAD,
    FOLLOWED_EACH = 3,
};

/* aux of NODE_MEMBER. */
enum node_member {
    MEMBER_CONTAINER_SIZE,
    MEMBER_PACKED_SIZE,
    MEMBER_SIZE,
    MEMBER_ENCRYPTED, /* 0 or 1 */
    MEMBER_POSITION,  /* from 0 or 1: struct object_member */
};

/* aux of NODE_READ: size in bytes, signedness, byte order, kind of number. */
enum node_read {
    READ_SIZE = 15, /* 1, 2, 4 or 8 */
    READ_SIGNED = 16,
    READ_BIG = 32,
    READ_FLOAT = 64, /* of 4 or 8 bytes, IEEE 754 */
};

enum node_quantifier {
    QUANTIFIER_ALL,
    QUANTIFIER_ANY,
    QUANTIFIER_NONE,
    QUANTIFIER_NUMBER,  /* at least c of them; 0 means none (YARA issue 1695) */
    QUANTIFIER_PERCENT, /* at least c percent of them, rounded up */
};

enum { NODE_MAX_SLOTS = 64 }; /* variables alive at once in one rule */
