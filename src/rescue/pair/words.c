#include "rescue/pair/pair.h"

typedef unsigned long long ull;

static const char *place_words(const struct pair_scheme *scheme)
{
    bool pieces = false;
    for (uint32_t i = 0; i < scheme->rule.n; i++) {
        const struct pair_rule *rule = &scheme->rule.at[i];
        pieces |= rule->stride || rule->parts || (rule->head && (rule->run || rule->tail));
    }
    if (!pieces)
        return "";
    return scheme->place == PAIR_BY_OFFSET ? ", counted from the start of the file"
           : scheme->place == PAIR_RUNS_ON ? ", which runs on over what is left as it was"
                                           : ", which begins anew with each encrypted piece";
}

static bytes method_words(const struct pair_scheme *scheme, struct arena *arena)
{
    const char *joined = scheme->method == PAIR_ADD ? "added to" : "joined (XOR) with";
    switch (scheme->method) {
    case PAIR_SAME:
        return arena_printf(arena, "the bytes of the files were not changed");
    case PAIR_XOR:
    case PAIR_ADD:
        if (scheme->period == 1)
            return arena_printf(arena, "each byte was %s 0x%02x", joined,
                                scheme->key.len ? scheme->key.at[0] : 0u);
        if (scheme->period)
            return arena_printf(arena,
                                "the bytes were %s a stream that repeats after %llu "
                                "bytes%s",
                                joined, (ull)scheme->period, place_words(scheme));
        return arena_printf(arena,
                            "the bytes were %s a stream, of which %llu bytes are known%s",
                            joined, (ull)pair_length(scheme), place_words(scheme));
    case PAIR_TABLE:
        return scheme->block == 1
                   ? arena_printf(arena, "each byte was replaced by another, always the same")
                   : arena_printf(arena,
                                  "blocks of %u bytes were encrypted one by one (ECB), so that "
                                  "equal blocks look equal; %llu blocks are known",
                                  scheme->block, (ull)(scheme->agreed / scheme->block));
    case PAIR_CIPHER:
        break;
    }
    return arena_printf(arena,
                        "the pairs have nothing in common that would open other files: each "
                        "file has a key of its own, or a sound cipher was used");
}

static const char *trust_words(const struct pair_scheme *scheme)
{
    if (scheme->method == PAIR_CIPHER)
        return "";
    if (!scheme->pairs)
        return "; learned without an original: only what comes out tells whether it is right";
    if (scheme->shared)
        return "; several files were seen to have it in common";
    if (scheme->agreed)
        return "; whether other files have it too, only they can tell";
    return "; nothing confirms this yet: only what comes out of other files can";
}

bytes pair_words(const struct pair_scheme *scheme, struct arena *arena)
{
    bytes method = method_words(scheme, arena), where = {0}, around = {0};
    for (uint32_t i = 0; i < scheme->rule.n && scheme->method != PAIR_SAME; i++) {
        const struct pair_rule *rule = &scheme->rule.at[i];
        bytes one = rule_words(rule, arena);
        if (!scheme->pairs) {
            where = arena_printf(arena, "; encrypted, as it seems: %.*s", (int)one.len,
                                 one.at ? (const char *)one.at : "");
            continue;
        }
        where = arena_printf(arena, "%.*s; encrypted in files of %llu to %llu bytes: %.*s",
                             (int)where.len, where.at ? (const char *)where.at : "",
                             (ull)rule->from, (ull)rule->to, (int)one.len,
                             one.at ? (const char *)one.at : "");
    }
    if (scheme->prefix || scheme->suffix || scheme->suffix_varies)
        around = arena_printf(
            arena, "; %llu bytes were put before the file and %s%llu after it",
            (ull)scheme->prefix, scheme->suffix_varies ? "at least " : "", (ull)scheme->suffix);
    return arena_printf(arena, "%.*s%.*s%.*s%s", (int)method.len,
                        method.at ? (const char *)method.at : "", (int)where.len,
                        where.at ? (const char *)where.at : "", (int)around.len,
                        around.at ? (const char *)around.at : "", trust_words(scheme));
}
