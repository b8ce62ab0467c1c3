/* module — what YARA rules import: a table of fields, and code that fills them from an object.
 *
 * A module is one file in modules/ and one row in modules/table.c. Its fields are a static
 * tree: conditions are checked against it when they are compiled and name fields by index.
 * When a condition first reads the module for an object, `load` is called once; fields that
 * cost much (signatures, hashes) have a `fill` of their own that runs when they are first read.
 *
 * Modules read hostile bytes: every read is checked, every loop that input drives charges the
 * budget, memory is the object's arena. What is not there stays undefined. */
#pragma once
#include "base/arena.h"
#include "base/budget.h"
#include "rules/node.h"

struct object;
struct module_input;

/* TYPE_STRING: text, len. TYPE_STRUCT/ARRAY/DICT: object. TYPE_REGEX: integer = number of its
 * program. TYPE_BOOL/INT: integer. */
struct value {
    uint8_t type; /* enum value_type */
    uint32_t len;

    union {
        int64_t integer;
        double real;
        const uint8_t *text;
        struct object *object;
    };
};

#define VALUE_INT(x)   ((struct value){.type = TYPE_INT, .integer = (int64_t)(x)})
#define VALUE_BOOL(x)  ((struct value){.type = TYPE_BOOL, .integer = (x) ? 1 : 0})
#define VALUE_FLOAT(x) ((struct value){.type = TYPE_FLOAT, .real = (x)})
#define VALUE_BYTES(x) value_bytes(x)
#define VALUE_NONE     ((struct value){.type = TYPE_UNDEFINED})

static inline struct value value_bytes(bytes view)
{
    return (struct value){.type = TYPE_STRING,
                          .len = view.len > UINT32_MAX ? UINT32_MAX : (uint32_t)view.len,
                          .text = view.at};
}

/* One way to call a function. `args` has a letter for each argument: i int, f float, s string,
 * r regex, b bool. `ret` likewise. Arguments are never undefined: the caller sees to that. */
struct overload {
    const char *args;
    char ret;
    /* Returns 0; leaves *ret undefined where there is no answer. <0 only for -ENOMEM. */
    int (*call)(struct module_input *in, const struct value *args, struct value *ret);
};

/* A field. A table of fields ends with a NULL name. */
struct field {
    const char *name;
    enum value_type type;         /* INT, FLOAT, STRING, BOOL, STRUCT, ARRAY, DICT, FUNCTION */
    enum value_type item;         /* of ARRAY and DICT */
    const struct field *members;  /* of STRUCT, and of ARRAY and DICT of STRUCT */
    const struct overload *calls; /* of FUNCTION; ends with NULL args */
    bool constant;                /* INT or STRING whose value is below, for every object */
    int64_t integer;
    const char *text;
    bool everywhere; /* has a value even in objects that are not of the module's kind */
    /* Fills this field (and any others it likes) of `self` when it is first read and, unless it
     * is a structure, array or dict, still undefined. Runs once for all fields of a structure
     * that name the same function. NULL: `load` fills it. */
    int (*fill)(struct module_input *in, struct object *self);
};

/* clang-format off */
#define FIELD_INT(n)            {.name = (n), .type = TYPE_INT}
#define FIELD_FLOAT(n)          {.name = (n), .type = TYPE_FLOAT}
#define FIELD_STRING(n)         {.name = (n), .type = TYPE_STRING}
#define FIELD_BOOL(n)           {.name = (n), .type = TYPE_BOOL}
#define FIELD_CONST(n, x)       {.name = (n), .type = TYPE_INT, .constant = true, .integer = (x)}
#define FIELD_CONST_TEXT(n, x)  {.name = (n), .type = TYPE_STRING, .constant = true, .text = (x)}
#define FIELD_STRUCT(n, m)      {.name = (n), .type = TYPE_STRUCT, .members = (m)}
#define FIELD_ARRAY(n, t)       {.name = (n), .type = TYPE_ARRAY, .item = (t)}
#define FIELD_ARRAY_OF(n, m)    {.name = (n), .type = TYPE_ARRAY, .item = TYPE_STRUCT, .members = (m)}
#define FIELD_DICT(n, t)        {.name = (n), .type = TYPE_DICT, .item = (t)}
#define FIELD_DICT_OF(n, m)     {.name = (n), .type = TYPE_DICT, .item = TYPE_STRUCT, .members = (m)}
#define FIELD_FUNCTION(n, c)    {.name = (n), .type = TYPE_FUNCTION, .calls = (c)}
#define FIELD_END               {.name = NULL}

/* clang-format on */

/* One part of the object: a file has one, with base 0; a process has one per region. */
struct block {
    bytes data;
    uint64_t base;
};

/* What a module may know. Lives as long as the examination of one object. */
struct module_input {
    const struct block *blocks;
    uint32_t block_count;
    bool is_process; /* the object is the memory of a process: data is loaded, not a file */
    struct arena *arena;
    struct budget *budget;
    bytes extra;         /* module data given by the user (-x cuckoo=FILE); empty when none */
    int64_t now;         /* seconds since 1970, given by the driver */
    void *state;         /* the module's own, NULL at first; in the arena */
    struct object *root; /* its root structure */
    struct object *self; /* during a call: the structure whose function is called */
    /* console.log: the text has no newline. May be NULL. */
    void (*log)(void *to, bytes text);
    void *log_to;
    /* Length of the first match of a TYPE_REGEX argument in subject, or -1. */
    int (*regex)(struct module_input *in, const struct value *regex, bytes subject);
    const void *ruleset; /* for `regex` */
};

struct module {
    const char *name;
    const struct field *fields;
    /* Fills in->root. 0, -ENOMEM, or -EBADMSG when `extra` is not what the module reads. An
     * object that is not of the module's kind leaves it undefined and is no error. */
    int (*load)(struct module_input *in);
};

/* The row of that name, or NULL. */
const struct module *module_find(bytes name);
/* All rows, ending with NULL, in order of name. */
extern const struct module *const module_table[];
/* Changes whenever a field of any module moves: sealed into rulesets. */
uint64_t module_fingerprint(void);

/* --- objects: what load and fill write --- */

struct entry { /* of a dict */
    bytes key;
    struct value value;
};

struct object {
    enum value_type type;        /* STRUCT, ARRAY or DICT */
    enum value_type item;        /* of ARRAY and DICT */
    const struct field *members; /* of STRUCT, or of the items */
    uint32_t count, room;        /* slots used (STRUCT: number of fields), allocated */
    struct value *slots;         /* STRUCT, ARRAY */
    struct entry *entries;       /* DICT, in order of insertion */
    uint32_t *index;             /* object.c's own: DICT, finds a key among many */
    uint32_t next;               /* object.c's own: STRUCT, where to look for a name first */
};

/* A structure with its constants and (recursively) its structures, arrays and dicts in place.
 * NULL when the arena is full. */
struct object *object_new(struct arena *arena, const struct field *members);

/* Index of a field by name, or -1. Compile-time use; load functions use enums or these setters.
 */
int field_index(const struct field *members, const char *name);

/* Setters take the field's name, which must exist with that type (asserted); they are fast when
 * fields are set in the order of their table. Texts are borrowed: they must live in the object,
 * the arena or static memory. */
void object_set_int(struct object *self, const char *name, int64_t value);
void object_set_float(struct object *self, const char *name, double value);
void object_set_text(struct object *self, const char *name, bytes value);
void object_set(struct object *self, const char *name, struct value value);
/* The object in a STRUCT, ARRAY or DICT field. */
struct object *object_member(struct object *self, const char *name);
/* The value of a field without filling it. */
struct value object_get(const struct object *self, const char *name);

/* A new last structure of an ARRAY_OF; NULL when the arena is full. */
struct object *array_push(struct arena *arena, struct object *array);
bool array_push_value(struct arena *arena, struct object *array, struct value value);
/* Makes the array long enough and returns the structure at index; holes stay undefined. */
struct object *array_at(struct arena *arena, struct object *array, uint32_t index);
bool array_set(struct arena *arena, struct object *array, uint32_t index, struct value value);
/* The dict's structure for a key, made when new. The key is borrowed. */
struct object *dict_at(struct arena *arena, struct object *dict, bytes key);
bool dict_set(struct arena *arena, struct object *dict, bytes key, struct value value);
const struct value *dict_find(const struct object *dict, bytes key);

/* --- reading, as conditions and dumps do --- */

/* Field `index` of a structure, filled first where it has a `fill`. */
int object_read(struct module_input *in, struct object *self, uint32_t index,
                struct value *ret);
/* Runs every `fill` in the tree, for dumps. */
int object_fill_all(struct module_input *in, struct object *self);
