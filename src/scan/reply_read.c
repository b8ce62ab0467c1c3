/* Reads the records that reply.h specifies. What wrote them may have been taken over by what it
 * examined. */
#include "rules/ruleset.h"
#include "scan/reply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { OBJECT = 1, FINDING, PATTERN, MATCH, GAP, END = 7 };

struct reader {
    bytes rest;
    bool bad;
    int set_count;
    struct arena *arena;
    struct examined *into;
    bool pattern_open; /* MATCH may follow */
};

const char *examine_verdict_word(enum examine_verdict verdict)
{
    static const char *const words[VERDICT_COUNT] = {"clean", "found", "partial", "error"};
    return words[verdict];
}

static bytes take(struct reader *reader, size_t size)
{
    if (size > reader->rest.len) {
        reader->bad = true;
        return (bytes){NULL, 0};
    }
    bytes part = bytes_slice(reader->rest, 0, size);
    reader->rest = bytes_slice(reader->rest, size, reader->rest.len);
    return part;
}

static uint8_t take8(struct reader *reader)
{
    bytes part = take(reader, 1);
    return part.len ? part.at[0] : 0;
}

static uint16_t take16(struct reader *reader)
{
    bytes part = take(reader, 2);
    return part.len ? load_le16(part.at) : 0;
}

static uint32_t take32(struct reader *reader)
{
    bytes part = take(reader, 4);
    return part.len ? load_le32(part.at) : 0;
}

static uint64_t take64(struct reader *reader)
{
    bytes part = take(reader, 8);
    return part.len ? load_le64(part.at) : 0;
}

static bytes take_text(struct reader *reader, size_t len, size_t max)
{
    if (len > max)
        reader->bad = true;
    return take(reader, len);
}

static int read_object(struct reader *reader)
{
    struct examined_object object = {0};
    object.parent = take32(reader);
    object.size = take64(reader);
    uint8_t flags = take8(reader);
    object.partial = flags & 1;
    object.kind = take_text(reader, take8(reader), UINT8_MAX);
    object.name = take_text(reader, take16(reader), REPLY_NAME);
    if (reader->bad || flags > 1 || object.parent >= reader->into->object.n)
        return -EBADMSG;
    object.depth = reader->into->object.at[object.parent].depth + 1;
    if (object.depth > REPLY_OBJECT_DEPTH)
        return -EBADMSG;
    struct examined_object *at = vec_push(reader->arena, &reader->into->object);
    if (!at)
        return -ENOMEM;
    *at = object;
    return 0;
}

static int read_finding(struct reader *reader)
{
    struct examined_finding finding = {0};
    struct examined *into = reader->into;
    finding.object = take32(reader);
    finding.set = take8(reader);
    finding.rule = take32(reader);
    if (reader->bad || finding.object >= into->object.n ||
        finding.set >= (uint32_t)reader->set_count ||
        finding.rule >= into->sets[finding.set].set.rule_count)
        return -EBADMSG;
    finding.pattern_start = into->pattern.n;
    struct examined_finding *at = vec_push(reader->arena, &into->finding);
    if (!at)
        return -ENOMEM;
    *at = finding;
    reader->pattern_open = false;
    return 0;
}

static int read_pattern(struct reader *reader)
{
    struct examined_pattern pattern = {0};
    struct examined *into = reader->into;
    pattern.number = take32(reader);
    pattern.count = take32(reader);
    if (reader->bad || !into->finding.n)
        return -EBADMSG;
    struct examined_finding *finding = &into->finding.at[into->finding.n - 1];
    const struct ruleset *set = &into->sets[finding->set].set;
    const struct ruleset_rule *rule = &set->rules[finding->rule];
    if (pattern.number < rule->pattern_start ||
        pattern.number - rule->pattern_start >= rule->pattern_count ||
        finding->pattern_count >= rule->pattern_count ||
        (set->patterns[pattern.number].flags & PATTERN_PRIVATE))
        return -EBADMSG;
    pattern.match_start = into->match.n;
    struct examined_pattern *at = vec_push(reader->arena, &into->pattern);
    if (!at)
        return -ENOMEM;
    *at = pattern;
    finding->pattern_count++;
    reader->pattern_open = true;
    return 0;
}

static int read_match(struct reader *reader)
{
    struct examined_match match = {0};
    struct examined *into = reader->into;
    match.offset = take64(reader);
    match.length = take32(reader);
    match.xor_key = take8(reader);
    match.data = take_text(reader, take16(reader), REPLY_MATCH);
    if (reader->bad || !reader->pattern_open || match.data.len > match.length)
        return -EBADMSG;
    struct examined_pattern *pattern = &into->pattern.at[into->pattern.n - 1];
    if (pattern->match_count >= pattern->count)
        return -EBADMSG;
    struct examined_match *at = vec_push(reader->arena, &into->match);
    if (!at)
        return -ENOMEM;
    *at = match;
    pattern->match_count++;
    return 0;
}

static int read_gap(struct reader *reader)
{
    struct examined_gap gap = {0};
    gap.object = take32(reader);
    uint8_t kind = take8(reader);
    gap.text = take_text(reader, take8(reader), REPLY_TEXT);
    gap.member = take_text(reader, take16(reader), REPLY_NAME);
    if (reader->bad || gap.object >= reader->into->object.n || kind >= GAPS || !gap.text.len)
        return -EBADMSG;
    gap.kind = (enum gap)kind;
    struct examined_gap *at = vec_push(reader->arena, &reader->into->gap);
    if (!at)
        return -ENOMEM;
    *at = gap;
    return 0;
}

static void say(struct examined *into, const char *text)
{
    into->verdict = VERDICT_ERROR;
    snprintf(into->error_text, sizeof into->error_text, "%s", text);
    into->error = into->error_text;
}

static void say_error(struct examined *into, int error)
{
    char text[160];
    into->vanished = error == -ENOENT;
    into->special = error == -EINVAL || error == -ENXIO || error == -ELOOP;
    snprintf(text, sizeof text, "it cannot be read: %s", strerror(-error));
    say(into, error == -EINTR  ? "the scan was interrupted"
              : into->vanished ? "it vanished before it was examined"
              : into->special  ? "it is not a regular file"
                               : text);
}

/* The sums of the writer are at least what was listed, and just that where nothing was cut. */
static bool sums_agree(const struct examined *into)
{
    uint64_t gaps = 0;
    for (size_t i = 0; i < GAPS; i++) {
        if (into->gap_counts[i] > UINT32_MAX)
            return false;
        gaps += into->gap_counts[i];
    }
    if (into->cut)
        return into->finding_count >= into->finding.n && gaps >= into->gap.n;
    return into->finding_count == into->finding.n && gaps == into->gap.n;
}

static int read_end(struct reader *reader)
{
    struct examined *into = reader->into;
    int error = (int)take32(reader);
    uint8_t flags = take8(reader);
    into->cut = flags & 1;
    into->size = take64(reader);
    into->examined = take64(reader);
    into->objects = take64(reader);
    into->unpacked = take64(reader);
    into->finding_count = take64(reader);
    for (size_t i = 0; i < GAPS; i++)
        into->gap_counts[i] = take64(reader);
    if (reader->bad || reader->rest.len || flags > 1 || error > 0 || error < -4095 ||
        !sums_agree(into) || into->finding_count > UINT32_MAX ||
        into->objects + 1 < into->object.n || (error && into->finding_count))
        return -EBADMSG;
    if (error)
        say_error(into, error);
    else
        into->verdict = into->finding_count        ? VERDICT_FOUND
                        : into->gap.n || into->cut ? VERDICT_PARTIAL
                                                   : VERDICT_CLEAN;
    return 0;
}

static int read_record(struct reader *reader, uint8_t type)
{
    switch (type) {
    case OBJECT:
        return read_object(reader);
    case FINDING:
        return read_finding(reader);
    case PATTERN:
        return read_pattern(reader);
    case MATCH:
        return read_match(reader);
    case GAP:
        return read_gap(reader);
    default:
        return -EBADMSG;
    }
}

static int start(struct arena *arena, bytes path, struct examined *ret)
{
    *ret = (struct examined){.path = path};
    struct examined_object *file = vec_push(arena, &ret->object);
    if (!file)
        return -ENOMEM;
    file->name = path;
    return 0;
}

/* What a reply had no room for is a gap too. */
static int note_cut(struct reader *reader)
{
    struct examined *into = reader->into;
    struct examined_gap *gap = into->cut ? vec_push(reader->arena, &into->gap) : NULL;
    if (!into->cut)
        return 0;
    if (!gap)
        return -ENOMEM;
    *gap = (struct examined_gap){
        .kind = GAP_LIMIT,
        .text = bytes_of("there is more to say than a report of it may hold")};
    into->gap_counts[GAP_LIMIT]++;
    return 0;
}

int reply_read(bytes reply, bytes path, const struct definitions *sets, int set_count,
               struct arena *arena, struct examined *ret)
{
    struct reader reader = {.rest = reply, .set_count = set_count, .arena = arena, .into = ret};
    int error = reply.len > REPLY_MAX ? -EBADMSG : start(arena, path, ret);
    ret->sets = sets;
    while (!error) {
        uint8_t type = take8(&reader);
        if (reader.bad)
            return -EBADMSG;
        if (type == END) {
            error = read_end(&reader);
            return error ? error : note_cut(&reader);
        }
        error = read_record(&reader, type);
    }
    return error;
}

static void add_gap(struct examined *into, struct arena *arena, enum gap kind, bytes text)
{
    struct examined_gap *gap = vec_push(arena, &into->gap);
    into->verdict = VERDICT_PARTIAL;
    into->gap_counts[kind]++;
    if (gap)
        *gap = (struct examined_gap){.kind = kind, .text = text};
}

void reply_unexamined(int error, uint64_t size, uint64_t max, bytes path, struct arena *arena,
                      struct examined *ret)
{
    if (start(arena, path, ret) < 0)
        error = -ENOMEM;
    ret->size = size;
    if (error == -EFBIG)
        add_gap(ret, arena, GAP_LIMIT,
                arena_printf(arena, "it is larger than %llu bytes", (unsigned long long)max));
    else
        say_error(ret, error);
}

void reply_fault(bytes text, uint64_t size, bytes path, struct arena *arena,
                 struct examined *ret)
{
    if (start(arena, path, ret) < 0)
        say_error(ret, -ENOMEM);
    ret->size = size;
    add_gap(ret, arena, GAP_FAULT, text);
}
