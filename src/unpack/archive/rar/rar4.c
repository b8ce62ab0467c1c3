/* RAR before version 5 (technote.txt of WinRAR 3.93):
 *
 *     signature  Rar! 1a 07 00
 *     block      CRC-32 of what follows, half of it (le16); type, flags (le16), size (le16)
 *                [, size of the data (le32) if flags 8000]
 *     73         archive: flags 1 volume, 8 solid, 80 headers are encrypted, 100 first volume
 *     74         file: sizes packed and not (le32), system, CRC-32 (le32), time, version,
 * method, size of the name (le16), attributes (le32) [, high halves of the sizes, if flags
 * 100], name [, salt of 8 bytes, if flags 400]; flags 1 and 2: goes on from the volume before,
 * in the next; 4: encrypted; e0: a folder 7b         end: flags 2 has a CRC (le32), 8 the
 * number of the volume (le16)
 *
 * Encrypted headers lie behind a salt of 8 bytes and are filled up to 16. Where something is
 * encrypted, each file that a password opens goes into a plain archive for libarchive. So do
 * the first and the stored files of a solid archive, which libarchive does not read. */
#include "unpack/archive/rar/rar.h"

#include "shim/cipher.h"
#include "shim/stream.h"
#include "unpack/archive/formats.h"
#include "unpack/archive/library.h"

enum {
    SIGNATURE = 7,
    BLOCK = 7,
    TYPE_ARCHIVE = 0x73,
    TYPE_FILE = 0x74,
    TYPE_END = 0x7b,
    HAS_DATA = 0x8000,
    ARCHIVE_VOLUME = 1,
    ARCHIVE_SOLID = 8,
    ARCHIVE_LOCKED = 0x80,
    ARCHIVE_FIRST = 0x100,
    ARCHIVE_SIZE = 13,
    END_CRC = 2,
    END_NUMBER = 8,
    FILE_GOES_ON = 3,
    FILE_LOCKED = 4,
    FILE_SOLID = 0x10,
    FILE_FOLDER = 0xe0,
    FILE_LARGE = 0x100,
    FILE_SALT = 0x400,
    FILE_SIZE = 32, /* without name */
    VERSION_AES = 29,
    STORED = 0x30,
    HEADER_STEPS = 64,
};

struct block {
    uint8_t type;
    uint16_t flags;
    bytes header; /* from its CRC on */
    bytes data;
};

struct file {
    uint64_t packed, size;
    uint32_t crc;
    uint8_t version, method;
    bytes name;
    const uint8_t *salt; /* NULL: none */
};

struct rar4 {
    struct unpack *unpack;
    uint64_t at;
    bool volume, first;
    uint64_t number; /* of the volume, from 1 on; 0: not known */
    uint64_t files;
    bool solid;
    bool locked; /* something is encrypted */
    bool headers_locked;
    bool refused; /* no password opens the headers */
    bool ended;
    int32_t headers_password;
    struct rar_keys keys;
};

/* --- blocks --- */

static bool right_crc(bytes header)
{
    return (stream_crc32(0, bytes_slice(header, 2, header.len)) & 0xffff) ==
           load_le16(header.at);
}

/* Deciphers the header that begins with its salt, with one password. */
static bytes open_header_as(struct rar4 *rar, bytes rest, uint32_t password)
{
    const bytes none = {NULL, 0};
    uint8_t iv[RAR_BLOCK], head[RAR_BLOCK];
    bytes in = bytes_slice(rest, RAR4_SALT, rest.len);
    const struct rar4_key *key = rar_key4(&rar->keys, password, rest.at);
    if (!key)
        return none;
    const bytes aes = {key->key, RAR4_KEY};
    memcpy(iv, key->iv, sizeof iv);
    if (!cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, aes, iv, bytes_slice(in, 0, RAR_BLOCK), head))
        return none;
    size_t size = load_le16(head + 5), filled = (size + RAR_BLOCK - 1) & ~(size_t)15;
    if (size < BLOCK || filled > in.len || !budget_charge(rar->unpack->budget, filled))
        return none;
    uint8_t *plain = arena_push_raw(rar->unpack->arena, filled);
    memcpy(iv, key->iv, sizeof iv);
    if (!plain ||
        !cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, aes, iv, bytes_slice(in, 0, filled), plain))
        return none;
    const bytes ret = {plain, size};
    return right_crc(ret) ? ret : none;
}

/* The same with the password that opened one before, else with each. Empty: none fits. */
static bytes open_header(struct rar4 *rar, bytes rest)
{
    bytes ret = {NULL, 0};
    int32_t password = rar->headers_password;
    if (rest.len < RAR4_SALT + RAR_BLOCK)
        return ret;
    if (password >= 0)
        return open_header_as(rar, rest, (uint32_t)password);
    for (uint32_t n = 0; !ret.len && (password = rar_keys_at(&rar->keys, n)) >= 0; n++)
        ret = open_header_as(rar, rest, (uint32_t)password);
    rar->headers_password = rar->keys.last = ret.len ? password : RAR_NO_PASSWORD;
    rar->refused = !ret.len;
    return ret;
}

/* False at the end, or for none. */
static bool next_block(struct rar4 *rar, struct block *ret)
{
    bytes rest = bytes_slice(rar->unpack->data, (size_t)rar->at, SIZE_MAX), header = rest;
    if (rar->headers_locked)
        header = open_header(rar, rest);
    uint16_t size;
    uint32_t packed = 0, high = 0;
    if (!bytes_le16(header, 5, &size) || size < BLOCK || size > header.len)
        return false;
    *ret = (struct block){.type = header.at[2], .flags = load_le16(header.at + 3)};
    ret->header = bytes_slice(header, 0, size);
    if ((ret->flags & HAS_DATA || ret->type == TYPE_FILE) &&
        !bytes_le32(ret->header, BLOCK, &packed))
        return false;
    if (ret->type == TYPE_FILE && ret->flags & FILE_LARGE)
        (void)!bytes_le32(ret->header, FILE_SIZE, &high);
    uint64_t used = rar->headers_locked ? RAR4_SALT + ((size_t)size + 15) / 16 * 16 : size,
             data = packed | (uint64_t)high << 32;
    ret->data = data > rest.len ? bytes_slice(rest, (size_t)used, rest.len)
                                : bytes_slice(rest, (size_t)used, (size_t)data);
    rar->at += used + data;
    rar->ended = ret->type == TYPE_END;
    return data <= rest.len || ret->type == TYPE_FILE;
}

static bool read_file(const struct block *block, struct file *ret)
{
    const uint8_t *p = block->header.at;
    if (block->header.len < FILE_SIZE)
        return false;
    *ret = (struct file){.packed = load_le32(p + 7),
                         .size = load_le32(p + 11),
                         .crc = load_le32(p + 16),
                         .version = p[24],
                         .method = p[25]};
    uint16_t name = load_le16(p + 26);
    size_t at = FILE_SIZE;
    uint32_t high;
    if (block->flags & FILE_LARGE) {
        if (bytes_le32(block->header, at + 4, &high))
            ret->size |= (uint64_t)high << 32;
        at += 8;
    }
    ret->name = bytes_slice(block->header, at, name);
    const uint8_t *end = memchr(ret->name.at ? ret->name.at : p, 0, ret->name.len);
    if (block->flags & FILE_SALT && bytes_has(block->header, at + name, RAR4_SALT))
        ret->salt = p + at + name;
    if (end) /* what follows tells the letters that are not ASCII */
        ret->name.len = (size_t)(end - ret->name.at);
    return true;
}

/* --- walks --- */

static void read_archive(struct rar4 *rar, const struct block *block)
{
    rar->volume = block->flags & ARCHIVE_VOLUME;
    rar->first = block->flags & ARCHIVE_FIRST;
    rar->solid = block->flags & ARCHIVE_SOLID;
    rar->headers_locked = block->flags & ARCHIVE_LOCKED;
    rar->locked = rar->locked || rar->headers_locked;
}

static void read_end(struct rar4 *rar, const struct block *block)
{
    uint16_t number;
    if (block->flags & END_NUMBER &&
        bytes_le16(block->header, BLOCK + (block->flags & END_CRC ? 4 : 0), &number))
        rar->number = (uint64_t)number + 1;
}

/* Calls `visit` for each file. False: return. */
static bool each_file(struct rar4 *rar,
                      bool (*visit)(struct rar4 *rar, const struct block *block))
{
    struct unpack *unpack = rar->unpack;
    struct block block;
    bool more = true;
    rar->at = SIGNATURE;
    rar->headers_locked = rar->ended = false;
    while (!rar->ended) {
        struct arena_mark mark = arena_mark(unpack->arena);
        if (!budget_charge(unpack->budget, HEADER_STEPS))
            return false;
        if (!next_block(rar, &block))
            return unpack->budget->hit == LIMIT_NONE;
        if (block.type == TYPE_ARCHIVE)
            read_archive(rar, &block);
        else if (block.type == TYPE_END)
            read_end(rar, &block);
        else if (block.type == TYPE_FILE && (block.flags & FILE_FOLDER) != FILE_FOLDER)
            more = visit(rar, &block);
        arena_pop(unpack->arena, mark);
        if (!more)
            return false;
    }
    return true;
}

static bool count_file(struct rar4 *rar, const struct block *block)
{
    struct file file;
    rar->files++;
    rar->locked = rar->locked || block->flags & FILE_LOCKED;
    if (read_file(block, &file))
        unpack_member(rar->unpack, file.name, file.packed, file.size,
                      block->flags & FILE_LOCKED);
    return true;
}

/* --- the plain archive --- */

static void store_le(uint8_t *to, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

/* The file's header without its encryption. */
static bool put_header(struct rar4 *rar, const struct block *block, const struct file *file,
                       uint64_t packed)
{
    struct unpack *unpack = rar->unpack;
    size_t salt = file->salt ? RAR4_SALT : 0, size = block->header.len - salt;
    uint8_t *at = arena_push(unpack->arena, block->header.len);
    if (!at)
        return false;
    if (file->salt) {
        size_t before = (size_t)(file->salt - block->header.at);
        memcpy(at, block->header.at, before);
        memcpy(at + before, file->salt + salt, size - before);
    } else {
        memcpy(at, block->header.at, size);
    }
    store_le(at + 3, block->flags & ~(unsigned)(FILE_LOCKED | FILE_SALT), 2);
    store_le(at + 5, size, 2);
    store_le(at + BLOCK, packed, 4);
    if (block->flags & FILE_LARGE)
        store_le(at + FILE_SIZE, packed >> 32, 4);
    store_le(at, stream_crc32(0, (bytes){at + 2, size - 2}), 2);
    return unpack_put(unpack, (bytes){at, size});
}

/* A plain archive of this file, kept in the region. False: there is no such key, or (stopped)
 * return. */
static bool keep_plain(struct rar4 *rar, const struct block *block, const struct file *file,
                       uint32_t password, bytes *ret)
{
    static const uint8_t head[] = {'R', 'a', 'r',          '!', 0x1a, 7, 0, 0xcf, 0x90, 0x73,
                                   0,   0,   ARCHIVE_SIZE, 0,   0,    0, 0, 0,    0,    0};
    static const uint8_t end[] = {0xc4, 0x3d, 0x7b, 0, 0x40, BLOCK, 0};
    struct unpack *unpack = rar->unpack;
    bool locked = block->flags & FILE_LOCKED;
    bool cut = locked && file->method == STORED && file->size < block->data.len;
    uint64_t packed = cut ? file->size : block->data.len;
    const struct rar4_key *key = NULL;
    if (locked && !(key = rar_key4(&rar->keys, password, file->salt)))
        return false;
    if (!unpack_begin(unpack, bytes_of("deciphered")))
        return false;
    bool good =
        unpack_put(unpack, (bytes){head, sizeof head}) && put_header(rar, block, file, packed);
    if (good && key)
        good = rar_put_deciphered(unpack, (bytes){key->key, RAR4_KEY}, key->iv, block->data,
                                  packed);
    else
        good = good && unpack_put(unpack, block->data);
    good = good && unpack_put(unpack, (bytes){end, sizeof end});
    *ret = unpack_keep(unpack);
    return good;
}

/* Whether the file that libarchive reads has the right CRC-32. */
static bool is_right(struct rar4 *rar, const struct file *file, bytes archive)
{
    struct unpack *unpack = rar->unpack;
    if (!unpack_begin(unpack, bytes_of("first file")))
        return false;
    bool good = library_decode(unpack, LIBARCHIVE_RAR, &archive, 1) == DECODED;
    bytes content = unpack_keep(unpack);
    return good && content.len == file->size && stream_crc32(0, content) == file->crc;
}

/* The archive of this file alone. False: none (RAR_NO_PASSWORD, RAR_STOPPED in *ret_password).
 */
static bool unlock_file(struct rar4 *rar, const struct block *block, const struct file *file,
                        bytes *ret, int32_t *ret_password)
{
    struct unpack *unpack = rar->unpack;
    size_t mark = unpack_mark(unpack);
    int32_t password;
    for (uint32_t n = 0; (password = rar_keys_at(&rar->keys, n)) >= 0; n++) {
        if (keep_plain(rar, block, file, (uint32_t)password, ret) &&
            is_right(rar, file, *ret)) {
            rar->keys.last = *ret_password = password;
            return true;
        }
        unpack_release(unpack, mark);
        if (unpack->run->stopped || !budget_charge(unpack->budget, HEADER_STEPS)) {
            *ret_password = RAR_STOPPED;
            return false;
        }
    }
    *ret_password = RAR_NO_PASSWORD;
    return false;
}

/* --- files --- */

/* What cannot be opened: encrypted, or solid. True: it is one of them, and is noted. */
static bool note_file(struct rar4 *rar, const struct block *block, const struct file *file)
{
    bool locked = block->flags & FILE_LOCKED, aes = file->version >= VERSION_AES && file->salt;
    bool solid = block->flags & FILE_SOLID && file->method != STORED;
    if (locked && (!aes || block->flags & FILE_GOES_ON || (solid && rar->keys.last < 0)))
        unpack_gap(rar->unpack, file->name, GAP_ENCRYPTED, "encrypted%s",
                   aes ? " with AES-128" : "");
    else if (solid)
        unpack_gap(rar->unpack, file->name, GAP_UNSUPPORTED,
                   "solid: goes on from members before it");
    else
        return false;
    return true;
}

static bool open_file(struct rar4 *rar, const struct block *block)
{
    struct unpack *unpack = rar->unpack;
    size_t mark = unpack_mark(unpack);
    struct file file;
    bytes archive;
    uint64_t seen;
    bool good;
    if (!read_file(block, &file) || note_file(rar, block, &file))
        return true;
    if (block->flags & FILE_LOCKED) {
        int32_t password = RAR_NO_PASSWORD;
        good = unlock_file(rar, block, &file, &archive, &password);
        if (password == RAR_NO_PASSWORD) {
            unpack_gap(unpack, file.name, GAP_ENCRYPTED, "encrypted with AES-128");
            return true;
        }
    } else {
        good = keep_plain(rar, block, &file, 0, &archive);
    }
    good = good && library_open(unpack, LIBARCHIVE_RAR, &archive, 1, &seen);
    unpack_release(unpack, mark);
    return good;
}

static void open_apart(struct rar4 *rar)
{
    struct unpack *unpack = rar->unpack;
    if (rar->refused)
        unpack_gap(unpack, bytes_of(""), GAP_ENCRYPTED,
                   "encrypted, and so are its members' names");
    else if (!rar->ended)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "its headers are damaged or cut short");
    if (!rar->refused)
        (void)!each_file(rar, open_file);
}

void rar4_open(struct unpack *unpack)
{
    struct rar4 rar = {.unpack = unpack, .headers_password = RAR_NO_PASSWORD};
    uint64_t before = unpack->run->members, seen;
    if (!rar_keys_open(&rar.keys, unpack) || !each_file(&rar, count_file))
        return;
    if (rar.volume)
        volume_note(unpack, rar.number ? rar.number : rar.first);
    if (rar.locked || (rar.solid && !rar.volume)) {
        open_apart(&rar);
        return;
    }
    if (!library_open(unpack, LIBARCHIVE_RAR, &unpack->data, 1, &seen))
        return;
    if (rar.files && unpack->run->members == before && !rar.volume)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "nothing came out of its %llu members",
                   (unsigned long long)rar.files);
}
