/* expression — NODE_COUNT_PCRE: ClamAV's PCRE subsignatures (docs.clamav.net, "PCRE
 * subsignatures"), with the limits that clamscan 1.4 has unless told otherwise. */
#include "engine/signature.h"

#include "shim/pcre.h"

enum {
    BUCKETS = 1024,
    CALLS = 100000,           /* PCREMatchLimit */
    DEPTH = 2000,             /* PCRERecMatchLimit */
    OBJECT = 100 << 20,       /* PCREMaxFileSize */
    KEEP = 64 << 20,          /* expressions that stay compiled */
    FIRST_STRETCH = 64 << 10, /* bytes between two looks at the budget; then twice as many */
};

/* An expression of this ruleset, compiled when it was first asked for; and its last answer. */
struct expression {
    uint32_t node;
    uint32_t known; /* the object that `count` is of */
    uint64_t count;
    const struct pcre *pcre; /* NULL: malformed */
    struct expression *next; /* in the bucket */
};

struct expressions {
    struct expression *buckets[BUCKETS];
    size_t memory; /* of home */
};

_Static_assert((int)PCRE_NOCASE == PCRE_OPTION_NOCASE &&
                   (int)PCRE_UNGREEDY == PCRE_OPTION_UNGREEDY,
               "the options of node.h are those of the shim");

static const struct pcre *compile(struct scanner *scanner, const struct node *node,
                                  struct arena *arena)
{
    const struct ruleset *set = scanner->set;
    const uint32_t *links = set->links + node->a;
    struct why why;
    bytes text = bytes_slice(set->texts, links[0], links[1]);
    struct pcre *pcre = pcre_compile(text, links[2] & (2 * PCRE_UNGREEDY - 1), arena, &why);
    if (!pcre && !why.text[0])
        budget_hit(&scanner->budget, LIMIT_MEMORY);
    return pcre;
}

/* The entry of an expression. NULL when memory is out. */
static struct expression *expression_of(struct scanner *scanner, const struct node *node)
{
    struct expressions *all = scanner->expressions;
    if (!all)
        all = scanner->expressions = PUSH(scanner->home, struct expressions);
    if (!all)
        return NULL;
    uint32_t number = (uint32_t)(node - scanner->set->nodes);
    struct expression **bucket = &all->buckets[number % BUCKETS];
    for (struct expression *at = *bucket; at; at = at->next)
        if (at->node == number)
            return at;
    bool is_kept = all->memory < KEEP;
    struct arena *arena = is_kept ? scanner->home : scanner->arena;
    size_t before = arena_used(scanner->home);
    struct expression *expression = PUSH(arena, struct expression);
    if (!expression)
        return NULL;
    expression->node = number;
    expression->pcre = compile(scanner, node, arena);
    if (is_kept) {
        expression->next = *bucket;
        *bucket = expression;
        all->memory += arena_used(scanner->home) - before;
    }
    return expression;
}

/* The next match, looked for stretch by stretch. False: none, or a limit. */
static bool find(struct scanner *scanner, const struct pcre *pcre, struct pcre_search *search)
{
    size_t until = search->until < search->data.len ? search->until : search->data.len + 1;
    size_t stretch = FIRST_STRETCH;
    while (search->from < until) {
        size_t left = until - search->from;
        stretch = stretch < left ? stretch : left;
        if (!budget_charge(&scanner->budget, stretch))
            return false;
        search->until = search->from + stretch;
        struct arena_mark mark = arena_mark(scanner->arena);
        enum pcre_result result = pcre_find(pcre, search, scanner->arena);
        arena_pop(scanner->arena, mark);
        if (result == PCRE_LIMIT)
            budget_hit(&scanner->budget, LIMIT_STEPS);
        else if (result == PCRE_MEMORY)
            budget_hit(&scanner->budget, LIMIT_MEMORY);
        if (result == PCRE_MATCH) {
            search->until = until;
            return true;
        }
        if (result != PCRE_NONE || search->here)
            return false;
        search->from += stretch;
        stretch *= 2;
    }
    return false;
}

static uint64_t count_matches(struct scanner *scanner, const struct pcre *pcre, uint32_t flags,
                              struct expression_range range)
{
    bytes data = scanner->object->blocks[0].data;
    struct pcre_search search = {
        .data = data, .until = SIZE_MAX, .limits = {.calls = CALLS, .depth = DEPTH}};
    if (!range.everywhere) {
        /* As ClamAV does: what lies before the range is not there for the expression. */
        uint64_t shift = range.end - range.first - 1;
        if (range.first >= data.len)
            return 0;
        search.data = bytes_slice(data, (size_t)range.first, data.len);
        search.here = shift == 0 && !(flags & PCRE_ROLLING);
        if (shift && (flags & PCRE_ENCOMPASS))
            search.data = bytes_slice(search.data, 0, (size_t)shift);
        else if (shift)
            search.until = (size_t)shift + 1;
    }
    uint64_t count = 0;
    while (find(scanner, pcre, &search)) {
        count++;
        if (!(flags & PCRE_GLOBAL))
            break;
        search.from = search.end > search.begin && search.end > search.from ? search.end
                                                                            : search.from + 1;
        if (search.from >= search.data.len)
            break;
    }
    return count;
}

uint64_t expression_count(struct scanner *scanner, const struct node *node,
                          struct expression_range range)
{
    const struct object_input *object = scanner->object;
    if (object->is_process || object->block_count != 1)
        return 0;
    if (object->blocks[0].data.len > OBJECT) {
        budget_hit(&scanner->budget, LIMIT_STEPS);
        return 0;
    }
    struct expression *expression = expression_of(scanner, node);
    if (!expression) {
        budget_hit(&scanner->budget, LIMIT_MEMORY);
        return 0;
    }
    if (expression->known == scanner->stamp)
        return expression->count;
    expression->known = scanner->stamp;
    expression->count =
        expression->pcre
            ? count_matches(scanner, expression->pcre, scanner->set->links[node->a + 2], range)
            : 0;
    return expression->count;
}

void expression_forget(struct scanner *scanner)
{
    for (size_t i = 0; scanner->expressions && i < BUCKETS; i++)
        for (struct expression *at = scanner->expressions->buckets[i]; at; at = at->next)
            at->known = 0;
}
