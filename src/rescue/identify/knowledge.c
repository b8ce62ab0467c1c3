#include "rescue/identify/knowledge.h"

#include <errno.h>
#include <string.h>

enum { HEADER = 24 };

static void store64(uint8_t *to, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

int knowledge_pack(bytes catalogue, bytes model, struct arena *arena, bytes *ret,
                   struct why *why)
{
    size_t padded = (catalogue.len + 7) & ~(size_t)7;
    uint8_t *at = arena_push(arena, HEADER + padded + model.len);
    if (!at)
        return fail(why, ENOMEM, "no memory for what is known of ransomware");
    memcpy(at, KNOWLEDGE_MAGIC, 8);
    store64(at + 8, catalogue.len);
    store64(at + 16, model.len);
    memcpy(at + HEADER, catalogue.at, catalogue.len);
    memcpy(at + HEADER + padded, model.at, model.len);
    *ret = (bytes){at, HEADER + padded + model.len};
    return 0;
}

int knowledge_open(bytes packed, struct arena *arena, struct knowledge *ret, struct why *why)
{
    struct catalogue catalogue;
    struct note_model model;
    uint64_t first, second;
    if (packed.len < HEADER || memcmp(packed.at, KNOWLEDGE_MAGIC, 8) != 0)
        return fail(why, EBADMSG, "not what is known of ransomware");
    first = load_le64(packed.at + 8);
    second = load_le64(packed.at + 16);
    if (first > packed.len || !bytes_has(packed, HEADER + ((first + 7) & ~(uint64_t)7), second))
        return fail(why, EBADMSG, "what is known of ransomware is cut short");
    int error =
        catalogue_open((bytes){packed.at + HEADER, (size_t)first}, arena, &catalogue, why);
    if (!error)
        error = note_model_open(
            (bytes){packed.at + HEADER + ((first + 7) & ~(uint64_t)7), (size_t)second}, arena,
            &model, why);
    return error ? error : knowledge_join(&catalogue, &model, arena, ret, why);
}

int knowledge_join(const struct catalogue *catalogue, const struct note_model *model,
                   struct arena *arena, struct knowledge *ret, struct why *why)
{
    *ret = (struct knowledge){.catalogue = *catalogue, .model = *model};
    ret->of_model = PUSH_ARRAY(arena, uint16_t, model->families + 1);
    ret->model_only = PUSH_ARRAY(arena, bytes, model->families + 1);
    ret->families = catalogue->family_count;
    if (!ret->of_model || !ret->model_only)
        return fail(why, ENOMEM, "no memory for what is known of ransomware");
    if (catalogue->family_count + model->families > UINT16_MAX)
        return fail(why, EBADMSG, "too many families");
    for (uint32_t i = 0; i < model->families; i++) {
        int known = catalogue_family(catalogue, model->family[i]);
        ret->of_model[i] = (uint16_t)(known >= 0 ? (uint32_t)known : ret->families);
        if (known < 0)
            ret->model_only[ret->families++ - catalogue->family_count] = model->family[i];
    }
    return 0;
}

const struct catalogue_family *knowledge_family(const struct knowledge *knowledge,
                                                uint32_t family)
{
    return family < knowledge->catalogue.family_count ? &knowledge->catalogue.family[family]
                                                      : NULL;
}

bytes knowledge_name(const struct knowledge *knowledge, uint32_t family)
{
    const struct catalogue_family *known = knowledge_family(knowledge, family);
    return known ? known->name
                 : knowledge->model_only[family - knowledge->catalogue.family_count];
}

bytes knowledge_title(const struct knowledge *knowledge, uint32_t family)
{
    const struct catalogue_family *known = knowledge_family(knowledge, family);
    return known ? known->title : knowledge_name(knowledge, family);
}
