#include "shim/pcre.h"

#include <errno.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

struct pcre {
    pcre2_code *code;
};

/* PCRE2's own unit for what the frames of a search may take, in KiB. */
enum { HEAP_KIB = 64 << 10 };

static void *take(PCRE2_SIZE size, void *arena)
{
    return arena_push_raw(arena, size);
}

static void give(void *at, void *arena)
{
    (void)at;
    (void)arena;
}

static uint32_t options_of(uint32_t options)
{
    static const struct {
        uint32_t ours, theirs;
    } rows[] = {
        {PCRE_OPTION_NOCASE, PCRE2_CASELESS},
        {PCRE_OPTION_DOTALL, PCRE2_DOTALL},
        {PCRE_OPTION_MULTILINE, PCRE2_MULTILINE},
        {PCRE_OPTION_EXTENDED, PCRE2_EXTENDED},
        {PCRE_OPTION_ANCHORED, PCRE2_ANCHORED},
        {PCRE_OPTION_DOLLAR_END, PCRE2_DOLLAR_ENDONLY},
        {PCRE_OPTION_UNGREEDY, PCRE2_UNGREEDY},
    };

    uint32_t theirs = PCRE2_USE_OFFSET_LIMIT;
    for (size_t i = 0; i < COUNT(rows); i++)
        theirs |= options & rows[i].ours ? rows[i].theirs : 0;
    return theirs;
}

struct pcre *pcre_compile(bytes text, uint32_t options, struct arena *arena, struct why *why)
{
    int error = 0;
    PCRE2_SIZE at = 0;
    fail(why, ENOMEM, "%s", "");
    pcre2_general_context *general = pcre2_general_context_create(take, give, arena);
    pcre2_compile_context *context = general ? pcre2_compile_context_create(general) : NULL;
    struct pcre *pcre = context ? PUSH(arena, struct pcre) : NULL;
    if (!pcre)
        return NULL;
    pcre->code = pcre2_compile(text.len ? text.at : (const uint8_t *)"", text.len,
                               options_of(options), &error, &at, context);
    if (pcre->code)
        return pcre;
    PCRE2_UCHAR reason[200];
    if (error != PCRE2_ERROR_HEAP_FAILED &&
        pcre2_get_error_message(error, reason, sizeof reason) >= 0)
        fail(why, EBADMSG, "%s, at byte %zu", (const char *)reason, (size_t)at);
    return NULL;
}

enum pcre_result pcre_find(const struct pcre *pcre, struct pcre_search *search,
                           struct arena *arena)
{
    pcre2_general_context *general = pcre2_general_context_create(take, give, arena);
    pcre2_match_context *context = general ? pcre2_match_context_create(general) : NULL;
    pcre2_match_data *data = context ? pcre2_match_data_create(1, general) : NULL;
    if (!data)
        return PCRE_MEMORY;
    pcre2_set_match_limit(context, search->limits.calls);
    pcre2_set_depth_limit(context, search->limits.depth);
    pcre2_set_heap_limit(context, HEAP_KIB);
    if (search->until != SIZE_MAX && search->until)
        pcre2_set_offset_limit(context, search->until - 1);
    int rc = pcre2_match(pcre->code, search->data.at, search->data.len, search->from,
                         search->here ? PCRE2_ANCHORED : 0, data, context);
    switch (rc) {
    case PCRE2_ERROR_NOMATCH:
        return PCRE_NONE;
    case PCRE2_ERROR_NOMEMORY:
        return PCRE_MEMORY;
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
        return PCRE_LIMIT;
    default:
        if (rc < 0)
            return PCRE_NONE;
        /* \K can put the beginning behind the end. */
        search->begin = pcre2_get_ovector_pointer(data)[0];
        search->end = pcre2_get_ovector_pointer(data)[1];
        return PCRE_MATCH;
    }
}
