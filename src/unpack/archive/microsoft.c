/* Cabinets ([MS-CAB]), compiled help (CHM), SZDD and KWAJ files, which libmspack reads. It
 * knows all of a cabinet's methods (MSZIP, LZX, Quantum), where libarchive lacks Quantum, and
 * goes on after a block whose checksum is wrong. */
#include "shim/mspack.h"
#include "unpack/archive/decode.h"
#include "unpack/archive/formats.h"

struct microsoft {
    struct unpack *unpack;
    uint64_t size; /* the member's, 0 where it is not known */
};

static bool on_begin(void *to, bytes name, uint64_t size)
{
    struct microsoft *microsoft = to;
    struct unpack *unpack = microsoft->unpack;
    microsoft->size = size;
    return unpack_begin(unpack, name.len ? name : decode_name(unpack, ""));
}

static bool on_write(void *to, bytes data)
{
    struct microsoft *microsoft = to;
    return unpack_put(microsoft->unpack, data);
}

static bool on_work(void *to, uint64_t steps)
{
    struct microsoft *microsoft = to;
    return budget_charge(microsoft->unpack->budget, steps);
}

static bool on_end(void *to, const char *fault)
{
    struct microsoft *microsoft = to;
    struct unpack *unpack = microsoft->unpack;
    if (!fault && unpack_written(unpack).len < microsoft->size)
        fault = "its data is cut short";
    if (fault && !unpack->full)
        unpack_gap(unpack, unpack->child_name, GAP_DAMAGED, "%s", fault);
    return unpack_end(unpack);
}

static void open_as(struct unpack *unpack, enum mspack_kind kind)
{
    struct microsoft microsoft = {unpack, 0};
    const struct mspack_out out = {&microsoft, on_begin, on_write, on_work, on_end};
    const char *fault = mspack_open(kind, unpack->data, &out);
    if (fault && !unpack->run->stopped)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "%s", fault);
}

void cab_open(struct unpack *unpack)
{
    open_as(unpack, MSPACK_CAB);
}

void chm_open(struct unpack *unpack)
{
    open_as(unpack, MSPACK_CHM);
}

void szdd_open(struct unpack *unpack)
{
    open_as(unpack, MSPACK_SZDD);
}

void kwaj_open(struct unpack *unpack)
{
    open_as(unpack, MSPACK_KWAJ);
}
