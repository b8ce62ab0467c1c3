/* Summaries of the names of an ELF file's symbols, both over the names in lower case, sorted
 * and joined by commas: import_md5 is the MD5 of those of undefined symbols; telfhash the TLSH
 * of those of global functions (https://github.com/trendmicro/telfhash). Dynamic symbols are
 * preferred. */
#include "shim/digest.h"
#include "yara/modules/elf.h"
#include "yara/modules/tlsh.h"

#include <errno.h>
#include <string.h>

enum { FUNCTION = 2, GLOBAL = 1, UNDEFINED_SECTION = 0 };

struct names {
    bytes *at;
    size_t n, length; /* length: of all of them together */
};

static void sift(bytes *at, size_t root, size_t n)
{
    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= n)
            return;
        if (child + 1 < n && bytes_compare(at[child], at[child + 1]) < 0)
            child++;
        if (bytes_compare(at[root], at[child]) >= 0)
            return;
        bytes swap = at[root];
        at[root] = at[child];
        at[child] = swap;
        root = child;
    }
}

/* In place and never quadratic, whatever the file says. */
static void heap_sort(bytes *at, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        sift(at, i, n);
    for (size_t end = n; end-- > 1;) {
        bytes swap = at[0];
        at[0] = at[end];
        at[end] = swap;
        sift(at, 0, end);
    }
}

static bool starts(bytes name, const char *head)
{
    size_t len = strlen(head);
    return name.len >= len && memcmp(name.at, head, len) == 0;
}

static bool counts_for_telfhash(const struct elf *elf, const uint8_t *symbol, bytes name)
{
    /* Names that depend on the compiler or the library, as the original lists them. */
    static const char *const common[] = {"__libc_start_main", "main", "abort", "cachectl",
                                         "cacheflush",        "puts", "atol",  "malloc_trim"};
    uint8_t info = symbol[elf->layout->y.info];
    if (info >> 4 != GLOBAL || (info & 15) != FUNCTION ||
        (symbol[elf->layout->y.other] & 3) != 0)
        return false;
    if (starts(name, ".") || starts(name, "_") || starts(name, "str") || starts(name, "mem"))
        return false;
    if (name.len >= 2 && memcmp(name.at + name.len - 2, "64", 2) == 0)
        return false;
    for (size_t i = 0; i < COUNT(common); i++)
        if (bytes_is(name, common[i]))
            return false;
    return true;
}

static bool counts_for_imports(const struct elf *elf, const uint8_t *symbol, bytes name)
{
    return name.len && elf_u16(elf, symbol + elf->layout->y.section) == UNDEFINED_SECTION;
}

/* Copies the wanted names in lower case. 0 or -ENOMEM; an empty list when the budget is out. */
static int names_collect(struct module_input *in, const struct elf *elf,
                         const struct elf_symbols *from,
                         bool (*wanted)(const struct elf *, const uint8_t *, bytes),
                         struct names *ret)
{
    size_t count = from->table.len / elf->layout->symbol;
    struct names names = {.at = PUSH_ARRAY(in->arena, bytes, count)};
    if (!names.at)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *symbol = from->table.at + i * elf->layout->symbol;
        if (!budget_charge(in->budget, 1))
            return 0;
        bytes name = elf_text(in->budget, from->strings, elf_u32(elf, symbol));
        if (!name.at || !wanted(elf, symbol, name))
            continue;
        uint8_t *copy = arena_push_raw(in->arena, name.len);
        if (!copy)
            return -ENOMEM;
        for (size_t k = 0; k < name.len; k++)
            copy[k] = ascii_lower(name.at[k]);
        names.at[names.n++] = (bytes){copy, name.len};
        names.length += name.len;
    }
    *ret = names;
    return 0;
}

/* Sorts and joins: .at stays NULL when there is nothing to join. */
static int names_join(struct module_input *in, struct names names, bytes *ret)
{
    *ret = (bytes){0};
    if (names.n == 0 || !budget_charge(in->budget, names.length + names.n * 32))
        return 0;
    heap_sort(names.at, names.n);
    uint8_t *text = arena_push_raw(in->arena, names.length + names.n);
    if (!text)
        return -ENOMEM;
    size_t len = 0;
    for (size_t i = 0; i < names.n; i++) {
        if (i)
            text[len++] = ',';
        memcpy(text + len, names.at[i].at, names.at[i].len);
        len += names.at[i].len;
    }
    *ret = (bytes){text, len};
    return 0;
}

static int joined(struct module_input *in,
                  bool (*wanted)(const struct elf *, const uint8_t *, bytes), bytes *ret)
{
    *ret = (bytes){0};
    const struct elf *elf = elf_with_symbols(in);
    if (!elf)
        return 0;
    const struct elf_symbols *from = elf->dynsym.found ? &elf->dynsym : &elf->symtab;
    if (!from->found)
        return 0;
    struct names names = {0};
    int error = names_collect(in, elf, from, wanted, &names);
    return error ? error : names_join(in, names, ret);
}

static int text_result(struct module_input *in, const char *text, struct value *ret)
{
    bytes copy = arena_copy(in->arena, bytes_of(text));
    if (!copy.at)
        return -ENOMEM;
    *ret = VALUE_BYTES(copy);
    return 0;
}

int elf_import_md5(struct module_input *in, const struct value *args, struct value *ret)
{
    (void)args;
    bytes names;
    uint8_t digest[DIGEST_MAX];
    char text[2 * DIGEST_MAX + 1];
    int error = joined(in, counts_for_imports, &names);
    if (error || !names.at || !digest_parts(DIGEST_MD5, &names, 1, digest))
        return error;
    digest_hex(digest, digest_size(DIGEST_MD5), text);
    return text_result(in, text, ret);
}

int elf_telfhash(struct module_input *in, const struct value *args, struct value *ret)
{
    (void)args;
    bytes names;
    char text[TLSH_TEXT + 1];
    int error = joined(in, counts_for_telfhash, &names);
    if (error || !names.at)
        return error;
    tlsh_text(names, in->budget, text); /* empty where it has no answer, as YARA's */
    return text_result(in, text, ret);
}
