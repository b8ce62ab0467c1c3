#include "rescue/salvage/packed/joint.h"

#include "rescue/salvage/map/map.h"

#include <string.h>

enum {
    EIGHTHS = MAP_EIGHTHS,
    SMOOTH = 4, /* what was never seen weighs so much */
    SAYS_MOST = 6 * EIGHTHS,
    LONGER = 3 * EIGHTHS, /* against a copy that could have been longer */
    SURE = 16 * EIGHTHS,  /* by which the best length must be better than any other */
    LEARN_LEAST = 2048,
    PAST_LEAST = 256,        /* symbols before a gap: fewer fit many lengths by chance */
    TALKATIVE = EIGHTHS / 4, /* what bytes must say of the next one, on the average */
    LEARN_MOST = 8 << 20,
    WIDE = 6, /* a gap may hold so many times as much, or as little, as others */
    SLACK = 64,
    FIRST_PAIRS = 128,
    FINALISTS = 16, /* lengths of which all pairs are looked at */
    NOWHERE = UINT16_MAX,
};

/* --- what follows what --- */

static void learn(struct joint_model *model, const uint16_t *symbols, size_t n)
{
    if (model->total > LEARN_MOST)
        return;
    for (size_t i = 1; i < n; i++) {
        uint16_t a = symbols[i - 1], b = symbols[i];
        if (a >= JOINT_BYTES || b >= JOINT_BYTES)
            continue;
        /* What is said of bytes that were not learned yet counts. */
        model->said += model->told ? model->says[a][b] : 0;
        model->pairs += model->told != 0;
        model->seen[a][b]++;
        model->all[a]++;
        model->alone[b]++;
        model->total++;
    }
}

/* How much likelier one is behind the other than anywhere. */
static void tell(struct joint_model *model)
{
    if (model->told && model->total < 2 * model->told)
        return;
    for (int a = 0; a < JOINT_BYTES; a++)
        for (int b = 0; b < JOINT_BYTES; b++) {
            uint64_t alone = model->alone[b] + 1;
            uint64_t num = model->seen[a][b] * model->total + SMOOTH * alone;
            int says = map_eighths(num, alone * ((uint64_t)model->all[a] + SMOOTH));
            says = says < -SAYS_MOST ? -SAYS_MOST : says > SAYS_MOST ? SAYS_MOST : says;
            model->says[a][b] = (int8_t)says;
        }
    model->told = model->total;
    model->pairs = 0;
    model->said = 0;
}

/* --- which length --- */

static bool is_copied(uint16_t symbol)
{
    return symbol >= INFLATE_UNKNOWN;
}

/* Where a copy begins or ends. */
static size_t find_pairs(struct joint *joint)
{
    const uint16_t *look = joint->look;
    size_t n = 0;
    for (size_t i = 1; i < joint->held && n < JOINT_PAIRS; i++) {
        uint16_t a = look[i - 1], b = look[i];
        if ((!is_copied(a) && !is_copied(b)) || (is_copied(a) && b == a + 1))
            continue;
        bool last = a + 1 >= INFLATE_UNKNOWN + INFLATE_WINDOW;
        joint->pairs[n++] =
            (struct joint_pair){a, b, is_copied(a) && !last ? (uint16_t)(a + 1) : NOWHERE};
    }
    return n;
}

/* The symbol that stands where the copied one came from, if the gap held `size` bytes. */
static uint16_t source(const struct joint *joint, uint16_t symbol, uint64_t size)
{
    if (!is_copied(symbol))
        return symbol;
    /* From the end of what is there; the gap lies behind it. */
    uint64_t back = INFLATE_WINDOW - (uint64_t)(symbol - INFLATE_UNKNOWN);
    if (back <= size || back - size > joint->used)
        return INFLATE_UNKNOWN;
    return joint->past[joint->used - (size_t)(back - size)];
}

static int64_t score(const struct joint *joint, size_t n, uint64_t size)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        const struct joint_pair *pair = &joint->pairs[i];
        uint16_t a = source(joint, pair->before, size), b = source(joint, pair->after, size);
        if (is_copied(b))
            continue;
        if (!is_copied(a))
            sum += joint->model.says[a][b];
        if (pair->next != NOWHERE && source(joint, pair->next, size) == b)
            sum -= LONGER;
    }
    return sum;
}

struct finalist {
    int64_t says;
    uint64_t size;
};

/* The lengths that the first pairs like best. */
static size_t choose(struct joint *joint, size_t n, uint64_t least, uint64_t most,
                     struct finalist *finalists)
{
    size_t count = 0;
    n = n < FIRST_PAIRS ? n : FIRST_PAIRS;
    for (uint64_t size = least; size < most; size++) {
        int64_t says = score(joint, n, size);
        size_t at = count < FINALISTS ? count++ : FINALISTS;
        for (; at > 0 && finalists[at - 1].says < says; at--)
            if (at < FINALISTS)
                finalists[at] = finalists[at - 1];
        if (at < FINALISTS)
            finalists[at] = (struct finalist){says, size};
        if (!budget_charge(joint->budget, n))
            return 0;
    }
    return count;
}

/* Literals that stand side by side go together, or they are none; unless bytes that do say
 * nothing of each other in this stream. */
static bool makes_sense(struct joint *joint)
{
    const uint16_t *look = joint->look;
    const struct joint_model *model = &joint->model;
    int64_t sum = 0;
    if (model->pairs < LEARN_LEAST || model->said / (int64_t)model->pairs < TALKATIVE)
        return true;
    tell(&joint->model);
    for (size_t i = 1; i < joint->held; i++)
        if (!is_copied(look[i - 1]) && !is_copied(look[i]))
            sum += joint->model.says[look[i - 1]][look[i]];
    return sum >= 0;
}

/* The length that is clearly the best one. */
static uint64_t best_size(struct joint *joint)
{
    struct finalist finalists[FINALISTS] = {{0}};
    uint64_t about = joint->all_bits ? joint->bits * joint->out / joint->all_bits : joint->bits;
    uint64_t least = about / WIDE > SLACK ? about / WIDE - SLACK : 0;
    uint64_t most = about * WIDE + SLACK, found = JOINT_UNKNOWN;
    int64_t best = 0, second = 0;
    size_t n = find_pairs(joint);
    if (joint->model.total < LEARN_LEAST || joint->used < PAST_LEAST ||
        least >= INFLATE_WINDOW || !n)
        return JOINT_UNKNOWN;
    tell(&joint->model);
    size_t count =
        choose(joint, n, least, most < INFLATE_WINDOW ? most : INFLATE_WINDOW, finalists);
    for (size_t i = 0; i < count; i++) {
        int64_t says = score(joint, n, finalists[i].size);
        if (says > best) {
            second = best;
            best = says;
            found = finalists[i].size;
        } else if (says > second) {
            second = says;
        }
    }
    return best - second >= SURE ? found : JOINT_UNKNOWN;
}

/* --- the stream --- */

static void keep(struct joint *joint, const uint16_t *symbols, size_t n)
{
    size_t room = COUNT(joint->past) - joint->used;
    if (n > room) {
        size_t left = joint->used < INFLATE_WINDOW ? joint->used : INFLATE_WINDOW;
        memmove(joint->past, joint->past + joint->used - left, left * sizeof *joint->past);
        joint->used = left;
    }
    memcpy(joint->past + joint->used, symbols, n * sizeof *symbols);
    joint->used += n;
}

/* The gap held `size` bytes: what the piece copies is known. */
static bool settle(struct joint *joint, uint64_t size)
{
    joint->settled = true;
    for (size_t i = 0; i < INFLATE_WINDOW; i++)
        joint->start[i] = size == JOINT_UNKNOWN
                              ? (uint16_t)INFLATE_UNKNOWN
                              : source(joint, (uint16_t)(INFLATE_UNKNOWN + i), size);
    joint->used = 0;
    keep(joint, joint->start, INFLATE_WINDOW);
    return joint->gap(joint->to, size);
}

static bool put_resolved(struct joint *joint, const uint16_t *symbols, size_t n)
{
    uint16_t out[4096];
    for (size_t at = 0; at < n;) {
        size_t k = 0;
        for (; k < COUNT(out) && at < n; k++, at++)
            out[k] = is_copied(symbols[at]) ? joint->start[symbols[at] - INFLATE_UNKNOWN]
                                            : symbols[at];
        learn(&joint->model, out, k);
        keep(joint, out, k);
        if (!joint->put(joint->to, out, k))
            return false;
    }
    joint->out += n;
    return true;
}

void joint_open(struct joint *joint, bool like, struct budget *budget,
                bool (*put)(void *to, const uint16_t *symbols, size_t n),
                bool (*gap)(void *to, uint64_t size), void *to)
{
    if (!like)
        memset(&joint->model, 0, sizeof joint->model);
    joint->refused = false;
    joint->bits = joint->out = joint->all_bits = 0;
    joint->held = joint->used = 0;
    joint->budget = budget;
    joint->put = put;
    joint->gap = gap;
    joint->to = to;
    joint->settled = true;
    for (size_t i = 0; i < INFLATE_WINDOW; i++)
        joint->start[i] = INFLATE_UNKNOWN;
}

bool joint_gap(struct joint *joint, uint64_t bits, uint64_t size, bool strict)
{
    joint->bits = bits;
    joint->held = 0;
    joint->settled = joint->refused = false;
    joint->strict = strict;
    return size == JOINT_UNKNOWN || settle(joint, size);
}

static bool settle_held(struct joint *joint)
{
    joint->refused = joint->strict && !makes_sense(joint);
    if (joint->refused)
        return false;
    uint64_t size = best_size(joint);
    size_t n = joint->held;
    joint->held = 0;
    return settle(joint, size) && put_resolved(joint, joint->look, n);
}

bool joint_put(void *to, const uint16_t *symbols, size_t n)
{
    struct joint *joint = to;
    if (!joint->settled) {
        size_t room = JOINT_LOOK - joint->held, part = n < room ? n : room;
        memcpy(joint->look + joint->held, symbols, part * sizeof *symbols);
        joint->held += part;
        symbols += part;
        n -= part;
        if (joint->held == JOINT_LOOK && !settle_held(joint))
            return false;
    }
    return !n || put_resolved(joint, symbols, n);
}

bool joint_end(struct joint *joint, uint64_t bits)
{
    if (!joint->settled && !settle_held(joint))
        return false;
    joint->all_bits += bits;
    return true;
}
