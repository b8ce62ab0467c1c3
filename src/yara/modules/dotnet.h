/* dotnet — what the files of the dotnet module share: dotnet.c finds the metadata and fills
 * most fields, dotnet_table.c reads its tables and heaps, dotnet_type.c puts the names of types
 * together, dotnet_class.c fills the classes. Specification: ECMA-335, 6th edition, partition
 * II; where YARA 4.5 deviates from it, we do as YARA. */
#pragma once
#include "pe/pe_image.h"
#include "yara/module.h"

/* The tables, by their number (II.22). */
enum dotnet_number {
    DOTNET_MODULE = 0x00,
    DOTNET_TYPE_REF = 0x01,
    DOTNET_TYPE_DEF = 0x02,
    DOTNET_FIELD = 0x04,
    DOTNET_METHOD_DEF = 0x06,
    DOTNET_PARAM = 0x08,
    DOTNET_INTERFACE_IMPL = 0x09,
    DOTNET_MEMBER_REF = 0x0a,
    DOTNET_CONSTANT = 0x0b,
    DOTNET_CUSTOM_ATTRIBUTE = 0x0c,
    DOTNET_EVENT = 0x14,
    DOTNET_PROPERTY = 0x17,
    DOTNET_MODULE_REF = 0x1a,
    DOTNET_TYPE_SPEC = 0x1b,
    DOTNET_FIELD_RVA = 0x1d,
    DOTNET_ASSEMBLY = 0x20,
    DOTNET_ASSEMBLY_REF = 0x23,
    DOTNET_ASSEMBLY_REF_PROCESSOR = 0x24,
    DOTNET_MANIFEST_RESOURCE = 0x28,
    DOTNET_NESTED_CLASS = 0x29,
    DOTNET_GENERIC_PARAM = 0x2a,
    DOTNET_TABLES = 0x2d,
};

enum { DOTNET_COLUMNS = 9, DOTNET_MAX_ROWS = 15000 };

struct dotnet_table {
    uint64_t at;                    /* offset of its first row in the file */
    uint32_t rows;                  /* as the file says; they need not be inside */
    uint8_t column[DOTNET_COLUMNS]; /* where the columns begin in a row; then its size */
    uint8_t size;
    bool present;
};

/* A heap or stream: where it should lie. */
struct dotnet_stream {
    uint64_t at;
    uint32_t size;
    bool present;
};

struct dotnet {
    struct module_input *in;
    struct pe_image pe;
    bytes data;
    uint64_t root; /* of the metadata; the streams count from here */
    uint32_t resources_rva;
    struct dotnet_stream guid, tilde, strings, blob, us;
    struct dotnet_table table[DOTNET_TABLES];
    bool tables_known, complete; /* complete: all tables could be placed */
};

/* --- dotnet_table.c --- */

/* Lays out the tables, if that was not done yet. False where there is nothing to read. Where
 * the file does not make sense from some table on, those before it are there and `complete` is
 * false. */
bool dotnet_tables(struct dotnet *self);
/* Row `index`, counted from 1, or NULL where the table has no such row inside the file. */
const uint8_t *dotnet_row(const struct dotnet *self, enum dotnet_number table, uint32_t index);
/* A number out of a row. */
uint32_t dotnet_cell(const struct dotnet *self, enum dotnet_number table, const uint8_t *row,
                     unsigned column);
/* A text of the #Strings heap; .at is NULL where there is none or it has more than 1024 bytes.
 */
bytes dotnet_string(const struct dotnet *self, uint32_t index);
/* The entry of a blob heap at an offset of the file (II.24.2.4): its content, which lies inside
 * the file, and the size of the length before it. False when there is none. */
bool dotnet_blob_at(const struct dotnet *self, uint64_t at, bytes *ret, uint32_t *ret_head);
/* The entry at an index of #Blob. */
bool dotnet_blob(const struct dotnet *self, uint32_t index, bytes *ret);

/* --- dotnet_type.c --- */

/* Rows of a table found by a key: the first for each key, and for each row the next. */
struct dotnet_index {
    uint32_t *first, *next; /* rows counted from 1; 0 ends */
    uint32_t keys;
};

struct dotnet_types {
    struct dotnet *dotnet;
    struct dotnet_index enclosing, interfaces, type_generics, method_generics;
    uint8_t *text; /* under construction */
    size_t len, room;
    bool full;                 /* the arena, or the budget */
    struct value (*params)[2]; /* names and types of the parameters of the method at hand */
};

/* Names of the generic parameters of a type or method. */
struct dotnet_generics {
    const bytes *names;
    uint32_t count;
};

/* "namespace.name" without what follows a backquote; .at is NULL when both are empty. */
bytes dotnet_full_name(struct dotnet_types *types, bytes name, bytes namespace);
/* The name of the type that encloses TypeDef row `index`; .at NULL where there is none. */
bytes dotnet_enclosing(struct dotnet_types *types, uint32_t index);
/* The name of a TypeDefOrRef; .at is NULL where it makes no sense. */
bytes dotnet_type_name(struct dotnet_types *types, uint32_t coded,
                       const struct dotnet_generics *of_class);
/* The name of the type that a signature goes on with (II.23.2.12); moves *signature. */
bytes dotnet_signature_type(struct dotnet_types *types, bytes *signature,
                            const struct dotnet_generics *of_class,
                            const struct dotnet_generics *of_method);
/* A compressed unsigned number (II.23.2); 0 where there is none. */
uint32_t dotnet_compressed(bytes *signature);

static inline bool dotnet_is_nested(uint32_t flags)
{
    return (flags & 7) >= 2;
}

/* --- dotnet_class.c --- */

/* Fills `classes` and `number_of_classes`. 0 or -ENOMEM. */
int dotnet_classes_fill(struct dotnet *self, struct object *root);
extern const struct field dotnet_class_fields[];
