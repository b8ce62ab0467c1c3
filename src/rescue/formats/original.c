/* What no format here knows, undone by what originals show (learned.h): a row, so that it has a
 * name like others. It recognises nothing by itself. */
#include "rescue/formats/families.h"

#include <errno.h>

static int original_recognise(const struct source *source, struct recognition *ret,
                              struct why *why)
{
    (void)source, (void)ret, (void)why;
    return 0;
}

static int original_open(const struct source *source, const struct key *key,
                         struct arena *arena, struct recipe *ret, struct why *why)
{
    (void)source, (void)key, (void)arena, (void)ret;
    return fail(why, ENOTSUP, "only originals open it");
}

const struct format format_original = {
    .family = "original",
    .title = "unknown by name, undone with originals",
    .facts = "the pairs of original and encrypted file at hand",
    .proven = true,
    .keys = 1 << KEY_STREAM,
    .recognise = original_recognise,
    .open = original_open,
};
