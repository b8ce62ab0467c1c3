#include "shim/jsontree.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

static bool text_copy(struct arena *arena, const char *text, size_t len, bytes *ret)
{
    *ret = arena_copy(arena, (bytes){(const uint8_t *)text, len});
    return ret->at;
}

/* Recursion ends where jansson's own did: JSON_PARSER_MAX_DEPTH, 2048 levels. */
static bool tree_copy(struct arena *arena, json_t *from, struct jsontree *to)
{
    switch (json_typeof(from)) {
    case JSON_STRING:
        to->kind = JSONTREE_TEXT;
        return text_copy(arena, json_string_value(from), json_string_length(from), &to->text);
    case JSON_INTEGER:
        to->kind = JSONTREE_INTEGER;
        to->integer = json_integer_value(from);
        return true;
    case JSON_ARRAY:
        to->kind = JSONTREE_LIST;
        to->count = json_array_size(from);
        to->items = PUSH_ARRAY(arena, struct jsontree, to->count);
        for (size_t i = 0; to->items && i < to->count; i++)
            if (!tree_copy(arena, json_array_get(from, i), &to->items[i]))
                return false;
        return to->items;
    case JSON_OBJECT: {
        to->kind = JSONTREE_MAP;
        to->items = PUSH_ARRAY(arena, struct jsontree, json_object_size(from));
        for (void *i = json_object_iter(from); to->items && i;
             i = json_object_iter_next(from, i)) {
            struct jsontree *item = &to->items[to->count++];
            const char *key = json_object_iter_key(i);
            if (!text_copy(arena, key, strlen(key), &item->key) ||
                !tree_copy(arena, json_object_iter_value(i), item))
                return false;
        }
        return to->items;
    }
    default:
        return true;
    }
}

int jsontree_parse(bytes text, struct arena *arena, struct jsontree **ret, struct why *why)
{
    json_error_t error;
    json_t *json = json_loadb((const char *)text.at, text.len, JSON_ALLOW_NUL, &error);
    if (!json)
        return fail(why, EBADMSG, "not JSON at line %d: %s", error.line, error.text);
    struct jsontree *tree = PUSH(arena, struct jsontree);
    bool good = tree && tree_copy(arena, json, tree);
    json_decref(json);
    if (!good)
        return fail(why, ENOMEM, "the JSON does not fit in memory");
    *ret = tree;
    return 0;
}

const struct jsontree *jsontree_member(const struct jsontree *map, const char *key)
{
    if (map && map->kind == JSONTREE_MAP)
        for (size_t i = 0; i < map->count; i++)
            if (bytes_is(map->items[i].key, key))
                return &map->items[i];
    return NULL;
}
