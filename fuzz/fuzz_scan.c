/* Rules and an object together: the input is rule text, a NUL, and the bytes to examine.
 *
 * Property: any rules that compile find the same in the object, with the same offsets and
 * lengths, sealed with anchors and gates and sealed without them; and so do two threads at once
 * that share the ruleset. CANDOR_CPU=scalar|avx2 lowers the level of the filter. An examination
 * that ran into a limit is not compared: the limit says that it is not complete. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "engine/engine.h"
#include "rules/draft.h"
#include "yara/yara.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS = 20000000, MEMORY = 32 << 20 };

struct examination {
    const struct ruleset *set;
    struct block object;
    struct object_input input; /* lives on: matches may be searched for later */
    struct scanner *scanner;
    struct verdict verdict;
    bool is_done;
};

static void require(bool what)
{
    if (!what)
        abort();
}

static void hear(void *context, const struct yara_message *message)
{
    (void)context, (void)message;
}

static bool compile(bytes text, bool unfiltered, struct arena *arena, struct ruleset *ret)
{
    struct draft *draft = draft_new(arena);
    struct yara_options options = {.message = hear, .no_warnings = true, .max_errors = 4};
    struct yara_source source = {.text = text, .name_space = bytes_of("default")};
    struct yara_compiler *compiler = draft ? yara_compiler_new(draft, &options) : NULL;
    uint32_t errors = 0;
    bytes file;
    if (!compiler || yara_compile(compiler, &source, &errors) < 0)
        return false;
    draft->unfiltered = unfiltered;
    return draft_seal(draft, arena, &file, NULL) == 0 &&
           ruleset_open(file, module_fingerprint(), ret, NULL) == 0;
}

static void *examine(void *at)
{
    struct examination *self = at;
    struct scanner_options options = {.steps = STEPS, .memory = MEMORY};
    self->input =
        (struct object_input){.blocks = &self->object, .block_count = 1, .now = 1700000000};
    self->scanner = scanner_new(self->set, &options);
    self->is_done = self->scanner &&
                    scanner_scan(self->scanner, &self->input, &self->verdict) == 0 &&
                    self->verdict.limit == LIMIT_NONE;
    return NULL;
}

static void require_same_matches(struct examination *a, struct examination *b, uint32_t rule)
{
    const struct ruleset_rule *row = &a->set->rules[rule];
    for (uint32_t i = 0; i < row->pattern_count; i++) {
        const struct matches *x = scanner_matches(a->scanner, row->pattern_start + i);
        const struct matches *y = scanner_matches(b->scanner, row->pattern_start + i);
        if (!x || !y)
            continue;
        require(x->list.n == y->list.n);
        for (uint32_t k = 0; k < x->list.n; k++)
            require(x->list.at[k].offset == y->list.at[k].offset &&
                    x->list.at[k].length == y->list.at[k].length);
    }
}

static void require_same(struct examination *a, struct examination *b)
{
    if (!a->is_done || !b->is_done)
        return;
    require(a->verdict.finding_count == b->verdict.finding_count);
    for (uint32_t i = 0; i < a->verdict.finding_count; i++) {
        require(a->verdict.findings[i].rule == b->verdict.findings[i].rule);
        require_same_matches(a, b, a->verdict.findings[i].rule);
    }
}

static void compare(bytes object, const struct ruleset *fast, const struct ruleset *slow)
{
    struct examination one = {.set = fast, .object = {.data = object}}, two = one;
    struct examination truth = {.set = slow, .object = {.data = object}};
    pthread_t thread;
    require(pthread_create(&thread, NULL, examine, &two) == 0);
    examine(&one);
    pthread_join(thread, NULL);
    examine(&truth);
    require_same(&one, &truth);
    require_same(&one, &two);
    scanner_free(one.scanner);
    scanner_free(two.scanner);
    scanner_free(truth.scanner);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    const char *level = getenv("CANDOR_CPU");
    if (!end)
        return 0;
    if (level && strcmp(level, "avx512") != 0)
        cpu_force(strcmp(level, "avx2") == 0 ? CPU_AVX2 : CPU_SCALAR);
    bytes text = {data, (size_t)(end - data)};
    bytes object = {end + 1, size - text.len - 1};
    struct arena *one = arena_new(64 << 20), *other = arena_new(64 << 20);
    struct ruleset fast, slow;
    if (one && other && compile(text, false, one, &fast)) {
        require(compile(text, true, other, &slow));
        compare(object, &fast, &slow);
    }
    arena_free(one);
    arena_free(other);
    return 0;
}
