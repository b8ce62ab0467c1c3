/* 7z archives ("7zFormat.txt" of the 7-Zip SDK):
 *
 *     7z bc af 27 1c, version (2), CRC-32 of what follows: offset (le64), size (le64) and
 * CRC-32 of the header; packed streams; header
 *
 * libarchive reads what has no password. Where the header or streams are encrypted with 7zAES,
 * passwords are tried: each on the header, else on the first files of a folder, until their
 * CRC-32 are right, and say enough. Then libarchive reads an archive of deciphered streams and
 * a plain header, which lies in the region. What no password opened stays in it as it is, and
 * is told as encrypted.
 */
#include "unpack/archive/sevenzip/sevenzip.h"

#include "shim/cipher.h"
#include "shim/stream.h"
#include "unpack/archive/formats.h"
#include "unpack/archive/library.h"
#include "unpack/document/text.h"

enum {
    HEADERS_MAX = 4, /* packed in each other */
    FILE_ROOM = 24,  /* in a header, for each file beside its name */
    NO_PASSWORD = -1,
    STOPPED = -2, /* return */
    ENOUGH = 24,  /* bits by which a password is known to be right */
};

struct sevenzip {
    struct unpack *unpack;
    bytes body, raw; /* streams; the header as it stands */
    struct sevenzip_header header;
    struct sevenzip_keys keys;
    int32_t last; /* password that fitted */
    bool opened;  /* the header was encrypted */
};

/* --- streams --- */

/* Deciphers a packed stream into the child. False: return, or (not stopped) no key. */
static bool put_deciphered(struct sevenzip *archive, bytes in, const struct sevenzip_lock *lock,
                           uint32_t password)
{
    struct unpack *unpack = archive->unpack;
    uint8_t iv[CIPHER_BLOCK];
    const uint8_t *key = sevenzip_key(&archive->keys, password, lock->properties, iv);
    uint64_t left = lock->size;
    while (key && left && in.len >= CIPHER_BLOCK) {
        size_t room;
        uint8_t *at = unpack_room(unpack, &room);
        room = (room < in.len ? room : in.len) & ~(size_t)(CIPHER_BLOCK - 1);
        if (!at)
            return !unpack->run->stopped;
        if (!cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, (bytes){key, SEVENZIP_KEY}, iv,
                        bytes_slice(in, 0, room), at))
            return false;
        in = bytes_slice(in, room, in.len);
        room = room < left ? room : (size_t)left;
        left -= room;
        if (!unpack_wrote(unpack, room))
            return false;
    }
    return key != NULL;
}

static bytes packed(const struct sevenzip *archive, uint32_t index)
{
    const struct sevenzip_pack *pack = &archive->header.packs.at[index];
    return pack->at > archive->body.len
               ? (bytes){NULL, 0}
               : bytes_slice(archive->body, (size_t)pack->at, (size_t)pack->size);
}

/* The streams of one folder into the child, without the cipher where `folder` has none; their
 * sizes. */
static bool put_streams(struct sevenzip *archive, const struct sevenzip_place *place,
                        const struct sevenzip_folder *folder, uint32_t password,
                        uint64_t *sizes)
{
    struct unpack *unpack = archive->unpack;
    for (uint32_t i = 0; i < place->pack_count; i++) {
        bytes in = packed(archive, place->first_pack + i);
        size_t before = unpack_written(unpack).len;
        bool locked = folder && folder->locks[i].properties.at;
        if (locked ? !put_deciphered(archive, in, &folder->locks[i], password)
                   : !unpack_put(unpack, in))
            return false;
        sizes[i] = unpack_written(unpack).len - before;
    }
    return true;
}

/* --- one folder --- */

/* Whether a stream can begin so: most wrong passwords end here. */
static bool is_likely(uint64_t reader, const uint8_t *head)
{
    switch (reader) {
    case SEVENZIP_LZMA: /* the range coder's first byte */
        return head[0] == 0;
    case SEVENZIP_LZMA2: /* stored; or with properties, and the same */
        return head[0] == 1 || (head[0] >= 0xe0 && head[5] < 225 && head[6] == 0);
    case SEVENZIP_BZIP2:
        return memcmp(head, "BZh", 3) == 0;
    default:
        return true;
    }
}

static bool may_fit(struct sevenzip *archive, const struct sevenzip_place *place,
                    const struct sevenzip_folder *folder, uint32_t password)
{
    for (uint32_t i = 0; i < place->pack_count; i++) {
        const struct sevenzip_lock *lock = &folder->locks[i];
        bytes in = bytes_slice(packed(archive, place->first_pack + i), 0, CIPHER_BLOCK);
        uint8_t iv[CIPHER_BLOCK], head[CIPHER_BLOCK];
        if (!lock->properties.at || lock->size < CIPHER_BLOCK || in.len < CIPHER_BLOCK)
            continue;
        const uint8_t *key = sevenzip_key(&archive->keys, password, lock->properties, iv);
        if (!key ||
            !cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, (bytes){key, SEVENZIP_KEY}, iv, in, head) ||
            !is_likely(lock->reader, head))
            return false;
    }
    return true;
}

/* An archive of this folder alone into the child. */
static bool make_single(struct sevenzip *archive, const struct sevenzip_place *place,
                        const struct sevenzip_folder *folder, uint32_t password,
                        const struct sevenzip_file *files, size_t count,
                        struct sevenzip_made *made)
{
    uint64_t sizes[SEVENZIP_STREAMS];
    size_t room = place->folder.len + SEVENZIP_STREAMS * 20;
    for (size_t i = 0; i < count; i++)
        room += FILE_ROOM + files[i].name.len;
    if (!put_streams(archive, place, folder, password, sizes) ||
        !sevenzip_make(made, archive->unpack, room))
        return false;
    sevenzip_put_id(made, SEVENZIP_HEADER);
    sevenzip_put_id(made, SEVENZIP_MAIN_STREAMS);
    sevenzip_put_packs(made, sizes, place->pack_count);
    sevenzip_put_id(made, SEVENZIP_UNPACK_INFO);
    sevenzip_put_id(made, SEVENZIP_FOLDER);
    sevenzip_put_number(made, 1);
    sevenzip_put_number(made, 0);
    sevenzip_put_folder(made, folder);
    sevenzip_put_id(made, SEVENZIP_UNPACK_SIZE);
    sevenzip_put_sizes(made, folder);
    sevenzip_put_id(made, SEVENZIP_END);
    sevenzip_put_files(made, files, count);
    return !made->full && sevenzip_finish(made);
}

/* The same, kept in the region, for libarchive. */
static bool keep_single(struct sevenzip *archive, const struct sevenzip_place *place,
                        const struct sevenzip_folder *folder, uint32_t password,
                        const struct sevenzip_file *files, size_t count, uint8_t *start,
                        bytes parts[2])
{
    struct unpack *unpack = archive->unpack;
    struct sevenzip_made made;
    struct arena_mark mark = arena_mark(unpack->arena);
    if (!unpack_begin(unpack, bytes_of("packed streams")))
        return false;
    bool good = make_single(archive, place, folder, password, files, count, &made);
    memcpy(start, made.start, SEVENZIP_START);
    parts[0] = (bytes){start, SEVENZIP_START};
    parts[1] = unpack_keep(unpack);
    arena_pop(unpack->arena, mark);
    return good && !unpack->full;
}

/* The first coder's output into a child that is kept. */
static enum decoded decode_start(struct sevenzip *archive, const struct sevenzip_place *place,
                                 const struct sevenzip_folder *folder, uint32_t coder,
                                 uint32_t password)
{
    struct unpack *unpack = archive->unpack;
    const struct sevenzip_file file = {.size = folder->sizes[coder]};
    struct sevenzip_folder single = {.coder_count = 1, .pack_count = 1, .outs = 1};
    uint8_t start[SEVENZIP_START];
    uint64_t sizes[SEVENZIP_STREAMS];
    bytes parts[2];
    single.coders[0] = folder->coders[coder];
    single.sizes[0] = file.size;
    single.locks[0] = folder->locks[0];
    if (sevenzip_decodes(single.coders[0].method)) {
        if (!keep_single(archive, place, &single, password, &file, 1, start, parts) ||
            !unpack_begin(unpack, bytes_of("folder")))
            return DECODED_STOP;
        return library_decode(unpack, LIBARCHIVE_7Z, parts, COUNT(parts));
    }
    if (!unpack_begin(unpack, bytes_of("packed streams")))
        return DECODED_STOP;
    bool good = put_streams(archive, place, folder, password, sizes);
    bytes in = unpack_keep(unpack);
    if (!good || !unpack_begin(unpack, bytes_of("folder")))
        return DECODED_STOP;
    return sevenzip_decode(unpack, &single.coders[0], file.size, in);
}

/* A folder that libarchive does not read, whole, kept in the region. */
static enum decoded decode_chain(struct sevenzip *archive, const struct sevenzip_place *place,
                                 const struct sevenzip_folder *folder, uint32_t password,
                                 bytes *ret)
{
    struct unpack *unpack = archive->unpack;
    struct region *region = unpack->run->region;
    uint32_t order[SEVENZIP_STREAMS], count = sevenzip_chain(folder, order);
    *ret = (bytes){NULL, 0};
    if (count == 0)
        return DECODED_UNKNOWN;
    enum decoded how = decode_start(archive, place, folder, order[0], password);
    if (!unpack->writing)
        return how;
    *ret = unpack_keep(unpack);
    for (uint32_t i = 1; i < count && how != DECODED_STOP; i++) {
        if (!budget_charge(unpack->budget, ret->len / 4))
            return DECODED_STOP;
        if (!sevenzip_unfilter(&folder->coders[order[i]],
                               region->at + (size_t)(ret->at - region->at), ret->len))
            return DECODED_UNKNOWN;
    }
    return how;
}

static bool is_right(const struct sevenzip_file *file, bytes content)
{
    return content.len == file->size &&
           (!file->has_crc || stream_crc32(0, content) == file->crc);
}

/* Bits of the zeros that fill up the last blocks; 0 when something else does. */
static unsigned filled_up(struct sevenzip *archive, const struct sevenzip_place *place,
                          const struct sevenzip_folder *folder, uint32_t password)
{
    unsigned ret = 0;
    for (uint32_t i = 0; i < place->pack_count; i++) {
        const struct sevenzip_lock *lock = &folder->locks[i];
        bytes in = packed(archive, place->first_pack + i);
        uint8_t iv[CIPHER_BLOCK], last[CIPHER_BLOCK];
        if (!lock->properties.at || in.len < CIPHER_BLOCK || in.len % CIPHER_BLOCK ||
            lock->size >= in.len || in.len - lock->size >= CIPHER_BLOCK)
            continue;
        const uint8_t *key = sevenzip_key(&archive->keys, password, lock->properties, iv);
        if (in.len > CIPHER_BLOCK)
            memcpy(iv, in.at + in.len - 2 * CIPHER_BLOCK, CIPHER_BLOCK);
        in = bytes_slice(in, in.len - CIPHER_BLOCK, CIPHER_BLOCK);
        if (!key ||
            !cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, (bytes){key, SEVENZIP_KEY}, iv, in, last))
            return 0;
        for (size_t k = (size_t)(lock->size % CIPHER_BLOCK); k < CIPHER_BLOCK; k++) {
            if (last[k])
                return 0;
            ret += 8;
        }
    }
    return ret;
}

/* How many of a folder's files have to be right so that a password is known to be: the checksum
 * of a single byte is right for one of 256 passwords. 0: all of them would not say enough. */
static uint32_t files_to_check(struct sevenzip *archive, const struct sevenzip_place *place,
                               const struct sevenzip_folder *folder, uint32_t password)
{
    const struct sevenzip_file *files = archive->header.files.at + place->first_file;
    unsigned bits = place->locked ? filled_up(archive, place, folder, password) : ENOUGH;
    bool has_crc = false;
    uint32_t n = 0;
    while (n < place->file_count && (n == 0 || bits < ENOUGH)) {
        has_crc = has_crc || files[n].has_crc;
        bits += files[n].has_crc ? 8 * (unsigned)(files[n].size < 4 ? files[n].size : 4) : 0;
        n++;
    }
    /* Where nothing has a checksum, what can be decoded has to do. */
    return bits >= ENOUGH || !has_crc ? n : 0;
}

static bool are_right(const struct sevenzip_file *files, uint32_t n, bytes content)
{
    for (uint32_t i = 0; i < n; i++) {
        bytes part = bytes_slice(content, 0, (size_t)files[i].size);
        if (!is_right(&files[i], part))
            return false;
        content = bytes_slice(content, part.len, content.len);
    }
    return true;
}

/* The folder with that password: its first files, or all of it where libarchive does not read
 * it, kept in the region. False: they are not right, or (stopped) return. */
static bool decode_first(struct sevenzip *archive, const struct sevenzip_place *place,
                         const struct sevenzip_folder *folder, uint32_t password, bytes *ret)
{
    struct unpack *unpack = archive->unpack;
    const struct sevenzip_file *first = &archive->header.files.at[place->first_file];
    uint32_t n = files_to_check(archive, place, folder, password);
    /* Checked here, and what follows them is one more file. */
    struct sevenzip_file files[] = {{.size = 0}, {0}};
    uint8_t start[SEVENZIP_START];
    bytes parts[2];
    if (n == 0)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (__builtin_add_overflow(files[0].size, first[i].size, &files[0].size))
            return false;
    if (!sevenzip_known(folder))
        return decode_chain(archive, place, folder, password, ret) == DECODED &&
               are_right(first, n, *ret);
    if (!keep_single(archive, place, folder, password, files,
                     files[0].size < place->size ? 2 : 1, start, parts) ||
        !unpack_begin(unpack, bytes_of("first files")))
        return false;
    bool good = library_decode(unpack, LIBARCHIVE_7Z, parts, COUNT(parts)) == DECODED;
    *ret = unpack_keep(unpack);
    return good && ret->len == files[0].size && are_right(first, n, *ret);
}

/* The password that opens a folder. */
static int32_t find_password(struct sevenzip *archive, const struct sevenzip_place *place,
                             const struct sevenzip_folder *folder, bytes *ret)
{
    struct unpack *unpack = archive->unpack;
    size_t mark = unpack_mark(unpack);
    int32_t count = (int32_t)archive->keys.count;
    for (int32_t i = -1; i < count; i++) {
        int32_t password = i < 0 ? archive->last : i;
        if (password < 0 || (i >= 0 && i == archive->last))
            continue;
        if (may_fit(archive, place, folder, (uint32_t)password) &&
            decode_first(archive, place, folder, (uint32_t)password, ret)) {
            archive->last = password;
            return password;
        }
        unpack_release(unpack, mark);
        if (unpack->run->stopped || !budget_charge(unpack->budget, 256))
            return STOPPED;
    }
    return NO_PASSWORD;
}

/* --- the header --- */

static bool find_header(struct sevenzip *archive)
{
    bytes data = archive->unpack->data;
    uint64_t at, size;
    archive->body = bytes_slice(data, SEVENZIP_START, data.len);
    if (!bytes_le64(data, 12, &at) || !bytes_le64(data, 20, &size) || size == 0 ||
        !bytes_has(archive->body, at, size))
        return false;
    archive->raw = bytes_slice(archive->body, (size_t)at, (size_t)size);
    return true;
}

/* A header that is packed, or encrypted as well, in place of what says so. NO_PASSWORD: none
 * opened it. `*ret_read`: it is as expected. */
static int32_t unpack_header(struct sevenzip *archive, bool *ret_read)
{
    struct sevenzip_folder folder;
    int32_t password = 0;
    *ret_read = false;
    if (!sevenzip_read(archive->unpack, archive->raw, true, &archive->header) ||
        archive->header.folders.n != 1 || archive->header.files.n != 1)
        return 0;
    const struct sevenzip_place *place = &archive->header.folders.at[0];
    if (!sevenzip_strip(archive->unpack, place, &folder))
        return 0;
    if (place->locked)
        password = find_password(archive, place, &folder, &archive->raw);
    else if (!decode_first(archive, place, &folder, 0, &archive->raw))
        return archive->unpack->run->stopped ? STOPPED : 0;
    archive->opened = archive->opened || (place->locked && password >= 0);
    *ret_read = password >= 0;
    return password;
}

/* False: return. *ret_read: archive->header is the real one. */
static bool read_header(struct sevenzip *archive, bool *ret_read)
{
    *ret_read = find_header(archive) && sevenzip_keys_open(&archive->keys, archive->unpack);
    for (int i = 0; *ret_read && archive->raw.len && archive->raw.at[0] == SEVENZIP_ENCODED;
         i++) {
        int32_t password = i < HEADERS_MAX ? unpack_header(archive, ret_read) : STOPPED;
        if (password == NO_PASSWORD)
            unpack_gap(archive->unpack, bytes_of(""), GAP_ENCRYPTED,
                       "encrypted, and so are its members' names");
        if (password < 0)
            return false;
    }
    *ret_read =
        *ret_read && sevenzip_read(archive->unpack, archive->raw, false, &archive->header);
    return true;
}

/* --- the archive --- */

static bool has_apart(const struct sevenzip *archive)
{
    for (uint32_t i = 0; i < archive->header.folders.n; i++)
        if (archive->header.folders.at[i].apart)
            return true;
    return false;
}

/* Files of a folder that is not opened. False: return. */
static bool note_files(struct sevenzip *archive, const struct sevenzip_place *place,
                       enum gap gap, const char *text)
{
    struct unpack *unpack = archive->unpack;
    for (uint32_t i = 0; i < place->file_count; i++) {
        struct arena_mark mark = arena_mark(unpack->arena);
        bytes name = archive->header.files.at[place->first_file + i].name;
        if (!budget_charge(unpack->budget, 64))
            return false;
        name = text_utf8(unpack->arena, name);
        unpack_member(unpack, name, UINT64_MAX,
                      archive->header.files.at[place->first_file + i].size, place->locked);
        unpack_gap(unpack, name, gap, "%s", text);
        arena_pop(unpack->arena, mark);
    }
    return true;
}

/* Files of a folder that was decoded here. False: return. */
static bool view_files(struct sevenzip *archive, const struct sevenzip_place *place,
                       bytes content)
{
    struct unpack *unpack = archive->unpack;
    bool more = true;
    for (uint32_t i = 0; more && i < place->file_count; i++) {
        const struct sevenzip_file *file = &archive->header.files.at[place->first_file + i];
        struct arena_mark mark = arena_mark(unpack->arena);
        bytes part = bytes_slice(content, 0, (size_t)file->size),
              name = text_utf8(unpack->arena, file->name);
        content = bytes_slice(content, part.len, content.len);
        if (!is_right(file, part))
            unpack_gap(unpack, name, GAP_DAMAGED, "%s",
                       part.len < file->size ? "its data is cut short"
                                             : "its checksum is wrong");
        more = budget_charge(unpack->budget, part.len / 16) && unpack_view(unpack, name, part);
        arena_pop(unpack->arena, mark);
    }
    return more;
}

static bool open_foreign(struct sevenzip *archive, const struct sevenzip_place *place,
                         const struct sevenzip_folder *folder)
{
    int32_t password = 0;
    bytes content;
    enum decoded how = DECODED;
    if (place->locked)
        password = find_password(archive, place, folder, &content);
    else
        how = decode_chain(archive, place, folder, 0, &content);
    if (how == DECODED_STOP || password == STOPPED)
        return false;
    if (password == NO_PASSWORD)
        return note_files(archive, place, GAP_ENCRYPTED, "encrypted with AES-256");
    if (how == DECODED_UNKNOWN)
        return note_files(archive, place, GAP_UNSUPPORTED, "packed with an unknown method");
    return view_files(archive, place, content);
}

/* Through libarchive. */
static bool open_known(struct sevenzip *archive, const struct sevenzip_place *place,
                       const struct sevenzip_folder *folder)
{
    struct unpack *unpack = archive->unpack;
    size_t mark = unpack_mark(unpack);
    int32_t password = 0;
    uint8_t start[SEVENZIP_START];
    uint64_t seen;
    bytes parts[2], first;
    if (place->locked)
        password = find_password(archive, place, folder, &first);
    unpack_release(unpack, mark);
    if (password == NO_PASSWORD)
        return note_files(archive, place, GAP_ENCRYPTED, "encrypted with AES-256");
    bool good = password >= 0 &&
                keep_single(archive, place, folder, (uint32_t)password,
                            archive->header.files.at + place->first_file, place->file_count,
                            start, parts) &&
                library_open(unpack, LIBARCHIVE_7Z, parts, COUNT(parts), &seen);
    return good || (!unpack->run->stopped && unpack->budget->hit == LIMIT_NONE);
}

/* False: return. */
static bool open_folder(struct sevenzip *archive, const struct sevenzip_place *place)
{
    struct unpack *unpack = archive->unpack;
    struct sevenzip_folder folder;
    size_t mark = unpack_mark(unpack);
    if (place->file_count == 0)
        return true;
    if (!sevenzip_strip(unpack, place, &folder))
        return note_files(archive, place, GAP_ENCRYPTED, "encrypted with AES-256");
    bool more = sevenzip_known(&folder) ? open_known(archive, place, &folder)
                                        : open_foreign(archive, place, &folder);
    unpack_release(unpack, mark);
    return more;
}

/* The header is behind the end: of the first volume of a split archive, or cut off. What tells
 * how streams are packed is in it; but the first begins here, and most are packed in one of two
 * ways. */
static void open_cut(struct unpack *unpack)
{
    static const uint8_t usual[] = {0x5d, 0,    0,    0,    4,    0xff, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    bytes body = bytes_slice(unpack->data, SEVENZIP_START, unpack->data.len), head = {NULL, 0};
    bool lzma = body.len >= CIPHER_BLOCK && is_likely(SEVENZIP_LZMA, body.at);
    bool lzma2 = body.len >= CIPHER_BLOCK && is_likely(SEVENZIP_LZMA2, body.at);
    if (volume_number(unpack->name) == 1)
        volume_note(unpack, 1);
    else
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED,
                   "cut short: or the first volume of a split archive");
    if ((!lzma && !lzma2) || !unpack_begin(unpack, bytes_of("first stream")))
        return;
    if (!lzma2)
        head = (bytes){usual, sizeof usual};
    enum decoded how =
        decode_stream_after(unpack, lzma2 ? STREAM_LZMA2 : STREAM_LZMA, head, &body);
    if (how == DECODED_STOP)
        return;
    unpack->partial = true;
    (void)!unpack_end(unpack);
}

static bool is_cut(bytes data)
{
    uint64_t at, size;
    uint32_t crc;
    return bytes_le32(data, 8, &crc) && bytes_le64(data, 12, &at) &&
           bytes_le64(data, 20, &size) && bytes_has(data, 12, 20) &&
           stream_crc32(0, bytes_slice(data, 12, 20)) == crc && size &&
           !bytes_has(bytes_slice(data, SEVENZIP_START, data.len), at, size);
}

void sevenzip_open(struct unpack *unpack)
{
    struct sevenzip archive = {.unpack = unpack, .last = NO_PASSWORD};
    uint64_t seen;
    bool read;
    if (is_cut(unpack->data)) {
        open_cut(unpack);
        return;
    }
    if (!read_header(&archive, &read))
        return;
    if (!read || (!archive.opened && !has_apart(&archive))) {
        (void)!library_open(unpack, LIBARCHIVE_7Z, &unpack->data, 1, &seen);
        return;
    }
    for (uint32_t i = 0; i < archive.header.folders.n; i++)
        if (!open_folder(&archive, &archive.header.folders.at[i]))
            return;
}
