#include "rescue/salvage/packed/packed.h"

#include <errno.h>

enum {
    LEAST = 64,
    LOOK_MOST = 64 << 20,
    END_SLACK = 2048,
    CODE_BITS = 16,  /* a byte needs no more than so many bits */
    COPY_MOST = 258, /* and a bit gives no more than so many bytes */
};

/* What reading needs, once for all streams of a file. */
struct packed_room {
    struct inflate inflate, probe;
    struct joint joint;
    unsigned alike; /* of the streams that the joint has learned from */
};

struct unpacking {
    struct salvage *salvage;
    const struct packed_taker *taker;
    struct packed_result *ret;
    uint64_t from, to, size;
    uint64_t packed; /* bytes of the gap at hand */
    bool vague;      /* how much a gap held is not known */
};

static bool take_symbols(void *to, const uint16_t *symbols, size_t n)
{
    struct unpacking *at = to;
    at->ret->put += n;
    return at->taker->put(at->taker->to, symbols, n);
}

static bool take_gap(void *to, uint64_t size)
{
    struct unpacking *at = to;
    at->vague |= size == JOINT_UNKNOWN;
    at->ret->refused = !at->taker->gap(at->taker->to, at->packed, size);
    at->ret->put += size == JOINT_UNKNOWN ? 0 : size;
    return !at->ret->refused;
}

/* Places inflate behind the gap that ends at `from`, in [.., to) of the file; false when
 * nothing can be read there. *ret_size: what the gap held, if that is plain to see. */
static bool go_on(const struct unpacking *unpacking, uint64_t from, uint64_t to,
                  uint64_t *ret_size)
{
    struct salvage *salvage = unpacking->salvage;
    struct inflate *inflate = &salvage->room->inflate;
    uint64_t base = unpacking->from;
    bytes in = bytes_slice(salvage->file, (size_t)base, (size_t)(to - base));
    uint64_t bit = (from - base) * 8, found, most = (to - base) * 8, last = inflate->bit / 8;
    *ret_size = JOINT_UNKNOWN;
    if (inflate_pass(inflate, in, from - base)) {
        *ret_size = from - base - last;
        return true;
    }
    bool stepped = inflate->known && inflate_step_in(inflate, in, bit);
    if (stepped && !inflate->loose)
        return true;
    if (most - bit > (uint64_t)LOOK_MOST * 8)
        most = bit + (uint64_t)LOOK_MOST * 8;
    struct inflate *other = stepped ? &salvage->room->probe : inflate;
    bool there = inflate_find(other, in, bit, most, salvage->budget, &found);
    /* Codes that go on past the begin of a block were those of another. */
    if (there)
        inflate_open(inflate, in, found, salvage->budget);
    return there || stepped;
}

/* What the last gap of a stream of known size held: all that the rest does not. */
static uint64_t last_size(const struct unpacking *at, uint64_t bits)
{
    struct inflate *probe = &at->salvage->room->probe;
    *probe = at->salvage->room->inflate;
    probe->put = NULL;
    bool ended = inflate_run(probe) == INFLATE_FINAL;
    uint64_t known = at->ret->put + probe->out;
    return ended && known <= at->size &&
                   (at->size - known) * CODE_BITS + CODE_BITS * 8 >= bits &&
                   (at->size - known) / COPY_MOST <= bits
               ? at->size - known
               : JOINT_UNKNOWN;
}

/* One stretch of plain bytes up to `end`, inflate being placed in it. */
static enum inflate_end run_piece(struct unpacking *at, uint64_t end, uint64_t last_bit,
                                  uint64_t held)
{
    struct inflate *inflate = &at->salvage->room->inflate;
    struct joint *joint = &at->salvage->room->joint;
    uint64_t bit = inflate->bit, start = at->from + bit / 8;
    if (start > at->ret->lost) {
        at->ret->gaps++;
        at->packed = start - at->ret->lost;
        if (held == JOINT_UNKNOWN && at->size != UINT64_MAX && !at->vague && at->ret->put &&
            !inflate->loose && map_is_plain(&at->salvage->map, start, at->to))
            held = last_size(at, bit - last_bit);
        if (!joint_gap(joint, bit - last_bit, held, inflate->loose))
            return INFLATE_STOPPED;
    }
    inflate->put = joint_put;
    inflate->to = joint;
    enum inflate_end how = inflate_run(inflate);
    if (how != INFLATE_STOPPED && !joint_end(joint, inflate->bit - bit))
        how = INFLATE_STOPPED;
    if (joint->refused) {
        inflate->known = false;
        inflate->bit = last_bit;
        return INFLATE_CUT;
    }
    if (at->ret->refused)
        return INFLATE_STOPPED;
    at->ret->lost = at->from + (inflate->bit + 7) / 8;
    if (at->ret->lost > end)
        at->ret->lost = end;
    at->taker->came(at->taker->to, start, at->ret->lost);
    /* A last block long before the end is a chance of codes in ciphertext. */
    return how == INFLATE_FINAL && at->ret->lost + END_SLACK < at->to ? INFLATE_DAMAGED : how;
}

static void run_pieces(struct unpacking *unpacking, bool begins)
{
    struct salvage *salvage = unpacking->salvage;
    struct inflate *inflate = &salvage->room->inflate;
    uint64_t from = unpacking->from, to = unpacking->to, at = from, held;
    while (at < to && !salvage->stopped) {
        uint64_t end = map_plain_end(&salvage->map, at, to), last = inflate->bit;
        bytes in = bytes_slice(salvage->file, (size_t)from, (size_t)(end - from));
        bool ready = begins && end > at && at == from;
        held = JOINT_UNKNOWN;
        if (ready)
            inflate_open(inflate, in, 0, salvage->budget);
        else if (end >= at + LEAST)
            ready = go_on(unpacking, at, end, &held);
        if (ready) {
            enum inflate_end how = run_piece(unpacking, end, last, held);
            unpacking->ret->ended = how == INFLATE_FINAL;
            if (how == INFLATE_FINAL || how == INFLATE_STOPPED)
                return;
            /* Codes that are none, in bytes that the map takes for plain: go on behind. */
            if (how == INFLATE_DAMAGED && unpacking->ret->lost < end) {
                inflate->known = false;
                inflate->stored = 0;
                at = unpacking->ret->lost + 1;
                continue;
            }
        }
        at = map_plain_next(&salvage->map, end > at ? end : at + 1, to);
    }
}

int packed_read(struct salvage *salvage, uint64_t from, uint64_t to, bool begins, uint64_t size,
                unsigned alike, const struct packed_taker *taker, struct packed_result *ret)
{
    struct unpacking unpacking = {salvage, taker, ret, from, to, size, 0, false};
    struct packed_room *room = salvage->room;
    *ret = (struct packed_result){.lost = from};
    if (!room && !(room = salvage->room = PUSH(salvage->arena, struct packed_room)))
        return -ENOMEM;
    joint_open(&room->joint, room->alike == alike, salvage->budget, take_symbols, take_gap,
               &unpacking);
    room->alike = alike;
    inflate_open(&room->inflate, salvage->file, 0, salvage->budget);
    run_pieces(&unpacking, begins);
    return 0;
}
