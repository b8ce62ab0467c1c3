#include "rescue/salvage/pdf_object.h"

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

/* A stream with ciphertext in it: what comes before. Its length is told anew; of a dictionary
 * the last key counts for most readers, so the old one is renamed. */
static bool put_cut(struct writer *writer, const struct pdf_object *object)
{
    struct salvage *salvage = writer->pdf->salvage;
    bytes dictionary = pdf_dictionary(writer->pdf, object);
    uint64_t end = map_plain_end(&salvage->map, object->stream, object->stop);
    size_t length = bytes_find(dictionary, bytes_of("/Length"), 0);
    size_t close = SIZE_MAX;
    for (size_t at = 0; (at = bytes_find(dictionary, bytes_of(">>"), at)) != SIZE_MAX; at++)
        close = at;
    if (end < object->stream + LEAST || close == SIZE_MAX || length == SIZE_MAX)
        return true;
    writer->places[object->number] = writer->size;
    writer->cut++;
    salvage_gives(salvage, object->from, end);
    return put_word(writer, "%u 0 obj", object->number) &&
           put(writer, bytes_slice(dictionary, 0, length)) &&
           put(writer, bytes_of("/XLengt")) &&
           put(writer, bytes_slice(dictionary, length + 7, close - length - 7)) &&
           put_word(writer, "/Length %zu>>\nstream\n", (size_t)end - object->stream) &&
           put(writer,
               bytes_slice(salvage->file, object->stream, (size_t)(end - object->stream))) &&
           put(writer, bytes_of("\nendstream\nendobj\n"));
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
    if (!object->whole)
        return object->stream ? put_cut(writer, object) : true;
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
        if (!writer->places[object->number] ||
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
    for (uint32_t i = 0; i < pdf->objects.n; i++) {
        const struct pdf_object *object = &pdf->objects.at[i];
        bool last = i + 1 == pdf->objects.n || object[1].number != object->number;
        if (last && object->number && object->number < writer.most &&
            !put_object(&writer, object))
            return;
    }
    if (!writer.root && !put_root(&writer))
        return;
    salvage_counts(salvage, writer.whole + writer.cut);
    if (put_table(&writer))
        (void)salvage_end(salvage, SALVAGE_PARTIAL, "%llu objects, %llu more cut short",
                          (unsigned long long)writer.whole, (unsigned long long)writer.cut);
}
