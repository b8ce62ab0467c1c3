/* Archives that libarchive reads: tar in all flavours, cpio, ar and deb, lha; and of
 * 7z (sevenzip) and rar (rar). Where it gives up within a tar, this goes on at the next
 * header whose checksum is right. */
#include "unpack/archive/library.h"

#include "unpack/archive/formats.h"

enum {
    OPEN_STEPS = 20000, /* what setting up a reader costs */
    FAILURES = 8,       /* in one place: it will not get further */
    TAR_BLOCK = 512,
    TAR_SUM = 148,
    TAR_SUM_SIZE = 8,
    TAR_TYPE = 156,
};

struct library {
    struct unpack *unpack;
    struct libarchive *archive;
    enum libarchive_kind kind;
};

/* --- content --- */

/* Writes zeros up to `offset`. */
static bool fill_zeros(struct unpack *unpack, uint64_t offset)
{
    for (;;) {
        size_t room, have = unpack_written(unpack).len;
        if (have >= offset)
            return true;
        uint8_t *at = unpack_room(unpack, &room);
        if (!at)
            return !unpack->run->stopped;
        room = room < offset - have ? room : (size_t)(offset - have);
        memset(at, 0, room);
        if (!unpack_wrote(unpack, room))
            return false;
    }
}

/* Blocks that lie in the archive itself, one after the other, need not be copied. */
static bool follows(const struct unpack *unpack, bytes view, bytes block)
{
    const uint8_t *first = unpack->data.at, *last = first + unpack->data.len;
    bool inside = block.at >= first && block.at < last;
    return inside && (view.len == 0 || view.at + view.len == block.at);
}

/* Copies the rest of the member; *view is what came before. False: return. */
static bool copy_content(struct library *library, bytes view, bytes block, uint64_t offset,
                         enum libarchive_state *state, struct why *why)
{
    struct unpack *unpack = library->unpack;
    if (!unpack_put(unpack, view))
        return false;
    while (*state == LIBARCHIVE_GOOD || *state == LIBARCHIVE_WARNED) {
        if (*state == LIBARCHIVE_WARNED)
            unpack_gap(unpack, unpack->child_name, GAP_DAMAGED, "%s", why->text);
        if (!fill_zeros(unpack, offset) || !unpack_put(unpack, block))
            return false;
        if (unpack->full)
            return true;
        if (!budget_charge(unpack->budget, 64))
            return false;
        *state = libarchive_data(library->archive, &block, &offset, why);
    }
    return true;
}

static enum gap gap_of(const struct why *why)
{
    bytes text = bytes_of(why->text);
    if (bytes_find(text, bytes_of("ncrypt"), 0) != SIZE_MAX ||
        bytes_find(text, bytes_of("rypto"), 0) != SIZE_MAX)
        return GAP_ENCRYPTED;
    if (bytes_find(text, bytes_of("nsupported"), 0) != SIZE_MAX ||
        bytes_find(text, bytes_of("not supported"), 0) != SIZE_MAX ||
        bytes_find(text, bytes_of("navailable"), 0) != SIZE_MAX ||
        bytes_find(text, bytes_of("codec ID"), 0) != SIZE_MAX)
        return GAP_UNSUPPORTED;
    if (bytes_find(text, bytes_of("memory"), 0) != SIZE_MAX)
        return GAP_LIMIT;
    return GAP_DAMAGED;
}

/* The member's content, as a view where it can be. False: return. */
static bool open_content(struct library *library, const struct libarchive_member *member,
                         enum libarchive_state *ret_state)
{
    struct unpack *unpack = library->unpack;
    struct why why = {0};
    bytes view = {NULL, 0}, block = {NULL, 0};
    uint64_t offset = 0;
    enum libarchive_state state = libarchive_data(library->archive, &block, &offset, &why);
    while (state == LIBARCHIVE_GOOD && offset == view.len && follows(unpack, view, block)) {
        view = (bytes){view.len ? view.at : block.at, view.len + block.len};
        if (!budget_charge(unpack->budget, 64))
            return false;
        state = libarchive_data(library->archive, &block, &offset, &why);
    }
    *ret_state = state;
    bool whole = state == LIBARCHIVE_END && member->size != UINT64_MAX;
    if (whole && view.len == member->size)
        return unpack_view(unpack, member->name, view);
    if (!unpack_begin(unpack, member->name))
        return false;
    if (!copy_content(library, view, block, offset, &state, &why))
        return false;
    *ret_state = state;
    if (state == LIBARCHIVE_FAILED || state == LIBARCHIVE_LOST)
        unpack_gap(unpack, member->name, gap_of(&why), "%s", why.text);
    else if (state == LIBARCHIVE_END && member->size != UINT64_MAX &&
             unpack_written(unpack).len < member->size && !fill_zeros(unpack, member->size))
        return false;
    return unpack_end(unpack);
}

/* --- members --- */

/* 7z numbers folders too; rar tells of its members itself. */
static void tell_member(const struct library *library, const struct libarchive_member *member)
{
    bool by_rar = library->kind == LIBARCHIVE_RAR || library->kind == LIBARCHIVE_RAR5;
    if (!by_rar && (member->file || library->kind == LIBARCHIVE_7Z))
        unpack_member(library->unpack, member->name, UINT64_MAX, member->size,
                      member->encrypted);
}

/* False: return. */
static bool open_member(struct library *library, const struct libarchive_member *member,
                        enum libarchive_state *ret_state)
{
    *ret_state = LIBARCHIVE_GOOD;
    tell_member(library, member);
    if (member->encrypted) {
        unpack_gap(library->unpack, member->name, GAP_ENCRYPTED, "encrypted");
        return true;
    }
    return !member->file || member->size == 0 || open_content(library, member, ret_state);
}

/* Every member until the end, or until nothing more can be read. False: return. */
static bool open_members(struct library *library)
{
    struct unpack *unpack = library->unpack;
    uint64_t failed_at = UINT64_MAX;
    unsigned failures = 0;
    for (;;) {
        struct libarchive_member member;
        struct why why = {0};
        enum libarchive_state state = libarchive_next(library->archive, &member, &why);
        if (!budget_charge(unpack->budget, 256))
            return false;
        if (state == LIBARCHIVE_END)
            return true;
        /* A name that this locale cannot spell is no damage. */
        bool spelling = bytes_find(bytes_of(why.text), bytes_of("be converted"), 0) != SIZE_MAX;
        if (state != LIBARCHIVE_GOOD && !(state == LIBARCHIVE_WARNED && spelling))
            unpack_gap(unpack, member.name, gap_of(&why), "%s", why.text);
        if (state == LIBARCHIVE_LOST)
            return true;
        if (state == LIBARCHIVE_FAILED) {
            uint64_t at = libarchive_consumed(library->archive);
            failures = at == failed_at ? failures + 1 : 0;
            failed_at = at;
            if (failures >= FAILURES)
                return true;
            continue;
        }
        if (!open_member(library, &member, &state))
            return false;
        if (state == LIBARCHIVE_LOST)
            return true;
    }
}

bool library_open(struct unpack *unpack, enum libarchive_kind kind, const bytes *parts,
                  size_t count, uint64_t *ret_seen)
{
    struct library library = {.unpack = unpack, .kind = kind};
    struct why why = {0};
    *ret_seen = 0;
    if (!budget_charge(unpack->budget, OPEN_STEPS))
        return false;
    library.archive = libarchive_open(kind, parts, count, &why);
    if (!library.archive) {
        unpack_gap(unpack, bytes_of(""), gap_of(&why), "%s", why.text);
        return true;
    }
    bool more = open_members(&library);
    *ret_seen = libarchive_consumed(library.archive);
    libarchive_close(library.archive);
    return more;
}

enum decoded library_decode(struct unpack *unpack, enum libarchive_kind kind,
                            const bytes *parts, size_t count)
{
    struct library library = {.unpack = unpack};
    struct libarchive_member member;
    struct why why = {0};
    bytes block = {NULL, 0};
    uint64_t offset = 0;
    bool more = true;
    library.archive = libarchive_open(kind, parts, count, &why);
    if (!library.archive)
        return DECODED_DAMAGED;
    enum libarchive_state state = libarchive_next(library.archive, &member, &why);
    if (state == LIBARCHIVE_GOOD || state == LIBARCHIVE_WARNED)
        state = libarchive_data(library.archive, &block, &offset, &why);
    if (state == LIBARCHIVE_GOOD || state == LIBARCHIVE_WARNED)
        more = copy_content(&library, (bytes){NULL, 0}, block, offset, &state, &why);
    libarchive_close(library.archive);
    if (!more)
        return DECODED_STOP;
    if (unpack->full)
        return DECODED_FULL;
    return state == LIBARCHIVE_END ? DECODED : DECODED_DAMAGED;
}

static void open_whole(struct unpack *unpack, enum libarchive_kind kind)
{
    uint64_t seen;
    (void)!library_open(unpack, kind, &unpack->data, 1, &seen);
}

/* --- tar --- */

/* A number in octal digits, with spaces before it and a space or NUL after it; UINT32_MAX for
 * what is none. */
static uint32_t tar_octal(const uint8_t *at, size_t len)
{
    uint32_t value = 0;
    size_t i = 0, digits = 0;
    while (i < len && at[i] == ' ')
        i++;
    for (; i < len && at[i] >= '0' && at[i] <= '7'; i++, digits++)
        value = value << 3 | (uint32_t)(at[i] - '0');
    return digits && (i == len || at[i] == ' ' || at[i] == 0) ? value : UINT32_MAX;
}

/* A header (POSIX.1-1988 ustar and its elders) whose checksum is right. */
static bool tar_header(bytes data, uint64_t at)
{
    if (!bytes_has(data, at, TAR_BLOCK) || data.at[at] == 0)
        return false;
    const uint8_t *p = data.at + at;
    uint32_t wanted = tar_octal(p + TAR_SUM, TAR_SUM_SIZE), sum = 0;
    int32_t signed_sum = 0;
    if (wanted == UINT32_MAX)
        return false;
    for (size_t i = 0; i < TAR_BLOCK; i++) {
        uint8_t byte = i >= TAR_SUM && i < TAR_SUM + TAR_SUM_SIZE ? ' ' : p[i];
        sum += byte;
        signed_sum += (int8_t)byte;
    }
    return wanted == sum || wanted == (uint32_t)signed_sum;
}

bool tar_probe(bytes data)
{
    return tar_header(data, 0);
}

/* What follows the end of the archive, or a damaged header, is looked through as well: other
 * programs may go on there. */
void tar_open(struct unpack *unpack)
{
    bytes data = unpack->data;
    uint64_t at = 0, seen;
    while (at < data.len) {
        bytes rest = bytes_slice(data, (size_t)at, data.len);
        if (!library_open(unpack, LIBARCHIVE_TAR, &rest, 1, &seen))
            return;
        at += seen > TAR_BLOCK ? (seen + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK : TAR_BLOCK;
        while (at < data.len && !tar_header(data, at)) {
            at += TAR_BLOCK;
            if (!budget_charge(unpack->budget, 64))
                return;
        }
    }
}

/* --- the others --- */

/* Old binary headers have a magic of two bytes only: the file type and the name must fit. */
bool cpio_binary_probe(bytes data)
{
    uint16_t magic, mode, name;
    bool little = bytes_le16(data, 0, &magic) && magic == 070707;
    bool good = little ? bytes_le16(data, 6, &mode) && bytes_le16(data, 20, &name)
                       : bytes_be16(data, 6, &mode) && bytes_be16(data, 20, &name);
    if (!good || name < 2 || name > 4096 || !bytes_has(data, 26, name))
        return false;
    return mode >> 12 != 0 && data.at[26] != 0 && data.at[26 + name - 1] == 0;
}

void cpio_open(struct unpack *unpack)
{
    open_whole(unpack, LIBARCHIVE_CPIO);
}

void ar_open(struct unpack *unpack)
{
    open_whole(unpack, LIBARCHIVE_AR);
}

/* "-lh5-": a method between dashes, and a header that has a size. */
bool lha_probe(bytes data)
{
    return data.len > 21 && data.at[6] == '-' && ascii_alnum(data.at[5]) && data.at[20] <= 3 &&
           (data.at[0] != 0 || data.at[20] >= 2);
}

void lha_open(struct unpack *unpack)
{
    open_whole(unpack, LIBARCHIVE_LHA);
}
