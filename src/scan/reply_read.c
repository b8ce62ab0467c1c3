/* Reads the records that reply.h specifies. What wrote them may have been taken over by what it
 * examined. */
#include "alert/alert.h"
#include "rules/ruleset.h"
#include "scan/reply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { OBJECT = 1, FINDING, PATTERN, MATCH, GAP, PART, END, DIGEST, BATCH, KIND, ALERT };

/* Of END: type, error, flags, and numbers. */
enum { END_SIZE = 6 + 8 * (7 + GAPS), END_MEMBERS = 6 + 8 * 4 };

/* One reply; the replies about its parts are read by readers of their own. */
struct reader {
    const struct reply_part *part;
    bytes rest;
    bool bad;
    int set_count;
    struct arena *arena;
    struct examined *into;
    bool is_part;          /* of a file, not about it */
    uint32_t next_part;    /* the least that may come */
    bool pattern_open;     /* MATCH may follow */
    VEC(uint32_t) numbers; /* of the objects of this reply among all */
    uint64_t findings, gaps;
    int error; /* what END said */
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

/* The number of an object of this reply among all. */
static uint32_t number_of(struct reader *reader, uint32_t number)
{
    if (number < reader->numbers.n)
        return reader->numbers.at[number];
    reader->bad = true;
    return 0;
}

static int read_object(struct reader *reader)
{
    struct examined_object object = {0};
    object.parent = number_of(reader, take32(reader));
    object.size = take64(reader);
    uint8_t flags = take8(reader);
    object.partial = flags & 1;
    object.kind = take_text(reader, take8(reader), UINT8_MAX);
    object.name = take_text(reader, take16(reader), REPLY_NAME);
    if (reader->bad || flags > 1)
        return -EBADMSG;
    object.depth = reader->into->object.at[object.parent].depth + 1;
    if (object.depth > REPLY_OBJECT_DEPTH)
        return -EBADMSG;
    struct examined_object *at = vec_push(reader->arena, &reader->into->object);
    uint32_t *number = vec_push(reader->arena, &reader->numbers);
    if (!at || !number)
        return -ENOMEM;
    *at = object;
    *number = reader->into->object.n - 1;
    return 0;
}

static int read_finding(struct reader *reader)
{
    struct examined_finding finding = {0};
    struct examined *into = reader->into;
    finding.object = number_of(reader, take32(reader));
    finding.set = take8(reader);
    finding.rule = take32(reader);
    if (reader->bad || finding.set >= (uint32_t)reader->set_count ||
        finding.rule >= ruleset_finding_count(&into->sets[finding.set].set))
        return -EBADMSG;
    finding.pattern_start = into->pattern.n;
    struct examined_finding *at = vec_push(reader->arena, &into->finding);
    if (!at)
        return -ENOMEM;
    *at = finding;
    reader->findings++;
    reader->pattern_open = false;
    return 0;
}

static int read_pattern(struct reader *reader)
{
    struct examined_pattern pattern = {0};
    struct examined *into = reader->into;
    pattern.number = take32(reader);
    pattern.count = take32(reader);
    if (reader->bad || !reader->findings)
        return -EBADMSG;
    struct examined_finding *finding = &into->finding.at[into->finding.n - 1];
    const struct ruleset *set = &into->sets[finding->set].set;
    if (finding->rule >= set->rule_count)
        return -EBADMSG;
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
    gap.object = number_of(reader, take32(reader));
    uint8_t kind = take8(reader);
    gap.text = take_text(reader, take8(reader), REPLY_TEXT);
    gap.member = take_text(reader, take16(reader), REPLY_NAME);
    if (reader->bad || kind >= GAPS || !gap.text.len)
        return -EBADMSG;
    gap.kind = (enum gap)kind;
    struct examined_gap *at = vec_push(reader->arena, &reader->into->gap);
    if (!at)
        return -ENOMEM;
    *at = gap;
    reader->gaps++;
    return 0;
}

static int read_alert(struct reader *reader)
{
    struct examined_alert alert = {.object = number_of(reader, take32(reader))};
    alert.alert = take8(reader);
    if (reader->bad || alert.alert >= ALERTS)
        return -EBADMSG;
    struct examined_alert *at = vec_push(reader->arena, &reader->into->alert);
    if (!at)
        return -ENOMEM;
    *at = alert;
    return 0;
}

static int read_digest(struct reader *reader)
{
    uint32_t number = number_of(reader, take32(reader));
    bytes sha256 = take(reader, REPLY_SHA256);
    if (reader->bad)
        return -EBADMSG;
    reader->into->object.at[number].sha256 = sha256;
    return 0;
}

static int read_kind(struct reader *reader)
{
    bytes kind = take_text(reader, take8(reader), UINT8_MAX);
    if (reader->bad || !kind.len)
        return -EBADMSG;
    struct examined_object *self = &reader->into->object.at[reader->numbers.at[0]];
    if (!self->kind.len)
        self->kind = kind;
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
static bool sums_agree(const struct reader *reader, bool cut, uint64_t findings,
                       const uint64_t *counts)
{
    uint64_t gaps = 0;
    for (size_t i = 0; i < GAPS; i++) {
        if (counts[i] > UINT32_MAX)
            return false;
        gaps += counts[i];
    }
    if (findings > UINT32_MAX)
        return false;
    return cut ? findings >= reader->findings && gaps >= reader->gaps
               : findings == reader->findings && gaps == reader->gaps;
}

static int add_gap(struct examined *into, struct arena *arena, uint32_t object, enum gap kind,
                   bytes text)
{
    struct examined_gap *gap = vec_push(arena, &into->gap);
    into->gap_counts[kind]++;
    if (!gap)
        return -ENOMEM;
    *gap = (struct examined_gap){.object = object, .kind = kind, .text = text};
    return 0;
}

static int read_end(struct reader *reader)
{
    struct examined *into = reader->into;
    uint64_t sums[7], gaps[GAPS]; /* size, examined, objects, unpacked, members, written, ... */
    reader->error = (int)take32(reader);
    uint8_t flags = take8(reader);
    for (size_t i = 0; i < COUNT(sums); i++)
        sums[i] = take64(reader);
    for (size_t i = 0; i < GAPS; i++)
        gaps[i] = take64(reader);
    uint64_t objects = sums[2], findings = sums[6];
    if (reader->bad || reader->rest.len || flags > 1 || reader->error > 0 ||
        reader->error < -4095 || !sums_agree(reader, flags & 1, findings, gaps) ||
        objects + 1 < reader->numbers.n || (reader->error && findings))
        return -EBADMSG;
    into->cut = into->cut || (flags & 1);
    into->objects += objects;
    into->unpacked += sums[3];
    into->finding_count += findings;
    for (size_t i = 0; i < GAPS; i++)
        into->gap_counts[i] += gaps[i];
    if (!reader->is_part) {
        into->size = sums[0];
        into->examined = sums[1];
    }
    /* What cost a worker is a gap, whatever the next worker says. */
    return reader->part->died.len && !gaps[GAP_FAULT]
               ? add_gap(into, reader->arena, reader->numbers.at[0], GAP_FAULT,
                         reader->part->died)
               : 0;
}

static int read_reply(struct reader *reader, uint32_t self);

/* What came of an object, or of some of its children, that another worker examined: of a reply
 * that makes no sense nothing is kept. */
static int read_elsewhere(struct reader *reader, uint32_t part, uint32_t self)
{
    struct examined *into = reader->into, before = *into;
    struct reader sub = {.part = reader->part->parts[part],
                         .set_count = reader->set_count,
                         .arena = reader->arena,
                         .into = into,
                         .is_part = true};
    if (sub.part->fault.len)
        return add_gap(into, reader->arena, self, GAP_FAULT, sub.part->fault);
    int error = read_reply(&sub, self);
    if (!error && sub.error)
        error = -EBADMSG;
    if (error != -EBADMSG)
        return error;
    *into = before;
    return add_gap(into, reader->arena, self, GAP_FAULT,
                   bytes_of("the worker gave an answer that makes no sense"));
}

/* The number of a part. They come in order, each once, or reading them had no bound. */
static uint32_t take_part(struct reader *reader)
{
    uint32_t part = take32(reader);
    if (part < reader->next_part || part >= reader->part->count)
        reader->bad = true;
    reader->next_part = part + 1;
    return part;
}

static int read_part(struct reader *reader)
{
    uint32_t part = take_part(reader);
    if (reader->bad)
        return -EBADMSG;
    int error = read_object(reader);
    return error ? error : read_elsewhere(reader, part, reader->into->object.n - 1);
}

static int read_batch(struct reader *reader)
{
    uint32_t self = number_of(reader, take32(reader)), part = take_part(reader);
    return reader->bad ? -EBADMSG : read_elsewhere(reader, part, self);
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
    case PART:
        return read_part(reader);
    case DIGEST:
        return read_digest(reader);
    case KIND:
        return read_kind(reader);
    case ALERT:
        return read_alert(reader);
    case BATCH:
        return read_batch(reader);
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

/* `self` is the object that the reply is about. */
static int read_reply(struct reader *reader, uint32_t self)
{
    uint32_t *number = vec_push(reader->arena, &reader->numbers);
    if (!number)
        return -ENOMEM;
    *number = self;
    reader->rest = reader->part->reply;
    if (reader->rest.len > REPLY_MAX)
        return -EBADMSG;
    for (;;) {
        uint8_t type = take8(reader);
        if (reader->bad)
            return -EBADMSG;
        int error = type == END ? read_end(reader) : read_record(reader, type);
        if (error || type == END)
            return error;
    }
}

int reply_read(const struct reply_part *reply, bytes path, const struct definitions *sets,
               int set_count, struct arena *arena, struct examined *ret)
{
    struct reader reader = {.part = reply, .set_count = set_count, .arena = arena, .into = ret};
    int error = start(arena, path, ret);
    ret->sets = sets;
    if (!error)
        error = read_reply(&reader, 0);
    /* What a reply had no room for is a gap too. */
    if (!error && ret->cut)
        error = add_gap(ret, arena, 0, GAP_LIMIT,
                        bytes_of("there is more to say than a report of it may hold"));
    if (!error && reader.error)
        say_error(ret, reader.error);
    else if (!error)
        ret->verdict = ret->finding_count ? VERDICT_FOUND
                       : ret->gap.n       ? VERDICT_PARTIAL
                                          : VERDICT_CLEAN;
    return error;
}

static void add_use(const struct reply_part *part, uint64_t *members, uint64_t *written)
{
    bytes reply = part->reply;
    if (reply.len >= END_SIZE) {
        const uint8_t *end = reply.at + reply.len - END_SIZE;
        *members += load_le64(end + END_MEMBERS);
        *written += load_le64(end + END_MEMBERS + 8);
    }
    for (uint32_t i = 0; i < part->count; i++)
        add_use(part->parts[i], members, written);
}

bool reply_within(const struct reply_part *reply, const struct unpack_limits *limits)
{
    uint64_t members = 0, written = 0;
    add_use(reply, &members, &written);
    return members < limits->members && written < limits->bytes;
}

void reply_unexamined(int error, uint64_t size, uint64_t max, bytes path, struct arena *arena,
                      struct examined *ret)
{
    if (start(arena, path, ret) < 0)
        error = -ENOMEM;
    ret->size = size;
    ret->verdict = VERDICT_PARTIAL;
    if (error == -EFBIG)
        error = add_gap(
            ret, arena, 0, GAP_LIMIT,
            arena_printf(arena, "it is larger than %llu bytes", (unsigned long long)max));
    if (error)
        say_error(ret, error);
}

void reply_fault(bytes text, uint64_t size, bytes path, struct arena *arena,
                 struct examined *ret)
{
    if (start(arena, path, ret) < 0)
        say_error(ret, -ENOMEM);
    ret->size = size;
    ret->verdict = VERDICT_PARTIAL;
    if (add_gap(ret, arena, 0, GAP_FAULT, text) < 0)
        say_error(ret, -ENOMEM);
}
