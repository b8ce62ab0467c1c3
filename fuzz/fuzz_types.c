/* Target: lines of a .ftm file over an object. Properties: what is compiled is a sound ruleset;
 * an object has the same type whenever it is asked for, and one that there is.
 *
 * Input: the lines, a zero byte, the object. */
#include "clamav/clamav.h"
#include "filetype/types.h"

#include <stdlib.h>

enum { LINES_MOST = 4096, OBJECT_MOST = 4096 };

#define MEMORY ((size_t)64 << 20)

static void demand(bool good)
{
    if (!good)
        abort();
}

static void decide(const struct ruleset *set, struct arena *arena, bytes object)
{
    bool full;
    struct types *types = types_new(arena, set->texts, set->types, set->type_count, &full);
    demand(!full && (types != NULL) == (set->type_count > 0));
    enum filetype type = filetype_of_by(types, object);
    enum filetype read = filetype_read_by(types, object, type);
    demand(type < FILETYPES && read < FILETYPES);
    demand(filetype_of_by(types, object) == type);
    demand(filetype_read_by(types, object, type) == read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bytes input = {data, size};
    size_t end = bytes_find(input, (bytes){(const uint8_t *)"", 1}, 0);
    bytes lines = bytes_slice(input, 0, end == SIZE_MAX ? size : end);
    bytes object =
        end == SIZE_MAX ? (bytes){NULL, 0} : bytes_slice(input, end + 1, OBJECT_MOST);
    if (lines.len > LINES_MOST)
        return 0;
    struct arena *arena = arena_new(MEMORY);
    struct draft *draft = draft_new(arena);
    struct clamav *clamav = clamav_new(draft, &(struct clamav_options){.pua = true});
    struct ruleset set;
    bytes file;
    demand(clamav != NULL);
    if (clamav_read(clamav, bytes_of("a.ftm"), lines, false, NULL) == 0 &&
        draft_seal(draft, arena, &file, NULL) == 0) {
        demand(ruleset_open(file, draft->fingerprint, &set, NULL) == 0);
        decide(&set, arena, object);
    }
    clamav_free(clamav);
    arena_free(arena);
    return 0;
}
