/* The header of a 7z archive ("7zFormat.txt"):
 *
 *     Header         01, [02 properties], [04 streams], [05 files], 00
 *     EncodedHeader  17, streams: one folder, which is the header
 *     streams        [06 pack info], [07 unpack info], [08 substreams info], 00
 *     pack info      position, count, [09 sizes], [0a digests], 00
 *     unpack info    0b count, 0 (not elsewhere), folders, 0c sizes, [0a digests], 00
 *     folder         count; coders: flags (id's size, 10 in and out counts, 20 properties), id;
 *                    pairs (in, out) for all streams out but one; packed streams' places
 *     substreams     [0d files of each folder], [09 sizes but of each folder's last],
 *                    [0a digests of all that are not known from the folder], 00
 *     files          count; properties: id, size; 0e bits: empty, 11: 0 (not elsewhere), names
 *     digests        1 or 0 and a bit for each, high first; CRC-32s
 *
 * Numbers have as many bytes more as their first has leading ones. */
#include "unpack/archive/sevenzip/sevenzip.h"

enum { FOLDER_STEPS = 64 };

struct cursor {
    struct unpack *unpack;
    bytes rest;
    bool bad;
};

/* --- pieces --- */

static uint8_t take_byte(struct cursor *in)
{
    if (in->rest.len == 0) {
        in->bad = true;
        return 0;
    }
    uint8_t byte = in->rest.at[0];
    in->rest = bytes_slice(in->rest, 1, in->rest.len);
    return byte;
}

static uint64_t take_number(struct cursor *in)
{
    uint8_t first = take_byte(in), mask = 0x80;
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++, mask >>= 1) {
        if (!(first & mask))
            return value | (uint64_t)(first & (mask - 1)) << 8 * i;
        value |= (uint64_t)take_byte(in) << 8 * i;
    }
    return value;
}

static bytes take_bytes(struct cursor *in, uint64_t size)
{
    if (size > in->rest.len) {
        in->bad = true;
        return (bytes){NULL, 0};
    }
    bytes ret = bytes_slice(in->rest, 0, (size_t)size);
    in->rest = bytes_slice(in->rest, (size_t)size, in->rest.len);
    return ret;
}

static bool take_id(struct cursor *in, enum sevenzip_id id)
{
    if (in->rest.len == 0 || in->rest.at[0] != id)
        return false;
    take_byte(in);
    return true;
}

static void want_id(struct cursor *in, enum sevenzip_id id)
{
    if (!take_id(in, id))
        in->bad = true;
}

/* A count of things of at least one byte each. */
static uint32_t take_count(struct cursor *in)
{
    uint64_t count = take_number(in);
    if (count > in->rest.len || count > UINT32_MAX) {
        in->bad = true;
        return 0;
    }
    return (uint32_t)count;
}

/* Which of `count` things have a digest: NULL for all. */
static const uint8_t *take_bits(struct cursor *in, uint64_t count)
{
    return take_byte(in) ? NULL : take_bytes(in, count / 8 + (count % 8 != 0)).at;
}

static bool bit_at(const uint8_t *bits, uint64_t at)
{
    return !bits || bits[at / 8] >> (7 - at % 8) & 1;
}

static uint32_t take_le32(struct cursor *in)
{
    bytes four = take_bytes(in, 4);
    return four.at ? load_le32(four.at) : 0;
}

/* --- packed streams --- */

static void read_packs(struct cursor *in, struct sevenzip_header *header)
{
    if (!take_id(in, SEVENZIP_PACK_INFO))
        return;
    uint64_t at = take_number(in);
    uint32_t count = take_count(in);
    want_id(in, SEVENZIP_SIZE);
    for (uint32_t i = 0; i < count && !in->bad; i++) {
        struct sevenzip_pack *pack = vec_push(in->unpack->arena, &header->packs);
        uint64_t size = take_number(in);
        if (!pack || size > UINT64_MAX / 2 - at || !budget_charge(in->unpack->budget, 4)) {
            in->bad = true;
            return;
        }
        *pack = (struct sevenzip_pack){at, size};
        at += size;
    }
    if (!in->bad && take_id(in, SEVENZIP_CRC)) {
        const uint8_t *bits = take_bits(in, count);
        for (uint32_t i = 0; i < count && !in->bad; i++)
            if (bit_at(bits, i))
                take_le32(in);
    }
    want_id(in, SEVENZIP_END);
}

/* --- folders --- */

static uint32_t small(struct cursor *in, uint64_t value)
{
    if (value > SEVENZIP_STREAMS)
        in->bad = true;
    return in->bad ? 0 : (uint32_t)value;
}

static void read_coder(struct cursor *in, struct sevenzip_coder *coder)
{
    uint8_t flags = take_byte(in);
    *coder = (struct sevenzip_coder){.ins = 1, .outs = 1};
    coder->id = take_bytes(in, flags & 15);
    if (flags & 0xc0 || coder->id.len > 8)
        in->bad = true;
    for (size_t i = 0; i < coder->id.len; i++)
        coder->method = coder->method << 8 | coder->id.at[i];
    if (flags & 0x10) {
        coder->ins = small(in, take_number(in));
        coder->outs = small(in, take_number(in));
    }
    if (flags & 0x20)
        coder->properties = take_bytes(in, take_number(in));
}

/* The one stream in that no pair names. */
static uint32_t unbound(const struct sevenzip_folder *folder, uint32_t ins)
{
    for (uint32_t in = 0; in < ins; in++) {
        bool bound = false;
        for (uint32_t i = 0; i < folder->bind_count; i++)
            bound = bound || folder->binds[i].in == in;
        if (!bound)
            return in;
    }
    return 0;
}

static void read_folder(struct cursor *in, struct sevenzip_folder *folder)
{
    uint32_t ins = 0;
    memset(folder, 0, sizeof *folder);
    folder->coder_count = small(in, take_number(in));
    for (uint32_t i = 0; i < folder->coder_count && !in->bad; i++) {
        read_coder(in, &folder->coders[i]);
        ins = small(in, ins + folder->coders[i].ins);
        folder->outs = small(in, folder->outs + folder->coders[i].outs);
    }
    if (in->bad || folder->outs == 0 || ins < folder->outs) {
        in->bad = true;
        return;
    }
    folder->bind_count = folder->outs - 1;
    folder->pack_count = ins - folder->bind_count;
    for (uint32_t i = 0; i < folder->bind_count; i++) {
        folder->binds[i].in = small(in, take_number(in));
        folder->binds[i].out = small(in, take_number(in));
    }
    folder->packs[0] = unbound(folder, ins);
    for (uint32_t i = 0; folder->pack_count > 1 && i < folder->pack_count; i++)
        folder->packs[i] = small(in, take_number(in));
}

/* The coder that no pair leads from gives what the folder gives. */
static uint32_t main_out(const struct sevenzip_folder *folder)
{
    for (uint32_t out = folder->outs; out-- > 0;) {
        bool bound = false;
        for (uint32_t i = 0; i < folder->bind_count; i++)
            bound = bound || folder->binds[i].out == out;
        if (!bound)
            return out;
    }
    return 0;
}

static bool has_cipher(const struct sevenzip_folder *folder)
{
    for (uint32_t i = 0; i < folder->coder_count; i++)
        if (folder->coders[i].method == SEVENZIP_AES)
            return true;
    return false;
}

/* How many sizes a folder has, and which of them is that of what comes out of it. */
struct outs {
    uint32_t count, main;
};

static void read_sizes(struct cursor *in, struct sevenzip_header *header,
                       const struct outs *outs)
{
    want_id(in, SEVENZIP_UNPACK_SIZE);
    for (uint32_t i = 0; i < header->folders.n && !in->bad; i++) {
        struct sevenzip_place *place = &header->folders.at[i];
        bytes before = in->rest;
        for (uint32_t k = 0; k < outs[i].count; k++) {
            uint64_t size = take_number(in);
            place->size = k == outs[i].main ? size : place->size;
        }
        place->sizes = bytes_slice(before, 0, before.len - in->rest.len);
    }
    if (in->bad || !take_id(in, SEVENZIP_CRC))
        return;
    const uint8_t *bits = take_bits(in, header->folders.n);
    for (uint32_t i = 0; i < header->folders.n && !in->bad; i++) {
        struct sevenzip_place *place = &header->folders.at[i];
        place->has_crc = bit_at(bits, i);
        place->crc = place->has_crc ? take_le32(in) : 0;
    }
}

static void read_folders(struct cursor *in, struct sevenzip_header *header)
{
    if (!take_id(in, SEVENZIP_UNPACK_INFO))
        return;
    want_id(in, SEVENZIP_FOLDER);
    uint32_t count = take_count(in), packs = 0;
    struct outs *outs = PUSH_ARRAY(in->unpack->arena, struct outs, count);
    if (take_byte(in) != 0 || !outs) /* not 0: they are elsewhere */
        in->bad = true;
    for (uint32_t i = 0; i < count && !in->bad; i++) {
        struct sevenzip_place *place = vec_push(in->unpack->arena, &header->folders);
        struct sevenzip_folder folder;
        if (!place || !budget_charge(in->unpack->budget, FOLDER_STEPS)) {
            in->bad = true;
            return;
        }
        bytes before = in->rest;
        read_folder(in, &folder);
        place->folder = bytes_slice(before, 0, before.len - in->rest.len);
        place->locked = has_cipher(&folder);
        place->apart = place->locked || !sevenzip_known(&folder);
        place->first_pack = packs;
        place->pack_count = folder.pack_count;
        outs[i] = (struct outs){folder.outs, main_out(&folder)};
        packs += folder.pack_count;
        if (packs > header->packs.n)
            in->bad = true;
    }
    if (!in->bad)
        read_sizes(in, header, outs);
    want_id(in, SEVENZIP_END);
}

/* --- files --- */

/* Of those files that are not a whole folder whose digest is known. */
static void read_digests(struct cursor *in, struct sevenzip_header *header)
{
    uint64_t count = 0, at = 0;
    for (uint32_t i = 0; i < header->files.n; i++)
        count += !header->files.at[i].has_crc;
    const uint8_t *bits = take_bits(in, count);
    for (uint32_t i = 0; i < header->files.n && !in->bad; i++) {
        struct sevenzip_file *file = &header->files.at[i];
        if (!file->has_crc && bit_at(bits, at++)) {
            file->has_crc = true;
            file->crc = take_le32(in);
        }
    }
}

/* The sizes of a folder's files; that of the last is what is left. */
static void read_file_sizes(struct cursor *in, struct sevenzip_header *header,
                            struct sevenzip_place *place, bool sized)
{
    uint64_t left = place->size;
    place->first_file = header->files.n;
    if ((place->file_count > 1 && !sized) ||
        !budget_charge(in->unpack->budget, 4 * (uint64_t)place->file_count + 1))
        in->bad = true;
    for (uint32_t k = 0; k < place->file_count && !in->bad; k++) {
        struct sevenzip_file *file = vec_push(in->unpack->arena, &header->files);
        uint64_t size = k + 1 < place->file_count ? take_number(in) : left;
        if (!file || size > left) {
            in->bad = true;
            return;
        }
        file->size = size;
        left -= size;
        file->has_crc = place->file_count == 1 && place->has_crc;
        file->crc = file->has_crc ? place->crc : 0;
    }
}

static void read_substreams(struct cursor *in, struct sevenzip_header *header)
{
    bool there = take_id(in, SEVENZIP_SUBSTREAMS);
    bool counted = there && take_id(in, SEVENZIP_COUNTS);
    for (uint32_t i = 0; i < header->folders.n && !in->bad; i++)
        header->folders.at[i].file_count = counted ? take_count(in) : 1;
    bool sized = !in->bad && there && take_id(in, SEVENZIP_SIZE);
    for (uint32_t i = 0; i < header->folders.n && !in->bad; i++)
        read_file_sizes(in, header, &header->folders.at[i], sized);
    if (!in->bad && there && take_id(in, SEVENZIP_CRC))
        read_digests(in, header);
    if (there)
        want_id(in, SEVENZIP_END);
}

/* The head of *rest up to a NUL of two bytes. */
static bytes take_name(bytes *rest)
{
    size_t size = 0;
    while (size + 2 <= rest->len && (rest->at[size] || rest->at[size + 1]))
        size += 2;
    bytes ret = bytes_slice(*rest, 0, size + 2);
    *rest = bytes_slice(*rest, size + 2, rest->len);
    return ret.len == size + 2 ? ret : (bytes){NULL, 0};
}

static void read_files(struct cursor *in, struct sevenzip_header *header)
{
    bytes names = {NULL, 0}, empty = names;
    if (!take_id(in, SEVENZIP_FILES))
        return;
    uint32_t count = take_count(in), file = 0;
    for (uint8_t id; !in->bad && (id = take_byte(in)) != SEVENZIP_END;) {
        bytes property = take_bytes(in, take_number(in));
        if (id == SEVENZIP_NAMES && property.len && property.at[0] == 0)
            names = bytes_slice(property, 1, property.len);
        else if (id == SEVENZIP_EMPTY)
            empty = property;
    }
    if (!budget_charge(in->unpack->budget, names.len / 2 + count))
        in->bad = true;
    for (uint32_t i = 0; i < count && file < header->files.n && !in->bad; i++) {
        bytes name = take_name(&names);
        if (i / 8 >= empty.len || !bit_at(empty.at, i))
            header->files.at[file++].name = name;
    }
}

/* --- the whole --- */

bool sevenzip_read(struct unpack *unpack, bytes data, bool encoded, struct sevenzip_header *ret)
{
    struct cursor in = {unpack, data, false};
    *ret = (struct sevenzip_header){0};
    want_id(&in, encoded ? SEVENZIP_ENCODED : SEVENZIP_HEADER);
    if (!encoded) {
        if (take_id(&in, SEVENZIP_PROPERTIES))
            while (!in.bad && take_byte(&in) != SEVENZIP_END)
                take_bytes(&in, take_number(&in));
        want_id(&in, SEVENZIP_MAIN_STREAMS);
    }
    read_packs(&in, ret);
    if (!in.bad)
        read_folders(&in, ret);
    if (!in.bad)
        read_substreams(&in, ret);
    want_id(&in, SEVENZIP_END);
    if (!in.bad && !encoded)
        read_files(&in, ret);
    return !in.bad;
}

/* --- without the cipher --- */

static uint64_t reader_of(const struct sevenzip_folder *folder, uint32_t in)
{
    for (uint32_t i = 0; i < folder->coder_count; i++) {
        if (in < folder->coders[i].ins)
            return folder->coders[i].method;
        in -= folder->coders[i].ins;
    }
    return UINT64_MAX;
}

static void renumber(struct sevenzip_folder *folder, uint32_t in, uint32_t out)
{
    for (uint32_t i = 0; i < folder->bind_count; i++) {
        folder->binds[i].in -= folder->binds[i].in > in;
        folder->binds[i].out -= folder->binds[i].out > out;
    }
    for (uint32_t i = 0; i < folder->pack_count; i++)
        folder->packs[i] -= folder->packs[i] > in;
}

/* Takes out one coder, whose streams are `in` and `out`: it must read a packed stream. */
static bool strip_coder(struct sevenzip_folder *folder, uint32_t coder, uint32_t in,
                        uint32_t out)
{
    static const uint8_t copy[] = {0};
    const struct sevenzip_coder *cipher = &folder->coders[coder];
    uint32_t pack = 0, bind = 0;
    while (pack < folder->pack_count && folder->packs[pack] != in)
        pack++;
    while (bind < folder->bind_count && folder->binds[bind].out != out)
        bind++;
    if (cipher->ins != 1 || cipher->outs != 1 || pack == folder->pack_count ||
        folder->locks[pack].properties.at)
        return false;
    folder->locks[pack] = (struct sevenzip_lock){cipher->properties, folder->sizes[out], 0};
    if (!cipher->properties.at)
        return false;
    if (folder->coder_count == 1) {
        folder->coders[0] =
            (struct sevenzip_coder){.id = {copy, sizeof copy}, .ins = 1, .outs = 1};
        return true;
    }
    if (bind == folder->bind_count)
        return false;
    folder->packs[pack] = folder->binds[bind].in;
    folder->binds[bind] = folder->binds[--folder->bind_count];
    folder->coder_count--;
    folder->outs--;
    for (uint32_t i = coder; i < folder->coder_count; i++)
        folder->coders[i] = folder->coders[i + 1];
    for (uint32_t i = out; i < folder->outs; i++)
        folder->sizes[i] = folder->sizes[i + 1];
    renumber(folder, in, out);
    return true;
}

bool sevenzip_strip(struct unpack *unpack, const struct sevenzip_place *place,
                    struct sevenzip_folder *ret)
{
    struct cursor in = {unpack, place->folder, false};
    struct sevenzip_folder *folder = ret;
    uint32_t streams_in = 0, streams_out = 0;
    read_folder(&in, folder);
    in.rest = place->sizes;
    for (uint32_t i = 0; i < folder->outs; i++)
        folder->sizes[i] = take_number(&in);
    if (in.bad)
        return false;
    for (uint32_t i = 0; i < folder->coder_count;) {
        const struct sevenzip_coder *coder = &folder->coders[i];
        if (coder->method == SEVENZIP_AES) {
            if (!strip_coder(folder, i, streams_in, streams_out))
                return false;
            continue; /* the next is now in its place */
        }
        streams_in += coder->ins;
        streams_out += coder->outs;
        i++;
    }
    for (uint32_t i = 0; i < folder->pack_count; i++)
        folder->locks[i].reader = reader_of(folder, folder->packs[i]);
    return true;
}
