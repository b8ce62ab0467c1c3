#include "rescue/salvage/kinds/pdf_object.h"
#include "rescue/salvage/packed/inflate.h"
#include "rescue/salvage/packed/stored.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LEAST = 32 };

struct writer {
    struct pdf *pdf;
    uint64_t size;    /* written so far */
    uint64_t *places; /* by number; 0: not there */
    uint32_t most;    /* numbers below */
    uint32_t root, pages;
    uint64_t whole, cut;
};

static bool put(struct writer *writer, bytes data)
{
    writer->size += data.len;
    return salvage_put(writer->pdf->salvage, data);
}

static bool LIKE_PRINTF(2, 3) put_word(struct writer *writer, const char *fmt, ...)
{
    char line[256];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    return n > 0 && (size_t)n < sizeof line &&
           put(writer, (bytes){(const uint8_t *)line, (size_t)n});
}

/* Objects that belong to the old table, or are unpacked here. */
static bool is_scaffold(bytes dictionary)
{
    return pdf_is(dictionary, "/Type", "/XRef") || pdf_is(dictionary, "/Type", "/ObjStm");
}

/* The head of a stream that is `size` long now: its length is told anew, and the old one, of
 * which the last counts for most readers, is renamed. Without a dictionary it is a drawing's.
 */
static bool put_head(struct writer *writer, const struct pdf_object *object, size_t size,
                     bool lost)
{
    bytes dictionary = pdf_dictionary(writer->pdf, object);
    size_t length = bytes_find(dictionary, bytes_of("/Length"), 0), close = SIZE_MAX;
    for (size_t at = 0; (at = bytes_find(dictionary, bytes_of(">>"), at)) != SIZE_MAX; at++)
        close = at;
    writer->places[object->number] = writer->size;
    writer->cut++;
    if (lost || close == SIZE_MAX)
        return put_word(writer, "%u 0 obj\n<</Filter/FlateDecode/Length %zu>>\nstream\n",
                        object->number, size);
    if (length == SIZE_MAX || length > close)
        length = close;
    else
        close -= 7;
    return put_word(writer, "%u 0 obj", object->number) &&
           put(writer, bytes_slice(dictionary, 0, length)) &&
           (length == close || put(writer, bytes_of("/XLengt"))) &&
           put(writer, bytes_slice(dictionary, length == close ? length : length + 7,
                                   close - length)) &&
           put_word(writer, "/Length %zu>>\nstream\n", size);
}

/* A stream with ciphertext in it that is not packed: what comes before. */
static bool put_cut(struct writer *writer, const struct pdf_object *object)
{
    struct salvage *salvage = writer->pdf->salvage;
    uint64_t end = map_plain_end(&salvage->map, object->stream, object->stop);
    size_t size = (size_t)end - object->stream;
    if (end < object->stream + LEAST ||
        !map_is_plain(&salvage->map, object->from, object->stream) ||
        bytes_find(pdf_dictionary(writer->pdf, object), bytes_of(">>"), 0) == SIZE_MAX)
        return true;
    salvage_gives(salvage, object->from, end);
    return put_head(writer, object, size, false) &&
           put(writer, bytes_slice(salvage->file, object->stream, size)) &&
           put(writer, bytes_of("\nendstream\nendobj\n"));
}

static bool put_stored(struct writer *writer, const struct pdf_unpacked *all)
{
    uint8_t *room = arena_push_raw(all->arena, STORED_MOST + STORED_HEAD);
    uint32_t sum = 1;
    if (!room || !put(writer, bytes_of("\x78\x01")))
        return false;
    for (size_t at = 0, n = 0; at < all->n || !at; at += n ? n : 1) {
        n = all->n - at < STORED_MOST ? all->n - at : STORED_MOST;
        for (size_t i = 0; i < n; i++) {
            bool known = all->at[at + i] < INFLATE_UNKNOWN;
            room[STORED_HEAD + i] = known ? (uint8_t)all->at[at + i] : all->text ? '?' : 0;
        }
        stored_head(room, n, at + n == all->n);
        sum = stored_sum(sum, (bytes){room + STORED_HEAD, n});
        if (!put(writer, (bytes){room, n + STORED_HEAD}))
            return false;
    }
    uint8_t end[4] = {(uint8_t)(sum >> 24), (uint8_t)(sum >> 16), (uint8_t)(sum >> 8),
                      (uint8_t)sum};
    return put(writer, (bytes){end, sizeof end});
}

/* A packed stream with ciphertext in it: all that can be read of it. */
static bool put_gaps(struct writer *writer, const struct pdf_object *object)
{
    struct salvage *salvage = writer->pdf->salvage;
    struct pdf_unpacked all;
    bool lost = !map_is_plain(&salvage->map, object->from, object->stream);
    bool fine = true;
    if (!pdf_unpack(writer->pdf, object, false, &all))
        return true;
    if (all.n >= LEAST && (!lost || all.text)) {
        size_t blocks = all.n / STORED_MOST + (all.n % STORED_MOST != 0);
        if (all.text)
            pdf_balance(&all);
        if (!lost)
            salvage_gives(salvage, object->from, object->stream);
        pdf_gives(salvage, &all);
        fine = put_head(writer, object, all.n + blocks * STORED_HEAD + 6, lost) &&
               put_stored(writer, &all) && put(writer, bytes_of("\nendstream\nendobj\n"));
    }
    arena_free(all.arena);
    return fine;
}

/* Also one whose dictionary is lost in part, when it is packed as drawings are. */
static bool is_packed(struct writer *writer, const struct pdf_object *object)
{
    const struct salvage *salvage = writer->pdf->salvage;
    uint16_t head;
    if (pdf_is_flate(pdf_dictionary(writer->pdf, object)))
        return true;
    return !map_is_plain(&salvage->map, object->from, object->stream) &&
           map_is_plain(&salvage->map, object->stream, object->stream + 2) &&
           bytes_be16(salvage->file, object->stream, &head) && (head & 0xf00) == 0x800 &&
           head % 31 == 0;
}

static bool put_object(struct writer *writer, const struct pdf_object *object)
{
    struct salvage *salvage = writer->pdf->salvage;
    bytes dictionary = pdf_dictionary(writer->pdf, object);
    if (is_scaffold(dictionary)) {
        if (object->whole && !object->inner.at)
            salvage_gives(salvage, object->from, object->to);
        return true;
    }
    if (!object->whole && !object->stream)
        return true;
    if (!object->whole)
        return is_packed(writer, object) ? put_gaps(writer, object) : put_cut(writer, object);
    writer->places[object->number] = writer->size;
    writer->whole++;
    if (pdf_is(dictionary, "/Type", "/Catalog"))
        writer->root = object->number;
    if (!object->inner.at)
        salvage_gives(salvage, object->from, object->to);
    size_t end = object->to - object->body;
    bytes all =
        object->inner.at ? object->inner : bytes_slice(salvage->file, object->body, end);
    return put_word(writer, "%u 0 obj\n", object->number) && put(writer, all) &&
           put(writer, bytes_of("\nendobj\n"));
}

static bool is_written(const struct writer *writer, const struct pdf_object *object)
{
    return object->number < writer->most && writer->places[object->number];
}

/* Whether an object of another's dictionary, as "KEY 12 0 R", is there. */
static bool is_there(const struct writer *writer, const struct pdf_object *object,
                     const char *key)
{
    uint64_t number = pdf_number(pdf_dictionary(writer->pdf, object), key);
    return number && number < writer->most && writer->places[number];
}

/* Whether the catalogue leads to the pages: it, and what every page hangs from. */
static bool tree_holds(const struct writer *writer)
{
    const struct pdf *pdf = writer->pdf;
    for (uint32_t i = 0; i < pdf->objects.n; i++) {
        const struct pdf_object *object = &pdf->objects.at[i];
        bytes dictionary = pdf_dictionary(pdf, object);
        if (!is_written(writer, object))
            continue;
        if (object->number == writer->root && !is_there(writer, object, "/Pages"))
            return false;
        if (pdf_is(dictionary, "/Type", "/Page") && !is_there(writer, object, "/Parent"))
            return false;
        if (pdf_is(dictionary, "/Type", "/Pages") && !is_there(writer, object, "/Parent") &&
            bytes_find(dictionary, bytes_of("/Parent"), 0) != SIZE_MAX)
            return false;
    }
    return writer->root != 0;
}

/* A page tree and a catalogue of the pages that are left. */
static bool put_root(struct writer *writer)
{
    const struct pdf *pdf = writer->pdf;
    uint64_t count = 0;
    writer->pages = writer->most;
    writer->root = writer->most + 1;
    writer->places[writer->pages] = writer->size;
    if (!put_word(writer, "%u 0 obj\n<</Type/Pages/Kids[", writer->pages))
        return false;
    for (uint32_t i = 0; i < pdf->objects.n; i++) {
        const struct pdf_object *object = &pdf->objects.at[i];
        if (!is_written(writer, object) ||
            !pdf_is(pdf_dictionary(pdf, object), "/Type", "/Page"))
            continue;
        count++;
        if (!put_word(writer, "%u 0 R ", object->number))
            return false;
    }
    if (!put_word(writer, "]/Count %llu/MediaBox[0 0 612 792]>>\nendobj\n",
                  (unsigned long long)count))
        return false;
    writer->places[writer->root] = writer->size;
    return put_word(writer, "%u 0 obj\n<</Type/Catalog/Pages %u 0 R>>\nendobj\n", writer->root,
                    writer->pages);
}

static bool put_table(struct writer *writer)
{
    uint64_t at = writer->size;
    if (!put_word(writer, "xref\n0 %u\n0000000000 65535 f \n", writer->most + 2))
        return false;
    for (uint32_t i = 1; i < writer->most + 2; i++) {
        bool fine = writer->places[i] ? put_word(writer, "%010llu 00000 n \n",
                                                 (unsigned long long)writer->places[i])
                                      : put(writer, bytes_of("0000000000 65535 f \n"));
        if (!fine)
            return false;
    }
    return put_word(writer, "trailer\n<</Size %u/Root %u 0 R>>\n", writer->most + 2,
                    writer->root) &&
           put_word(writer, "startxref\n%llu\n%%%%EOF\n", (unsigned long long)at);
}

/* Drawings one after the other, then pictures: they explain each other. */
static bool put_objects(struct writer *writer, bool pictures)
{
    const struct pdf *pdf = writer->pdf;
    for (uint32_t i = 0; i < pdf->objects.n; i++) {
        const struct pdf_object *object = &pdf->objects.at[i];
        bool last = i + 1 == pdf->objects.n || object[1].number != object->number;
        if (last && object->number && object->number < writer->most &&
            pdf_is_picture(pdf, object) == pictures && !put_object(writer, object))
            return false;
    }
    return true;
}

void pdf_write(struct pdf *pdf)
{
    struct writer writer = {.pdf = pdf};
    struct salvage *salvage = pdf->salvage;
    for (uint32_t i = 0; i < pdf->objects.n; i++)
        if (pdf->objects.at[i].number >= writer.most && pdf->objects.at[i].number < 8u << 20)
            writer.most = pdf->objects.at[i].number + 1;
    writer.places = PUSH_ARRAY(salvage->arena, uint64_t, writer.most + 2);
    if (!writer.places || !salvage_begin(salvage, salvage_name(salvage, "pdf"), "PDF") ||
        !put(&writer, bytes_of("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")))
        return;
    if (!put_objects(&writer, false) || !put_objects(&writer, true))
        return;
    if (!tree_holds(&writer) && !put_root(&writer))
        return;
    salvage_counts(salvage, writer.whole + writer.cut);
    if (put_table(&writer))
        (void)salvage_end(salvage, SALVAGE_PARTIAL, "%llu objects, %llu more with gaps",
                          (unsigned long long)writer.whole, (unsigned long long)writer.cut);
}
