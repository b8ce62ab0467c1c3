/* pe — what the files of the pe module share: its state for one object, and its fields.
 *
 * `load` reads only the headers. All else is walked when a field of it is first read (`fill` in
 * the tables of pe_fields.c), because most conditions read two or three fields. */
#pragma once
#include "pe/pe_image.h"
#include "yara/module.h"

struct pe_function {
    bytes name;
    int64_t rva; /* of the thunk; 0 when there is none */
    uint16_t ordinal;
    bool by_ordinal;
};

struct pe_library {
    bytes name;
    const struct pe_function *functions;
    uint32_t count;
};

struct pe_imports {
    bool walked;
    uint32_t function_count;
    VEC(struct pe_library) libraries;
};

struct pe_exports {
    bool found;
    const uint8_t *directory; /* 40 bytes, NULL when there is none */
    bytes library;            /* the image's own name; .at may be NULL */
    uint64_t start, end;      /* file offsets of the directory */
    uint32_t ordinal_base;
    uint32_t count;           /* of addresses; 0 when a table is not all in the file */
    uint32_t name_count;      /* at most count */
    const uint8_t *addresses; /* count * 4 bytes */
    const uint8_t *names;     /* name_count * 4 bytes, NULL when there are none */
    const uint8_t *indexes;   /* count * 2 bytes: YARA asks for so many */
    const uint16_t *name_of;  /* for each address 1 + the number of its name, or 0 */
};

struct pe {
    struct pe_image image;
    uint64_t base;    /* address of the block the image lies in: 0 for a file */
    bytes imphash;    /* empty until asked for */
    int64_t checksum; /* -1 until asked for */
    struct pe_imports imports, delayed;
    struct pe_exports exports;
};

/* NULL when the object is no PE file. */
static inline struct pe *pe_of(struct module_input *in)
{
    return (struct pe *)in->state;
}

/* A field's slot by its number in the tables of pe_fields.h. */
static inline void pe_put_int(struct object *self, int field, int64_t value)
{
    self->slots[field] = VALUE_INT(value);
}

static inline void pe_put_text(struct object *self, int field, bytes value)
{
    self->slots[field] = VALUE_BYTES(value);
}

static inline struct object *pe_object(struct object *self, int field)
{
    return self->slots[field].object;
}

/* A string argument as YARA hands it to C: up to its first NUL. */
bytes pe_argument(const struct value *value);

/* pe_import.c: the libraries an image imports from, walked when first asked for. NULL when the
 * object is no PE file; -ENOMEM shows as fewer libraries and a limit in the budget. */
const struct pe_imports *pe_imports_walk(struct module_input *in);
const struct pe_imports *pe_delayed_walk(struct module_input *in);
/* The name YARA (and pefile) gives an ordinal of a library; .at is NULL when the arena is full.
 */
bytes pe_ordinal_name(struct arena *arena, bytes library, uint16_t ordinal);

/* Fills of pe_fields.c's tables: see there. */
int pe_fill_directories(struct module_input *in, struct object *self);
int pe_fill_sections(struct module_input *in, struct object *self);
int pe_fill_overlay(struct module_input *in, struct object *self);
int pe_fill_rich(struct module_input *in, struct object *self);
int pe_fill_debug(struct module_input *in, struct object *self);
int pe_fill_exports(struct module_input *in, struct object *self);
int pe_fill_export_counts(struct module_input *in, struct object *self);
int pe_fill_import_counts(struct module_input *in, struct object *self);
int pe_fill_import_details(struct module_input *in, struct object *self);
int pe_fill_delayed_counts(struct module_input *in, struct object *self);
int pe_fill_delayed_details(struct module_input *in, struct object *self);
int pe_fill_resources(struct module_input *in, struct object *self);
int pe_fill_resource_version(struct module_input *in, struct object *self);
int pe_fill_signatures(struct module_input *in, struct object *self);

/* Functions of the module. */
extern const struct overload pe_checksum_calls[], pe_imphash_calls[], pe_section_index_calls[],
    pe_exports_calls[], pe_exports_index_calls[], pe_imports_calls[], pe_import_rva_calls[],
    pe_delayed_rva_calls[], pe_locale_calls[], pe_language_calls[], pe_is_dll_calls[],
    pe_is_32bit_calls[], pe_is_64bit_calls[], pe_rich_version_calls[], pe_rich_toolid_calls[],
    pe_rva_to_offset_calls[], pe_valid_on_calls[];
