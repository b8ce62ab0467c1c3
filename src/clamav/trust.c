/* docs.clamav.net, "Signatures based on trusted and revoked certificates":
 *
 *   name ';' '1' or '0' ';' subject ';' serial ';' modulus ';' exponent ';' code ';' time ';'
 *     cert ';' not before ';' comment [ ';' min level [ ';' max level ] ]
 *
 * '1': trusted, '0': blocked. Subject and serial are SHA-1 of what they are in a certificate;
 * no serial stands for any. The exponent is always 65537. As in clamscan 1.4, from a line
 * without a serial on all stand for any serial, and a date holds for lines that have none; of
 * two lines about one certificate the first counts. */
#include "clamav/trust.h"

#include "signer/signer.h"

#include <errno.h>
#include <string.h>

enum { FIELDS_LEAST = 11, FIELDS_MOST = 13, SHA = 20, KEY_MOST = 513, ROWS_MOST = 1 << 16 };

#define UNNAMED          "(unnamed CRB rule)"
#define CATALOGUE_MEMORY ((size_t)256 << 20)
#define CATALOGUE_STEPS  (UINT64_C(1) << 32)

void trust_begin(struct clamav *clamav)
{
    clamav->any_serial = false;
    clamav->not_before = 0;
}

/* The hexadecimal digits that a number begins with, without zeros in front. */
static bool read_key(bytes text, uint8_t ret[KEY_MOST], size_t *ret_length)
{
    size_t count = 0, from = 0, length = 0;
    while (count < text.len && ascii_hex(text.at[count]) >= 0)
        count++;
    while (from < count && text.at[from] == '0')
        from++;
    if (from == count || (count - from + 1) / 2 > KEY_MOST)
        return false;
    for (size_t i = from; i < count; i++) {
        uint8_t digit = (uint8_t)ascii_hex(text.at[i]);
        if ((count - i) % 2)
            ret[length++] |= digit;
        else
            ret[length] = (uint8_t)(digit << 4);
    }
    *ret_length = length;
    return true;
}

static bool read_switch(bytes text, uint32_t flag, uint32_t *flags)
{
    if (!text.len || (text.at[0] != '0' && text.at[0] != '1'))
        return false;
    *flags |= text.at[0] == '1' ? flag : 0;
    return true;
}

/* As atoi has it, in seconds. */
static int64_t read_date(bytes text)
{
    int64_t value = 0;
    for (size_t i = 0;
         i < text.len && text.at[i] >= '0' && text.at[i] <= '9' && value < INT32_MAX; i++)
        value = value * 10 + text.at[i] - '0';
    return value;
}

static const char *read_row(struct clamav *clamav, const bytes *field,
                            struct ruleset_signer *row, uint8_t key[KEY_MOST], size_t *ret_key)
{
    uint32_t trusted = 0;
    if (!read_switch(field[1], 1, &trusted))
        return "is neither trusted (1) nor blocked (0)";
    if (field[3].len &&
        (field[3].len != 2 * (size_t)SHA || !bytes_unhex(field[3], row->serial)))
        return "has a serial that is no SHA-1";
    if (field[2].len != 2 * (size_t)SHA || !bytes_unhex(field[2], row->subject))
        return "has a subject that is no SHA-1";
    if (!read_key(field[4], key, ret_key))
        return "has a key that is no number, or too long";
    if (!read_switch(field[6], SIGNER_CODE, &row->flags) ||
        !read_switch(field[7], SIGNER_TIMES, &row->flags) ||
        !read_switch(field[8], SIGNER_CERTIFICATES, &row->flags))
        return "has a purpose that is neither 0 nor 1";
    clamav->any_serial |= !field[3].len;
    if (field[9].len)
        clamav->not_before = read_date(field[9]);
    row->flags |= (trusted ? 0 : SIGNER_BLOCKED) | (clamav->any_serial ? SIGNER_ANY_SERIAL : 0);
    row->not_before = clamav->not_before;
    return NULL;
}

/* Whether a line before it blocks that certificate. */
static bool is_blocked(const struct draft *draft, const struct ruleset_signer *row)
{
    for (uint32_t i = 0; i < draft->signers.n; i++) {
        const struct ruleset_signer *known = &draft->signers.at[i];
        if (known->flags & SIGNER_BLOCKED && known->key == row->key &&
            memcmp(known->subject, row->subject, SHA) == 0 &&
            (known->flags & SIGNER_ANY_SERIAL || memcmp(known->serial, row->serial, SHA) == 0))
            return true;
    }
    return false;
}

/* What is found when the certificate is: a rule. */
static bool add_rule(struct clamav *clamav, bytes name)
{
    struct draft *draft = clamav->draft;
    struct node node = {.op = NODE_SIGNER, .type = TYPE_BOOL, .a = draft->signers.n - 1};
    if (draft_rule_begin(draft, name.len ? name : bytes_of(UNNAMED), clamav->name_space,
                         RULE_SIGNATURE | RULE_SIGNER) == DRAFT_FULL)
        return false;
    draft_rule_targets(draft, TARGET_BIT(TARGET_PE));
    draft_rule_line(draft, clamav->line);
    draft_rule_end(draft, draft_node(draft, node), 0);
    return !draft->full;
}

static void set_key(struct draft *draft, struct ruleset_signer *row, bytes key, bytes exponent)
{
    row->key = draft_text(draft, key);
    row->key_length = (uint32_t)key.len;
    row->exponent = draft_text(draft, exponent);
    row->exponent_length = (uint32_t)exponent.len;
}

static int add_row(struct clamav *clamav, struct ruleset_signer *row, bytes key, bytes name)
{
    static const uint8_t exponent[] = {1, 0, 1};
    struct draft *draft = clamav->draft;
    memset(row->issuer, 0xca, sizeof row->issuer); /* of no certificate */
    row->not_after = INT64_MAX;
    set_key(draft, row, key, (bytes){exponent, sizeof exponent});
    if (!(row->flags & SIGNER_BLOCKED) || !is_blocked(draft, row)) {
        struct ruleset_signer *slot = vec_push(draft->arena, &draft->signers);
        if (!slot || draft->full)
            return -ENOMEM;
        *slot = *row;
        if (row->flags & SIGNER_BLOCKED && !add_rule(clamav, name))
            return -ENOMEM;
    }
    clamav->counts[CLAMAV_CERTIFICATE].read++;
    return 0;
}

int trust_line(struct clamav *clamav, bytes line)
{
    bytes rest = line, field[FIELDS_MOST + 1] = {{0}};
    struct ruleset_signer row = {0};
    uint8_t key[KEY_MOST];
    size_t length = 0;
    uint32_t count = 0;
    bool valid = true;
    while (count <= FIELDS_MOST && bytes_cut(&rest, ';', &field[count]))
        count++;
    const char *reason = NULL;
    if (count < FIELDS_LEAST || count > FIELDS_MOST)
        reason = "has not 11 to 13 fields";
    else if (count > FIELDS_LEAST && !clamav_level_fits(clamav, field[11], field[12], &valid) &&
             valid) {
        clamav_leave_out(clamav, CLAMAV_CERTIFICATE);
        return 0;
    } else if (!valid)
        reason = "a level is no number";
    else if (clamav->draft->signers.n == ROWS_MOST)
        reason = "is one too many";
    if (!reason)
        reason = read_row(clamav, field, &row, key, &length);
    if (!reason)
        return add_row(clamav, &row, (bytes){key, length}, field[0]);
    clamav_refuse(clamav, CLAMAV_CERTIFICATE, "%s", reason);
    return 0;
}

/* The rows so far, as a ruleset would have them. */
static struct ruleset view_of(const struct draft *draft)
{
    return (struct ruleset){.texts = {draft->texts.at, draft->texts.n},
                            .signers = draft->signers.at,
                            .signer_count = draft->signers.n};
}

/* From then on they vouch for programs, too, and for later catalogues. */
static int add_vouched(struct draft *draft, const struct signer_list *list)
{
    for (uint32_t i = 0; i < list->vouched_count && draft->signers.n < ROWS_MOST; i++) {
        struct ruleset_signer *slot = vec_push(draft->arena, &draft->signers);
        if (!slot)
            return -ENOMEM;
        *slot = list->vouched[i].row;
        set_key(draft, slot, list->vouched[i].key, list->vouched[i].exponent);
    }
    return draft->full ? -ENOMEM : 0;
}

static int add_entries(struct clamav *clamav, const struct signer_list *list)
{
    struct draft *draft = clamav->draft;
    for (uint32_t i = 0; i < list->entry_count; i++) {
        struct ruleset_catalogued *slot = vec_push(draft->arena, &draft->catalogue);
        if (!slot)
            return -ENOMEM;
        bytes digest = list->entries[i].digest;
        *slot = (struct ruleset_catalogued){.kind = list->entries[i].kind,
                                            .digest_size = (uint32_t)digest.len};
        memcpy(slot->digest, digest.at, digest.len);
        clamav->counts[CLAMAV_CERTIFICATE].read++;
    }
    return 0;
}

int trust_file(struct clamav *clamav, bytes file)
{
    struct arena *arena = arena_new(CATALOGUE_MEMORY);
    struct ruleset set = view_of(clamav->draft);
    struct budget budget = {.steps = CATALOGUE_STEPS};
    struct signer_list list;
    if (!arena)
        return -ENOMEM;
    bool good = signer_catalogue(&set, file, clamav->options.now, arena, &budget, &list);
    int error = add_vouched(clamav->draft, &list);
    if (!error && good)
        error = add_entries(clamav, &list);
    else if (!error)
        clamav_refuse(clamav, CLAMAV_CERTIFICATE,
                      "is no catalogue of someone that the .crb files trust");
    arena_free(arena);
    return error;
}
