/* pe_import — what an image imports at load and, delayed, at first call.
 *
 *   import descriptor, 20 bytes: u32 name table RVA, time, forwarder, u32 library name RVA, u32
 *   address table RVA; the last has library name 0
 *   delay descriptor, 32 bytes: u32 attributes (bit 0: RVAs, else addresses), u32 library name,
 *   module handle, u32 address table, u32 name table, bound table, unload table, time; the last
 *   is all zero
 *   name table: u32 (PE32) or u64 (PE32+) each: top bit set = by ordinal in the low 16 bits,
 * else RVA of u16 hint and name; the last is 0
 *
 * Microsoft PE Format sections 6.4 and 5.8. */
#include "yara/modules/pe/pe_fields.h"

#include <errno.h>
#include <string.h>

#include "shim/digest.h"

enum {
    MAX_IMPORTS = 16384, /* libraries; functions of one library; functions in all */
    MAX_LOOKS = 1 << 20, /* at entries of any kind, those that name nothing included */
    MAX_LIBRARY_NAME = 256,
    MAX_FUNCTION_NAME = 512,
    DESCRIPTOR = 20,
    DELAY_DESCRIPTOR = 32,
    DOS_HEADER = 64,
    IMPORT_STANDARD = 1,
    IMPORT_DELAYED = 2,
};

/* One walk: where it adds to. */
struct walk {
    struct module_input *in;
    const struct pe_image *image;
    struct pe_imports *imports;
    uint32_t width;                    /* of a table entry: 4 or 8 */
    uint64_t ordinal_flag;             /* top bit of an entry */
    uint32_t looks;                    /* at entries so far */
    VEC(struct pe_function) functions; /* of the library at hand */
};

static struct walk walk_start(struct module_input *in, struct pe_imports *imports)
{
    const struct pe_image *image = &pe_of(in)->image;
    return (struct walk){.in = in,
                         .image = image,
                         .imports = imports,
                         .width = image->is_64 ? 8 : 4,
                         .ordinal_flag = image->is_64 ? UINT64_C(1) << 63 : UINT64_C(1) << 31};
}

/* False when the walk must end: tables may overlap, and then cost more than the file is long.
 */
static bool look(struct walk *walk)
{
    if (walk->looks++ >= MAX_LOOKS)
        budget_hit(walk->in->budget, LIMIT_STEPS);
    return walk->looks <= MAX_LOOKS &&
           budget_charge(walk->in->budget, 32 + walk->image->section_count);
}

/* False when the entry is not in the file. */
static bool read_entry(const struct walk *walk, uint64_t at, uint64_t *ret)
{
    uint32_t narrow;
    if (walk->width == 8)
        return bytes_le64(walk->image->data, at, ret);
    if (!bytes_le32(walk->image->data, at, &narrow))
        return false;
    *ret = narrow;
    return true;
}

/* False when memory or work ran out: the walk ends there. */
static bool add_function(struct walk *walk, struct pe_function function)
{
    if (!budget_charge(walk->in->budget, function.name.len))
        return false;
    struct pe_function *added = vec_push(walk->in->arena, &walk->functions);
    if (!added) {
        budget_hit(walk->in->budget, LIMIT_MEMORY);
        return false;
    }
    *added = function;
    walk->imports->function_count++;
    return true;
}

static bool add_library(struct walk *walk, bytes name)
{
    struct pe_library *added = vec_push(walk->in->arena, &walk->imports->libraries);
    if (!added) {
        budget_hit(walk->in->budget, LIMIT_MEMORY);
        return false;
    }
    *added = (struct pe_library){name, walk->functions.at, walk->functions.n};
    return true;
}

static bool is_library_name(bytes name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] < ' ' || name.at[i] > '~' || memchr("\"*<>?|", name.at[i], 6))
            return false;
    return name.len > 0;
}

/* The characters that pefile takes for a function's name: import hashes depend on it. */
static bool is_function_name(bytes name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!ascii_alnum(name.at[i]) && !memchr("._?@$()<>", name.at[i], 9))
            return false;
    return name.len > 0;
}

/* A library's name, which must end inside the file and before `max`; .at is NULL when it is not
 * a name. */
static bytes read_library_name(const struct walk *walk, uint32_t rva, size_t max)
{
    int64_t at = pe_image_offset(walk->image, rva);
    if (at < 0)
        return (bytes){0};
    bytes name = pe_image_text(walk->image, (uint64_t)at, max);
    size_t left = walk->image->data.len - (size_t)at;
    if (name.len == (left < max ? left : max) || !is_library_name(name) ||
        !budget_charge(walk->in->budget, name.len))
        return (bytes){0};
    return name;
}

/* --- imports at load --- */

/* Function of one table entry; false for an entry that names none. */
static bool read_function(const struct walk *walk, bytes library, uint64_t entry,
                          struct pe_function *ret)
{
    struct pe_function found = {0};
    if (entry & walk->ordinal_flag) {
        if ((entry & ~walk->ordinal_flag) > 0xffff)
            return false;
        found.ordinal = (uint16_t)entry;
        found.by_ordinal = true;
        found.name = pe_ordinal_name(walk->in->arena, library, found.ordinal);
    } else {
        int64_t at = pe_image_offset(walk->image, entry);
        if (at < 0 || !bytes_has(walk->image->data, (uint64_t)at, 3))
            return false;
        found.name = pe_image_text(walk->image, (uint64_t)at + 2, MAX_FUNCTION_NAME);
    }
    *ret = found;
    return is_function_name(found.name);
}

/* Walks the functions of one descriptor. False when the walk must end. */
static bool walk_functions(struct walk *walk, const uint8_t *descriptor, bytes library)
{
    uint32_t addresses = load_le32(descriptor + 16);
    int64_t names = pe_image_offset(walk->image, load_le32(descriptor));
    if (names <= 0)
        names = pe_image_offset(walk->image, addresses);
    memset(&walk->functions, 0, sizeof walk->functions);
    for (uint64_t i = 0; names >= 0 && i < MAX_IMPORTS; i++) {
        uint64_t entry;
        struct pe_function function;
        if (!read_entry(walk, (uint64_t)names + i * walk->width, &entry) || entry == 0 ||
            walk->imports->function_count >= MAX_IMPORTS)
            break;
        if (!look(walk))
            return false;
        if (!read_function(walk, library, entry, &function))
            continue;
        function.rva = (int64_t)(addresses + i * walk->width);
        if (walk->width == 4)
            function.rva &= 0xffffffff;
        if (!add_function(walk, function))
            return false;
    }
    return walk->functions.n == 0 || add_library(walk, library);
}

const struct pe_imports *pe_imports_walk(struct module_input *in)
{
    struct pe *pe = pe_of(in);
    uint32_t rva, size;
    if (!pe || pe->imports.walked)
        return pe ? &pe->imports : NULL;
    pe->imports.walked = true;
    if (!pe_image_directory(&pe->image, PE_DIRECTORY_IMPORT, &rva, &size) || rva == 0)
        return &pe->imports;
    struct walk walk = walk_start(in, &pe->imports);
    int64_t at = pe_image_offset(&pe->image, rva);
    for (uint32_t i = 0; at >= 0 && i < MAX_IMPORTS; i++, at += DESCRIPTOR) {
        if (!bytes_has(pe->image.data, (uint64_t)at, DESCRIPTOR) || !look(&walk))
            break;
        const uint8_t *descriptor = pe->image.data.at + at;
        uint32_t name_rva = load_le32(descriptor + 12);
        if (name_rva == 0)
            break;
        bytes name = read_library_name(&walk, name_rva, MAX_LIBRARY_NAME);
        if (name.at && !walk_functions(&walk, descriptor, name))
            break;
    }
    return &pe->imports;
}

/* --- delayed imports --- */

struct delay {
    uint32_t attributes;
    uint32_t library;   /* RVA of the name */
    uint32_t addresses; /* RVA of the address table */
    uint32_t names;     /* RVA of the name table */
};

/* Tables of Visual C++ 6 hold addresses where newer ones hold RVAs. */
static uint64_t to_rva(const struct pe_image *image, uint64_t value)
{
    uint64_t base = pe_image_base(image);
    return value > base ? value - base : value;
}

/* False at the last descriptor and at one that cannot be. */
static bool read_delay(const struct walk *walk, const uint8_t *p, struct delay *ret)
{
    static const uint8_t zero[DELAY_DESCRIPTOR];
    uint32_t size_of_image = pe_image_optional32(walk->image, 56);
    struct delay delay = {load_le32(p), load_le32(p + 4), load_le32(p + 12), load_le32(p + 16)};
    if (memcmp(p, zero, DELAY_DESCRIPTOR) == 0 || delay.attributes > 1)
        return false;
    if (delay.attributes == 0 && !walk->image->is_64) {
        delay.library = (uint32_t)to_rva(walk->image, delay.library);
        delay.addresses = (uint32_t)to_rva(walk->image, delay.addresses);
        delay.names = (uint32_t)to_rva(walk->image, delay.names);
    }
    *ret = delay;
    return delay.names < size_of_image && delay.addresses < size_of_image &&
           delay.library >= DOS_HEADER && delay.names >= DOS_HEADER;
}

static bool read_entry_rva(const struct walk *walk, uint64_t rva, uint64_t *ret)
{
    int64_t at = pe_image_offset(walk->image, rva);
    return at >= 0 && read_entry(walk, (uint64_t)at, ret);
}

static bool walk_delayed(struct walk *walk, const struct delay *delay, bytes library)
{
    memset(&walk->functions, 0, sizeof walk->functions);
    for (uint64_t i = 0; walk->imports->function_count < MAX_IMPORTS; i += walk->width) {
        struct pe_function function = {.rva = (int64_t)(delay->addresses + i)};
        uint64_t name, address;
        if (!read_entry_rva(walk, delay->names + i, &name) ||
            !read_entry_rva(walk, delay->addresses + i, &address) || name == 0 || address == 0)
            break;
        if (!look(walk))
            return false;
        if (name & walk->ordinal_flag) {
            function.ordinal = (uint16_t)name;
            function.by_ordinal = true;
            function.name = pe_ordinal_name(walk->in->arena, library, function.ordinal);
        } else {
            if (delay->attributes == 0)
                name = to_rva(walk->image, name);
            int64_t at = pe_image_offset(walk->image, name + 2);
            if (at < 0)
                continue;
            function.name = pe_image_text(walk->image, (uint64_t)at, MAX_FUNCTION_NAME);
        }
        if (!add_function(walk, function))
            return false;
    }
    return add_library(walk, library);
}

const struct pe_imports *pe_delayed_walk(struct module_input *in)
{
    struct pe *pe = pe_of(in);
    uint32_t rva, size;
    if (!pe || pe->delayed.walked)
        return pe ? &pe->delayed : NULL;
    pe->delayed.walked = true;
    if (!pe_image_directory(&pe->image, PE_DIRECTORY_DELAY_IMPORT, &rva, &size) || rva == 0)
        return &pe->delayed;
    struct walk walk = walk_start(in, &pe->delayed);
    int64_t at = pe_image_offset(&pe->image, rva);
    for (; at >= 0 && pe->delayed.libraries.n < MAX_IMPORTS; at += DELAY_DESCRIPTOR) {
        struct delay delay;
        if (!bytes_has(pe->image.data, (uint64_t)at, DELAY_DESCRIPTOR) ||
            !read_delay(&walk, pe->image.data.at + at, &delay) || !look(&walk))
            break;
        bytes name = read_library_name(&walk, delay.library, SIZE_MAX);
        if (name.at && !walk_delayed(&walk, &delay, name))
            break;
    }
    return &pe->delayed;
}

/* --- fields --- */

int pe_fill_import_counts(struct module_input *in, struct object *self)
{
    const struct pe_imports *imports = pe_imports_walk(in);
    if (!imports)
        return 0;
    pe_put_int(self, PE_ROOT_number_of_imports, imports->libraries.n);
    pe_put_int(self, PE_ROOT_number_of_imported_functions, imports->function_count);
    return 0;
}

int pe_fill_delayed_counts(struct module_input *in, struct object *self)
{
    const struct pe_imports *imports = pe_delayed_walk(in);
    if (!imports)
        return 0;
    pe_put_int(self, PE_ROOT_number_of_delayed_imports, imports->libraries.n);
    pe_put_int(self, PE_ROOT_number_of_delayed_imported_functions, imports->function_count);
    return 0;
}

static int fill_library(struct module_input *in, struct object *item,
                        const struct pe_library *library)
{
    pe_put_text(item, PE_LIBRARY_library_name, library->name);
    pe_put_int(item, PE_LIBRARY_number_of_functions, library->count);
    for (uint32_t i = 0; i < library->count; i++) {
        const struct pe_function *function = &library->functions[i];
        struct object *entry = array_push(in->arena, pe_object(item, PE_LIBRARY_functions));
        if (!entry)
            return -ENOMEM;
        pe_put_text(entry, PE_FUNCTION_name, function->name);
        if (function->by_ordinal)
            pe_put_int(entry, PE_FUNCTION_ordinal, function->ordinal);
        if (function->rva)
            pe_put_int(entry, PE_FUNCTION_rva, function->rva);
    }
    return 0;
}

static int fill_details(struct module_input *in, struct object *array,
                        const struct pe_imports *imports)
{
    for (uint32_t i = 0; imports && i < imports->libraries.n; i++) {
        struct object *item = array_push(in->arena, array);
        int error = item ? fill_library(in, item, &imports->libraries.at[i]) : -ENOMEM;
        if (error)
            return error;
    }
    return 0;
}

int pe_fill_import_details(struct module_input *in, struct object *self)
{
    return fill_details(in, pe_object(self, PE_ROOT_import_details), pe_imports_walk(in));
}

int pe_fill_delayed_details(struct module_input *in, struct object *self)
{
    return fill_details(in, pe_object(self, PE_ROOT_delayed_import_details),
                        pe_delayed_walk(in));
}

/* --- imports() --- */

/* What a call asks for: a library, and a function by name, number or not at all. */
struct wanted {
    const struct value *library; /* string or regex */
    const struct value *name;    /* string, regex or NULL */
    const struct value *ordinal; /* or NULL */
};

/* YARA takes an empty match of a regex for none here. */
static bool fits_text(struct module_input *in, const struct value *wanted, bytes text)
{
    return wanted->type == TYPE_REGEX ? in->regex && in->regex(in, wanted, text) > 0
                                      : bytes_same(text, pe_argument(wanted));
}

static bool fits_function(struct module_input *in, const struct wanted *wanted,
                          const struct pe_function *function)
{
    if (wanted->ordinal)
        return function->by_ordinal && function->ordinal == wanted->ordinal->integer;
    return !wanted->name || fits_text(in, wanted->name, function->name);
}

/* Number of functions that fit. */
static int64_t count_imports(struct module_input *in, const struct pe_imports *imports,
                             const struct wanted *wanted)
{
    int64_t count = 0;
    for (uint32_t i = 0; i < imports->libraries.n; i++) {
        const struct pe_library *library = &imports->libraries.at[i];
        if (!budget_charge(in->budget, 4) || !fits_text(in, wanted->library, library->name))
            continue;
        budget_charge(in->budget, library->count);
        for (uint32_t k = 0; k < library->count; k++)
            count += fits_function(in, wanted, &library->functions[k]);
    }
    return count;
}

/* A name or an ordinal is asked for as yes or no, a library or a regex as a number. */
static int answer_imports(struct module_input *in, int64_t flags, const struct wanted *wanted,
                          struct value *ret)
{
    const struct pe_imports *imports = pe_imports_walk(in);
    if (!imports)
        return 0;
    int64_t count = flags & IMPORT_STANDARD ? count_imports(in, imports, wanted) : 0;
    bool counts = !wanted->ordinal && (!wanted->name || wanted->name->type == TYPE_REGEX);
    if (flags & IMPORT_DELAYED && (counts || count == 0))
        count += count_imports(in, pe_delayed_walk(in), wanted);
    *ret = VALUE_INT(counts ? count : count > 0);
    return 0;
}

static int imports_library(struct module_input *in, const struct value *args, struct value *ret)
{
    return answer_imports(in, IMPORT_STANDARD, &(struct wanted){&args[0], NULL, NULL}, ret);
}

static int imports_name(struct module_input *in, const struct value *args, struct value *ret)
{
    return answer_imports(in, IMPORT_STANDARD, &(struct wanted){&args[0], &args[1], NULL}, ret);
}

static int imports_ordinal(struct module_input *in, const struct value *args, struct value *ret)
{
    return answer_imports(in, IMPORT_STANDARD, &(struct wanted){&args[0], NULL, &args[1]}, ret);
}

static int flags_library(struct module_input *in, const struct value *args, struct value *ret)
{
    return answer_imports(in, args[0].integer, &(struct wanted){&args[1], NULL, NULL}, ret);
}

static int flags_name(struct module_input *in, const struct value *args, struct value *ret)
{
    return answer_imports(in, args[0].integer, &(struct wanted){&args[1], &args[2], NULL}, ret);
}

static int flags_ordinal(struct module_input *in, const struct value *args, struct value *ret)
{
    return answer_imports(in, args[0].integer, &(struct wanted){&args[1], NULL, &args[2]}, ret);
}

const struct overload pe_imports_calls[] = {
    {"ss", 'i', imports_name},  {"si", 'i', imports_ordinal}, {"s", 'i', imports_library},
    {"rr", 'i', imports_name},  {"iss", 'i', flags_name},     {"isi", 'i', flags_ordinal},
    {"is", 'i', flags_library}, {"irr", 'i', flags_name},     {0}};

/* --- import_rva(), delayed_import_rva() --- */

static int answer_rva(struct module_input *in, const struct pe_imports *imports,
                      const struct wanted *wanted, struct value *ret)
{
    for (uint32_t i = 0; imports && i < imports->libraries.n; i++) {
        const struct pe_library *library = &imports->libraries.at[i];
        if (!fits_text(in, wanted->library, library->name))
            continue;
        budget_charge(in->budget, library->count);
        for (uint32_t k = 0; k < library->count; k++) {
            if (!fits_function(in, wanted, &library->functions[k]))
                continue;
            if (library->functions[k].rva)
                *ret = VALUE_INT(library->functions[k].rva);
            return 0;
        }
    }
    return 0;
}

static int rva_name(struct module_input *in, const struct value *args, struct value *ret)
{
    return answer_rva(in, pe_imports_walk(in), &(struct wanted){&args[0], &args[1], NULL}, ret);
}

static int rva_ordinal(struct module_input *in, const struct value *args, struct value *ret)
{
    return answer_rva(in, pe_imports_walk(in), &(struct wanted){&args[0], NULL, &args[1]}, ret);
}

static int delayed_name(struct module_input *in, const struct value *args, struct value *ret)
{
    return answer_rva(in, pe_delayed_walk(in), &(struct wanted){&args[0], &args[1], NULL}, ret);
}

static int delayed_ordinal(struct module_input *in, const struct value *args, struct value *ret)
{
    return answer_rva(in, pe_delayed_walk(in), &(struct wanted){&args[0], NULL, &args[1]}, ret);
}

const struct overload pe_import_rva_calls[] = {
    {"ss", 'i', rva_name}, {"si", 'i', rva_ordinal}, {0}};
const struct overload pe_delayed_rva_calls[] = {
    {"ss", 'i', delayed_name}, {"si", 'i', delayed_ordinal}, {0}};

/* --- imphash() --- */

/* Length of a library's name without the extension that import hashes leave out. */
static size_t stem_length(bytes name)
{
    static const char *const extensions[] = {".ocx", ".sys", ".dll"};
    size_t dot = name.len;
    while (dot > 0 && name.at[dot - 1] != '.')
        dot--;
    if (dot == 0)
        return name.len;
    for (size_t i = 0; i < COUNT(extensions); i++)
        if (bytes_same(bytes_slice(name, dot - 1, 4), bytes_of(extensions[i])))
            return dot - 1;
    return name.len;
}

static uint8_t *put_lower(uint8_t *to, bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        *to++ = ascii_lower(text.at[i]);
    return to;
}

/* "library.function,library.function,..." in lower case; .at is NULL when memory ran out. */
static bytes hashed_text(struct arena *arena, const struct pe_imports *imports)
{
    size_t size = 0;
    for (uint32_t i = 0; i < imports->libraries.n; i++) {
        const struct pe_library *library = &imports->libraries.at[i];
        for (uint32_t k = 0; k < library->count; k++)
            size += library->name.len + library->functions[k].name.len + 2;
    }
    uint8_t *text = arena_push_raw(arena, size), *end = text;
    for (uint32_t i = 0; text && i < imports->libraries.n; i++) {
        const struct pe_library *library = &imports->libraries.at[i];
        bytes stem = {library->name.at, stem_length(library->name)};
        for (uint32_t k = 0; k < library->count; k++) {
            if (end != text)
                *end++ = ',';
            end = put_lower(end, stem);
            *end++ = '.';
            end = put_lower(end, library->functions[k].name);
        }
    }
    return (bytes){text, (size_t)(end - text)};
}

static int imphash(struct module_input *in, const struct value *args, struct value *ret)
{
    (void)args;
    struct pe *pe = pe_of(in);
    const struct pe_imports *imports = pe_imports_walk(in);
    if (!imports)
        return 0;
    if (!pe->imphash.at) {
        uint8_t digest[DIGEST_MAX];
        char *hex = arena_push_raw(in->arena, 2 * 16 + 1);
        struct arena_mark mark = arena_mark(in->arena);
        bytes text = hashed_text(in->arena, imports);
        if (!hex || !text.at)
            return -ENOMEM;
        bool good =
            budget_charge(in->budget, text.len) && digest_parts(DIGEST_MD5, &text, 1, digest);
        arena_pop(in->arena, mark);
        if (!good)
            return 0;
        digest_hex(digest, digest_size(DIGEST_MD5), hex);
        pe->imphash = bytes_of(hex);
    }
    *ret = VALUE_BYTES(pe->imphash);
    return 0;
}

const struct overload pe_imphash_calls[] = {{"", 's', imphash}, {0}};
