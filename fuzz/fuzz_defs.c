/* Containers and patches of ClamAV: whatever the bytes are, what comes out lies inside what
 * went in, and is what the list of files says.. */
#include "clamav/cdiff.h"
#include "clamav/clamav.h"
#include "clamav/container.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(bytes view, bytes whole)
{
    if (view.len && (view.at < whole.at || view.len > whole.len ||
                     view.at - whole.at > (ptrdiff_t)(whole.len - view.len)))
        abort();
}

static void open_container(const char *name, bytes file)
{
    struct container container;
    struct container_member member;
    struct why why = {0};
    struct arena *arena = arena_new(64 << 20);
    size_t total = 0;
    int found = 0;
    if (container_open(bytes_of(name), file, &container, &why) == 0) {
        container_check_external(&container, file, file, bytes_of("-----BEGIN"));
        if (container_unpack(&container, arena, &why) == 0) {
            while ((found = container_next(&container, &member, &why)) > 0) {
                inside(member.name, container.archive);
                inside(member.text, container.archive);
                total += member.text.len;
            }
            if (total > container.archive.len || container_is_official(&container))
                abort();
        }
        if (memchr(container.facts.builder, 0, sizeof container.facts.builder) == NULL)
            abort();
    } else if (!why.text[0]) {
        abort();
    }
    arena_free(arena);
}

/* A patch has the names it may have, and files keep their texts when nothing is said of them.
 */
static void apply_patch(bytes file)
{
    struct cdiff patch;
    struct cdiff_files files = {0};
    struct why why = {0};
    struct arena *arena = arena_new(64 << 20);
    static const char *const names[] = {"a.ldb", "b.hdb", "c.fp"};
    const bytes text = bytes_of("one 1\ntwo 2\nthree 3\nfour 4\n");
    for (size_t i = 0; i < COUNT(names); i++)
        *vec_push(arena, &files.at) =
            (struct cdiff_file){.name = bytes_of(names[i]), .text = text};
    if (cdiff_open(file, file, file, arena, &patch, &why) == 0 &&
        cdiff_apply(&patch, &files, arena, &why) == 0)
        for (uint32_t i = 0; i < files.at.n; i++) {
            const struct cdiff_file *one = &files.at.at[i];
            if (!one->name.len || memchr(one->name.at, '/', one->name.len) ||
                (!one->changed && !one->gone && one->text.at != text.at))
                abort();
        }
    else if (!why.text[0])
        abort();
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"x.cvd", "x.cld", "x.cud"};
    for (size_t i = 0; i < COUNT(names); i++)
        open_container(names[i], (bytes){data, size});
    apply_patch((bytes){data, size});
    return 0;
}
