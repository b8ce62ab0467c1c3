#include "clamav/ignore.h"

#include "shim/digest.h"

#include <errno.h>
#include <string.h>

/* Lists of names, one a line (docs.clamav.net, "Allow lists"); what fits what as clamscan 1.4
 * behaves. */

enum { NAME_MAX_LENGTH = 512, BUCKETS = 65536, NAME_MIN = 3 };

struct entry {
    bytes name;
    uint64_t hash;
    uint32_t next; /* number + 1, of the same bucket; 0 ends it */
    bool hashed;
    uint8_t md5[16];
};

struct clamav_ignored {
    VEC(struct entry) entries;
    uint32_t heads[BUCKETS]; /* number + 1 */
};

static bool read_md5(bytes text, uint8_t *ret)
{
    if (text.len != 32)
        return false;
    for (size_t i = 0; i < 16; i++) {
        int high = ascii_hex(text.at[2 * i]), low = ascii_hex(text.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        ret[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static struct clamav_ignored *need_table(struct clamav *clamav)
{
    if (!clamav->ignored)
        clamav->ignored = PUSH(clamav->draft->arena, struct clamav_ignored);
    return clamav->ignored;
}

/* Shorter names are filled up with spaces to three bytes, as clamscan does: in `room`. */
static bytes pad(bytes name, uint8_t room[NAME_MIN])
{
    if (name.len >= NAME_MIN)
        return name;
    memset(room, ' ', NAME_MIN);
    if (name.len)
        memcpy(room, name.at, name.len);
    return (bytes){room, NAME_MIN};
}

static int keep(struct clamav *clamav, bytes name, const uint8_t *md5)
{
    uint8_t room[NAME_MIN];
    struct clamav_ignored *table = need_table(clamav);
    if (!table)
        return -ENOMEM;
    bytes kept = arena_copy(clamav->draft->arena, pad(name, room));
    struct entry *entry = kept.at ? vec_push(clamav->draft->arena, &table->entries) : NULL;
    if (!entry)
        return -ENOMEM;
    *entry = (struct entry){.name = kept, .hash = hash64(kept, 0)};
    if (md5) {
        entry->hashed = true;
        memcpy(entry->md5, md5, sizeof entry->md5);
    }
    uint32_t *head = &table->heads[entry->hash % BUCKETS];
    entry->next = *head;
    *head = table->entries.n;
    return 0;
}

int ignore_line(struct clamav *clamav, bytes line)
{
    bytes rest = line, part[4] = {{0}};
    uint8_t md5[16];
    size_t parts = 0;
    while (parts < COUNT(part) && bytes_cut(&rest, ':', &part[parts]))
        parts++;
    bytes name = part[parts > 2 ? 2 : 0];
    if (rest.len || parts > 3)
        clamav_refuse(clamav, CLAMAV_IGNORED, "more than three fields");
    else if (!name.len)
        clamav_refuse(clamav, CLAMAV_IGNORED, "no signature is named");
    else if (name.len > NAME_MAX_LENGTH)
        clamav_refuse(clamav, CLAMAV_IGNORED, "the name is longer than %d bytes",
                      NAME_MAX_LENGTH);
    else if (parts == 2 && !read_md5(part[1], md5))
        clamav_refuse(clamav, CLAMAV_IGNORED, "the MD5 is malformed");
    else {
        clamav->counts[CLAMAV_IGNORED].read++;
        return keep(clamav, name, parts == 2 ? md5 : NULL);
    }
    return 0;
}

/* The name without what ClamAV puts at its end. */
static bytes plain(bytes name)
{
    static const char unofficial[] = ".UNOFFICIAL";
    size_t tail = sizeof unofficial - 1;
    if (name.len > 3 && name.at[name.len - 1] == '}') {
        size_t brace = bytes_find(name, bytes_of(".{"), 0);
        return brace == SIZE_MAX ? name : bytes_slice(name, 0, brace);
    }
    if (name.len > tail && bytes_is(bytes_slice(name, name.len - tail, tail), unofficial))
        return bytes_slice(name, 0, name.len - tail);
    return name;
}

static bool entry_fits(const struct clamav *clamav, const struct entry *entry, bytes name,
                       uint64_t hash)
{
    uint8_t md5[DIGEST_MAX];
    if (entry->hash != hash || !bytes_equal(entry->name, name))
        return false;
    return !entry->hashed || (digest_parts(DIGEST_MD5, &clamav->text, 1, md5) &&
                              memcmp(md5, entry->md5, sizeof entry->md5) == 0);
}

bool ignore_has(struct clamav *clamav, enum clamav_kind kind, bytes name)
{
    const struct clamav_ignored *table = clamav->ignored;
    uint8_t room[NAME_MIN];
    if (!table)
        return false;
    name = pad(plain(name), room);
    uint64_t hash = hash64(name, 0);
    for (uint32_t at = table->heads[hash % BUCKETS]; at; at = table->entries.at[at - 1].next)
        if (entry_fits(clamav, &table->entries.at[at - 1], name, hash)) {
            clamav->counts[kind].ignored++;
            return true;
        }
    return false;
}
