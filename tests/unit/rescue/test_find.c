/* Which originals belong to which encrypted files; how kinds of files begin; what encrypted
 * files alone tell. */
#include "rescue/pair/find.h"
#include "rescue/pair/guess.h"
#include "rescue/pair/heads.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>

static struct arena *arena;

static void add(struct find_list *list, const char *path, uint64_t size)
{
    CHECK(find_add(list, arena, bytes_of(path), bytes_of("in"), size));
}

static void names_are_matched(void)
{
    struct find_list originals = {.full = false}, encrypted = {.full = false};
    struct find_pair pairs[8];
    add(&originals, "in/a.doc", 1000);
    add(&originals, "in/b.jpg", 2000);
    add(&originals, "in/c", 3000);
    add(&originals, "in/other/a.doc", 1040);
    add(&originals, "in/big.iso", 90000);
    add(&encrypted, "in/x/A.DOC.id[1C2F].[mail@x].eight", 1050);
    add(&encrypted, "in/x/b.jpg", 2256);
    add(&encrypted, "in/x/c_locked", 3000);
    add(&encrypted, "in/x/c.d", 2999);
    add(&encrypted, "in/x/big.iso.locked", 900000);
    add(&encrypted, "in/x/nothing", 1050);
    size_t n = find_pairs(&originals, &encrypted, arena, pairs, COUNT(pairs));
    CHECK_INT(n, 3);
    /* The largest first; of two originals of one name the one that fits best. */
    CHECK_INT(pairs[0].original, 2);
    CHECK_INT(pairs[0].encrypted, 2);
    CHECK_INT(pairs[1].original, 1);
    CHECK_INT(pairs[1].encrypted, 1);
    CHECK_INT(pairs[2].original, 3);
    CHECK_INT(pairs[2].encrypted, 0);
    CHECK_INT(find_extension(&originals, &encrypted, pairs, n).len, 0);
    CHECK(bytes_is(find_extension(&originals, &encrypted, pairs, 1), "_locked"));
    CHECK_INT(encrypted.file.at[0].below, 3);
    CHECK_INT(find_pairs(&originals, &encrypted, arena, pairs, 2), 2);
}

static void sizes_are_matched_where_names_are_not(void)
{
    struct find_list originals = {.full = false}, encrypted = {.full = false};
    struct find_pair pairs[8];
    static const uint64_t sizes[] = {5000, 7013, 9100, 20000};
    for (unsigned i = 0; i < COUNT(sizes); i++) {
        char name[32];
        snprintf(name, sizeof name, "in/file%u", i);
        add(&originals, name, sizes[i]);
        snprintf(name, sizeof name, "in/%x", i * 7919 + 0xabc);
        add(&encrypted, name, i == 3 ? 20777 : sizes[i] + 268);
    }
    CHECK_INT(find_pairs(&originals, &encrypted, arena, pairs, COUNT(pairs)), 3);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_INT(pairs[i].original, i);
        CHECK_INT(pairs[i].encrypted, i);
        CHECK(!pairs[i].by_name);
    }
    struct find_list none = {.full = false};
    CHECK_INT(find_pairs(&none, &encrypted, arena, pairs, COUNT(pairs)), 0);
    CHECK_INT(find_pairs(&originals, &none, arena, pairs, COUNT(pairs)), 0);
}

static void heads_are_known(void)
{
    struct head_byte head[HEADS_MOST];
    CHECK_INT(heads_of(bytes_of("a.PNG"), false, head, HEADS_MOST), 16);
    CHECK_INT(head[1].at, 1);
    CHECK_INT(head[1].plain, 'P');
    CHECK_INT(heads_of(bytes_of("a.png.locked"), false, head, HEADS_MOST), 0);
    CHECK_INT(heads_of(bytes_of("a.png.[x@y].id-77.locked"), true, head, HEADS_MOST), 16);
    CHECK_INT(heads_of(bytes_of("png"), true, head, HEADS_MOST), 0);
    CHECK_INT(heads_of(bytes_of(""), true, head, HEADS_MOST), 0);
    CHECK_INT(heads_of(bytes_of("a.png"), false, head, 3), 3);
    CHECK(heads_of(bytes_of("a.docx"), false, head, HEADS_MOST) > 30);
}

static void a_key_is_guessed_from_heads(void)
{
    static const char *const names[] = {"a.png.x", "b.doc.x", "c.unknown.x"};
    uint8_t files[COUNT(names)][64] = {{0}};
    struct source sources[COUNT(names)];
    for (size_t i = 0; i < COUNT(names); i++) {
        struct head_byte head[HEADS_MOST];
        size_t n = heads_of(bytes_of(names[i]), true, head, HEADS_MOST);
        for (size_t k = 0; k < n; k++)
            if (head[k].at < 64)
                files[i][head[k].at] = head[k].plain;
        for (size_t k = 0; k < 64; k++)
            files[i][k] ^= (uint8_t)(0x31 + k % 11 * 13);
        sources[i] = source_of_bytes((bytes){files[i], 64}, bytes_of(names[i]));
    }
    struct budget budget = {.steps = 1 << 20};
    struct pair_scheme scheme;
    CHECK_INT(guess_learn(sources, COUNT(names), arena, &budget, &scheme, NULL), 0);
    CHECK_INT(scheme.period, 11);
    CHECK_INT(scheme.key.at[10], 0x31 + 130);
    struct recipe recipe;
    CHECK_INT(pair_recipe(&scheme, &sources[2], arena, &recipe, NULL), 0);
    CHECK(recipe.guess);
    CHECK_INT(recipe.lost, 0);

    /* The kind that no head tells gives nothing. */
    struct why why;
    CHECK_INT(guess_learn(&sources[2], 1, arena, &budget, &scheme, &why), -ENODATA);
    CHECK_INT(guess_learn(sources, 0, arena, &budget, &scheme, &why), -ENODATA);
}

/* Files that were never encrypted must not look as if they were, with a key of zeros. */
static void plain_files_give_no_key(void)
{
    uint8_t file[64] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    struct source source = source_of_bytes((bytes){file, 64}, bytes_of("a.png"));
    struct budget budget = {.steps = 1 << 20};
    struct pair_scheme scheme;
    CHECK_INT(guess_learn(&source, 1, arena, &budget, &scheme, NULL), -ENODATA);
}

int main(void)
{
    arena = arena_new((size_t)64 << 20);
    names_are_matched();
    sizes_are_matched_where_names_are_not();
    heads_are_known();
    a_key_is_guessed_from_heads();
    plain_files_give_no_key();
    arena_free(arena);
    return tap_done();
}
