#include "shim/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <yaml.h>

enum { DEPTH_MAX = 12 };

struct reader {
    yaml_parser_t parser;
    struct arena *arena;
    struct why *why;
};

static int next(struct reader *reader, yaml_event_t *event)
{
    if (yaml_parser_parse(&reader->parser, event))
        return 0;
    return fail(reader->why, EBADMSG, "not YAML at line %zu: %s",
                reader->parser.problem_mark.line + 1,
                reader->parser.problem ? reader->parser.problem : "out of memory");
}

static int out_of_memory(struct reader *reader)
{
    return fail(reader->why, ENOMEM, "no memory for the YAML");
}

static int value(struct reader *reader, yaml_event_t *event, int depth, struct yaml *ret);

/* Items up to the end of a list or map, which has a text before each. */
static int items(struct reader *reader, bool map, int depth, struct yaml *ret)
{
    VEC(struct yaml) list = {0};
    yaml_event_t event;
    for (;;) {
        bytes key = {0};
        int error = next(reader, &event);
        if (error)
            return error;
        if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            ret->items = list.at;
            ret->count = list.n;
            return 0;
        }
        struct yaml item = {0};
        if (map) {
            error = value(reader, &event, DEPTH_MAX, &item);
            if (!error && item.kind != YAML_TEXT)
                error = fail(reader->why, EBADMSG, "line %u: a key is a word", item.line);
            key = item.text;
            if (!error)
                error = next(reader, &event);
            if (error)
                return error;
        }
        item = (struct yaml){.key = key};
        error = value(reader, &event, depth + 1, &item);
        if (error)
            return error;
        struct yaml *to = vec_push(reader->arena, &list);
        if (!to)
            return out_of_memory(reader);
        *to = item;
    }
}

/* Takes the event over. */
static int value(struct reader *reader, yaml_event_t *event, int depth, struct yaml *ret)
{
    yaml_event_type_t type = event->type;
    ret->line = (uint32_t)event->start_mark.line + 1;
    if (type == YAML_SCALAR_EVENT)
        ret->text = arena_copy(reader->arena,
                               (bytes){event->data.scalar.value, event->data.scalar.length});
    yaml_event_delete(event);
    if (type == YAML_SCALAR_EVENT)
        return ret->text.at ? 0 : out_of_memory(reader);
    if ((type != YAML_SEQUENCE_START_EVENT && type != YAML_MAPPING_START_EVENT) ||
        depth >= DEPTH_MAX)
        return fail(reader->why, EBADMSG, "line %u: what stands there is not read", ret->line);
    ret->kind = type == YAML_MAPPING_START_EVENT ? YAML_MAP : YAML_LIST;
    return items(reader, ret->kind == YAML_MAP, depth, ret);
}

static int document(struct reader *reader, struct yaml *ret)
{
    yaml_event_t event;
    for (;;) {
        int error = next(reader, &event);
        if (error)
            return error;
        if (event.type != YAML_STREAM_START_EVENT && event.type != YAML_DOCUMENT_START_EVENT)
            return value(reader, &event, 0, ret);
        yaml_event_delete(&event);
    }
}

int yaml_parse(bytes text, struct arena *arena, struct yaml *ret, struct why *why)
{
    struct reader reader = {.arena = arena, .why = why};
    if (!yaml_parser_initialize(&reader.parser))
        return fail(why, ENOMEM, "no memory for the YAML");
    yaml_parser_set_input_string(&reader.parser, text.at, text.len);
    *ret = (struct yaml){0};
    int error = document(&reader, ret);
    yaml_parser_delete(&reader.parser);
    return error;
}

const struct yaml *yaml_member(const struct yaml *map, const char *key)
{
    for (uint32_t i = 0; map && map->kind == YAML_MAP && i < map->count; i++)
        if (bytes_is(map->items[i].key, key))
            return &map->items[i];
    return NULL;
}
