/* RAR 5 ("RAR 5.0 archive format", rarlab.com):
 *
 *     signature   Rar! 1a 07 01 00
 *     block       CRC-32 of what follows (le32); size, type, flags [, size of the extra area if
 *                 flags 1] [, size of the data if flags 2], what belongs to the type, extra
 *                 area; data. Numbers have 7 bits a byte, the last has no bit 7.
 *     type 1      archive: flags (1: volume, 2: has a number, 4: solid) [, volume's number]
 *     type 2      file: flags (1: folder, 2: has a time, 4: has a CRC), size, attributes
 *                 [, time (le32)] [, CRC-32 (le32)], method, system, size of the name, name
 *     type 4      encryption: version 0, flags (1: has a check), power, salt [, check]; then
 * each block lies behind a vector of 16 bytes and is encrypted, filled up to 16 extra area
 * records: size, type. 1: encryption of the data: version 0, flags (1: has a check, 2: digests
 * are of key and data), power, salt, vector [, check]
 *
 * Where something is encrypted, what a password opens goes into a plain archive for libarchive:
 * one for each file, or one for all in a solid archive. Digests that only the key can check are
 * left out of it. */
#include "unpack/archive/rar/rar.h"

#include "shim/cipher.h"
#include "shim/stream.h"
#include "unpack/archive/formats.h"
#include "unpack/archive/library.h"

enum {
    SIGNATURE = 8,
    TYPE_ARCHIVE = 1,
    TYPE_FILE = 2,
    TYPE_ENCRYPTION = 4,
    TYPE_END = 5,
    HAS_EXTRA = 1,
    HAS_DATA = 2,
    ARCHIVE_VOLUME = 1,
    ARCHIVE_NUMBER = 2,
    ARCHIVE_SOLID = 4,
    FILE_FOLDER = 1,
    FILE_TIME = 2,
    FILE_CRC = 4,
    EXTRA_ENCRYPTION = 1,
    EXTRA_DIGEST = 2,
    LOCK_CHECK = 1,
    LOCK_DIGESTS = 2,
    HEADER_STEPS = 64,
    HEADER_MAX = 2 << 20, /* as UnRAR */
    HEADER_MADE = 64,     /* more than its fields, in one that is made here */
};

struct block {
    uint64_t type, flags;
    bytes fields, extra, data;
};

/* How something is encrypted. */
struct lock {
    bool known;
    uint64_t flags;
    unsigned power;
    const uint8_t *salt, *iv, *check; /* check: NULL if it has none */
};

struct file {
    uint64_t flags, size, attributes, method, system;
    bytes time, crc, name;
};

struct rar5 {
    struct unpack *unpack;
    uint64_t at;
    bool volume, solid;
    uint64_t number; /* of the volume, from 1 on */
    uint64_t files;
    bool locked;                       /* something is encrypted */
    bool headers_locked, headers_open; /* from here on; their key is known */
    bool ended;                        /* by the block that says so */
    uint8_t headers_key[RAR5_KEY];
    struct rar_keys keys;
    uint64_t held; /* files in the archive that is being made */
};

/* --- numbers and records --- */

/* A number from the head of *in; what is cut off counts as 0. */
static uint64_t number(bytes *in)
{
    uint64_t value = 0;
    unsigned shift = 0;
    while (in->len && shift < 63) {
        uint8_t byte = in->at[0];
        *in = bytes_slice(*in, 1, in->len);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
        shift += 7;
    }
    return 0;
}

static bytes take(bytes *in, uint64_t size)
{
    bytes ret = bytes_slice(*in, 0, size < in->len ? (size_t)size : in->len);
    *in = bytes_slice(*in, ret.len, in->len);
    return ret;
}

/* The next record of an extra area, without its type. */
static bytes record(bytes *extra, uint64_t *ret_type)
{
    uint64_t size = number(extra);
    bytes ret = take(extra, size);
    *ret_type = number(&ret);
    return ret;
}

/* `in` from the version on; `iv`: it has a vector. */
static struct lock read_lock(bytes in, bool iv)
{
    struct lock lock = {0};
    uint64_t version = number(&in);
    lock.flags = number(&in);
    size_t wanted = 1 + RAR5_SALT + (iv ? RAR_BLOCK : 0);
    if (version != 0 || in.len < wanted)
        return lock;
    lock.known = true;
    lock.power = in.at[0];
    lock.salt = in.at + 1;
    lock.iv = iv ? in.at + 1 + RAR5_SALT : NULL;
    if (lock.flags & LOCK_CHECK && bytes_has(in, wanted, RAR5_CHECK))
        lock.check = in.at + wanted;
    return lock;
}

/* Of a file; false when it is not encrypted. */
static bool file_lock(bytes extra, struct lock *ret)
{
    while (extra.len) {
        uint64_t type;
        bytes in = record(&extra, &type);
        if (type != EXTRA_ENCRYPTION)
            continue;
        *ret = read_lock(in, true);
        return true;
    }
    return false;
}

static void read_file(bytes in, struct file *ret)
{
    ret->flags = number(&in);
    ret->size = number(&in);
    ret->attributes = number(&in);
    ret->time = take(&in, ret->flags & FILE_TIME ? 4 : 0);
    ret->crc = take(&in, ret->flags & FILE_CRC ? 4 : 0);
    ret->method = number(&in);
    ret->system = number(&in);
    ret->name = take(&in, number(&in));
}

/* --- blocks --- */

/* Deciphers the header at the head of `rest`, which begins with its vector. Empty: it is
 * damaged. *ret_used: bytes it takes. */
static bytes open_header(struct rar5 *rar, bytes rest, uint64_t *ret_used)
{
    struct unpack *unpack = rar->unpack;
    const bytes none = {NULL, 0}, key = {rar->headers_key, RAR5_KEY};
    uint8_t iv[RAR_BLOCK], head[RAR_BLOCK];
    bytes in = bytes_slice(rest, RAR_BLOCK, rest.len);
    if (in.len < RAR_BLOCK)
        return none;
    memcpy(iv, rest.at, sizeof iv);
    if (!cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, key, iv, bytes_slice(in, 0, RAR_BLOCK), head))
        return none;
    bytes sizes = {head + 4, sizeof head - 4};
    uint64_t size = number(&sizes), whole = sizeof head - sizes.len + size;
    size_t filled = (size_t)(whole + RAR_BLOCK - 1) / RAR_BLOCK * RAR_BLOCK;
    if (size == 0 || size > HEADER_MAX || filled > in.len ||
        !budget_charge(unpack->budget, filled))
        return none;
    uint8_t *plain = arena_push_raw(unpack->arena, filled);
    memcpy(iv, rest.at, sizeof iv);
    if (!plain ||
        !cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, key, iv, bytes_slice(in, 0, filled), plain))
        return none;
    *ret_used = RAR_BLOCK + filled;
    const bytes ret = {plain, (size_t)whole};
    bool right = stream_crc32(0, bytes_slice(ret, 4, ret.len)) == load_le32(plain);
    return right ? ret : none;
}

/* False at the end, or for none. */
static bool next_block(struct rar5 *rar, struct block *ret)
{
    bytes rest = bytes_slice(rar->unpack->data, (size_t)rar->at, SIZE_MAX), header = rest;
    uint64_t used = 0;
    if (rar->headers_locked)
        header = open_header(rar, rest, &used);
    size_t all = header.len;
    if (all < 7)
        return false;
    header = bytes_slice(header, 4, all);
    uint64_t size = number(&header);
    if (size == 0 || size > header.len)
        return false;
    if (!rar->headers_locked)
        used = all - header.len + size;
    header = bytes_slice(header, 0, (size_t)size);
    ret->type = number(&header);
    ret->flags = number(&header);
    uint64_t extra = ret->flags & HAS_EXTRA ? number(&header) : 0;
    uint64_t packed = ret->flags & HAS_DATA ? number(&header) : 0;
    if (extra > header.len || packed > rar->unpack->data.len)
        return false;
    ret->fields = bytes_slice(header, 0, header.len - (size_t)extra);
    ret->extra = bytes_slice(header, header.len - (size_t)extra, header.len);
    ret->data = bytes_slice(rest, (size_t)used, (size_t)packed);
    rar->at += used + packed;
    rar->ended = ret->type == TYPE_END;
    return ret->type >= TYPE_ARCHIVE && ret->type <= TYPE_ENCRYPTION;
}

static void read_archive(struct rar5 *rar, bytes fields)
{
    uint64_t flags = number(&fields);
    rar->volume = flags & ARCHIVE_VOLUME;
    rar->solid = flags & ARCHIVE_SOLID;
    rar->number = flags & ARCHIVE_NUMBER ? number(&fields) + 1 : 1;
}

/* --- the plain archive --- */

struct maker {
    uint8_t *at;
    size_t size;
};

static void put_byte(struct maker *maker, unsigned byte)
{
    maker->at[maker->size++] = (uint8_t)byte;
}

static void put_number(struct maker *maker, uint64_t value)
{
    for (; value > 0x7f; value >>= 7)
        put_byte(maker, (value & 0x7f) | 0x80);
    put_byte(maker, (unsigned)value);
}

static void put_bytes(struct maker *maker, bytes part)
{
    for (size_t i = 0; i < part.len; i++)
        put_byte(maker, part.at[i]);
}

/* The block of a header of at most HEADER_MADE bytes and a name into the child. */
static bool put_header(struct rar5 *rar, const struct maker *header)
{
    struct unpack *unpack = rar->unpack;
    struct maker whole = {.at = arena_push(unpack->arena, header->size + HEADER_MADE)};
    if (!whole.at)
        return false;
    whole.size = 4;
    put_number(&whole, header->size);
    put_bytes(&whole, (bytes){header->at, header->size});
    uint32_t crc = stream_crc32(0, (bytes){whole.at + 4, whole.size - 4});
    for (unsigned i = 0; i < 4; i++)
        whole.at[i] = (uint8_t)(crc >> 8 * i);
    return unpack_put(unpack, (bytes){whole.at, whole.size});
}

static bool begin_plain(struct rar5 *rar)
{
    uint8_t room[8];
    struct maker archive = {.at = room};
    rar->held = 0;
    if (!unpack_begin(rar->unpack, bytes_of("deciphered")) ||
        !unpack_put(rar->unpack, bytes_slice(rar->unpack->data, 0, SIGNATURE)))
        return false;
    put_number(&archive, TYPE_ARCHIVE);
    put_number(&archive, 0);
    put_number(&archive, rar->solid ? ARCHIVE_SOLID : 0);
    return put_header(rar, &archive);
}

/* Hands out what was put. False: return. */
static bool end_plain(struct rar5 *rar)
{
    static const uint8_t end[] = {0x1d, 0x77, 0x56, 0x51, 3, 5, 4, 0};
    struct unpack *unpack = rar->unpack;
    uint64_t seen;
    if (!unpack_put(unpack, (bytes){end, sizeof end}))
        return false;
    const bytes archive = unpack_keep(unpack);
    return rar->held == 0 || library_open(unpack, LIBARCHIVE_RAR5, &archive, 1, &seen);
}

/* Records but those of encryption, and of digests where only the key can check them. */
static void put_extra(struct maker *maker, bytes extra, bool digests)
{
    while (extra.len) {
        bytes before = extra;
        uint64_t type;
        record(&extra, &type);
        if (type != EXTRA_ENCRYPTION && (digests || type != EXTRA_DIGEST))
            put_bytes(maker, bytes_slice(before, 0, before.len - extra.len));
    }
}

/* `size` bytes of encrypted data, from where its key is needed only. */
static bool peek(const struct rar5 *rar, const struct lock *lock, bytes in, uint64_t at,
                 uint8_t *ret, size_t size)
{
    uint8_t iv[RAR_BLOCK], plain[2 * RAR_BLOCK];
    uint64_t from = at / RAR_BLOCK * RAR_BLOCK;
    bytes part = bytes_slice(in, (size_t)from, sizeof plain);
    size_t skip = (size_t)(at - from);
    if (from >= in.len || part.len < skip + size)
        return false;
    memcpy(iv, from ? part.at - RAR_BLOCK : lock->iv, sizeof iv);
    if (!cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, (bytes){rar->keys.key, RAR5_KEY}, iv, part,
                    plain))
        return false;
    memcpy(ret, plain + skip, size);
    return true;
}

/* Where the compressed data ends and what fills it up to 16 bytes begins: it is a row of
 * flags (size's bytes less 1 in bits 3 and 4, 40 the last), checksum, size, data. */
static uint64_t packed_end(struct rar5 *rar, const struct lock *lock, bytes in)
{
    uint64_t at = 0;
    uint8_t head[5];
    while (peek(rar, lock, in, at, head, sizeof head) || peek(rar, lock, in, at, head, 3)) {
        unsigned count = (head[0] >> 3 & 3) + 1;
        uint64_t size = 0;
        uint8_t sum = 0x5a ^ head[0];
        for (unsigned i = 0; i < count && count <= 3; i++) {
            size |= (uint64_t)head[2 + i] << 8 * i;
            sum ^= head[2 + i];
        }
        at += 2 + count + size;
        if (count > 3 || sum != head[1] || at > in.len ||
            !budget_charge(rar->unpack->budget, 2 * RAR_BLOCK))
            break;
        if (head[0] & 0x40)
            return at;
    }
    return in.len;
}

static uint64_t plain_size(struct rar5 *rar, const struct block *block, const struct file *file,
                           const struct lock *lock)
{
    bool stored = (file->method >> 7 & 7) == 0;
    if (!lock)
        return block->data.len;
    if (!stored)
        return packed_end(rar, lock, block->data);
    return file->size < block->data.len ? file->size : block->data.len;
}

/* A file with its data, deciphered with the key that was found last. */
static bool put_file(struct rar5 *rar, const struct block *block, const struct file *file,
                     const struct lock *lock)
{
    struct unpack *unpack = rar->unpack;
    size_t room = block->fields.len + 2 * block->extra.len + HEADER_MADE;
    struct maker header = {.at = arena_push(unpack->arena, room)},
                 extra = {.at = arena_push(unpack->arena, block->extra.len)};
    bool digests = !lock || !(lock->flags & LOCK_DIGESTS);
    uint64_t packed = plain_size(rar, block, file, lock);
    if (!header.at || !extra.at)
        return false;
    put_extra(&extra, block->extra, digests);
    put_number(&header, TYPE_FILE);
    put_number(&header, HAS_DATA | (extra.size ? HAS_EXTRA : 0));
    if (extra.size)
        put_number(&header, extra.size);
    put_number(&header, packed);
    put_number(&header, digests ? file->flags : file->flags & ~(uint64_t)FILE_CRC);
    put_number(&header, file->size);
    put_number(&header, file->attributes);
    put_bytes(&header, file->time);
    put_bytes(&header, digests ? file->crc : (bytes){NULL, 0});
    put_number(&header, file->method);
    put_number(&header, file->system);
    put_number(&header, file->name.len);
    put_bytes(&header, file->name);
    put_bytes(&header, (bytes){extra.at, extra.size});
    if (!put_header(rar, &header))
        return false;
    rar->held++;
    if (!lock)
        return unpack_put(unpack, block->data);
    return rar_put_deciphered(unpack, (bytes){rar->keys.key, RAR5_KEY}, lock->iv, block->data,
                              packed);
}

/* --- passwords --- */

/* RAR_NO_PASSWORD, RAR_STOPPED, or: the key is in rar->keys. */
static int32_t find_password(struct rar5 *rar, const struct lock *lock)
{
    if (!lock->known || !lock->check)
        return RAR_NO_PASSWORD;
    return rar_key5(&rar->keys, lock->power, lock->salt, lock->check);
}

/* False: return. */
static bool open_headers(struct rar5 *rar, const struct block *block)
{
    const struct lock lock = read_lock(block->fields, false);
    int32_t password = rar->headers_open ? 0 : find_password(rar, &lock);
    if (password == RAR_NO_PASSWORD)
        unpack_gap(rar->unpack, bytes_of(""), GAP_ENCRYPTED,
                   "encrypted, and so are its members' names");
    if (password < 0)
        return false;
    if (!rar->headers_open)
        memcpy(rar->headers_key, rar->keys.key, RAR5_KEY);
    rar->headers_open = rar->headers_locked = true;
    return true;
}

/* --- walks --- */

/* Calls `visit` for each file. False: return. */
static bool each_file(struct rar5 *rar,
                      bool (*visit)(struct rar5 *rar, const struct block *block))
{
    struct unpack *unpack = rar->unpack;
    struct block block;
    bool more = true;
    rar->at = SIGNATURE;
    rar->headers_locked = rar->ended = false;
    for (;;) {
        struct arena_mark mark = arena_mark(unpack->arena);
        if (!budget_charge(unpack->budget, HEADER_STEPS))
            return false;
        if (!next_block(rar, &block))
            return true;
        bytes fields = block.fields;
        if (block.type == TYPE_ARCHIVE)
            read_archive(rar, fields);
        else if (block.type == TYPE_ENCRYPTION)
            more = open_headers(rar, &block);
        else if (block.type == TYPE_FILE && !(number(&fields) & FILE_FOLDER))
            more = visit(rar, &block);
        arena_pop(unpack->arena, mark);
        if (!more)
            return false;
    }
}

static bool count_file(struct rar5 *rar, const struct block *block)
{
    struct lock lock;
    struct file file;
    bool locked = file_lock(block->extra, &lock);
    rar->files++;
    rar->locked = rar->locked || rar->headers_locked || locked;
    read_file(block->fields, &file);
    unpack_member(rar->unpack, file.name, block->data.len, file.size, locked);
    return true;
}

/* Whether there is a password for a file. */
static int32_t unlock_file(struct rar5 *rar, const struct block *block)
{
    struct lock lock;
    return file_lock(block->extra, &lock) ? find_password(rar, &lock) : 0;
}

/* Notes a file that is not opened. */
static bool note_file(struct rar5 *rar, const struct block *block)
{
    struct file file;
    int32_t password = unlock_file(rar, block);
    read_file(block->fields, &file);
    if (password == RAR_NO_PASSWORD)
        unpack_gap(rar->unpack, file.name, GAP_ENCRYPTED, "encrypted with AES-256");
    return password != RAR_STOPPED;
}

/* Puts a file that can be opened into the plain archive. */
static bool add_file(struct rar5 *rar, const struct block *block)
{
    struct lock lock;
    struct file file;
    int32_t password = unlock_file(rar, block);
    if (password < 0)
        return password == RAR_NO_PASSWORD;
    read_file(block->fields, &file);
    return put_file(rar, block, &file, file_lock(block->extra, &lock) ? &lock : NULL);
}

/* The same as an archive of its own. */
static bool open_file(struct rar5 *rar, const struct block *block)
{
    size_t mark = unpack_mark(rar->unpack);
    if (unlock_file(rar, block) < 0)
        return note_file(rar, block);
    bool more = begin_plain(rar) && add_file(rar, block) && end_plain(rar);
    unpack_release(rar->unpack, mark);
    return more;
}

static void open_locked(struct rar5 *rar)
{
    bool more;
    if (!rar->ended)
        unpack_gap(rar->unpack, bytes_of(""), GAP_DAMAGED,
                   "its headers are damaged or cut short");
    if (rar->solid)
        more = each_file(rar, note_file) && begin_plain(rar) && each_file(rar, add_file) &&
               end_plain(rar);
    else
        more = each_file(rar, open_file);
    (void)more;
}

void rar5_open(struct unpack *unpack)
{
    struct rar5 rar = {.unpack = unpack};
    uint64_t before = unpack->run->members, seen;
    if (!rar_keys_open(&rar.keys, unpack) || !each_file(&rar, count_file))
        return;
    if (rar.volume)
        volume_note(unpack, rar.number);
    if (rar.locked) {
        open_locked(&rar);
        return;
    }
    if (!library_open(unpack, LIBARCHIVE_RAR5, &unpack->data, 1, &seen))
        return;
    if (rar.files && unpack->run->members == before && !rar.volume)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "nothing came out of its %llu members",
                   (unsigned long long)rar.files);
}
