/* rescue_seal — a program of the build: makes what the program carries of ransomware.
 * candor-rescue-seal OUTPUT MODEL FAMILY.yaml...: a fault in a file fails the build. */
#include "cmd/embedded.h"
#include "rescue/catalogue/catalogue_pack.h"
#include "rescue/catalogue/catalogue_yaml.h"
#include "rescue/identify/knowledge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)4 << 20)

static int read_file(const char *path, struct arena *arena, bytes *ret, struct why *why)
{
    FILE *in = fopen(path, "rb");
    uint8_t *at = in ? arena_push_raw(arena, FILE_MAX) : NULL;
    size_t len = at ? fread(at, 1, FILE_MAX, in) : 0;
    if (in)
        fclose(in);
    if (!at || len == FILE_MAX)
        return fail(why, EIO, "cannot read '%s'", path);
    *ret = (bytes){at, len};
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted by name without folder and ending, as the families are. */
static bytes family_name(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return (bytes){(const uint8_t *)name, dot ? (size_t)(dot - name) : strlen(name)};
}

static int by_family(const void *a, const void *b)
{
    int order = bytes_compare(family_name(*(char *const *)a), family_name(*(char *const *)b));
    return order ? order : by_name(a, b);
}

static int read_families(char **paths, int count, struct arena *arena, struct catalogue *ret,
                         struct why *why)
{
    struct catalogue_draft draft = {0};
    qsort(paths, (size_t)count, sizeof *paths, by_family);
    for (int i = 0; i < count; i++) {
        bytes yaml;
        int error = read_file(paths[i], arena, &yaml, why);
        if (!error)
            error = catalogue_yaml_add(&draft, yaml, family_name(paths[i]), arena, why);
        if (error)
            return why_wrap(why, error, paths[i]);
    }
    return catalogue_yaml_end(&draft, arena, ret, why);
}

static int write_masked(bytes file, const char *path, struct arena *arena, struct why *why)
{
    uint8_t *masked = arena_push_raw(arena, file.len);
    FILE *out = masked ? fopen(path, "wb") : NULL;
    if (!out)
        return fail(why, EIO, "cannot write '%s'", path);
    embedded_mask(file.at, masked, file.len);
    size_t written = fwrite(masked, 1, file.len, out);
    if (fclose(out) || written != file.len)
        return fail(why, EIO, "cannot write '%s'", path);
    return 0;
}

int main(int argc, char **argv)
{
    struct arena *arena = arena_new((size_t)4 << 30);
    struct catalogue catalogue;
    struct knowledge knowledge;
    bytes packed, model, both;
    struct why why = {"out of memory"};
    int error = arena && argc >= 4 ? 0 : -EINVAL;
    if (!error)
        error = read_file(argv[2], arena, &model, &why);
    if (!error)
        error = read_families(argv + 3, argc - 3, arena, &catalogue, &why);
    if (!error)
        error = catalogue_pack(&catalogue, arena, &packed, &why);
    if (!error)
        error = knowledge_pack(packed, model, arena, &both, &why);
    /* What was written must be what is read. */
    if (!error)
        error = knowledge_open(both, arena, &knowledge, &why);
    if (!error)
        error = write_masked(both, argv[1], arena, &why);
    if (error)
        fprintf(stderr, "candor-rescue-seal: %s\n", why.text);
    arena_free(arena);
    return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
