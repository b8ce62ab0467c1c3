/* search — finds the matches of a program in an object.
 *
 * Atoms are taken in the order of their ends, those that end at the same place longest first;
 * around each the code is run forward once and backward for every start. That order decides
 * which length wins where two ways lead to a match at the same offset, and which pieces of a
 * chain see each other: it is YARA's (libyara's scan.c). */
#include "match/search.h"

#include "match/plain.h"
#include "match/re/re_steps.h"
#include "match/text.h"

#include <string.h>

enum { MAX_MATCHES = 1000000, SCAN_SHARE = 16, FEW_MATCHES = 2048 };

/* A piece of a chain that waits for the pieces behind it. */
struct waiting {
    uint64_t offset;
    uint32_t length;
    int32_t links; /* pieces known to follow; -1: none looked at */
};

struct waiting_list {
    VEC(struct waiting) list;
    uint32_t first; /* those before it are gone */
};

struct search {
    const struct program *program;
    bytes object;
    uint64_t base;
    struct arena *arena;
    struct budget *budget;
    struct matches *ret; /* NULL: one match is enough */
    uint64_t only;       /* matches at this offset alone, or UINT64_MAX */
    bool found, done;
    struct match one;             /* the match at `only` */
    struct waiting_list *waiting; /* one per part */
    struct re_exec exec;
    uint16_t starts[EXEC_STARTS];
};

static bool stop(struct search *s)
{
    s->done = true;
    return false;
}

/* Adds matches that begin at at - lengths[i], ascending lengths, and end `forward` behind at.
 * One pass merges them into the list, which is sorted. */
static bool add_matches(struct search *s, size_t at, uint32_t forward, const uint16_t *lengths,
                        uint32_t count)
{
    struct match *list = s->ret->list.at;
    uint32_t old = s->ret->list.n, i = old, w, doubles = 0, added;
    uint64_t first = s->base + at - lengths[count - 1];

    while (i > 0 && list[i - 1].offset >= first)
        i--;
    for (uint32_t k = i, j = count; k < old && j > 0;) {
        uint64_t offset = s->base + at - lengths[j - 1];
        doubles += list[k].offset == offset;
        if (list[k].offset <= offset)
            k++;
        else
            j--;
    }
    added = count - doubles;
    if (added > MAX_MATCHES - (old > MAX_MATCHES ? MAX_MATCHES : old)) {
        budget_hit(s->budget, LIMIT_MATCHES);
        return stop(s);
    }
    if (added && !vec_push_many(s->arena, &s->ret->list, added)) {
        budget_hit(s->budget, LIMIT_MEMORY);
        return stop(s);
    }
    list = s->ret->list.at;
    w = old + added;
    i = old;
    for (uint32_t j = 0; j < count;) {
        struct match add = {.offset = s->base + at - lengths[j],
                            .length = lengths[j] + forward};
        if (i > 0 && list[i - 1].offset > add.offset) {
            list[--w] = list[--i];
            continue;
        }
        if (i > 0 && list[i - 1].offset == add.offset) {
            list[--w] = list[--i];
            if (s->program->greedy)
                list[w].length = add.length;
        } else {
            list[--w] = add;
        }
        j++;
    }
    return true;
}

/* Matches of a program of one part. */
static bool report(struct search *s, size_t at, uint32_t forward, const uint16_t *lengths,
                   uint32_t count)
{
    if (!count)
        return true;
    if (s->only != UINT64_MAX) {
        for (uint32_t i = 0; i < count; i++) {
            if (at - lengths[i] != s->only || (s->found && !s->program->greedy))
                continue;
            s->found = true;
            s->one =
                (struct match){.offset = s->only + s->base, .length = lengths[i] + forward};
        }
        return true;
    }
    s->found = true;
    if (!s->ret)
        return stop(s);
    return add_matches(s, at, forward, lengths, count);
}

/* --- chains --- */

static bool in_reach(const struct program_part *part, const struct waiting *before,
                     uint64_t offset)
{
    int64_t end = (int64_t)(before->offset + before->length);

    return end + part->gap_max >= (int64_t)offset && end + part->gap_min <= (int64_t)offset;
}

/* Notes that `links` pieces follow this one, and one more those that reach it. */
static bool link_back(struct search *s, uint32_t part, struct waiting *match, int32_t links)
{
    struct waiting_list *before;

    if (match->links == links)
        return true;
    match->links = links;
    if (!part)
        return true;
    before = &s->waiting[part - 1];
    if (!budget_charge(s->budget, before->list.n - before->first + 1))
        return stop(s);
    for (uint32_t i = before->first; i < before->list.n; i++)
        if (in_reach(&program_parts(s->program)[part], &before->list.at[i], match->offset) &&
            !link_back(s, part - 1, &before->list.at[i], links + 1))
            return false;
    return true;
}

/* True when some piece before this one is in reach; drops those that are too far behind for
 * this and all later ones. */
static bool has_before(struct search *s, uint32_t number, uint64_t offset)
{
    const struct program_part *part = &program_parts(s->program)[number];
    struct waiting_list *before = &s->waiting[number - 1], *own = &s->waiting[number];
    uint64_t lowest = own->first < own->list.n ? own->list.at[own->first].offset : offset;

    for (uint32_t i = before->first; i < before->list.n;) {
        struct waiting *w = &before->list.at[i];
        int64_t end = (int64_t)(w->offset + w->length);
        if (!budget_charge(s->budget, 1))
            return stop(s);
        if (end + part->gap_max < (int64_t)lowest) {
            if (i == before->first) {
                i = ++before->first;
            } else {
                memmove(w, w + 1, (before->list.n - i - 1) * sizeof *w);
                before->list.n--;
            }
        } else if (in_reach(part, w, offset)) {
            return true;
        } else {
            i++;
        }
    }
    return false;
}

static bool add_waiting(struct search *s, uint32_t number, uint64_t offset, uint32_t length)
{
    struct waiting_list *own = &s->waiting[number];
    uint32_t i = own->list.n;
    struct waiting *slot;

    while (i > own->first && own->list.at[i - 1].offset > offset)
        i--;
    if (i > own->first && own->list.at[i - 1].offset == offset)
        return true;
    if (own->list.n - own->first >= MAX_MATCHES) {
        budget_hit(s->budget, LIMIT_MATCHES);
        return stop(s);
    }
    if (!budget_charge(s->budget, own->list.n - i + 1))
        return stop(s);
    slot = vec_push(s->arena, &own->list);
    if (!slot) {
        budget_hit(s->budget, LIMIT_MEMORY);
        return stop(s);
    }
    slot = &own->list.at[i];
    memmove(slot + 1, slot, (own->list.n - 1 - i) * sizeof *slot);
    *slot = (struct waiting){.offset = offset, .length = length};
    return true;
}

/* The last piece was found: heads from which the whole chain leads here are matches. */
static bool confirm(struct search *s, uint64_t offset, uint32_t length)
{
    uint32_t last = s->program->part_count - 1, kept;
    struct waiting_list *before = &s->waiting[last - 1], *heads = &s->waiting[0];

    if (!budget_charge(s->budget, before->list.n - before->first + heads->list.n))
        return stop(s);
    for (uint32_t i = before->first; i < before->list.n; i++)
        if (in_reach(&program_parts(s->program)[last], &before->list.at[i], offset) &&
            !link_back(s, last - 1, &before->list.at[i], 1))
            return false;
    kept = heads->first;
    for (uint32_t i = heads->first; i < heads->list.n; i++) {
        struct waiting *head = &heads->list.at[i];
        uint16_t none = 0;
        if (head->links != (int32_t)last) {
            heads->list.at[kept++] = *head;
            continue;
        }
        if (!report(s, head->offset, (uint32_t)(offset - head->offset + length), &none, 1))
            return false;
    }
    heads->list.n = kept;
    return true;
}

static bool report_piece(struct search *s, uint32_t number, uint64_t offset, uint32_t length)
{
    if (number == 0)
        return add_waiting(s, 0, offset, length);
    if (!has_before(s, number, offset))
        return !s->done;
    if (number + 1 < s->program->part_count)
        return add_waiting(s, number, offset, length);
    if (s->program->flags & PATTERN_TAILS) {
        uint16_t none = 0;
        return report(s, offset, length, &none, 1);
    }
    return confirm(s, offset, length);
}

/* --- around an atom --- */

/* Those that have what must stand beside them. */
static uint32_t keep_edged(const struct search *s, uint32_t part, size_t at, int forward,
                           uint16_t *lengths, uint32_t count)
{
    const struct program *p = s->program;
    uint32_t kept = 0;

    if (part + 1 == p->part_count && p->right &&
        !program_edge_at(p->right, false, s->object, at + (size_t)forward))
        return 0;
    if (part || !p->left)
        return count;
    for (uint32_t i = 0; i < count; i++)
        if (program_edge_at(p->left, true, s->object, at - lengths[i]))
            lengths[kept++] = lengths[i];
    return kept;
}

/* Matches begin at at - lengths[i] and end `forward` behind at. */
static bool report_all(struct search *s, uint32_t part, size_t at, int forward,
                       uint16_t *lengths, uint32_t count, bool wide)
{
    uint32_t kept = 0;

    if (s->program->left | s->program->right)
        count = keep_edged(s, part, at, forward, lengths, count);
    if (s->program->flags & PATTERN_FULLWORD) {
        for (uint32_t i = 0; i < count; i++)
            if (text_is_word(s->object, at - lengths[i], lengths[i] + (uint32_t)forward, wide))
                lengths[kept++] = lengths[i];
        count = kept;
    }
    if (s->program->part_count == 1)
        return report(s, at, (uint32_t)forward, lengths, count);
    for (uint32_t i = 0; i < count; i++)
        if (!report_piece(s, part, at - lengths[i], lengths[i] + (uint32_t)forward))
            return false;
    return true;
}

static bool try_general(struct search *s, const struct program_atom *atom, size_t at, bool wide)
{
    int forward = re_exec_forward(&s->exec, atom->forward, at, wide);
    uint32_t count = 1;

    s->starts[0] = 0;
    if (forward >= 0 && atom->backward != UINT32_MAX)
        count = re_exec_backward(&s->exec, atom->backward, at, wide, s->starts);
    if (s->exec.failed) {
        /* Too many threads here; other places may still match. */
        s->exec.failed = false;
        return s->budget->steps ? true : stop(s);
    }
    /* Where nothing precedes the code, YARA looks at the neighbours as if they were narrow. */
    return forward < 0 || report_all(s, atom->part, at, forward, s->starts, count,
                                     wide && atom->backward != UINT32_MAX);
}

static bool try_simple(struct search *s, const struct program_atom *atom, size_t at)
{
    const struct program_part *part = &program_parts(s->program)[atom->part];
    int forward = re_steps_forward(&s->exec, atom->forward, part->start + part->count, at);
    uint32_t count = 1;

    s->starts[0] = 0;
    if (forward >= 0 && atom->backward != UINT32_MAX)
        count = re_steps_backward(&s->exec, part->start, atom->forward, at, s->starts);
    if (s->exec.failed)
        return stop(s);
    return forward < 0 || report_all(s, atom->part, at, forward, s->starts, count, false);
}

static bool try_literal(struct search *s, const struct program_atom *atom, size_t at)
{
    const struct program_part *part = &program_parts(s->program)[atom->part];
    const uint8_t *text = program_texts(s->program) + part->start;
    uint32_t flags = s->program->flags;
    bool nocase = flags & PATTERN_NOCASE, wide = false;
    uint16_t none = 0;

    if (at < atom->backtrack)
        return true;
    at -= atom->backtrack;
    if (part->flags & PART_FITS)
        wide = atom->length == part->count * 2;
    else if (!(flags & PATTERN_ASCII) ||
             !text_equal(text, part->count, s->object, at, false, nocase))
        wide = true;
    if (!(part->flags & PART_FITS) && wide &&
        (!(flags & PATTERN_WIDE) ||
         !text_equal(text, part->count, s->object, at, true, nocase)))
        return true;
    return report_all(s, atom->part, at, (int)(wide ? part->count * 2 : part->count), &none, 1,
                      wide);
}

/* The atom's bytes begin at `at`. */
static bool try_atom(struct search *s, const struct program_atom *atom, size_t at)
{
    uint32_t flags = s->program->flags;

    if (at >= s->object.len)
        return true;
    switch (program_parts(s->program)[atom->part].kind) {
    case PART_LITERAL:
        return try_literal(s, atom, at);
    case PART_SIMPLE:
        return try_simple(s, atom, at);
    default:
        if (flags & (PATTERN_ASCII | PATTERN_BASE64 | PATTERN_BASE64WIDE) &&
            !try_general(s, atom, at, false))
            return false;
        return !(flags & PATTERN_WIDE) || try_general(s, atom, at, true);
    }
}

static bool atom_is_at(const struct program_atom *atom, bytes object, size_t end)
{
    const uint8_t *p;

    if (end + 1 < atom->length)
        return false;
    p = object.at + end + 1 - atom->length;
    for (uint32_t i = 0; i < atom->length; i++)
        if ((p[i] & atom->mask[i]) != atom->value[i])
            return false;
    return !atom->twin || memcmp(p, atom->same, atom->length) != 0;
}

/* False when no atom of the group leads to a match from `at`. */
static bool try_group(struct search *s, uint32_t group, size_t at)
{
    uint32_t flags = s->program->flags;

    return at >= s->object.len ||
           (flags & (PATTERN_ASCII | PATTERN_BASE64 | PATTERN_BASE64WIDE) &&
            re_exec_possible(&s->exec, group, at, false)) ||
           (flags & PATTERN_WIDE && re_exec_possible(&s->exec, group, at, true));
}

/* All atoms that end at `end` (SIZE_MAX: those of no length at the object's start). */
static bool try_end(struct search *s, size_t end, uint8_t buckets)
{
    const struct program_atom *atoms = program_atoms(s->program);
    uint32_t denied = 0, asked = 1;

    for (uint32_t i = 0; i < s->program->atom_count; i++) {
        const struct program_atom *atom = &atoms[i];
        if (!(atom->buckets & buckets) || denied >> atom->group & 1 ||
            (atom->length && (end == SIZE_MAX || !atom_is_at(atom, s->object, end))))
            continue;
        if (!(asked >> atom->group & 1)) {
            asked |= 1u << atom->group;
            if (!try_group(s, atom->group, end + 1 - atom->length)) {
                denied |= 1u << atom->group;
                continue;
            }
        }
        if (!try_atom(s, atom, end + 1 - atom->length))
            return false;
    }
    return true;
}

/* The first position at or after *at where `run` bytes of the set begin, or false. Bytes up to
 * *good are known to be in it: long jumps over what is not, no byte looked at twice. */
static bool next_run(const bool *set, uint32_t run, bytes object, size_t *at, size_t *good)
{
    size_t start = *at, known = *good > start ? *good : start;

    while (object.len - start >= run) {
        size_t i = start + run;
        while (i > known && set[object.at[i - 1]])
            i--;
        if (i <= known) {
            *at = start;
            *good = start + run > known ? start + run : known;
            return true;
        }
        known = start + run;
        start = i;
    }
    return false;
}

/* A pattern without atoms is tried at each position that its beginning and the `fullword` rule
 * leave. */
static void search_starts(struct search *s, size_t from, size_t limit)
{
    const struct program *p = s->program;
    const struct re_set *first = p->first ? &program_sets(p)[p->first - 1] : NULL;
    const uint8_t *data = s->object.at;
    bool set[256], fullword = p->flags & PATTERN_FULLWORD;
    size_t good = 0, before = from;

    for (unsigned c = 0; p->run && c < 256; c++)
        set[c] = re_set_has(&program_sets(p)[p->run_set], (uint8_t)c);
    for (size_t at = from; at < limit; at++) {
        if (p->run && !next_run(set, p->run, s->object, &at, &good))
            at = limit;
        if (at - before >= 4096 || at >= limit) {
            if (!budget_charge(s->budget, (at - before) / 4 + 1)) {
                s->done = true;
                return;
            }
            before = at;
        }
        if (at >= limit)
            return;
        if ((first && !re_set_has(first, data[at])) ||
            (fullword && at && ascii_alnum(data[at - 1])))
            continue;
        if (!try_atom(s, program_atoms(p), at))
            return;
    }
}

/* The same for a chain some part of which has no atom. */
static void search_everywhere(struct search *s, size_t from, size_t limit)
{
    if (!try_end(s, from ? from - 1 : SIZE_MAX, 0xff))
        return;
    for (size_t at = from; at < limit; at++) {
        if (!budget_charge(s->budget, 1)) {
            s->done = true;
            return;
        }
        if (!try_end(s, at, 0xff))
            return;
    }
}

/* Tries the atoms that begin in [from, to]. */
static void search_atoms(struct search *s, size_t from, size_t to)
{
    const struct program *p = s->program;
    struct find_hit hits[FIND_BATCH];
    size_t at = from, limit = s->object.len;

    if (limit > FIND_BYTES && to < limit - FIND_BYTES)
        limit = to + FIND_BYTES + 1;
    if (!p->finder.depth) {
        if (p->part_count == 1 && p->atom_count == 1)
            search_starts(s, from, limit);
        else
            search_everywhere(s, from, limit);
        return;
    }
    while (at < limit && !s->done) {
        size_t before = at;
        uint32_t count = finder_scan(&p->finder, s->object, &at, limit, hits);
        if (!budget_charge(s->budget, (at - before) / SCAN_SHARE + count + 1)) {
            s->done = true;
            return;
        }
        for (uint32_t i = 0; i < count; i++)
            if (!try_end(s, hits[i].end, hits[i].buckets))
                return;
    }
}

static bool report_text(struct search *s, size_t offset)
{
    struct match match, *list, *slot;
    uint32_t i;

    if (!text_match(s->program, s->object, offset, &match))
        return true;
    s->found = true;
    if (!s->ret)
        return stop(s);
    match.offset += s->base;
    list = s->ret->list.at;
    i = s->ret->list.n;
    while (i > 0 && list[i - 1].offset > match.offset)
        i--;
    if (i > 0 && list[i - 1].offset == match.offset)
        return true;
    if (s->ret->list.n >= MAX_MATCHES) {
        budget_hit(s->budget, LIMIT_MATCHES);
        return stop(s);
    }
    if (!vec_push(s->arena, &s->ret->list)) {
        budget_hit(s->budget, LIMIT_MEMORY);
        return stop(s);
    }
    slot = &s->ret->list.at[i];
    memmove(slot + 1, slot, (s->ret->list.n - 1 - i) * sizeof *slot);
    *slot = match;
    return true;
}

/* The forms of a text that may end at a candidate. */
static bool report_forms(struct search *s, size_t end, uint8_t buckets)
{
    const struct program *p = s->program;

    for (uint32_t k = 0; k < p->forms; k++)
        if (buckets >> k & 1 && end >= p->form[k].window &&
            !report_text(s, end - p->form[k].window))
            return false;
    return true;
}

static void search_text(struct search *s, size_t from)
{
    const struct program *p = s->program;
    struct find_hit hits[FIND_BATCH];
    size_t at = from;

    while (at < s->object.len && !s->done) {
        size_t before = at;
        uint32_t count = finder_scan(&p->finder, s->object, &at, s->object.len, hits);
        if (!budget_charge(s->budget, (at - before) / SCAN_SHARE + count + 1)) {
            s->done = true;
            return;
        }
        for (uint32_t i = 0; i < count; i++)
            if (!report_forms(s, hits[i].end, hits[i].buckets))
                return;
    }
}

/* True when it is ready to run. */
static bool begin(struct search *s)
{
    const struct program *p = s->program;

    s->found = s->done = false;
    s->waiting = NULL;
    if (p->kind == PROGRAM_TEXT)
        return true;
    if (p->part_count > 1) {
        s->waiting = PUSH_ARRAY(s->arena, struct waiting_list, p->part_count);
        if (!s->waiting) {
            budget_hit(s->budget, LIMIT_MEMORY);
            return false;
        }
    }
    return re_exec_init(&s->exec, p, s->object, s->arena, s->budget);
}

struct search *search_open(const struct program *program, bytes object, struct arena *arena,
                           struct budget *budget)
{
    struct search *s = arena_push_raw(arena, sizeof *s);

    if (!s)
        return NULL;
    s->program = program;
    s->object = object;
    s->base = 0;
    s->arena = arena;
    s->budget = budget;
    s->ret = NULL;
    s->only = UINT64_MAX;
    return begin(s) ? s : NULL;
}

enum search_state search_feed(struct search *s, size_t end, uint8_t buckets)
{
    if (s->program->kind == PROGRAM_TEXT)
        report_forms(s, end, buckets);
    else
        try_end(s, end, buckets);
    return s->found ? SEARCH_FOUND : s->done ? SEARCH_STOPPED : SEARCH_GOES_ON;
}

/* Gives the arena back what the search used, where the matches are few enough to be carried
 * over. */
static bool keep_matches(struct search *s, struct arena_mark mark, struct matches *from,
                         struct matches *to)
{
    struct match few[FEW_MATCHES], *slot;
    uint32_t n = from->list.n;

    if (n > FEW_MATCHES && !to->list.n) {
        *to = *from;
        return true;
    }
    if (n <= FEW_MATCHES) {
        if (n)
            memcpy(few, from->list.at, n * sizeof *few);
        arena_pop(s->arena, mark);
        if (!n)
            return true;
    }
    slot = vec_push_many(s->arena, &to->list, n);
    if (!slot) {
        budget_hit(s->budget, LIMIT_MEMORY);
        return false;
    }
    memcpy(slot, n <= FEW_MATCHES ? few : from->list.at, n * sizeof *slot);
    return true;
}

bool pattern_find(bytes program, bytes object, uint64_t base, struct arena *arena,
                  struct budget *budget, struct matches *ret)
{
    struct arena_mark mark = arena_mark(arena);
    struct matches found = {0};
    struct search s;

    if (plain_is(program))
        return plain_find(program, object, base, arena, budget, ret);
    s.program = (const struct program *)(const void *)program.at;
    s.object = object;
    s.base = base;
    s.arena = arena;
    s.budget = budget;
    s.ret = &found;
    s.only = UINT64_MAX;
    if (!begin(&s))
        return false;
    if (s.program->kind == PROGRAM_TEXT)
        search_text(&s, 0);
    else if (object.len && s.program->kind == PROGRAM_ATOMS)
        search_atoms(&s, 0, object.len);
    return keep_matches(&s, mark, &found, ret) && !s.done;
}

bool pattern_exists(bytes program, bytes object, size_t from, struct arena *arena,
                    struct budget *budget)
{
    struct arena_mark mark = arena_mark(arena);
    struct search s;

    if (plain_is(program))
        return plain_exists(program, object, from, budget);
    s.program = (const struct program *)(const void *)program.at;
    s.object = object;
    s.base = 0;
    s.arena = arena;
    s.budget = budget;
    s.ret = NULL;
    s.only = UINT64_MAX;
    if (from >= object.len || !begin(&s))
        return false;
    if (s.program->kind == PROGRAM_TEXT)
        search_text(&s, from);
    else if (s.program->kind == PROGRAM_ATOMS)
        search_atoms(&s, from, object.len);
    arena_pop(arena, mark);
    return s.found;
}

bool pattern_at(bytes program, bytes object, size_t offset, struct arena *arena,
                struct budget *budget, struct match *ret)
{
    struct arena_mark mark = arena_mark(arena);
    struct search s;

    if (plain_is(program))
        return budget_charge(budget, 1) && plain_at(program, object, offset, ret);
    s.program = (const struct program *)(const void *)program.at;
    s.object = object;
    s.base = 0;
    s.arena = arena;
    s.budget = budget;
    s.ret = NULL;
    s.only = offset;
    if (offset >= object.len)
        return false;
    if (s.program->kind == PROGRAM_TEXT)
        return budget_charge(budget, 1) && text_match(s.program, object, offset, ret);
    if (!begin(&s))
        return false;
    if (s.program->kind != PROGRAM_ATOMS)
        return false;
    /* A chain's last piece may be anywhere; around an atom at most EXEC_LIMIT is looked at. */
    search_atoms(&s, offset,
                 s.program->part_count > 1 || object.len - offset <= EXEC_LIMIT
                     ? object.len
                     : offset + EXEC_LIMIT);
    arena_pop(arena, mark);
    if (s.found)
        *ret = s.one;
    return s.found;
}

int pattern_match_text(bytes program, bytes subject, struct arena *arena, struct budget *budget)
{
    const struct program *p = (const struct program *)(const void *)program.at;
    struct arena_mark mark = arena_mark(arena);
    struct re_exec exec;
    struct match match;
    int result = -1;

    if (p->kind == PROGRAM_SUBJECT) {
        if (re_exec_init(&exec, p, subject, arena, budget))
            result = re_exec_scan(&exec, 0);
        arena_pop(arena, mark);
        return result;
    }
    /* A pattern of a rule handed in by mistake of none: the same answer, by search. */
    for (size_t at = 0; at < subject.len; at++)
        if (pattern_at(program, subject, at, arena, budget, &match))
            return (int)(at + match.length);
    return -1;
}
