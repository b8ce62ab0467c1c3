/* What came out of an encrypted file, or noise: every kind of file is checked. The input is the
 * file, but for its first byte, which says how it is called. What is said is the same twice and
 * within the file; what is proven is not proven any more without its last byte, unless it is of
 * a kind that may end anywhere. */
#include "rescue/proof.h"

#include <stdlib.h>
#include <string.h>

enum { ARENA = 64 << 20, STEPS = 1 << 26 };

static void must(bool good)
{
    if (!good)
        abort();
}

static struct proof_result check(bytes file, const char *name)
{
    struct arena *arena = arena_new(ARENA);
    struct budget budget = {.steps = STEPS};
    const struct source source = source_of_bytes(file, bytes_of(name));
    struct proof_result ret = {0};
    must(!proof_check(&source, arena, &budget, &ret, NULL));
    must(ret.proof <= PROOF_PROVEN && ret.good <= file.len);
    must(memchr(ret.reason.text, 0, sizeof ret.reason.text) != NULL);
    must(ret.proof != PROOF_PROVEN || (ret.kind && ret.reason.text[0]));
    arena_free(arena);
    return ret;
}

/* Text, and what a closing record does not end. */
static bool ends_anywhere(const char *kind)
{
    static const char *const kinds[] = {"text", "tar", "OLE2", "MP4", "PDF", "Ogg", "GIF"};
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (!strncmp(kind, kinds[i], strlen(kinds[i])))
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {
        "",      "a",     "a.png", "a.jpg", "a.docx", "a.pdf", "a.gz",  "a.bz2",
        "a.xz",  "a.zst", "a.lz4", "a.7z",  "a.gif",  "a.ogg", "a.db",  "a.doc",
        "a.avi", "a.mp4", "a.tar", "a.txt", "a.json", "a.xml", "a.csv", "a.unknown",
    };
    if (!size)
        return 0;
    const bytes file = {data + 1, size - 1};
    const char *name = names[data[0] % COUNT(names)];
    const struct proof_result first = check(file, name), again = check(file, name);
    must(first.proof == again.proof && first.good == again.good && first.kind == again.kind);
    must(!strcmp(first.reason.text, again.reason.text));
    if (first.proof == PROOF_PROVEN && !ends_anywhere(first.kind))
        must(check((bytes){file.at, file.len - 1}, name).proof != PROOF_PROVEN);
    return 0;
}
