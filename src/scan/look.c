#include "scan/look.h"

#include <string.h>

#define LOOK_STEPS (UINT64_C(1) << 34)
/* Of a group of icons: as ClamAV, which has an option for it. */
#define ENTRIES 100

static bool is_image(enum filetype type)
{
    return type == FILETYPE_GRAPHICS || type == FILETYPE_GIF || type == FILETYPE_PNG ||
           type == FILETYPE_JPEG || type == FILETYPE_TIFF;
}

static bool answer_picture(void *to, uint64_t *ret)
{
    struct look *look = to;
    if (!look->known) {
        struct budget budget = {.steps = LOOK_STEPS, .stop = look->stop};
        look->known = true;
        look->state = is_image(look->type)
                          ? picture_hash(look->data, look->arena, &budget, &look->hash)
                          : PICTURE_NONE;
    }
    *ret = look->hash;
    return look->state == PICTURE_READ;
}

static bool is_known(const struct look *look, const struct ruleset_icon *icon)
{
    for (uint32_t i = 0; i < look->icons.count; i++)
        if (icon_is_like(&look->icons.at[i], icon))
            return true;
    return false;
}

static bool is_of(const struct ruleset *set, uint32_t group, const char *wanted)
{
    return strcmp(wanted, "*") == 0 || strcmp(ruleset_text(set, group), wanted) == 0;
}

static bool answer_icon(void *to, const char *group1, const char *group2)
{
    struct look *look = to;
    const struct ruleset *set = look->icons_of;
    if (!set)
        return false;
    if (!look->measured) {
        struct budget budget = {.steps = LOOK_STEPS, .stop = look->stop};
        look->measured = true;
        icons_read(look->data, look->entries, look->arena, &budget, &look->icons);
    }
    for (uint32_t i = 0; i < set->icon_count; i++)
        if (is_of(set, set->icons[i].groups[0], group1) &&
            is_of(set, set->icons[i].groups[1], group2) && is_known(look, &set->icons[i]))
            return true;
    return false;
}

static const struct signer_verdict *judge(struct look *look)
{
    struct budget budget = {.steps = LOOK_STEPS, .stop = look->stop};
    if (!look->judged)
        signer_check(look->signers_of, look->data, look->now, look->arena, &budget,
                     &look->verdict);
    look->judged = true;
    return &look->verdict;
}

static bool answer_blocked(void *to, uint32_t row)
{
    struct look *look = to;
    const struct signer_verdict *verdict = look->signers_of ? judge(look) : NULL;
    uint32_t count = verdict ? verdict->blocked_count : 0;
    for (uint32_t i = 0; i < count && !(i && look->first_signer); i++)
        if (verdict->blocked[i] == row)
            return true;
    return false;
}

static void take_handler(void *to, uint32_t type)
{
    struct look *look = to;
    if (look->handler == FILETYPE_ANY)
        look->handler = (enum filetype)type;
}

bool look_vouches(struct look *look, bytes data)
{
    return look->signers_of && look_of(look, data) && judge(look)->trusted;
}

void look_use(struct look *look, const struct ruleset *set,
              const struct examine_options *options)
{
    look->door =
        (struct object_look){look, answer_picture, answer_icon, answer_blocked, take_handler};
    look->now = options->now;
    look->first_signer = options->first_signer;
    look->entries = options->icons ? options->icons : ENTRIES;
    if (!options->no_signers && (set->signer_count || set->catalogue_count))
        look->signers_of = set;
    if (set->icon_count)
        look->icons_of = set;
}

void look_begin(struct look *look, bytes data, enum filetype type, struct arena *arena,
                const volatile bool *stop)
{
    look->data = data;
    look->type = type;
    look->arena = arena;
    look->stop = stop;
    look->known = look->measured = look->judged = false;
    look->handler = FILETYPE_ANY;
}

bool look_again(struct look *look)
{
    if (look->handler == FILETYPE_ANY)
        return false;
    look->type = look->handler;
    look->known = false;
    return true;
}

const struct object_look *look_of(const struct look *look, bytes data)
{
    return data.at && data.at == look->data.at && look->door.to ? &look->door : NULL;
}

const char *look_fault(const struct look *look)
{
    if (look->known && look->state == PICTURE_UNKNOWN)
        return "pictures of its kind are not compared";
    if (look->known && look->state == PICTURE_LIMIT)
        return "its picture is too large to be compared";
    if (look->judged && look->verdict.cut)
        return "who signed it was not found out";
    if (look->measured && look->icons.cut)
        return "its icons are not all compared";
    return NULL;
}
