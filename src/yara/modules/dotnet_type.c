/* Names of types out of the metadata tables and signatures (ECMA-335 II.23.2), in the notation
 * that YARA 4.5 took over from the C# language: "int", "Ptr<T>", "ref T", "A.B<T,U>", "T[]",
 * "T[2...5,]", "FnPtr<void(int, string)>".
 *
 * Types nest and refer to each other, in hostile files in circles: the depth is bounded, and
 * each step charges the budget. */
#include "yara/modules/dotnet.h"

#include <stdio.h>
#include <string.h>

enum {
    DEPTH_MAX = 16,
    NAMESPACE_DEPTH_MAX = 10,
    RANK_MAX = 50,
    GENERIC_MAX = 1000,
    PARAM_MAX = 2000
};

/* Element types (II.23.1.16) that have no content. */
static const char *const simple[] = {
    [0x01] = "void",    [0x02] = "bool",   [0x03] = "char",           [0x04] = "sbyte",
    [0x05] = "byte",    [0x06] = "short",  [0x07] = "ushort",         [0x08] = "int",
    [0x09] = "uint",    [0x0a] = "long",   [0x0b] = "ulong",          [0x0c] = "float",
    [0x0d] = "double",  [0x0e] = "string", [0x16] = "TypedReference", [0x18] = "IntPtr",
    [0x19] = "UIntPtr", [0x1c] = "object",
};

enum {
    TYPE_PTR = 0x0f,
    TYPE_BYREF = 0x10,
    TYPE_VALUETYPE = 0x11,
    TYPE_CLASS = 0x12,
    TYPE_VAR = 0x13,
    TYPE_NARRAY = 0x14,
    TYPE_GENERICINST = 0x15,
    TYPE_FNPTR = 0x1b,
    TYPE_SZARRAY = 0x1d,
    TYPE_MVAR = 0x1e,
    TYPE_CMOD_REQD = 0x1f,
    TYPE_CMOD_OPT = 0x20
};

/* --- text under construction --- */

static bool put(struct dotnet_types *types, bytes text)
{
    if (types->full || !budget_charge(types->dotnet->in->budget, text.len)) {
        types->full = true;
        return false;
    }
    if (!types->text || text.len > types->room - types->len) {
        size_t room = 2 * types->room + text.len + 256;
        uint8_t *more = arena_push_raw(types->dotnet->in->arena, room);
        if (!more) {
            types->full = true;
            return false;
        }
        if (types->len)
            memcpy(more, types->text, types->len);
        types->text = more;
        types->room = room;
    }
    if (text.len)
        memcpy(types->text + types->len, text.at, text.len);
    types->len += text.len;
    return true;
}

static bool put_text(struct dotnet_types *types, const char *text)
{
    return put(types, bytes_of(text));
}

/* What was written since `mark`, as a text of its own. */
static bytes taken(struct dotnet_types *types, size_t mark)
{
    bytes text = {0};
    if (!types->full && types->text)
        text = arena_copy(types->dotnet->in->arena,
                          (bytes){types->text + mark, types->len - mark});
    if (!text.at)
        types->full = true;
    types->len = mark;
    return text;
}

/* --- names --- */

bytes dotnet_full_name(struct dotnet_types *types, bytes name, bytes namespace)
{
    if (name.len == 0)
        return namespace;
    bytes full = name;
    if (namespace.len) {
        size_t mark = types->len;
        put(types, namespace);
        put_text(types, ".");
        put(types, name);
        full = taken(types, mark);
    }
    const uint8_t *quote = full.at ? memchr(full.at, '`', full.len) : NULL;
    if (quote)
        full.len = (size_t)(quote - full.at);
    return full;
}

static bytes enclosing(struct dotnet_types *types, uint32_t index, uint32_t depth)
{
    const struct dotnet *dotnet = types->dotnet;
    if (depth > NAMESPACE_DEPTH_MAX || index >= types->enclosing.keys)
        return (bytes){0};
    const uint8_t *nested =
        dotnet_row(dotnet, DOTNET_NESTED_CLASS, types->enclosing.first[index]);
    if (!nested)
        return (bytes){0};
    uint32_t outer = dotnet_cell(dotnet, DOTNET_NESTED_CLASS, nested, 1);
    const uint8_t *row = dotnet_row(dotnet, DOTNET_TYPE_DEF, outer);
    if (!row)
        return (bytes){0};
    bytes name = dotnet_string(dotnet, dotnet_cell(dotnet, DOTNET_TYPE_DEF, row, 1));
    bytes namespace = dotnet_string(dotnet, dotnet_cell(dotnet, DOTNET_TYPE_DEF, row, 2));
    if (bytes_is(name, "<Module>"))
        return (bytes){0};
    if (dotnet_is_nested(load_le32(row)) && outer != index)
    namespace = dotnet_full_name(types, namespace, enclosing(types, outer, depth + 1));
    return dotnet_full_name(types, name, namespace);
}

bytes dotnet_enclosing(struct dotnet_types *types, uint32_t index)
{
    return enclosing(types, index, 1);
}

static bytes definition_name(struct dotnet_types *types, uint32_t index)
{
    const struct dotnet *dotnet = types->dotnet;
    const uint8_t *row = dotnet_row(dotnet, DOTNET_TYPE_DEF, index);
    if (!row)
        return (bytes){0};
    bytes name = dotnet_string(dotnet, dotnet_cell(dotnet, DOTNET_TYPE_DEF, row, 1));
    bytes namespace = dotnet_string(dotnet, dotnet_cell(dotnet, DOTNET_TYPE_DEF, row, 2));
    if (dotnet_is_nested(load_le32(row)))
    namespace = dotnet_full_name(types, namespace, enclosing(types, index, 1));
    return dotnet_full_name(types, name, namespace);
}

static bytes reference_name(struct dotnet_types *types, uint32_t index)
{
    const struct dotnet *dotnet = types->dotnet;
    const uint8_t *row = dotnet_row(dotnet, DOTNET_TYPE_REF, index);
    if (!row)
        return (bytes){0};
    return dotnet_full_name(
        types, dotnet_string(dotnet, dotnet_cell(dotnet, DOTNET_TYPE_REF, row, 1)),
        dotnet_string(dotnet, dotnet_cell(dotnet, DOTNET_TYPE_REF, row, 2)));
}

/* --- signatures: each writes the name and returns true, or writes nothing that stays --- */

struct scope {
    const struct dotnet_generics *of_class, *of_method;
    uint32_t depth;
};

static bool type_write(struct dotnet_types *types, bytes *signature, struct scope scope);

static uint8_t next_byte(bytes *signature)
{
    uint8_t byte = signature->at[0];
    *signature = bytes_slice(*signature, 1, SIZE_MAX);
    return byte;
}

uint32_t dotnet_compressed(bytes *signature)
{
    uint32_t size = 0, value = 0;
    const uint8_t *p = signature->at;
    if (signature->len >= 1 && p[0] < 0x80) {
        size = 1;
        value = p[0];
    } else if (signature->len >= 2 && p[0] < 0xc0) {
        size = 2;
        value = load_be16(p) & 0x3fff;
    } else if (signature->len >= 4 && p[0] >= 0xc0 && p[0] < 0xe0) {
        size = 4;
        value = load_be32(p) & 0x1fffffff;
    }
    *signature = bytes_slice(*signature, size, SIZE_MAX);
    return value;
}

/* The sign is the lowest bit; the rest has 6, 13 or 28 bits. */
static int32_t compressed_signed(bytes *signature)
{
    size_t before = signature->len;
    uint32_t value = dotnet_compressed(signature);
    size_t size = before - signature->len;
    uint32_t bits = size == 1 ? 6 : size == 2 ? 13 : 28;
    return (int32_t)(value >> 1 | (value & 1 ? UINT32_MAX << bits : 0));
}

static bool coded_write(struct dotnet_types *types, uint32_t coded, struct scope scope)
{
    uint32_t index = coded >> 2;
    if (index == 0)
        return false;
    bytes name = {0}, signature;
    if ((coded & 3) == 0)
        name = definition_name(types, index);
    else if ((coded & 3) == 1)
        name = reference_name(types, index);
    else if ((coded & 3) == 2) {
        const struct dotnet *dotnet = types->dotnet;
        const uint8_t *row = dotnet_row(dotnet, DOTNET_TYPE_SPEC, index);
        uint32_t blob = row ? dotnet_cell(dotnet, DOTNET_TYPE_SPEC, row, 0) : UINT32_MAX;
        scope.of_method = NULL;
        return blob < dotnet->blob.size && dotnet_blob(dotnet, blob, &signature) &&
               type_write(types, &signature, scope);
    }
    return name.at && put(types, name);
}

/* "[sizes]" after an element type: rank, sizes, lower bounds (II.23.2.13). */
static bool bounds_write(struct dotnet_types *types, bytes *signature)
{
    int32_t size[RANK_MAX], low[RANK_MAX];
    uint32_t rank = dotnet_compressed(signature);
    if (rank == 0 || rank > RANK_MAX)
        return false;
    uint32_t sizes = dotnet_compressed(signature);
    if (sizes > rank)
        return false;
    for (uint32_t i = 0; i < sizes; i++)
        size[i] = (int32_t)dotnet_compressed(signature);
    uint32_t lows = dotnet_compressed(signature);
    if (lows > rank)
        return false;
    for (uint32_t i = 0; i < lows; i++) {
        low[i] = compressed_signed(signature);
        if (i < sizes && low[i] != 0)
            size[i] = (int32_t)((uint32_t)size[i] + (uint32_t)low[i] - 1);
    }
    put_text(types, "[");
    for (uint32_t i = 0; i < rank; i++) {
        char number[40] = "";
        if (i < lows && low[i] != 0)
            snprintf(number, sizeof number, "%d...", low[i]);
        put_text(types, number);
        if (i < sizes) {
            snprintf(number, sizeof number, "%d", size[i]);
            put_text(types, number);
        }
        if (i + 1 != rank)
            put_text(types, ",");
    }
    return put_text(types, "]");
}

/* `count` types with a mark between them; those that make no sense are left out. */
static void list_write(struct dotnet_types *types, bytes *signature, struct scope scope,
                       uint32_t count, const char *mark)
{
    for (uint32_t i = 0; i < count && !types->full && signature->len; i++) {
        size_t before = types->len;
        if (i)
            put_text(types, mark);
        if (!type_write(types, signature, scope))
            types->len = before;
    }
}

static bool generic_write(struct dotnet_types *types, bytes *signature, struct scope scope)
{
    if (!type_write(types, signature, scope))
        return false;
    uint32_t count = dotnet_compressed(signature);
    if (count > GENERIC_MAX)
        return false;
    put_text(types, "<");
    list_write(types, signature, scope, count, ",");
    return put_text(types, ">");
}

static bool function_write(struct dotnet_types *types, bytes *signature, struct scope scope)
{
    if (signature->len == 0)
        return false;
    next_byte(signature);
    uint32_t count = dotnet_compressed(signature);
    if (count > PARAM_MAX)
        return false;
    put_text(types, "FnPtr<");
    if (!type_write(types, signature, scope))
        return false;
    put_text(types, "(");
    list_write(types, signature, scope, count, ", ");
    return put_text(types, ")>");
}

static bool variable_write(struct dotnet_types *types, bytes *signature,
                           const struct dotnet_generics *generics)
{
    uint32_t index = dotnet_compressed(signature);
    return generics && index < generics->count && put(types, generics->names[index]);
}

static bool element_write(struct dotnet_types *types, uint8_t type, bytes *signature,
                          struct scope scope)
{
    scope.depth++;
    switch (type) {
    case TYPE_PTR:
        return put_text(types, "Ptr<") && type_write(types, signature, scope) &&
               put_text(types, ">");
    case TYPE_BYREF:
        return put_text(types, "ref ") && type_write(types, signature, scope);
    case TYPE_VALUETYPE:
    case TYPE_CLASS:
        return coded_write(types, dotnet_compressed(signature), scope);
    case TYPE_VAR:
        return variable_write(types, signature, scope.of_class);
    case TYPE_MVAR:
        return variable_write(types, signature, scope.of_method);
    case TYPE_NARRAY:
        return type_write(types, signature, scope) && bounds_write(types, signature);
    case TYPE_GENERICINST:
        return generic_write(types, signature, scope);
    case TYPE_FNPTR:
        return function_write(types, signature, scope);
    case TYPE_SZARRAY:
        return type_write(types, signature, scope) && put_text(types, "[]");
    case TYPE_CMOD_REQD:
    case TYPE_CMOD_OPT:
        dotnet_compressed(signature);
        return type_write(types, signature, scope);
    default:
        return type < COUNT(simple) && simple[type] && put_text(types, simple[type]);
    }
}

static bool type_write(struct dotnet_types *types, bytes *signature, struct scope scope)
{
    size_t mark = types->len;
    if (signature->len == 0 || scope.depth > DEPTH_MAX || types->full)
        return false;
    if (!budget_charge(types->dotnet->in->budget, 8)) {
        types->full = true;
        return false;
    }
    if (element_write(types, next_byte(signature), signature, scope) && !types->full)
        return true;
    types->len = mark;
    return false;
}

bytes dotnet_type_name(struct dotnet_types *types, uint32_t coded,
                       const struct dotnet_generics *of_class)
{
    size_t mark = types->len;
    struct scope scope = {.of_class = of_class};
    if (coded_write(types, coded, scope))
        return taken(types, mark);
    types->len = mark;
    return (bytes){0};
}

bytes dotnet_signature_type(struct dotnet_types *types, bytes *signature,
                            const struct dotnet_generics *of_class,
                            const struct dotnet_generics *of_method)
{
    size_t mark = types->len;
    struct scope scope = {.of_class = of_class, .of_method = of_method};
    return type_write(types, signature, scope) ? taken(types, mark) : (bytes){0};
}
