#include "rescue/catalogue/catalogue_pack.h"

#include <errno.h>
#include <string.h>

struct writer {
    uint8_t *at; /* NULL: only counts */
    size_t len;
    bool big;
};

static void number(struct writer *writer, uint64_t value, size_t size)
{
    for (size_t i = 0; writer->at && i < size; i++)
        writer->at[writer->len + i] = (uint8_t)(value >> 8 * i);
    writer->len += size;
}

static void text(struct writer *writer, bytes view)
{
    writer->big |= view.len > UINT16_MAX;
    number(writer, view.len, 2);
    if (writer->at && view.len)
        memcpy(writer->at + writer->len, view.at, view.len);
    writer->len += view.len;
}

static void list(struct writer *writer, const bytes *texts, uint32_t count)
{
    writer->big |= count > UINT16_MAX;
    number(writer, count, 2);
    for (uint32_t i = 0; i < count; i++)
        text(writer, texts[i]);
}

static void family(struct writer *writer, const struct catalogue_family *from)
{
    text(writer, from->name);
    text(writer, from->title);
    text(writer, from->seen);
    text(writer, from->advice);
    text(writer, from->checked);
    text(writer, from->told_by);
    number(writer, from->rescue, 1);
    list(writer, from->also, from->also_count);
    list(writer, from->formats, from->format_count);
    number(writer, from->lineage_count, 2);
    for (uint16_t i = 0; i < from->lineage_count; i++) {
        text(writer, from->lineage[i].family);
        text(writer, from->lineage[i].how);
    }
}

static void write_all(struct writer *writer, const struct catalogue *from)
{
    if (writer->at)
        memcpy(writer->at, CATALOGUE_MAGIC, 8);
    writer->len = 8;
    list(writer, from->source, from->source_count);
    writer->big |= from->family_count > UINT16_MAX;
    number(writer, from->family_count, 2);
    number(writer, from->fact_count, 4);
    for (uint32_t i = 0; i < from->family_count; i++)
        family(writer, &from->family[i]);
    for (uint32_t i = 0; i < from->fact_count; i++) {
        const struct catalogue_fact *fact = &from->fact[i];
        number(writer, fact->kind, 1);
        number(writer, fact->family, 2);
        number(writer, fact->source, 2);
        number(writer, (uint64_t)fact->at, 8);
        text(writer, fact->text);
        text(writer, fact->value);
    }
}

int catalogue_pack(const struct catalogue *catalogue, struct arena *arena, bytes *ret,
                   struct why *why)
{
    struct writer writer = {0};
    write_all(&writer, catalogue);
    if (writer.big)
        return fail(why, E2BIG, "a text or list of the catalogue is too long");
    writer.at = arena_push_raw(arena, writer.len);
    if (!writer.at)
        return fail(why, ENOMEM, "no memory for the catalogue");
    write_all(&writer, catalogue);
    *ret = (bytes){writer.at, writer.len};
    return 0;
}
