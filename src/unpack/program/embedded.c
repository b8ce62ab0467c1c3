/* Programs in a program: droppers carry them between their sections' bytes, and unpacked images
 * have them where the packer's own lay. One is a header "MZ" with the offset of "PE\0\0" at 60
 * (Microsoft PE Format, "MS-DOS Stub"); it goes to the next one, or to the end. */
#include "unpack/program/program.h"

#include <string.h>

enum {
    MAX_EMBEDDED = 64,
    MAX_LOOKED = 4096, /* signatures that are looked back from */
    STUB_MIN = 64,
    STUB_MAX = 4096, /* from "MZ" to "PE" */
};

/* Where the program begins whose "PE\0\0" is at `at`; SIZE_MAX: there is none. */
static size_t program_begin(bytes data, size_t at)
{
    size_t least = at > STUB_MAX ? at - STUB_MAX : 0;
    if (at < STUB_MIN)
        return SIZE_MAX;
    for (size_t begin = at - STUB_MIN + 1; begin-- > least;)
        if (data.at[begin] == 'M' && data.at[begin + 1] == 'Z' &&
            load_le32(data.at + begin + 60) == at - begin)
            return begin;
    return SIZE_MAX;
}

static bool was_handed_out(const struct views *views, size_t at)
{
    for (uint32_t i = 0; i < views->start_count; i++)
        if (views->starts[i] == at)
            return true;
    return false;
}

bool embedded_hand_out(struct views *views, uint64_t end)
{
    static const bytes signature = {(const uint8_t *)"PE\0", 4};
    bytes data = bytes_slice(views->unpack->data, 0, (size_t)end);
    size_t found[MAX_EMBEDDED + 1], n = 0, looked = 0;
    if (!budget_charge(views->unpack->budget, data.len / 16))
        return false;
    for (size_t at = 0; (at = bytes_find(data, signature, at)) != SIZE_MAX; at++) {
        size_t begin = program_begin(data, at);
        if (n == MAX_EMBEDDED || ++looked > MAX_LOOKED) {
            unpack_gap(views->unpack, bytes_of(""), GAP_LIMIT, "more than %d programs in it",
                       MAX_EMBEDDED);
            break;
        }
        if (!budget_charge(views->unpack->budget, STUB_MAX / 16))
            return false;
        if (begin != SIZE_MAX && begin != 0 && (n == 0 || begin > found[n - 1]))
            found[n++] = begin;
    }
    found[n] = data.len;
    for (size_t i = 0; i < n; i++) {
        bytes name = arena_printf(views->unpack->arena, "[program+%zu]", found[i]);
        if (!name.at)
            return false;
        if (!was_handed_out(views, found[i]) &&
            !views_hand_out(views, name, bytes_slice(data, found[i], found[i + 1] - found[i])))
            return false;
    }
    return true;
}
