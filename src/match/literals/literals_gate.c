/* The windows begin as a class each. The two whose union lets least more through, by how often
 * bytes are met in clean files, become one, until there are eight. */
#include "match/literals/literals_gate.h"

#include <string.h>

enum { GATE_CLASSES = 8 };

struct gate_class {
    uint64_t bytes[GATE_WIDTH][2]; /* sets of bytes, the lower seven bits of each */
    float share[GATE_WIDTH];       /* of positions that have one of them */
    float passed;                  /* of positions that the class lets through */
    bool is_used;
};

struct gate_plan {
    struct gate_class of[GATE_MOST];
    float more[GATE_MOST][GATE_MOST]; /* what uniting two would let through */
    float share[128];
    uint32_t count, used;
};

static void measure_bytes(struct gate_plan *plan)
{
    float share_of[256], share = 1, sum = 0;
    for (int cost = 255; cost >= 0; cost--) {
        share_of[cost] = share;
        share *= 0.917004f; /* 2^(-1/8) */
    }
    for (unsigned a = 0; a < 256; a++)
        for (unsigned b = 0; b < 256; b++) {
            float pair = share_of[frequency_pair((uint8_t)a, (uint8_t)b)];
            plan->share[b & 127] += pair;
            sum += pair;
        }
    for (int i = 0; i < 128; i++)
        plan->share[i] /= sum;
}

static void class_add(const struct gate_plan *plan, struct gate_class *to, uint32_t i,
                      uint8_t byte)
{
    uint64_t bit = 1ull << (byte & 63);
    if (!(to->bytes[i][byte >> 6 & 1] & bit))
        to->share[i] += plan->share[byte & 127];
    to->bytes[i][byte >> 6 & 1] |= bit;
}

static void class_measure(struct gate_class *class)
{
    class->passed = 1;
    for (int i = 0; i < GATE_WIDTH; i++)
        class->passed *= class->share[i] < 1 ? class->share[i] : 1;
}

static struct gate_class class_union(const struct gate_plan *plan, uint32_t a, uint32_t b)
{
    struct gate_class both = plan->of[a];
    for (uint32_t i = 0; i < GATE_WIDTH; i++)
        for (unsigned half = 0; half < 2; half++)
            for (uint64_t rest = plan->of[b].bytes[i][half]; rest; rest &= rest - 1)
                class_add(plan, &both, i,
                          (uint8_t)(64 * half + (unsigned)__builtin_ctzll(rest)));
    class_measure(&both);
    return both;
}

static void price(struct gate_plan *plan, uint32_t a)
{
    for (uint32_t b = 0; b < plan->count; b++)
        if (b != a && plan->of[b].is_used)
            plan->more[a][b] = plan->more[b][a] =
                class_union(plan, a, b).passed - plan->of[a].passed - plan->of[b].passed;
}

static void unite_two(struct gate_plan *plan)
{
    uint32_t to = GATE_MOST, from = GATE_MOST;
    for (uint32_t a = 0; a < plan->count; a++)
        for (uint32_t b = a + 1; b < plan->count && plan->of[a].is_used; b++)
            if (plan->of[b].is_used &&
                (to == GATE_MOST || plan->more[a][b] < plan->more[to][from])) {
                to = a;
                from = b;
            }
    plan->of[to] = class_union(plan, to, from);
    plan->of[from].is_used = false;
    plan->used--;
    price(plan, to);
}

static void write_gate(const struct gate_plan *plan, struct dense_gate *ret)
{
    uint8_t bit = 1;
    for (uint32_t a = 0; a < plan->count; a++) {
        if (!plan->of[a].is_used)
            continue;
        for (uint32_t i = 0; i < GATE_WIDTH; i++)
            for (unsigned byte = 0; byte < 128; byte++)
                if (plan->of[a].bytes[i][byte >> 6] >> (byte & 63) & 1)
                    ret->at[i][byte] |= bit;
        bit = (uint8_t)(bit << 1);
    }
}

bool literals_gate(const struct gate_window *windows, uint32_t count, struct arena *arena,
                   struct dense_gate **ret)
{
    struct gate_plan *plan = PUSH(arena, struct gate_plan);
    *ret = NULL;
    if (!plan)
        return false;
    plan->count = plan->used = count;
    measure_bytes(plan);
    for (uint32_t a = 0; a < count; a++) {
        struct gate_class *class = &plan->of[a];
        class->is_used = true;
        for (uint32_t i = 0; i < GATE_WIDTH; i++) {
            uint8_t byte = windows[a].at[i];
            class_add(plan, class, i, byte);
            if (windows[a].nocase && ascii_alnum(byte) && byte > '9')
                class_add(plan, class, i, byte ^ 0x20);
        }
        class_measure(class);
    }
    for (uint32_t a = 0; a < count; a++)
        price(plan, a);
    while (plan->used > GATE_CLASSES)
        unite_two(plan);
    float passed = 0;
    for (uint32_t a = 0; a < count; a++)
        passed += plan->of[a].is_used ? plan->of[a].passed : 0;
    if (count == 0 || passed > 0.02f)
        return true;
    *ret = PUSH(arena, struct dense_gate);
    if (*ret)
        write_gate(plan, *ret);
    return *ret != NULL;
}
