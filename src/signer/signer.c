/* The parts of a PE file that its signature covers: all but the checksum, the entry of the
 * directory of certificates and what lies there, the end of the file:
 *
 *   WIN_CERTIFICATE: u32 length, u16 0x0200, u16 2, a PKCS #7 SignedData
 *
 * "Windows Authenticode Portable Executable Signature Format" (Microsoft, 2008). */
#include "signer/signer.h"

#include "pe/pe_layout.h"
#include "signer/signature.h"

#include <errno.h>
#include <string.h>

enum {
    FILE_HEADER = 24,
    CHECKSUM = 64, /* in the optional header, and 4 bytes long */
    OPTIONAL_32 = 96,
    OPTIONAL_64 = 112,
    ENTRY = 8,
    CERTIFICATES = 4, /* number of the directory */
    WIN_CERTIFICATE = 8,
    REVISION = 0x0200,
    IS_PKCS7 = 2,
    PARTS = 4,
    STORE_MEMORY = 8 << 20,
};

#define NAME(text) ((bytes){(const uint8_t *)(text), sizeof(text) - 1})

struct check {
    const struct ruleset *set;
    bytes program;
    int64_t now;
    struct store store;
    bytes parts[PARTS];
    uint32_t part_count;
    uint64_t at; /* of the SignedData; 0: there is none */
    struct signer_verdict *verdict;
};

static void add_part(struct check *c, uint64_t at, uint64_t size)
{
    c->parts[c->part_count++] = bytes_slice(c->program, at, size);
}

/* False: there is nothing to compare with signatures or catalogues. */
static bool find_parts(struct check *c, const struct pe_layout *layout)
{
    uint64_t file = c->program.len, at = (uint64_t)layout->header + FILE_HEADER + CHECKSUM;
    uint64_t rest =
        (layout->is_64 ? OPTIONAL_64 : OPTIONAL_32) - CHECKSUM - 4 + CERTIFICATES * ENTRY;
    add_part(c, 0, at);
    add_part(c, at + 4, rest);
    at += 4 + rest + ENTRY;
    if (at > layout->header_size || at > file)
        return false;
    uint32_t from = layout->certificates;
    if (!from) {
        add_part(c, at, file - at);
        return true;
    }
    if ((uint64_t)from + layout->certificates_size != file || at > from ||
        !bytes_has(c->program, from, WIN_CERTIFICATE))
        return false;
    add_part(c, at, from - at);
    c->at = (uint64_t)from + WIN_CERTIFICATE;
    const uint8_t *p = c->program.at + from;
    return load_le16(p + 4) == REVISION && load_le16(p + 6) == IS_PKCS7;
}

static bool note_blocked(void *to, uint32_t row)
{
    struct signer_verdict *verdict = to;
    for (uint32_t i = 0; i < verdict->blocked_count; i++)
        if (verdict->blocked[i] == row)
            return true;
    if (verdict->blocked_count < SIGNER_BLOCKED_MOST)
        verdict->blocked[verdict->blocked_count++] = row;
    return true;
}

/* Whether what was signed is the digest of the file. */
static bool fits(struct check *c, struct der content)
{
    struct der_item data, info;
    enum digest_kind kind;
    uint8_t digest[DIGEST_MAX];
    return der_take(&content, DER_LIST, &data) &&
           der_expect(&data.in, DER_NAME, NAME("\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x0f")) &&
           der_take(&content, DER_LIST, &info) && !content.left &&
           certificate_digest(&info.in, &kind) &&
           budget_charge(c->store.budget, c->program.len) &&
           digest_parts(kind, c->parts, c->part_count, digest) &&
           der_expect(&info.in, DER_BYTES, (bytes){digest, digest_size(kind)}) && !info.in.left;
}

static bool is_signed(struct check *c)
{
    const struct signature signature = {
        .from = {c->program, c->at, (uint32_t)(c->program.len - c->at)},
        .set = c->set,
        .now = c->now,
        .blocked = note_blocked,
        .to = c->verdict};
    struct der content;
    if (!c->at || c->at >= c->program.len)
        return false;
    if (!store_fill(&c->store, c->set)) {
        c->verdict->cut = true;
        return false;
    }
    return signature_verify(&signature, &c->store, &content) && fits(c, content);
}

/* Whether a catalogue lists these bytes. */
static bool is_listed(struct check *c, enum catalogue_kind kind, enum digest_kind digest,
                      const bytes *parts, uint32_t count)
{
    uint8_t value[DIGEST_MAX];
    bool known = false;
    for (uint32_t i = 0; i < c->set->catalogue_count; i++) {
        const struct ruleset_catalogued *row = &c->set->catalogue[i];
        if (row->kind != kind || row->digest_size != digest_size(digest))
            continue;
        if (!known && (!budget_charge(c->store.budget, c->program.len) ||
                       !digest_parts(digest, parts, count, value)))
            return false;
        known = true;
        if (memcmp(row->digest, value, row->digest_size) == 0)
            return true;
    }
    return false;
}

void signer_check(const struct ruleset *set, bytes program, int64_t now, struct arena *arena,
                  struct budget *budget, struct signer_verdict *ret)
{
    struct check c = {.set = set,
                      .program = program,
                      .now = now,
                      .store = {.arena = arena, .budget = budget},
                      .verdict = ret};
    struct arena_mark mark = arena_mark(arena);
    struct pe_layout layout;
    *ret = (struct signer_verdict){0};
    int error = pe_layout_open(program, arena, &layout);
    bool is_worth =
        !error && (layout.certificates_size >= WIN_CERTIFICATE || set->catalogue_count);
    ret->cut = error == -ENOMEM;
    if (is_worth && program.len <= UINT32_MAX && find_parts(&c, &layout))
        ret->trusted = is_signed(&c) ||
                       is_listed(&c, CATALOGUE_PROGRAM, DIGEST_SHA1, c.parts, c.part_count) ||
                       is_listed(&c, CATALOGUE_PROGRAM, DIGEST_SHA256, c.parts, c.part_count);
    if (set->catalogue_count && !ret->trusted)
        ret->trusted = is_listed(&c, CATALOGUE_CABINET, DIGEST_SHA1, &c.program, 1);
    ret->cut |= budget->hit != LIMIT_NONE;
    arena_pop(arena, mark);
}
