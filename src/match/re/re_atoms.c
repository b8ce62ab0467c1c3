/* re_atoms — the choice of atoms.
 *
 * A tree of choices is built from the syntax tree: a leaf is one atom, ANY_OF wants one of its
 * children (they are alternatives to search for), ALL_OF wants every child (they are branches
 * of the pattern). The best child of each ANY_OF wins. */
#include "match/re/re_atoms.h"

#include <string.h>

enum { ATOM_MAX = FIND_BYTES };

struct atom {
    uint32_t length;
    uint8_t value[ATOM_MAX], mask[ATOM_MAX];
};

enum choice_kind { CHOICE_LEAF, CHOICE_ALL_OF, CHOICE_ANY_OF };

struct choice {
    enum choice_kind kind;
    struct atom atom;
    const struct re_node *node; /* of the atom's first byte */
    struct choice *first, *last, *next;
};

struct listed {
    struct atom atom;
    const struct re_node *node;
    struct listed *next;
};

struct extractor {
    struct arena *arena;
    bool full;
    struct choice *into; /* ANY_OF that leaves go to */
    uint32_t n;          /* nodes in `recent` */
    const struct re_node *recent[ATOM_MAX], *best_node;
    struct atom best;
    int best_quality;
};

static int byte_quality(uint8_t c)
{
    uint8_t lower = ascii_lower(c);

    if (c == 0x00 || c == 0x20 || c == 0xcc || c == 0xff)
        return 12;
    return lower >= 'a' && lower <= 'z' ? 18 : 20;
}

/* YARA's yr_atoms_heuristic_quality: 20 for a byte, 18 for a letter, 12 for a very common one,
 * 4 for half a byte, -10 for none, 2 for each distinct byte; 10 off per byte when all are one
 * and the same common byte. The best atom has ATOM_QUALITY_MAX. */
static int atom_quality(const struct atom *atom)
{
    int quality = 0, unique = 0;
    uint8_t seen[ATOM_MAX];

    for (uint32_t i = 0; i < atom->length; i++) {
        bool known = false;
        if (atom->mask[i] != 0xff) {
            quality += atom->mask[i] ? 4 : -10;
            continue;
        }
        quality += byte_quality(atom->value[i]);
        for (int k = 0; k < unique; k++)
            known |= seen[k] == atom->value[i];
        if (!known)
            seen[unique++] = atom->value[i];
    }
    if (unique == 1 && (seen[0] == 0x00 || seen[0] == 0x20 || seen[0] == 0x90 ||
                        seen[0] == 0xcc || seen[0] == 0xff))
        quality -= 10 * (int)atom->length;
    else
        quality += 2 * unique;
    return ATOM_QUALITY_MAX - 22 * ATOM_MAX + quality;
}

/* Drops unknown bytes at both ends; an atom that is half unknown shrinks to its first byte.
 * Returns how many were dropped in front. */
static uint32_t atom_trim(struct atom *atom)
{
    uint32_t lead = 0, known = 0, unknown = 0;

    while (lead < atom->length && !atom->mask[lead])
        lead++;
    while (atom->length > lead && !atom->mask[atom->length - 1])
        atom->length--;
    atom->length -= lead;
    if (!atom->length)
        return 0;
    memmove(atom->value, atom->value + lead, ATOM_MAX - lead);
    memmove(atom->mask, atom->mask + lead, ATOM_MAX - lead);
    for (uint32_t i = 0; i < atom->length; i++) {
        known += atom->mask[i] == 0xff;
        unknown += atom->mask[i] == 0;
    }
    if (unknown >= known)
        atom->length = 1;
    return lead;
}

static void atom_from(struct atom *atom, const struct re_node *const *nodes, uint32_t n)
{
    atom->length = n;
    for (uint32_t i = 0; i < n; i++) {
        atom->value[i] = nodes[i]->value;
        atom->mask[i] = nodes[i]->mask;
    }
}

static struct choice *choice_new(struct extractor *x, enum choice_kind kind)
{
    struct choice *choice = PUSH(x->arena, struct choice);

    if (!choice)
        x->full = true;
    else
        choice->kind = kind;
    return choice;
}

static void choice_append(struct choice *parent, struct choice *child)
{
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
}

/* Ends the atom at hand and lets leaves go to `into` from now on. */
static void turn_to(struct extractor *x, struct choice *into)
{
    if (x->n) {
        struct atom atom;
        struct choice *leaf = choice_new(x, CHOICE_LEAF);
        uint32_t lead;
        if (!leaf)
            return;
        atom_from(&atom, x->recent, x->n);
        lead = atom_trim(&atom);
        if (atom_quality(&atom) > x->best_quality) {
            leaf->atom = atom;
            leaf->node = x->recent[lead];
        } else {
            leaf->atom = x->best;
            leaf->node = x->best_node;
        }
        choice_append(x->into, leaf);
        x->n = 0;
    }
    x->into = into;
    x->best_quality = -1;
}

static void add_byte(struct extractor *x, const struct re_node *node)
{
    struct atom atom;
    uint32_t lead;
    int quality;

    if (x->n < ATOM_MAX) {
        x->recent[x->n++] = node;
        return;
    }
    if (x->best_quality >= ATOM_QUALITY_MAX)
        return;
    atom_from(&atom, x->recent, x->n);
    lead = atom_trim(&atom);
    quality = atom_quality(&atom);
    if (quality > x->best_quality) {
        x->best = atom;
        x->best_node = x->recent[lead];
        x->best_quality = quality;
    }
    memmove(x->recent, x->recent + 1, (ATOM_MAX - 1) * sizeof x->recent[0]);
    x->recent[ATOM_MAX - 1] = node;
}

static void visit(struct extractor *x, const struct re_node *node);

static void visit_alt(struct extractor *x, const struct re_node *node)
{
    struct choice *both = choice_new(x, CHOICE_ALL_OF), *left = choice_new(x, CHOICE_ANY_OF),
                  *right = choice_new(x, CHOICE_ANY_OF), *back = x->into;

    if (x->full)
        return;
    choice_append(both, left);
    choice_append(both, right);
    choice_append(x->into, both);
    turn_to(x, left);
    visit(x, node->first);
    turn_to(x, right);
    visit(x, node->last);
    turn_to(x, back);
}

/* Recursion: parentheses and, through alternatives, at most 128 levels more (the code was
 * compiled before and has no more splits than that). */
static void visit(struct extractor *x, const struct re_node *node)
{
    if (x->full)
        return;
    switch (node->kind) {
    case RE_LITERAL:
    case RE_MASKED:
    case RE_ANY:
        add_byte(x, node);
        break;
    case RE_CONCAT:
        for (const struct re_node *at = node->first; at; at = at->next)
            visit(x, at);
        break;
    case RE_ALT:
        visit_alt(x, node);
        break;
    case RE_PLUS:
        visit(x, node->first);
        turn_to(x, x->into);
        break;
    case RE_RANGE:
        for (int32_t i = 0; i < node->start && i < ATOM_MAX; i++)
            visit(x, node->first);
        turn_to(x, x->into);
        break;
    default:
        turn_to(x, x->into);
    }
}

static struct listed *choose(struct extractor *x, const struct choice *choice, int *ret_quality)
{
    struct listed *list = NULL, *item;
    int quality, best = 0, worst = ATOM_QUALITY_MAX;

    *ret_quality = 0;
    if (choice->kind == CHOICE_LEAF) {
        if (!choice->atom.length)
            return NULL;
        item = PUSH(x->arena, struct listed);
        if (!item) {
            x->full = true;
            return NULL;
        }
        item->atom = choice->atom;
        item->node = choice->node;
        *ret_quality = atom_quality(&item->atom);
        return item;
    }
    for (const struct choice *at = choice->first; at; at = at->next) {
        item = choose(x, at, &quality);
        if (choice->kind == CHOICE_ANY_OF) {
            if (quality > best) {
                best = quality;
                list = item;
            }
            if (best == ATOM_QUALITY_MAX)
                break;
            continue;
        }
        if (quality < worst)
            worst = quality;
        if (item) {
            struct listed *tail = item;
            while (tail->next)
                tail = tail->next;
            tail->next = list;
            list = item;
        }
    }
    *ret_quality = choice->kind == CHOICE_ANY_OF ? best : worst;
    return list;
}

static struct program_atom *push_atom(struct program_draft *draft, const struct atom *atom,
                                      bool *ret_many)
{
    struct program_atom *slot;

    if (draft->atoms.n >= PROGRAM_MAX_ATOMS) {
        *ret_many = true;
        return NULL;
    }
    slot = vec_push(draft->arena, &draft->atoms);
    if (!slot)
        return NULL;
    slot->length = (uint8_t)atom->length;
    /* Equal patterns have equal programs: what is behind the length stays zero. */
    memcpy(slot->value, atom->value, atom->length);
    memcpy(slot->mask, atom->mask, atom->length);
    slot->part = draft->parts.n - 1;
    slot->backward = UINT32_MAX;
    return slot;
}

/* Appends the wide forms of atoms[from..] in reverse, as YARA's list of them comes to lie, or
 * puts them in place of those. */
static bool make_wide(struct program_draft *draft, uint32_t from, bool replace, bool *ret_many)
{
    uint32_t end = draft->atoms.n;

    for (uint32_t i = end; i-- > from;) {
        struct program_atom narrow = draft->atoms.at[i], *slot;
        struct atom atom = {.length = narrow.length * 2u};
        if (atom.length > ATOM_MAX)
            atom.length = ATOM_MAX;
        for (uint32_t k = 0; k < atom.length; k++) {
            atom.value[k] = k & 1 ? 0 : narrow.value[k / 2];
            atom.mask[k] = k & 1 ? 0xff : narrow.mask[k / 2];
        }
        slot = push_atom(draft, &atom, ret_many);
        if (!slot)
            return false;
        slot->forward = narrow.forward;
        slot->backward = narrow.backward;
        slot->backtrack = narrow.backtrack * 2;
    }
    if (replace) {
        memmove(draft->atoms.at + from, draft->atoms.at + end,
                (draft->atoms.n - end) * sizeof *draft->atoms.at);
        draft->atoms.n -= end - from;
    }
    return true;
}

/* Appends caseless twins of atoms[from..], again in reverse. */
static bool make_caseless(struct program_draft *draft, uint32_t from, bool *ret_many)
{
    for (uint32_t i = draft->atoms.n; i-- > from;) {
        struct program_atom exact = draft->atoms.at[i], *slot;
        struct atom atom = {.length = exact.length};
        bool letters = false;
        for (uint32_t k = 0; k < atom.length; k++) {
            uint8_t fold = ascii_lower(exact.value[k]);
            bool letter = exact.mask[k] == 0xff && fold >= 'a' && fold <= 'z';
            atom.value[k] = letter ? fold & 0xdf : exact.value[k];
            atom.mask[k] = letter ? 0xdf : exact.mask[k];
            letters |= letter;
        }
        if (!letters)
            continue;
        slot = push_atom(draft, &atom, ret_many);
        if (!slot)
            return false;
        slot->twin = 1;
        memcpy(slot->same, exact.value, ATOM_MAX);
        slot->forward = exact.forward;
        slot->backward = exact.backward;
        slot->backtrack = exact.backtrack;
    }
    return true;
}

static bool make_variants(struct program_draft *draft, uint32_t from, bool *ret_many)
{
    uint32_t flags = draft->head.flags;

    if (flags & PATTERN_WIDE && !(flags & (PATTERN_BASE64 | PATTERN_BASE64WIDE)) &&
        !make_wide(draft, from, !(flags & PATTERN_ASCII), ret_many))
        return false;
    return !(flags & PATTERN_NOCASE) || make_caseless(draft, from, ret_many);
}

bool re_atoms(struct program_draft *draft, const struct re_tree *tree, uint32_t forward,
              bool *ret_many)
{
    struct extractor x = {.arena = draft->arena, .best_quality = -1};
    struct choice *root = choice_new(&x, CHOICE_ANY_OF);
    struct program_atom *slot;
    struct listed *list;
    uint32_t from = draft->atoms.n;
    int quality = 0;

    *ret_many = false;
    if (!root)
        return false;
    x.into = root;
    visit(&x, tree->root);
    if (x.full)
        return false;
    turn_to(&x, root);
    list = choose(&x, root, &quality);
    if (x.full)
        return false;
    if (quality < 0 || !list)
        quality = 0;
    if ((uint32_t)quality < draft->quality)
        draft->quality = (uint32_t)quality;
    if (!list) {
        slot = push_atom(draft, &(struct atom){.length = 0}, ret_many);
        if (slot)
            slot->forward = forward;
        return slot;
    }
    for (; list; list = list->next) {
        slot = push_atom(draft, &list->atom, ret_many);
        if (!slot)
            return false;
        slot->forward = list->node->forward;
        slot->backward = list->node->backward;
    }
    return make_variants(draft, from, ret_many);
}

static uint32_t best_window(bytes text, struct atom *ret)
{
    struct atom atom = {.length = text.len < ATOM_MAX ? (uint32_t)text.len : ATOM_MAX};
    uint32_t backtrack = 0;
    int best;

    memset(atom.mask, 0xff, ATOM_MAX);
    memcpy(atom.value, text.at, atom.length);
    *ret = atom;
    best = atom_quality(&atom);
    for (size_t i = ATOM_MAX; i < text.len && best < ATOM_QUALITY_MAX; i++) {
        int quality;
        memcpy(atom.value, text.at + i - ATOM_MAX + 1, ATOM_MAX);
        quality = atom_quality(&atom);
        if (quality > best) {
            best = quality;
            *ret = atom;
            backtrack = (uint32_t)(i - ATOM_MAX + 1);
        }
    }
    return backtrack;
}

bool re_atoms_text(struct program_draft *draft, bytes text, bool *ret_many)
{
    struct atom atom;
    uint32_t backtrack = best_window(text, &atom), from = draft->atoms.n;
    uint32_t quality =
        re_atoms_quality(text, draft->head.flags, draft->head.xor_min, draft->head.xor_max);
    struct program_atom *slot = push_atom(draft, &atom, ret_many);

    if (quality < draft->quality)
        draft->quality = quality;
    if (!slot)
        return false;
    slot->backtrack = backtrack;
    return make_variants(draft, from, ret_many);
}

/* The worst of an atom with any of its letters in the other case and any key over it. */
static int worst_variant(const struct atom *atom, uint32_t flags, uint8_t xor_min,
                         uint8_t xor_max)
{
    unsigned low = flags & PATTERN_XOR ? xor_min : 0, high = flags & PATTERN_XOR ? xor_max : 0;
    unsigned cases = flags & PATTERN_NOCASE ? 1u << atom->length : 1;
    int worst = ATOM_QUALITY_MAX;

    for (unsigned key = low; key <= high; key++) {
        for (unsigned flip = 0; flip < cases; flip++) {
            struct atom variant = *atom;
            int quality;
            for (uint32_t i = 0; i < atom->length; i++) {
                uint8_t fold = ascii_lower(variant.value[i]);
                if (flip >> i & 1 && fold >= 'a' && fold <= 'z')
                    variant.value[i] ^= 0x20;
                variant.value[i] ^= (uint8_t)key;
            }
            quality = atom_quality(&variant);
            worst = quality < worst ? quality : worst;
        }
    }
    return worst;
}

uint32_t re_atoms_quality(bytes text, uint32_t flags, uint8_t xor_min, uint8_t xor_max)
{
    struct atom atom, wide = {.length = 0};
    int worst, quality;

    best_window(text, &atom);
    worst = atom_quality(&atom);
    if (flags & PATTERN_WIDE) {
        wide.length = atom.length * 2 > ATOM_MAX ? ATOM_MAX : atom.length * 2;
        memset(wide.mask, 0xff, ATOM_MAX);
        for (uint32_t i = 0; i < wide.length; i += 2)
            wide.value[i] = atom.value[i / 2];
        quality = worst_variant(&wide, flags, xor_min, xor_max);
        worst = quality < worst ? quality : worst;
    }
    if (flags & PATTERN_ASCII) {
        quality = worst_variant(&atom, flags, xor_min, xor_max);
        worst = quality < worst ? quality : worst;
    }
    return worst < 0 ? 0 : (uint32_t)worst;
}

void re_atoms_sort(struct program_draft *draft)
{
    struct program_atom *atoms = draft->atoms.at;
    uint32_t n = draft->atoms.n;

    /* Later ones come first, then, stable, longer ones. */
    for (uint32_t i = 0; i < n / 2; i++) {
        struct program_atom swap = atoms[i];
        atoms[i] = atoms[n - 1 - i];
        atoms[n - 1 - i] = swap;
    }
    for (uint32_t length = ATOM_MAX, done = 0; length > 0; length--) {
        for (uint32_t i = done; i < n; i++) {
            struct program_atom move = atoms[i];
            if (move.length != length)
                continue;
            memmove(atoms + done + 1, atoms + done, (i - done) * sizeof *atoms);
            atoms[done++] = move;
        }
    }
}
