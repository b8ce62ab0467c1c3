/* PDF (ISO 32000-1): objects "N G obj ... endobj", of which some hold a stream: "stream",
 * bytes, "endstream"; a table at the end says where each is, and a trailer which one is the
 * root.
 *
 * Objects are found by themselves. Those without ciphertext go into a new file with a table of
 * its own; of packed streams with ciphertext all that can be read (pdf_gaps.c), of others the
 * part before it. Objects that were packed into a stream (7.5.7) are unpacked. A lost catalogue
 * or page tree is made anew from the pages that are left.
 */
#include "rescue/salvage/kinds/pdf_object.h"
#include "rescue/salvage/packed/inflate.h"

#include "shim/stream.h"

#include <stdlib.h>
#include <string.h>

enum {
    OBJECTS_MOST = 1 << 20,
    HEAD_MOST = 24,
    UNPACKED_MOST = 64 << 20,
    HEADER = 8,
    LINE = 20
};

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Reads "N G " backwards from `end`; where it begins, SIZE_MAX when it is not there. */
static size_t read_head(bytes file, size_t end, uint32_t *ret_number, uint32_t *ret_again)
{
    uint32_t values[2] = {0, 0};
    size_t at = end;
    for (int i = 1; i >= 0; i--) {
        size_t least = at > HEAD_MOST ? at - HEAD_MOST : 0;
        uint32_t scale = 1;
        while (at > least && is_space(file.at[at - 1]))
            at--;
        size_t from = at;
        while (at > least && is_digit(file.at[at - 1]) && from - at < 8) {
            values[i] += scale * (uint32_t)(file.at[--at] - '0');
            scale *= 10;
        }
        if (at == from || (i == 1 && (!at || !is_space(file.at[at - 1]))))
            return SIZE_MAX;
    }
    *ret_number = values[0];
    *ret_again = values[1];
    return at;
}

static size_t find(bytes file, size_t from, size_t to, const char *word)
{
    size_t at = bytes_find(bytes_slice(file, 0, to), bytes_of(word), from);
    return at;
}

/* Where "obj" stands next. */
static size_t next_object(struct pdf *pdf, size_t from, struct pdf_object *ret)
{
    bytes file = pdf->salvage->file;
    for (size_t at = from; (at = find(file, at, file.len, "obj")) != SIZE_MAX; at += 3) {
        if (!budget_charge(pdf->salvage->budget, 64))
            return SIZE_MAX;
        if (at >= 3 && memcmp(file.at + at - 3, "end", 3) == 0)
            continue;
        size_t begin = read_head(file, at, &ret->number, &ret->again);
        if (begin == SIZE_MAX)
            continue;
        ret->from = begin;
        ret->body = at + 3;
        return at;
    }
    return SIZE_MAX;
}

/* The length of its stream; 0 when another object says it ("/Length 12 0 R"), or none. */
static size_t direct_length(bytes dictionary)
{
    size_t at = bytes_find(dictionary, bytes_of("/Length"), 0);
    uint64_t length = pdf_number(dictionary, "/Length");
    if (at == SIZE_MAX)
        return 0;
    for (at += 7;
         at < dictionary.len && (is_space(dictionary.at[at]) || is_digit(dictionary.at[at]));)
        at++;
    return at < dictionary.len && (dictionary.at[at] == '/' || dictionary.at[at] == '>')
               ? (size_t)length
               : 0;
}

/* Where its dictionary, stream and end are. `next` begins the object behind it. */
static void bound(struct pdf *pdf, struct pdf_object *object, size_t next)
{
    bytes file = pdf->salvage->file;
    size_t end = find(file, object->body, next, "endobj");
    size_t stream = find(file, object->body, end == SIZE_MAX ? next : end, "stream");
    object->to = end == SIZE_MAX ? next : end;
    if (stream != SIZE_MAX) {
        size_t data = stream + 6;
        data += data < next && file.at[data] == '\r';
        data += data < next && file.at[data] == '\n';
        size_t stop = SIZE_MAX;
        /* "endstream" in the bytes of the stream itself: the last one counts. */
        for (size_t at = data; (at = find(file, at, object->to, "endstream")) != SIZE_MAX; at++)
            stop = at;
        object->stream = data;
        object->stop = stop == SIZE_MAX ? object->to : stop;
        size_t length = direct_length(bytes_slice(file, object->body, stream - object->body));
        if (length && length < object->stop - data)
            object->stop = data + length;
    }
    object->ended = end != SIZE_MAX;
}

static void collect(struct pdf *pdf)
{
    struct pdf_object object = {0}, following;
    size_t at = next_object(pdf, 0, &object);
    while (at != SIZE_MAX && pdf->objects.n < OBJECTS_MOST) {
        memset(&following, 0, sizeof following);
        size_t next = next_object(pdf, at + 3, &following);
        bound(pdf, &object, next == SIZE_MAX ? pdf->salvage->file.len : following.from);
        /* The last one of a number counts: updates are appended. */
        struct pdf_object *kept = vec_push(pdf->salvage->arena, &pdf->objects);
        if (!kept)
            return;
        *kept = object;
        object = following;
        at = next;
    }
}

bytes pdf_dictionary(const struct pdf *pdf, const struct pdf_object *object)
{
    if (object->inner.at)
        return object->inner;
    size_t to = object->stream ? object->stream : object->to;
    return bytes_slice(pdf->salvage->file, object->body, to - object->body);
}

bool pdf_is(bytes dictionary, const char *key, const char *value)
{
    size_t len = strlen(key), wanted = strlen(value);
    for (size_t at = 0; (at = bytes_find(dictionary, bytes_of(key), at)) != SIZE_MAX; at++) {
        size_t to = at + len;
        while (to < dictionary.len && is_space(dictionary.at[to]))
            to++;
        if (bytes_is(bytes_slice(dictionary, to, wanted), value) &&
            (to + wanted == dictionary.len || !ascii_alnum(dictionary.at[to + wanted])))
            return true;
    }
    return false;
}

uint64_t pdf_number(bytes dictionary, const char *key)
{
    size_t at = bytes_find(dictionary, bytes_of(key), 0);
    uint64_t n = 0;
    if (at == SIZE_MAX)
        return 0;
    at += strlen(key);
    while (at < dictionary.len && is_space(dictionary.at[at]))
        at++;
    for (; at < dictionary.len && is_digit(dictionary.at[at]) && n < UINT32_MAX; at++)
        n = n * 10 + (uint64_t)(dictionary.at[at] - '0');
    return n;
}

bool pdf_is_flate(bytes dictionary)
{
    return pdf_is(dictionary, "/Filter", "/FlateDecode") ||
           pdf_is(dictionary, "/Filter", "[/FlateDecode") ||
           pdf_is(dictionary, "/Filter", "[ /FlateDecode");
}

/* Decodes a zlib stream; what came out before it broke. */
static bytes inflated(struct pdf *pdf, bytes in, bool *ret_whole, size_t *ret_used)
{
    size_t total = in.len;
    size_t room = in.len * 4 + 4096 < UNPACKED_MOST ? in.len * 4 + 4096 : UNPACKED_MOST;
    struct stream *stream = stream_new(STREAM_ZLIB);
    uint8_t *out = stream ? arena_push_raw(pdf->salvage->arena, room) : NULL;
    size_t used = 0, wrote;
    enum stream_state state = out ? STREAM_MORE : STREAM_DAMAGED;
    while (state == STREAM_MORE) {
        size_t before = in.len;
        state = stream_run(stream, &in, out + used, room - used, &wrote);
        used += wrote;
        if (!budget_charge(pdf->salvage->budget, wrote / 4 + 64) ||
            (!wrote && in.len == before))
            break;
        if (used == room && state == STREAM_MORE) {
            uint8_t *more =
                room < UNPACKED_MOST / 2 ? arena_push_raw(pdf->salvage->arena, room * 2) : NULL;
            if (!more)
                break;
            memcpy(more, out, used);
            out = more;
            room *= 2;
        }
    }
    stream_free(stream);
    *ret_whole = state == STREAM_END;
    *ret_used = total - in.len;
    return (bytes){out, used};
}

/* What an object stream holds: `all`, of which `symbols` (NULL: all) says what is known. */
struct holder {
    const struct pdf_object *object;
    bytes all;
    const uint16_t *symbols;
};

/* Its bytes; behind a gap that cannot be measured nothing has its place. */
static bool unpack_holder(struct pdf *pdf, struct holder *holder)
{
    const struct pdf_object *object = holder->object;
    struct pdf_unpacked unpacked;
    bool whole;
    size_t taken;
    if (object->whole) {
        holder->all = inflated(
            pdf, bytes_slice(pdf->salvage->file, object->stream, object->stop - object->stream),
            &whole, &taken);
        return true;
    }
    if (!pdf_unpack(pdf, object, true, &unpacked))
        return false;
    uint8_t *all = arena_push(pdf->salvage->arena, unpacked.n + 1);
    uint16_t *symbols = PUSH_ARRAY(pdf->salvage->arena, uint16_t, unpacked.n + 1);
    for (size_t i = 0; all && symbols && i < unpacked.n; i++) {
        symbols[i] = unpacked.at[i];
        all[i] = symbols[i] < INFLATE_UNKNOWN ? (uint8_t)symbols[i] : 0;
    }
    *holder = (struct holder){object, {all, all && symbols ? unpacked.n : 0}, symbols};
    arena_free(unpacked.arena);
    return holder->all.len > 0;
}

static bool is_known(const struct holder *holder, size_t from, size_t to)
{
    for (size_t i = from; holder->symbols && i < to && i < holder->all.len; i++)
        if (holder->symbols[i] >= INFLATE_UNKNOWN)
            return false;
    return from <= to && to <= holder->all.len;
}

/* The objects in an object stream: pairs of number and place, then the objects. */
static void unpack_objects(struct pdf *pdf, const struct pdf_object *object)
{
    bytes dictionary = pdf_dictionary(pdf, object);
    struct holder holder = {.object = object};
    uint64_t count = pdf_number(dictionary, "/N"), first = pdf_number(dictionary, "/First");
    if (!unpack_holder(pdf, &holder))
        return;
    bytes head = bytes_slice(holder.all, 0, (size_t)first);
    uint64_t before[2] = {0, 0};
    for (uint64_t i = 0, at = 0; i <= count && i < OBJECTS_MOST; i++) {
        uint64_t values[2] = {0, holder.all.len - first}, begun = at;
        for (int k = 0; i < count && k < 2; k++) {
            values[k] = 0;
            while (at < head.len && is_space(head.at[at]))
                at++;
            for (; at < head.len && is_digit(head.at[at]) && values[k] < UINT32_MAX; at++)
                values[k] = values[k] * 10 + (uint64_t)(head.at[at] - '0');
        }
        if ((at >= head.len && i + 1 < count) || first > holder.all.len ||
            !is_known(&holder, (size_t)begun, (size_t)at))
            return;
        size_t from = (size_t)(first + before[1]), to = (size_t)(first + values[1]);
        bytes inner = bytes_slice(holder.all, from, to > from ? to - from : 0);
        struct pdf_object *kept = i && inner.len && is_known(&holder, from, to)
                                      ? vec_push(pdf->salvage->arena, &pdf->objects)
                                      : NULL;
        if (kept)
            *kept = (struct pdf_object){.number = (uint32_t)before[0],
                                        .whole = true,
                                        .inner = inner,
                                        .from = object->from};
        memcpy(before, values, sizeof before);
    }
}

static void unpack_all(struct pdf *pdf)
{
    uint32_t n = pdf->objects.n;
    for (uint32_t i = 0; i < n; i++) {
        struct pdf_object object = pdf->objects.at[i];
        if (object.stream &&
            (object.whole || map_is_plain(&pdf->salvage->map, object.from, object.stream)) &&
            pdf_is(pdf_dictionary(pdf, &object), "/Type", "/ObjStm"))
            unpack_objects(pdf, &object);
    }
}

int pdf_fits(struct salvage *salvage)
{
    if (salvage_named(salvage, "pdf"))
        return 93;
    return salvage->file.len > 8 && memcmp(salvage->file.at, "%PDF-", 5) == 0 ? 91 : 0;
}

/* By number; of one number the last in the file comes last. */
static int compare(const void *a, const void *b)
{
    const struct pdf_object *x = a, *y = b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return x->from < y->from ? -1 : x->from > y->from;
}

/* Behind an object comes the next one at once, or the table, or a remark. */
static void prove_end(struct pdf *pdf, const struct pdf_object *object, size_t next)
{
    bytes file = pdf->salvage->file;
    struct map *map = &pdf->salvage->map;
    size_t at = object->to + 6;
    while (at < next && is_space(file.at[at]))
        at++;
    bytes rest = bytes_slice(file, at, 4);
    if (!object->ended || at >= next || bytes_is(rest, "xref") || bytes_is(rest, "trai") ||
        bytes_is(rest, "star") || (rest.len && rest.at[0] == '%'))
        return;
    map_break(map, at, at + HEADER < next ? at + HEADER : next, true);
    map_lose(map, at, next);
}

/* A packed stream that is whole has its checksum; where one breaks, ciphertext begins. */
static void prove_stream(struct pdf *pdf, struct pdf_object *object, size_t next)
{
    struct map *map = &pdf->salvage->map;
    struct arena_mark mark = arena_mark(pdf->salvage->arena);
    bool whole;
    size_t taken;
    bytes packed =
        bytes_slice(pdf->salvage->file, object->stream, object->stop - object->stream);
    (void)inflated(pdf, packed, &whole, &taken);
    arena_pop(pdf->salvage->arena, mark);
    object->broken = !whole;
    if (whole) {
        map_prove(map, object->stream, object->stream + taken);
        return;
    }
    map_break(map, object->stream, object->stop, true);
    if (!object->ended)
        map_lose(map, object->stream + taken, next);
}

/* The table says where each object begins: "xref", the first number and how many, then lines of
 * 20 bytes: place (10 digits), generation (5), n or f. */
static void prove_table(struct pdf *pdf, size_t table)
{
    bytes file = pdf->salvage->file;
    size_t at = table + 4, found = 0, missing = 0;
    for (int pass = 0; pass < 2; pass++) {
        at = table + 4;
        while (at < file.len && is_space(file.at[at]))
            at++;
        while (at < file.len && file.at[at] != '\n' && file.at[at] != '\r')
            at++;
        while (at < file.len && is_space(file.at[at]))
            at++;
        for (; bytes_has(file, at, LINE) && is_digit(file.at[at]) &&
               (file.at[at + 17] == 'n' || file.at[at + 17] == 'f');
             at += LINE) {
            if (file.at[at + 17] == 'f')
                continue;
            uint64_t place = 0;
            uint32_t number, again;
            for (int i = 0; i < 10; i++)
                place = place * 10 + (uint64_t)(file.at[at + (size_t)i] - '0');
            size_t word = place < file.len
                              ? find(file, (size_t)place, (size_t)place + HEAD_MOST, "obj")
                              : SIZE_MAX;
            bool there = word != SIZE_MAX && read_head(file, word, &number, &again) == place;
            found += there;
            missing += !there;
            /* Only a table that is right of most objects speaks of the others. */
            if (pass && !there && place + HEADER < file.len)
                map_break(&pdf->salvage->map, place, place + HEADER, false);
            if (!budget_charge(pdf->salvage->budget, 16))
                return;
        }
        if (found <= missing)
            return;
    }
}

static void prove(struct pdf *pdf)
{
    bytes file = pdf->salvage->file;
    if (file.len > 8 && memcmp(file.at, "%PDF-", 5) != 0)
        map_break(&pdf->salvage->map, 0, 8, false);
    for (uint32_t i = 0; i < pdf->objects.n; i++) {
        struct pdf_object *object = &pdf->objects.at[i];
        size_t next = i + 1 < pdf->objects.n ? object[1].from : file.len;
        prove_end(pdf, object, i + 1 < pdf->objects.n ? next : 0);
        if (object->stream && pdf_is_flate(pdf_dictionary(pdf, object)))
            prove_stream(pdf, object, next);
    }
    for (size_t at = 0; (at = find(file, at, file.len, "xref")) != SIZE_MAX; at += 4)
        if (at && is_space(file.at[at - 1]))
            prove_table(pdf, at);
}

void pdf_give(struct salvage *salvage)
{
    struct pdf pdf = {.salvage = salvage};
    collect(&pdf);
    prove(&pdf);
    if (!salvage_solve(salvage))
        return;
    for (uint32_t i = 0; i < pdf.objects.n; i++) {
        struct pdf_object *object = &pdf.objects.at[i];
        object->whole = object->ended && !object->broken &&
                        map_is_plain(&salvage->map, object->from, object->to + 6);
    }
    unpack_all(&pdf);
    pdf.learned = false;
    if (pdf.objects.n > 1)
        qsort(pdf.objects.at, pdf.objects.n, sizeof *pdf.objects.at, compare);
    if (pdf.objects.n)
        pdf_write(&pdf);
}
