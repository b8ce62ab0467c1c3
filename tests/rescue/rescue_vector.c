/* rescue_vector — one encrypted file, with what opens it, to what comes out: for vectors.py.
 *
 * usage: rescue_vector --formats
 *        rescue_vector FILE NAME KEY...
 *        rescue_vector --at OFFSET,OFFSET... FILE NAME KEY...
 *
 * A key is a file, "text:...", "hex:..." or "seed:NUMBER".
 *
 * Says one JSON object a line: {"format"} for each format; or {"fit"} for each family that
 * fits, best first, {"keys"}, {"opened"} for each recipe that a fitting family makes of a key,
 * and
 * {"refused"} for each key that it does not take. With --at, for files that are too large to be
 * carried out whole: the 64 bytes at each offset as {"opened", "at", "part"}. */
#include "rescue/format.h"
#include "shim/crypto.h"
#include "shim/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FITS = 64, HEAD = 64, PLACES = 64 };

static uint64_t places[PLACES]; /* of --at */
static unsigned place_count;

struct hashed {
    struct digest *digest;
    uint8_t head[HEAD];
    size_t headed;
    uint64_t size;
};

static int add(void *context, bytes part)
{
    struct hashed *all = context;
    for (size_t i = 0; i < part.len && all->headed < HEAD; i++)
        all->head[all->headed++] = part.at[i];
    all->size += part.len;
    return digest_add(all->digest, part) ? 0 : -1;
}

static void say(const char *name, bytes text)
{
    printf("\"%s\": \"", name);
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < ' ' || text.at[i] == '"' || text.at[i] == '\\' || text.at[i] > '~')
            printf("\\u%04x", text.at[i]);
        else
            putchar(text.at[i]);
    printf("\"");
}

static void carry_out(const struct format *format, const struct key *key,
                      const struct recipe *recipe, const struct source *source)
{
    struct hashed all = {.digest = digest_new(DIGEST_SHA256)};
    struct why why = {""};
    uint8_t digest[DIGEST_MAX];
    char text[2 * DIGEST_MAX + 1] = "", head[2 * HEAD + 1] = "";
    int error = recipe_apply(recipe, source, 0, add, &all, &why);
    if (digest_end(all.digest, digest))
        digest_hex(digest, 32, text);
    digest_hex(all.head, all.headed, head);
    printf("{\"opened\": \"%s\", \"key\": %d, \"guess\": %s, \"error\": %d, \"size\": %llu, "
           "\"sha256\": \"%s\", \"head\": \"%s\", \"lost\": %llu, ",
           format->family, (int)key->kind, recipe->guess ? "true" : "false", error,
           (unsigned long long)all.size, text, head, (unsigned long long)recipe->lost);
    say("name", recipe->name);
    printf(", ");
    say("why", bytes_of(why.text));
    printf("}\n");
    digest_free(all.digest);
}

static int add_some(void *context, bytes part)
{
    struct hashed *all = context;
    for (size_t i = 0; i < part.len && all->headed < HEAD; i++)
        all->head[all->headed++] = part.at[i];
    return all->headed < HEAD ? 0 : -ECANCELED;
}

/* What is at the places of --at. */
static void look_at_places(const struct format *format, const struct recipe *recipe,
                           const struct source *source)
{
    for (unsigned i = 0; i < place_count; i++) {
        struct hashed some = {0};
        char text[2 * HEAD + 1] = "";
        int error = recipe_apply(recipe, source, places[i], add_some, &some, NULL);
        digest_hex(some.head, some.headed, text);
        printf("{\"opened\": \"%s\", \"size\": %llu, \"at\": %llu, \"part\": \"%s\", "
               "\"error\": %d}\n",
               format->family, (unsigned long long)recipe->size, (unsigned long long)places[i],
               text, error == -ECANCELED ? 0 : error);
    }
}

static void try_keys(const struct format *format, const struct keyring *ring,
                     const struct source *source)
{
    for (uint32_t i = 0; i < ring->key.n; i++) {
        const struct key *key = &ring->key.at[i];
        if (!(format->keys >> key->kind & 1) ||
            (key->family && strcmp(key->family, format->family) != 0))
            continue;
        struct arena *arena = arena_new(64 << 20);
        struct recipe recipe = {0};
        struct why why = {""};
        int error = format->open(source, key, arena, &recipe, &why);
        if (!error && place_count) {
            look_at_places(format, &recipe, source);
        } else if (!error) {
            carry_out(format, key, &recipe, source);
        } else {
            printf("{\"refused\": \"%s\", \"key\": %d, \"error\": %d, ", format->family,
                   (int)key->kind, error);
            say("why", bytes_of(why.text));
            printf("}\n");
        }
        arena_free(arena);
    }
}

static bytes read_whole(const char *path, struct arena *arena)
{
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bytes ret = {0};
    if (fd >= 0 && !fstat(fd, &about)) {
        struct source source = source_of_file(fd, (uint64_t)about.st_size, bytes_of(""));
        if (source_take(&source, 0, (size_t)about.st_size, arena, &ret, NULL))
            ret = (bytes){0};
    }
    if (fd >= 0)
        close(fd);
    return ret;
}

static void add_key(struct keyring *ring, const char *argument, struct arena *arena)
{
    struct why why = {""};
    bytes value = bytes_slice(bytes_of(argument), strcspn(argument, ":") + 1, SIZE_MAX);
    struct key key = {.secret = value, .kind = KEY_TEXT};
    if (!strncmp(argument, "seed:", 5)) {
        key = (struct key){.kind = KEY_SEED, .seed = strtoull(argument + 5, NULL, 10)};
    } else if (!strncmp(argument, "hex:", 4)) {
        uint8_t *own = arena_push(arena, value.len / 2);
        if (!own || !bytes_unhex(value, own))
            return;
        key = (struct key){.kind = KEY_BYTES, .secret = {own, value.len / 2}};
    } else if (strncmp(argument, "text:", 5) != 0) {
        bytes file = read_whole(argument, arena);
        if (!file.at || keyring_add(ring, file, bytes_of(argument), arena, &why))
            fprintf(stderr, "%s: %s\n", argument, why.text);
        return;
    }
    *vec_push(arena, &ring->key) = key;
}

static int look(int count, char **argument)
{
    struct stat about;
    int fd = open(argument[1], O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &about)) {
        perror(argument[1]);
        return 2;
    }
    struct source source = source_of_file(fd, (uint64_t)about.st_size, bytes_of(argument[2]));
    struct arena *arena = arena_new(64 << 20);
    struct keyring ring = {0};
    for (int i = 3; i < count; i++)
        add_key(&ring, argument[i], arena);
    printf("{\"keys\": %u}\n", ring.key.n);

    const struct format *fitting[FITS];
    struct recognition fits[FITS];
    size_t n = format_recognise(&source, fitting, fits, FITS);
    for (size_t i = 0; i < n; i++) {
        printf("{\"fit\": \"%s\", \"is\": %s, \"partial\": %s, \"plain\": %llu, ",
               fitting[i]->family, fits[i].fit == FIT_IS ? "true" : "false",
               fits[i].partial ? "true" : "false", (unsigned long long)fits[i].plain);
        say("reason", bytes_of(fits[i].reason.text));
        printf("}\n");
    }
    for (size_t i = 0; i < n; i++)
        try_keys(fitting[i], &ring, &source);
    arena_free(arena);
    close(fd);
    return 0;
}

int main(int count, char **argument)
{
    crypto_warm();
    if (count == 2 && !strcmp(argument[1], "--formats")) {
        for (const struct format *const *format = formats; *format; format++)
            printf("{\"format\": \"%s\", \"proven\": %s}\n", (*format)->family,
                   (*format)->proven ? "true" : "false");
        return 0;
    }
    if (count > 4 && !strcmp(argument[1], "--at")) {
        char *at = argument[2];
        for (; *at && place_count < PLACES; at += *at == ',')
            places[place_count++] = strtoull(at, &at, 10);
        count -= 2;
        argument += 2;
    }
    if (count < 3) {
        fprintf(stderr, "usage: rescue_vector --formats | FILE NAME KEY...\n");
        return 2;
    }
    return look(count, argument);
}
