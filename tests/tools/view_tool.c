/* view_tool DIRECTORY [TYPES.ftm]: reads names of files, one a line; writes "NUMBER TYPE
 * TYPE-READ" for each and its views to DIRECTORY/NUMBER.NAME (text, page, words, script). For
 * tests/oracle/views.py. */
#include "clamav/clamav.h"
#include "filetype/types.h"
#include "unpack/normal/normal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REGION = 1 << 26, FILE_MAX = 1 << 24 };

struct written {
    const char *directory;
    unsigned number, view;
};

static bool write_view(void *to, bytes view, uint32_t targets)
{
    struct written *written = to;
    bool html = targets & TARGET_BIT(TARGET_HTML), text = targets & TARGET_BIT(TARGET_TEXT);
    const char *name = html && text    ? "script"
                       : text          ? "text"
                       : written->view ? "words"
                                       : "page";
    char path[4096];
    snprintf(path, sizeof path, "%s/%u.%s", written->directory, written->number, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(view.at, 1, view.len, file) != view.len || fclose(file) != 0)
        exit(1);
    written->view++;
    return true;
}

/* NULL: there is no such file. */
static uint8_t *read_file(const char *name, size_t *ret_size)
{
    FILE *file = fopen(name, "rb");
    if (!file)
        return NULL;
    uint8_t *data = malloc(FILE_MAX);
    if (!data)
        exit(1);
    *ret_size = fread(data, 1, FILE_MAX, file);
    fclose(file);
    return data;
}

/* The table in a .ftm file, all of whose lines must be read or left out. */
static struct types *read_types(struct arena *arena, const char *name)
{
    size_t size = 0;
    uint8_t *data = read_file(name, &size);
    struct draft *draft = draft_new(arena);
    struct clamav *clamav = clamav_new(draft, &(struct clamav_options){0});
    struct why why;
    bool full;
    if (!data || !clamav ||
        clamav_read(clamav, bytes_of("a.ftm"), (bytes){data, size}, false, &why))
        exit(1);
    for (uint32_t i = 0; i < clamav->reason_count; i++)
        fprintf(stderr, "line %u %s\n", clamav->reasons[i].line, clamav->reasons[i].text);
    struct types *types = types_new(arena, (bytes){draft->texts.at, draft->texts.n},
                                    draft->types.at, draft->types.n, &full);
    clamav_free(clamav);
    free(data);
    return types;
}

int main(int argc, char **argv)
{
    char line[4096];
    struct written written = {.directory = argc > 1 ? argv[1] : "."};
    struct arena *arena = arena_new(REGION);
    struct region region = {.at = malloc(REGION), .size = REGION};
    if (!arena || !region.at)
        return 1;
    struct types *types = argc > 2 ? read_types(arena, argv[2]) : NULL;
    while (fgets(line, sizeof line, stdin)) {
        size_t size = 0;
        line[strcspn(line, "\n")] = 0;
        uint8_t *data = read_file(line, &size);
        written.number++;
        written.view = 0;
        if (!data)
            continue;
        struct budget budget = {.steps = UINT64_C(1) << 36};
        const struct normal normal = {.wanted = UINT32_MAX,
                                      .region = &region,
                                      .arena = arena,
                                      .budget = &budget,
                                      .to = &written,
                                      .take = write_view};
        enum filetype type = filetype_of_by(types, (bytes){data, size});
        enum filetype read = filetype_read_by(types, (bytes){data, size}, type);
        printf("%u %s %s\n", written.number, filetype_name(type), filetype_name(read));
        if (!normal_views(&normal, (bytes){data, size}, read))
            return 1;
        free(data);
    }
    arena_free(arena);
    free(region.at);
    return 0;
}
