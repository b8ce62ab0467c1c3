/* A file goes to the vault and comes back, whatever its size; what was changed in the vault
 * does not come back; names of the same file go one after the other. */
#include "place.h"

#include "shim/digest.h"

#include <sys/stat.h>

static uint8_t content[300000], got[300001];

static void fill(void)
{
    uint32_t state = 1;
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (uint8_t)((state = state * 1664525 + 1013904223) >> 24);
}

static void put(struct place *place, size_t size)
{
    place_put(place->directory, "found", content, size);
    if (fstatat(place->directory, "found", &place->found, 0) < 0)
        abort();
}

static bool back(const struct place *place, size_t size)
{
    int fd = openat(place->directory, "found", O_RDONLY | O_NOFOLLOW);
    ssize_t n = fd < 0 ? -1 : pread(fd, got, sizeof got, 0);
    if (fd >= 0)
        close(fd);
    return n == (ssize_t)size && memcmp(got, content, size) == 0;
}

static void test_sizes(void)
{
    static const size_t sizes[] = {0, 1, 16384, 65535, 65536, 65537, 131072, 300000};
    static const struct restore_options options;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct place place;
        struct take_result taken;
        struct why why = {0};
        char path[ENTRY_PATH];
        uint8_t sha256[32];
        bytes whole = {content, sizes[i]};
        place_new(&place);
        put(&place, sizes[i]);
        CHECK_INT(place_take(&place, &taken, &why, NULL, NULL), 0);
        CHECK(faccessat(place.directory, "found", F_OK, 0) < 0 && place_entries(&place) == 1);
        struct arena *arena = arena_new((size_t)16 << 20);
        struct vault_entry entry;
        CHECK_INT(vault_load(place.vault, taken.id, arena, &entry, &why), 0);
        CHECK(digest_parts(DIGEST_SHA256, &whole, 1, sha256) &&
              memcmp(sha256, entry.facts.sha256, 32) == 0);
        vault_entry_close(&entry);
        arena_free(arena);
        CHECK_INT(restore_entry(place.vault, taken.id, &options, path, &why), 0);
        CHECK(back(&place, sizes[i]) && place_entries(&place) == 0);
        place_free(&place);
    }
}

/* One change of an entry's file, and the file it is about. */
static void test_changed(const char *what, off_t at, off_t cut, bool swap)
{
    struct place place;
    struct take_result taken;
    struct why why = {0};
    static const struct restore_options options;
    char name[VAULT_NAME], path[ENTRY_PATH];
    static uint8_t raw[400000], chunk[ENTRY_CHUNK + AEAD_TAG];
    place_new(&place);
    put(&place, sizeof content);
    int error = place_take(&place, &taken, &why, NULL, NULL);
    vault_name(taken.id, VAULT_ENTRY, name);
    int fd = openat(place.vault->fd, name, O_RDWR);
    ssize_t n = fd < 0 || error ? -1 : pread(fd, raw, sizeof raw, 0);
    if (n < 0)
        abort();
    size_t data = (size_t)n - (sizeof content + 5 * AEAD_TAG);
    if (swap) {
        memcpy(chunk, raw + data, sizeof chunk);
        memcpy(raw + data, raw + data + sizeof chunk, sizeof chunk);
        memcpy(raw + data + sizeof chunk, chunk, sizeof chunk);
    } else if (!cut) {
        raw[at < 0 ? n + at : at] ^= 1;
    }
    n = cut ? cut < 0 ? n + cut : (ssize_t)data + cut : n;
    if (pwrite(fd, raw, (size_t)n, 0) != n || ftruncate(fd, n) < 0)
        abort();
    close(fd);
    error = restore_entry(place.vault, taken.id, &options, path, &why);
    bool good = error == -EBADMSG && faccessat(place.directory, "found", F_OK, 0) < 0 &&
                place_entries(&place) == 1;
    if (!tap_check(good, what, __FILE__, __LINE__))
        printf("#   %d: %s\n", error, why.text);
    place_free(&place);
}

static void test_names(void)
{
    struct place place;
    struct take_result taken;
    struct why why = {0};
    place_new(&place);
    place_fill(&place);
    if (linkat(place.directory, "found", place.directory, "elsewhere", 0) < 0 ||
        fstatat(place.directory, "found", &place.found, 0) < 0)
        abort();
    CHECK_INT(place_take(&place, &taken, &why, NULL, NULL), 0);
    CHECK_INT(taken.names_left, 1);
    place.name = "elsewhere"; /* what was seen of it is from before the first name went */
    CHECK_INT(place_take(&place, &taken, &why, NULL, NULL), 0);
    CHECK_INT(taken.names_left, 0);
    CHECK_INT(place_entries(&place), 2);
    place_fill(&place);
    place.name = "found";
    if (linkat(place.directory, "found", place.directory, "elsewhere", 0) < 0)
        abort();
    /* Someone else changed it. */
    CHECK_INT(place_take(&place, &taken, &why, NULL, NULL), -ESTALE);
    place_free(&place);
}

int main(void)
{
    fill();
    test_sizes();
    test_changed("a bit of the magic", 0, 0, false);
    test_changed("a bit of the header's length", 9, 0, false);
    test_changed("a bit of the salt", 20, 0, false);
    test_changed("a bit of the header", 60, 0, false);
    test_changed("a bit of the content", -200000, 0, false);
    test_changed("a bit of the last tag", -1, 0, false);
    test_changed("cut by a byte", 0, -1, false);
    test_changed("cut between two chunks", 0, 2 * (ENTRY_CHUNK + AEAD_TAG), false);
    test_changed("cut before the first chunk", 0, -(off_t)(sizeof content + 5 * AEAD_TAG),
                 false);
    test_changed("two chunks changed places", 0, 0, true);
    test_names();
    return tap_done();
}
