#include "match/re/re_steps.h"

#include <string.h>

static bool step_takes(const struct hex_step *step, uint8_t c)
{
    return ((c & step->mask) == step->value) == (step->op == STEP_BYTE);
}

/* Positions after a gap, merged: every p + min..max that leaves a byte to match. */
static uint32_t widen(const struct hex_step *gap, const uint16_t *from, uint32_t n,
                      uint32_t most, uint16_t *to)
{
    uint32_t count = 0, next = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t low = from[i] + (uint32_t)gap->min, high = from[i] + (uint32_t)gap->max;
        if (low >= most)
            break;
        if (high >= most)
            high = most - 1;
        if (low < next)
            low = next;
        for (; low <= high; low++)
            to[count++] = (uint16_t)low;
        if (high + 1 > next)
            next = high + 1;
    }
    return count;
}

/* Runs steps[first..last), or backward steps[last-1..first]; the positions that came through
 * are in *ret. `most` bytes may be looked at. */
static uint32_t run_steps(struct re_exec *x, uint32_t first, uint32_t last, size_t at,
                          bool backward, uint16_t **ret)
{
    const struct hex_step *steps = program_steps(x->program);
    const uint8_t *data = x->data.at;
    size_t room = backward ? at : x->data.len - at;
    uint32_t most = (uint32_t)(room < EXEC_LIMIT ? room : EXEC_LIMIT), n = 1;
    uint16_t *now = x->positions[0], *then = x->positions[1];

    now[0] = 0;
    for (uint32_t i = 0; i < last - first && n; i++) {
        const struct hex_step *step = &steps[backward ? last - 1 - i : first + i];
        uint32_t kept = 0;
        if (!re_exec_charge(x, n)) {
            n = 0;
            break;
        }
        if (step->op == STEP_GAP) {
            n = widen(step, now, n, most, then);
            uint16_t *swap = now;
            now = then;
            then = swap;
            continue;
        }
        for (uint32_t k = 0; k < n; k++) {
            uint32_t p = now[k];
            if (p < most && step_takes(step, backward ? data[at - 1 - p] : data[at + p]))
                now[kept++] = (uint16_t)(p + 1);
        }
        n = kept;
    }
    *ret = now;
    return n;
}

int re_steps_forward(struct re_exec *x, uint32_t first, uint32_t last, size_t at)
{
    uint16_t *found;

    return run_steps(x, first, last, at, false, &found) ? found[0] : -1;
}

uint32_t re_steps_backward(struct re_exec *x, uint32_t first, uint32_t last, size_t at,
                           uint16_t ret[static EXEC_STARTS])
{
    uint16_t *found;
    uint32_t n = run_steps(x, first, last, at, true, &found);

    memcpy(ret, found, n * sizeof *ret);
    return n;
}
