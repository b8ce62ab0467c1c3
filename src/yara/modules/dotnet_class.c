/* Classes of a .NET file: the rows of TypeDef with their methods, parameters, generic
 * parameters and base types (ECMA-335 II.22.37, .26, .33, .20, .23). */
#include "yara/modules/dotnet.h"

#include <errno.h>
#include <string.h>

enum { METHODS_MAX = 20000, PARAMS_MAX = 2000 };

enum { SIGNATURE_GENERIC = 0x10 };

/* --- fields --- */

enum { PARAMETER_NAME, PARAMETER_TYPE };
static const struct field parameter_fields[] = {FIELD_STRING("name"), FIELD_STRING("type"),
                                                FIELD_END};

enum {
    METHOD_GENERICS,
    METHOD_GENERIC_COUNT,
    METHOD_PARAMETERS,
    METHOD_PARAMETER_COUNT,
    METHOD_RETURN_TYPE,
    METHOD_ABSTRACT,
    METHOD_FINAL,
    METHOD_VIRTUAL,
    METHOD_STATIC,
    METHOD_VISIBILITY,
    METHOD_NAME
};
static const struct field method_fields[] = {
    FIELD_ARRAY("generic_parameters", TYPE_STRING),
    FIELD_INT("number_of_generic_parameters"),
    FIELD_ARRAY_OF("parameters", parameter_fields),
    FIELD_INT("number_of_parameters"),
    FIELD_STRING("return_type"),
    FIELD_INT("abstract"),
    FIELD_INT("final"),
    FIELD_INT("virtual"),
    FIELD_INT("static"),
    FIELD_STRING("visibility"),
    FIELD_STRING("name"),
    FIELD_END,
};

enum {
    CLASS_FULLNAME,
    CLASS_NAME,
    CLASS_NAMESPACE,
    CLASS_VISIBILITY,
    CLASS_TYPE,
    CLASS_ABSTRACT,
    CLASS_SEALED,
    CLASS_GENERIC_COUNT,
    CLASS_GENERICS,
    CLASS_BASE_COUNT,
    CLASS_BASES,
    CLASS_METHOD_COUNT,
    CLASS_METHODS
};
const struct field dotnet_class_fields[] = {
    FIELD_STRING("fullname"),
    FIELD_STRING("name"),
    FIELD_STRING("namespace"),
    FIELD_STRING("visibility"),
    FIELD_STRING("type"),
    FIELD_INT("abstract"),
    FIELD_INT("sealed"),
    FIELD_INT("number_of_generic_parameters"),
    FIELD_ARRAY("generic_parameters", TYPE_STRING),
    FIELD_INT("number_of_base_types"),
    FIELD_ARRAY("base_types", TYPE_STRING),
    FIELD_INT("number_of_methods"),
    FIELD_ARRAY_OF("methods", method_fields),
    FIELD_END,
};

/* II.23.1.15, the lowest three bits. */
static const char *const type_visibility[8] = {"internal",
                                               "public",
                                               "public",
                                               "private",
                                               "protected",
                                               "internal",
                                               "private protected",
                                               "protected internal"};

/* II.23.1.10, the lowest three bits. */
static const char *const method_visibility[8] = {"private",  "private",   "private protected",
                                                 "internal", "protected", "protected internal",
                                                 "public",   "private"};

static struct value text_value(const char *text)
{
    return VALUE_BYTES(bytes_of(text));
}

static struct value maybe(bytes text)
{
    return text.at ? VALUE_BYTES(text) : VALUE_NONE;
}

static bool strings_push(struct arena *arena, struct object *array, const bytes *texts,
                         uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!array_push_value(arena, array, VALUE_BYTES(texts[i])))
            return false;
    return true;
}

/* --- rows by owner --- */

/* Chains the rows of a table by what `key` makes of them; 0 leaves a row out. */
static bool index_build(struct dotnet *dotnet, enum dotnet_number number, uint32_t keys,
                        uint32_t (*key)(const struct dotnet *, const uint8_t *),
                        struct dotnet_index *ret)
{
    uint32_t rows = dotnet->table[number].rows;
    struct arena *arena = dotnet->in->arena;
    *ret = (struct dotnet_index){.first = PUSH_ARRAY(arena, uint32_t, keys + 1),
                                 .next = PUSH_ARRAY(arena, uint32_t, rows + 1),
                                 .keys = keys + 1};
    if (!ret->first || !ret->next)
        return false;
    if (!budget_charge(dotnet->in->budget, rows))
        return true;
    for (uint32_t i = rows; i > 0; i--) {
        const uint8_t *row = dotnet_row(dotnet, number, i);
        uint32_t at = row ? key(dotnet, row) : 0;
        if (at == 0 || at > keys)
            continue;
        ret->next[i] = ret->first[at];
        ret->first[at] = i;
    }
    return true;
}

static uint32_t key_nested(const struct dotnet *dotnet, const uint8_t *row)
{
    return dotnet_cell(dotnet, DOTNET_NESTED_CLASS, row, 0);
}

static uint32_t key_implementer(const struct dotnet *dotnet, const uint8_t *row)
{
    return dotnet_cell(dotnet, DOTNET_INTERFACE_IMPL, row, 0);
}

static uint32_t key_generic_type(const struct dotnet *dotnet, const uint8_t *row)
{
    uint32_t owner = dotnet_cell(dotnet, DOTNET_GENERIC_PARAM, row, 2);
    return owner & 1 ? 0 : owner >> 1;
}

static uint32_t key_generic_method(const struct dotnet *dotnet, const uint8_t *row)
{
    uint32_t owner = dotnet_cell(dotnet, DOTNET_GENERIC_PARAM, row, 2);
    return owner & 1 ? owner >> 1 : 0;
}

static bool types_open(struct dotnet *dotnet, struct dotnet_types *ret)
{
    uint32_t types = dotnet->table[DOTNET_TYPE_DEF].rows;
    uint32_t methods = dotnet->table[DOTNET_METHOD_DEF].rows;
    *ret = (struct dotnet_types){.dotnet = dotnet};
    return index_build(dotnet, DOTNET_NESTED_CLASS, types, key_nested, &ret->enclosing) &&
           index_build(dotnet, DOTNET_INTERFACE_IMPL, types, key_implementer,
                       &ret->interfaces) &&
           index_build(dotnet, DOTNET_GENERIC_PARAM, types, key_generic_type,
                       &ret->type_generics) &&
           index_build(dotnet, DOTNET_GENERIC_PARAM, methods, key_generic_method,
                       &ret->method_generics);
}

/* The generic parameters of a type or method: none when one of them has no name. */
static bool generics_read(const struct dotnet *dotnet, const struct dotnet_index *index,
                          uint32_t key, struct dotnet_generics *ret)
{
    uint32_t count = 0;
    *ret = (struct dotnet_generics){0};
    uint32_t first = key < index->keys ? index->first[key] : 0;
    for (uint32_t i = first; i; i = index->next[i])
        count++;
    if (count == 0 || !budget_charge(dotnet->in->budget, 8 * (uint64_t)count))
        return true;
    bytes *names = PUSH_ARRAY(dotnet->in->arena, bytes, count);
    if (!names)
        return false;
    count = 0;
    for (uint32_t i = first; i; i = index->next[i]) {
        const uint8_t *row = dotnet_row(dotnet, DOTNET_GENERIC_PARAM, i);
        bytes name = dotnet_string(dotnet, dotnet_cell(dotnet, DOTNET_GENERIC_PARAM, row, 3));
        if (name.len == 0)
            return true;
        names[count++] = name;
    }
    *ret = (struct dotnet_generics){names, count};
    return true;
}

/* --- methods --- */

struct method {
    const uint8_t *row;
    bytes name, return_type;
    struct dotnet_generics generics;
    uint32_t param_list, param_count;
};

/* The parameters out of the signature, their names out of Param. False when one of them makes
 * no sense: the method is then left out. */
static bool params_read(struct dotnet_types *types, bytes signature,
                        const struct dotnet_generics *of_class, struct method *method)
{
    const struct dotnet *dotnet = types->dotnet;
    if (method->param_list == 0)
        return true;
    if (!types->params)
        types->params = arena_push(dotnet->in->arena, PARAMS_MAX * sizeof *types->params);
    if (!types->params) {
        types->full = true;
        return false;
    }
    for (uint32_t i = 0; i < method->param_count; i++) {
        uint32_t index = method->param_list + i;
        const uint8_t *row = dotnet_row(dotnet, DOTNET_PARAM, index);
        bytes name = {0};
        if (row)
            name = dotnet_string(dotnet, dotnet_cell(dotnet, DOTNET_PARAM, row, 2));
        else if (index >= 1 && index <= dotnet->table[DOTNET_PARAM].rows)
            return false;
        else
            name = arena_printf(dotnet->in->arena, "P_%u", i);
        bytes type = dotnet_signature_type(types, &signature, of_class, &method->generics);
        if (!type.at)
            return false;
        types->params[i][PARAMETER_NAME] = maybe(name);
        types->params[i][PARAMETER_TYPE] = VALUE_BYTES(type);
    }
    return true;
}

/* Reads one row of MethodDef. False when it is to be left out. */
static bool method_read(struct dotnet_types *types, uint32_t index,
                        const struct dotnet_generics *of_class, struct method *ret)
{
    const struct dotnet *dotnet = types->dotnet;
    const uint8_t *row = dotnet_row(dotnet, DOTNET_METHOD_DEF, index);
    bytes signature;
    if (!row)
        return false;
    *ret = (struct method){.row = row};
    uint32_t blob = dotnet_cell(dotnet, DOTNET_METHOD_DEF, row, 4);
    ret->name = dotnet_string(dotnet, dotnet_cell(dotnet, DOTNET_METHOD_DEF, row, 3));
    ret->param_list = dotnet_cell(dotnet, DOTNET_METHOD_DEF, row, 5);
    if (blob >= dotnet->blob.size || ret->name.len == 0)
        return false;
    if (!generics_read(dotnet, &types->method_generics, index, &ret->generics)) {
        types->full = true;
        return false;
    }
    if (!dotnet_blob(dotnet, blob, &signature) || signature.len < 3)
        return false;
    uint8_t flags = signature.at[0];
    signature = bytes_slice(signature, 1, SIZE_MAX);
    if (flags & SIGNATURE_GENERIC)
        dotnet_compressed(&signature);
    ret->param_count = dotnet_compressed(&signature);
    ret->return_type = dotnet_signature_type(types, &signature, of_class, &ret->generics);
    if (!ret->return_type.at || ret->param_count > PARAMS_MAX)
        return false;
    return params_read(types, signature, of_class, ret);
}

static int method_fill(const struct dotnet_types *types, const struct method *method,
                       struct object *self)
{
    const struct dotnet *dotnet = types->dotnet;
    struct arena *arena = dotnet->in->arena;
    uint16_t flags = (uint16_t)dotnet_cell(dotnet, DOTNET_METHOD_DEF, method->row, 2);
    struct value *slots = self->slots;
    slots[METHOD_NAME] = VALUE_BYTES(method->name);
    slots[METHOD_VISIBILITY] = text_value(method_visibility[flags & 7]);
    slots[METHOD_STATIC] = VALUE_INT((flags & 0x10) != 0);
    slots[METHOD_FINAL] = VALUE_INT((flags & 0x20) != 0);
    slots[METHOD_VIRTUAL] = VALUE_INT((flags & 0x40) != 0);
    slots[METHOD_ABSTRACT] = VALUE_INT((flags & 0x400) != 0);
    slots[METHOD_GENERIC_COUNT] = VALUE_INT(method->generics.count);
    if (!bytes_is(method->name, ".ctor") && !bytes_is(method->name, ".cctor"))
        slots[METHOD_RETURN_TYPE] = VALUE_BYTES(method->return_type);
    if (!strings_push(arena, slots[METHOD_GENERICS].object, method->generics.names,
                      method->generics.count))
        return -ENOMEM;
    if (method->param_list == 0)
        return 0;
    slots[METHOD_PARAMETER_COUNT] = VALUE_INT(method->param_count);
    for (uint32_t i = 0; i < method->param_count; i++) {
        struct object *one = array_push(arena, slots[METHOD_PARAMETERS].object);
        if (!one)
            return -ENOMEM;
        memcpy(one->slots, types->params[i], sizeof types->params[i]);
    }
    return 0;
}

static int methods_fill(struct dotnet_types *types, uint32_t list, uint32_t count,
                        const struct dotnet_generics *of_class, struct object *class)
{
    struct dotnet *dotnet = types->dotnet;
    struct object *methods = class->slots[CLASS_METHODS].object;
    if (list == 0)
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        struct method method;
        if (list + i > dotnet->table[DOTNET_METHOD_DEF].rows ||
            !budget_charge(dotnet->in->budget, 32))
            break;
        if (!method_read(types, list + i, of_class, &method)) {
            if (types->full)
                break;
            continue;
        }
        struct object *one = array_push(dotnet->in->arena, methods);
        int error = one ? method_fill(types, &method, one) : -ENOMEM;
        if (error)
            return error;
    }
    class->slots[CLASS_METHOD_COUNT] = VALUE_INT(methods->count);
    return 0;
}

/* How many methods TypeDef row `index` has: up to those of the next row, or all that are left.
 */
static uint32_t method_count(const struct dotnet *dotnet, uint32_t index, uint32_t list)
{
    uint32_t rows = dotnet->table[DOTNET_METHOD_DEF].rows;
    if (index >= dotnet->table[DOTNET_TYPE_DEF].rows)
        return rows >= list ? rows + 1 - list : 0;
    const uint8_t *next = dotnet_row(dotnet, DOTNET_TYPE_DEF, index + 1);
    uint32_t end = next ? dotnet_cell(dotnet, DOTNET_TYPE_DEF, next, 5) : 0;
    return end >= list ? end - list : 0;
}

/* --- classes --- */

static bool base_push(struct dotnet_types *types, uint32_t coded,
                      const struct dotnet_generics *generics, struct object *bases)
{
    bytes name = dotnet_type_name(types, coded, generics);
    return !name.at || array_push_value(types->dotnet->in->arena, bases, VALUE_BYTES(name));
}

static int bases_fill(struct dotnet_types *types, uint32_t index, const uint8_t *row,
                      const struct dotnet_generics *generics, struct object *class)
{
    const struct dotnet *dotnet = types->dotnet;
    struct object *bases = class->slots[CLASS_BASES].object;
    if (!base_push(types, dotnet_cell(dotnet, DOTNET_TYPE_DEF, row, 3), generics, bases))
        return -ENOMEM;
    for (uint32_t i = types->interfaces.first[index]; i; i = types->interfaces.next[i]) {
        const uint8_t *one = dotnet_row(dotnet, DOTNET_INTERFACE_IMPL, i);
        if (!budget_charge(dotnet->in->budget, 8))
            return 0;
        if (!base_push(types, dotnet_cell(dotnet, DOTNET_INTERFACE_IMPL, one, 1), generics,
                       bases))
            return -ENOMEM;
    }
    class->slots[CLASS_BASE_COUNT] = VALUE_INT(bases->count);
    return 0;
}

static void names_set(struct dotnet_types *types, uint32_t index, const uint8_t *row,
                      bytes name, struct value *slots)
{
    const struct dotnet *dotnet = types->dotnet;
    uint32_t flags = load_le32(row);
    bytes namespace = dotnet_string(dotnet, dotnet_cell(dotnet, DOTNET_TYPE_DEF, row, 2));
    if (dotnet_is_nested(flags))
    namespace = dotnet_full_name(types, namespace, dotnet_enclosing(types, index));
    const uint8_t *quote = memchr(name.at, '`', name.len);
    bytes plain = {name.at, quote ? (size_t)(quote - name.at) : name.len};
    slots[CLASS_NAME] = VALUE_BYTES(plain);
    slots[CLASS_NAMESPACE] = maybe(namespace);
    slots[CLASS_FULLNAME] = maybe(dotnet_full_name(types, name, namespace));
    slots[CLASS_VISIBILITY] = text_value(type_visibility[flags & 7]);
    slots[CLASS_TYPE] = text_value(flags & 0x20 ? "interface" : "class");
    slots[CLASS_ABSTRACT] = VALUE_INT((flags & 0x80) != 0);
    slots[CLASS_SEALED] = VALUE_INT((flags & 0x100) != 0);
}

/* One row of TypeDef; those without a name and the pseudo class <Module> are left out. */
static int class_fill(struct dotnet_types *types, uint32_t index, struct object *classes)
{
    struct dotnet *dotnet = types->dotnet;
    struct dotnet_generics generics;
    const uint8_t *row = dotnet_row(dotnet, DOTNET_TYPE_DEF, index);
    if (!row)
        return 0;
    bytes name = dotnet_string(dotnet, dotnet_cell(dotnet, DOTNET_TYPE_DEF, row, 1));
    if (name.len == 0 || name.at[0] == '`' || bytes_is(name, "<Module>"))
        return 0;
    struct object *class = array_push(dotnet->in->arena, classes);
    if (!class || !generics_read(dotnet, &types->type_generics, index, &generics))
        return -ENOMEM;
    names_set(types, index, row, name, class->slots);
    class->slots[CLASS_GENERIC_COUNT] = VALUE_INT(generics.count);
    if (!strings_push(dotnet->in->arena, class->slots[CLASS_GENERICS].object, generics.names,
                      generics.count))
        return -ENOMEM;
    int error = bases_fill(types, index, row, &generics, class);
    uint32_t list = dotnet_cell(dotnet, DOTNET_TYPE_DEF, row, 5);
    uint32_t count = method_count(dotnet, index, list);
    if (error || count > METHODS_MAX)
        return error;
    return methods_fill(types, list, count, &generics, class);
}

int dotnet_classes_fill(struct dotnet *self, struct object *root)
{
    struct dotnet_types types;
    struct object *classes = object_member(root, "classes");
    if (!types_open(self, &types))
        return -ENOMEM;
    for (uint32_t i = 1; i <= self->table[DOTNET_TYPE_DEF].rows; i++) {
        if (!budget_charge(self->in->budget, 32))
            return 0;
        int error = class_fill(&types, i, classes);
        if (error)
            return error;
        if (types.full)
            return self->in->budget->hit == LIMIT_NONE ? -ENOMEM : 0;
    }
    object_set_int(root, "number_of_classes", classes->count);
    return 0;
}
