/* A reply is read or refused; what was read has numbers that exist and sums that agree. */
#include "alert/alert.h"
#include "scan/reply.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_message(void *context, const struct yara_message *message)
{
    (void)context, (void)message;
}

static struct definitions *compile(void)
{
    static const char rules[] =
        "rule one { strings: $a = \"aa\" $b = \"bb\" private condition: any of them }\n"
        "rule two { strings: $c = \"cc\" condition: $c }";
    static struct definitions set;
    const struct definitions_options options = {.message = on_message};
    struct definitions_loader *loader = definitions_loader_new(&options);
    struct why why;
    if (!loader ||
        definitions_add_text(loader, bytes_of(rules), "rules", NULL, NULL, &why) < 0 ||
        definitions_seal(loader, &set, &why) < 0)
        abort();
    definitions_loader_free(loader);
    return &set;
}

static void look(const struct examined *examined, const struct definitions *set)
{
    uint64_t matches = 0;
    for (uint32_t i = 1; i < examined->object.n; i++)
        if (examined->object.at[i].parent >= i)
            abort();
    for (uint32_t i = 0; i < examined->finding.n; i++) {
        const struct examined_finding *finding = &examined->finding.at[i];
        if (finding->set > 0 || finding->rule >= set->set.rule_count ||
            finding->object >= examined->object.n ||
            finding->pattern_start + finding->pattern_count > examined->pattern.n)
            abort();
    }
    for (uint32_t i = 0; i < examined->pattern.n; i++)
        matches += examined->pattern.at[i].match_count;
    if (matches != examined->match.n)
        abort();
    for (uint32_t i = 0; i < examined->gap.n; i++)
        if (examined->gap.at[i].object >= examined->object.n ||
            examined->gap.at[i].kind >= GAPS)
            abort();
    for (uint32_t i = 0; i < examined->alert.n; i++)
        if (examined->alert.at[i].object >= examined->object.n ||
            !alert_name(examined->alert.at[i].alert))
            abort();
    if (examined->verdict == VERDICT_CLEAN && (examined->finding.n || examined->gap.n))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct definitions *set;
    static struct arena *arena;
    static const struct reply_part fault = {.fault = {(const uint8_t *)"gone", 4}};
    struct examined examined;
    if (!set) {
        set = compile();
        arena = arena_new((size_t)64 << 20);
    }
    uint8_t *copy = malloc(size ? size : 1); /* exact: ASan sees a byte too far */
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    arena_reset(arena);
    const struct reply_part inner = {.reply = {copy, size}};
    const struct reply_part *const parts[] = {&inner, &fault};
    const struct reply_part outer = {.reply = {copy, size}, .parts = parts, .count = 2};
    if (reply_read(&inner, bytes_of("f"), set, 1, arena, &examined) == 0)
        look(&examined, set);
    arena_reset(arena);
    if (reply_read(&outer, bytes_of("f"), set, 1, arena, &examined) == 0)
        look(&examined, set);
    reply_within(&outer, &(struct unpack_limits){.members = 5, .bytes = 5});
    free(copy);
    return 0;
}
