#include "rescue/identify/note_feature.h"

#include <errno.h>
#include <string.h>

enum {
    TERM_SLOTS = 1 << 13,
    WORD_MOST = 80, /* of a word no more is looked at */
    ADDRESSES_MOST = 64,
    NAMES_MOST = 6000,
};

/* The hashes are part of the format of models (note_model.h): FNV-1a, finished by a multiply.
 */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0x9e3779b97f4a7c15;
    return x ^ x >> 29;
}

static uint64_t fnv(uint64_t hash, uint8_t byte)
{
    return (hash ^ byte) * 0x100000001b3;
}

#define FNV_START 0xcbf29ce484222325

static uint64_t hash_bytes(bytes view)
{
    uint64_t hash = FNV_START;
    for (size_t i = 0; i < view.len; i++)
        hash = fnv(hash, view.at[i]);
    return mix(hash);
}

const char *note_feature_kind(enum note_address_kind kind)
{
    static const char *const names[] = {"onion address", "mail address", "web address",
                                        "Tox ID", "wallet"};
    return names[kind];
}

uint64_t note_feature_name(bytes name)
{
    uint64_t hash = FNV_START;
    for (size_t i = 0; i < name.len; i++)
        if (ascii_alnum(name.at[i]) || name.at[i] >= 0x80)
            hash = fnv(hash, ascii_lower(name.at[i]));
    return mix(hash);
}

size_t note_feature_files(bytes name, uint32_t ret[NOTE_FILE_HASHES])
{
    uint64_t hash = FNV_START;
    size_t n = 1, letters = 0;
    int depth = 0;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = ascii_lower(name.at[i]);
        if (c == '[' || c == '{')
            depth++;
        else if ((c == ']' || c == '}') && depth)
            depth--;
        else if (!depth && !(c >= '0' && c <= '9')) {
            c = c == '-' || c == ' ' ? '_' : c;
            if ((c == '_' || c == '.') && letters >= NOTE_FILE_LEAST && n < NOTE_FILE_HASHES)
                ret[n++] = (uint32_t)mix(hash ^ 1);
            letters += ascii_alnum(c);
            hash = fnv(hash, c);
        }
    }
    ret[0] = (uint32_t)mix(hash);
    return n;
}

/* --- n-grams --- */

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || c >= 0x80;
}

struct terms {
    uint32_t *slot; /* hash, 0: free */
    uint16_t *count;
    uint32_t used;
};

static void count_term(struct terms *terms, uint32_t hash)
{
    uint32_t at = hash >> 2 & (TERM_SLOTS - 1);
    if (terms->used > TERM_SLOTS * 3 / 4)
        return;
    while (terms->slot[at] && terms->slot[at] != hash)
        at = (at + 1) & (TERM_SLOTS - 1);
    terms->used += !terms->slot[at];
    terms->slot[at] = hash;
    if (terms->count[at] < UINT16_MAX)
        terms->count[at]++;
}

/* One word with a space on both sides; 8 bytes can be read at each of its own. */
static void count_word(struct terms *terms, const uint8_t *word, size_t len)
{
    for (unsigned n = 3; n <= 5; n++)
        for (size_t i = 0; i == 0 || i + n <= len; i++) {
            size_t bits = 8 * (n < len ? n : len);
            uint64_t gram = (uint64_t)n << bits | load_be64(word + i) >> (64 - bits);
            uint32_t hash = (uint32_t)(mix(gram * 0xd6e8feb86659fd93) >> 16);
            if (!(hash & 3))
                count_term(terms, hash | 4);
        }
}

static bool is_space(uint8_t c)
{
    return c <= ' ';
}

/* Two words of letters that follow on each other: what ids and numbers stand between
 * does not part them. */
static void count_shingles(struct terms *terms, bytes text)
{
    uint64_t one = 0;
    for (size_t i = 0; i < text.len;) {
        uint64_t hash = FNV_START;
        size_t len = 0;
        for (; i < text.len && is_letter(ascii_lower(text.at[i])); i++, len++)
            hash = fnv(hash, ascii_lower(text.at[i]));
        if (len && len <= 24) {
            if (one)
                count_term(terms, (uint32_t)mix(one * 31 + hash) | 4);
            one = hash;
        }
        while (i < text.len && !is_letter(ascii_lower(text.at[i])))
            i++;
    }
}

static void count_words(struct terms *terms, bytes text)
{
    uint8_t word[WORD_MOST + 2 + 8] = {0};
    for (size_t i = 0; i < text.len;) {
        size_t len = 0;
        while (i < text.len && is_space(text.at[i]))
            i++;
        word[len++] = ' ';
        for (; i < text.len && !is_space(text.at[i]); i++)
            if (len <= WORD_MOST)
                word[len++] = ascii_lower(text.at[i]);
        word[len] = ' ';
        if (len > 1)
            count_word(terms, word, len + 1);
    }
}

static int take_terms(bytes text, struct arena *arena, struct note_features *ret)
{
    struct terms terms = {PUSH_ARRAY(arena, uint32_t, TERM_SLOTS),
                          PUSH_ARRAY(arena, uint16_t, TERM_SLOTS), 0};
    if (!terms.slot || !terms.count)
        return -ENOMEM;
    count_words(&terms, text);
    count_shingles(&terms, text);
    struct note_term *to = vec_push_many(arena, &ret->term, terms.used);
    if (!to)
        return -ENOMEM;
    for (uint32_t i = 0; i < TERM_SLOTS; i++)
        if (terms.slot[i])
            *to++ = (struct note_term){terms.slot[i], terms.count[i]};
    return 0;
}

/* --- words, pairs and names --- */

struct words {
    uint8_t seen[NOTE_WORDS / 8];
};

static int add_word(struct words *words, struct arena *arena, struct note_features *ret,
                    uint64_t hash)
{
    uint16_t word = (uint16_t)(mix(hash) % NOTE_WORDS);
    if (words->seen[word / 8] & 1 << word % 8)
        return 0;
    words->seen[word / 8] |= (uint8_t)(1 << word % 8);
    uint16_t *to = vec_push(arena, &ret->word);
    if (!to)
        return -ENOMEM;
    *to = word;
    return 0;
}

static int take_words(bytes text, struct arena *arena, struct note_features *ret)
{
    struct words *words = PUSH(arena, struct words);
    uint64_t before = 0;
    if (!words)
        return -ENOMEM;
    for (size_t i = 0; i < text.len;) {
        uint64_t hash = FNV_START;
        size_t len = 0;
        for (; i < text.len && is_letter(ascii_lower(text.at[i])); i++, len++)
            hash = fnv(hash, ascii_lower(text.at[i]));
        if (len >= 2 && len <= 24) {
            if (add_word(words, arena, ret, hash) < 0 ||
                (before && add_word(words, arena, ret, before * 31 + hash) < 0))
                return -ENOMEM;
            before = hash;
        }
        while (i < text.len && !is_letter(ascii_lower(text.at[i])))
            i++;
    }
    /* Whether there is a way to reach someone, whoever it is. */
    for (uint32_t i = 0; i < ret->address.n; i++)
        if (add_word(words, arena, ret, ret->address.at[i].kind + 1) < 0)
            return -ENOMEM;
    return 0;
}

static int add_name(struct arena *arena, struct note_features *ret, uint64_t hash)
{
    if (ret->name.n >= NAMES_MOST)
        return 0;
    uint64_t *to = vec_push(arena, &ret->name);
    if (!to)
        return -ENOMEM;
    *to = mix(hash);
    return 0;
}

/* Each word, and each two and three that follow on each other, run together. */
static int take_names(bytes text, struct arena *arena, struct note_features *ret)
{
    uint64_t open[2] = {0, 0};
    for (size_t i = 0; i < text.len;) {
        uint64_t one = FNV_START, two = open[0], three = open[1];
        size_t len = 0;
        for (; i < text.len && (ascii_alnum(text.at[i]) || text.at[i] >= 0x80); i++, len++) {
            uint8_t c = ascii_lower(text.at[i]);
            one = fnv(one, c);
            two = fnv(two, c);
            three = fnv(three, c);
        }
        if (len && len <= 24) {
            if (add_name(arena, ret, one) < 0 || (open[0] && add_name(arena, ret, two) < 0) ||
                (open[1] && add_name(arena, ret, three) < 0))
                return -ENOMEM;
            open[1] = open[0] ? two : 0;
            open[0] = one;
        } else if (len) {
            open[0] = open[1] = 0;
        }
        while (i < text.len && !ascii_alnum(text.at[i]) && text.at[i] < 0x80)
            i++;
    }
    return 0;
}

/* "L O C K E D": letters that stand alone, one sign between them, are one name; what such a
 * name begins with may be one, too. */
static int take_spaced(bytes text, struct arena *arena, struct note_features *ret)
{
    for (size_t i = 0; i < text.len; i++) {
        uint64_t hash = FNV_START;
        size_t n = 0;
        if (i && (ascii_alnum(text.at[i - 1]) || text.at[i - 1] >= 0x80))
            continue;
        while (i < text.len && n < 40 && ascii_alnum(text.at[i]) &&
               (i + 1 == text.len || (!ascii_alnum(text.at[i + 1]) && text.at[i + 1] < 0x80))) {
            hash = fnv(hash, ascii_lower(text.at[i]));
            if (++n >= 4 && add_name(arena, ret, hash) < 0)
                return -ENOMEM;
            i += 2;
        }
        i -= n > 1;
    }
    return 0;
}

/* "C3RB3R": digits that stand for letters. */
static uint8_t letter_of(uint8_t c)
{
    static const char letters[] = "oizeasgtbg";
    return c >= '0' && c <= '9' ? (uint8_t)letters[c - '0'] : ascii_lower(c);
}

static int take_disguised(bytes text, struct arena *arena, struct note_features *ret)
{
    for (size_t i = 0; i < text.len; i++) {
        uint64_t hash = FNV_START;
        size_t letters = 0, digits = 0;
        for (; i < text.len && ascii_alnum(text.at[i]); i++) {
            bool digit = text.at[i] >= '0' && text.at[i] <= '9';
            digits += digit;
            letters += !digit;
            hash = fnv(hash, letter_of(text.at[i]));
        }
        if (digits && letters >= 2 && digits + letters >= 4 && digits + letters <= 24 &&
            add_name(arena, ret, hash) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* What an address begins with, after each of its dots and signs, may be a name: "akirasupport".
 */
static int take_begins(bytes text, struct arena *arena, struct note_features *ret)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!ascii_alnum(text.at[i]) || (i && ascii_alnum(text.at[i - 1])))
            continue;
        uint64_t hash = FNV_START;
        for (size_t n = 0; n < 16 && i + n < text.len && ascii_alnum(text.at[i + n]); n++) {
            hash = fnv(hash, ascii_lower(text.at[i + n]));
            if (n >= 3 && add_name(arena, ret, hash) < 0)
                return -ENOMEM;
        }
    }
    return 0;
}

/* --- addresses --- */

static bool is_base32(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7');
}

static bool is_host(uint8_t c)
{
    return ascii_alnum(c) || c == '-' || c == '.';
}

static bool is_local(uint8_t c)
{
    return ascii_alnum(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-';
}

struct addresses {
    bytes low; /* the text in lower case */
    bytes text;
    struct arena *arena;
    struct note_features *ret;
};

/* Where anyone can be reached, or nobody in particular. */
static bool is_common(bytes text)
{
    static const char *const rows[] = {
        "torproject.org",    "protonmail.com",   "proton.me",           "tox.chat",
        "tutanota.com",      "tuta.com",         "github.com",          "qtox.github.io",
        "onionmail.org",     "mail.com",         "dist.torproject.org", "utox.org",
        "getsession.org",    "google.com",       "telegram.org",        "t.me",
        "localbitcoins.com", "coindesk.com",     "coinmarketcap.com",   "blockchain.info",
        "wikipedia.org",     "en.wikipedia.org", "youtube.com",         "microsoft.com",
        "pidgin.im",         "jabber.org",       "bitcoin.org",         "w3.org"};
    for (size_t i = 0; i < COUNT(rows); i++)
        if (bytes_is(text, rows[i]))
            return true;
    return false;
}

static int add_address(struct addresses *in, enum note_address_kind kind, bytes text)
{
    uint64_t hash = hash_bytes(text) ^ mix((uint64_t)kind + 1);
    if (in->ret->address.n >= ADDRESSES_MOST)
        return 0;
    for (uint32_t i = 0; i < in->ret->address.n; i++)
        if (in->ret->address.at[i].hash == hash)
            return 0;
    struct note_address *to = vec_push(in->arena, &in->ret->address);
    if (!to)
        return -ENOMEM;
    *to = (struct note_address){kind, text, hash};
    if (kind != NOTE_ONION)
        return 0;
    for (size_t n = NOTE_VANITY_LEAST; n <= NOTE_VANITY_MOST && n < text.len; n++) {
        uint32_t *prefix = vec_push(in->arena, &in->ret->vanity);
        if (!prefix)
            return -ENOMEM;
        *prefix = (uint32_t)hash_bytes((bytes){text.at, n});
    }
    return 0;
}

/* What ends at `at`, where ".onion" stands. */
static int take_onion(struct addresses *in, size_t at)
{
    size_t from = at;
    /* Researchers write \.onion and [.]onion. */
    if (from && (in->low.at[from - 1] == '\\' || in->low.at[from - 1] == '['))
        at = --from;
    while (from && is_base32(in->low.at[from - 1]) && at - from < 57)
        from--;
    bytes label = {in->low.at + from, at - from};
    return label.len == 16 || label.len == 56 ? add_address(in, NOTE_ONION, label) : 0;
}

static int take_mail(struct addresses *in, size_t at)
{
    size_t from = at, to = at + 1, dot = 0;
    while (from && is_local(in->low.at[from - 1]) && at - from < 64)
        from--;
    while (to < in->low.len && is_host(in->low.at[to]) && to - at < 64)
        to++;
    while (to > at && !ascii_alnum(in->low.at[to - 1]))
        to--;
    for (size_t i = at + 1; i < to; i++)
        if (in->low.at[i] == '.')
            dot = i;
    if (at - from < 2 || dot <= at + 1 || to < dot + 3)
        return 0;
    return add_address(in, NOTE_MAIL, (bytes){in->low.at + from, to - from});
}

static int take_web(struct addresses *in, size_t at)
{
    static const bytes onion = {(const uint8_t *)".onion", 6};
    size_t from = at + 3, to;
    if (bytes_has(in->low, from, 4) && !memcmp(in->low.at + from, "www.", 4))
        from += 4;
    for (to = from; to < in->low.len && is_host(in->low.at[to]) && to - from < 80; to++)
        ;
    while (to > from && !ascii_alnum(in->low.at[to - 1]))
        to--;
    bytes host = {in->low.at + from, to - from};
    if (host.len < 5 || !memchr(host.at, '.', host.len) || is_common(host) ||
        bytes_find(host, onion, 0) != SIZE_MAX)
        return 0;
    return add_address(in, NOTE_DOMAIN, host);
}

static bool is_wallet_letter(uint8_t c)
{
    return ascii_alnum(c) && c != '0' && c != 'O' && c != 'I' && c != 'l';
}

/* A word of letters and digits: a Tox ID or a wallet. */
static int take_code(struct addresses *in, size_t from, size_t to)
{
    size_t len = to - from, hex = 0, base58 = 0, digits = 0;
    if (len != 76 && (len < 26 || len > 42))
        return 0;
    for (size_t i = from; i < to; i++) {
        hex += ascii_hex(in->low.at[i]) >= 0;
        base58 += is_wallet_letter(in->text.at[i]);
        digits += in->low.at[i] >= '0' && in->low.at[i] <= '9';
    }
    if (len == 76)
        return hex == len ? add_address(in, NOTE_TOX, (bytes){in->low.at + from, len}) : 0;
    bool old = len <= 34 && base58 == len && digits && hex < len &&
               (in->text.at[from] == '1' || in->text.at[from] == '3');
    bool new = len == 42 && !memcmp(in->low.at + from, "bc1", 3);
    return old || new ? add_address(in, NOTE_WALLET, (bytes){in->text.at + from, len}) : 0;
}

static int take_addresses(struct addresses *in)
{
    int error = 0;
    size_t word = 0;
    for (size_t i = 0; !error && i <= in->low.len; i++) {
        bool inside = i < in->low.len && ascii_alnum(in->low.at[i]);
        if (!inside) {
            error = take_code(in, word, i);
            word = i + 1;
        }
        if (error || i >= in->low.len || inside)
            continue;
        if (in->low.at[i] == '.' && bytes_has(in->low, i, 6) &&
            !memcmp(in->low.at + i, ".onion", 6))
            error = take_onion(in, i);
        else if (in->low.at[i] == ']' && i && in->low.at[i - 1] == '.' &&
                 bytes_has(in->low, i, 6) && !memcmp(in->low.at + i, "]onion", 6))
            error = take_onion(in, i - 1);
        else if (in->low.at[i] == '@')
            error = take_mail(in, i);
        else if (in->low.at[i] == ':' && bytes_has(in->low, i, 3) &&
                 !memcmp(in->low.at + i, "://", 3))
            error = take_web(in, i);
    }
    return error;
}

int note_feature_take(bytes text, struct arena *arena, struct note_features *ret,
                      struct why *why)
{
    uint8_t *low = arena_push_raw(arena, text.len + 1);
    memset(ret, 0, sizeof *ret);
    ret->length = text.len;
    if (!low)
        return fail(why, ENOMEM, "no memory for what a note tells");
    for (size_t i = 0; i < text.len; i++)
        low[i] = ascii_lower(text.at[i]);
    struct addresses in = {{low, text.len}, text, arena, ret};
    if (take_addresses(&in) < 0 || take_terms(text, arena, ret) < 0 ||
        take_words(text, arena, ret) < 0 || take_names(text, arena, ret) < 0 ||
        take_spaced(text, arena, ret) < 0 || take_disguised(text, arena, ret) < 0)
        return fail(why, ENOMEM, "no memory for what a note tells");
    for (uint32_t i = 0; i < ret->address.n; i++)
        if (ret->address.at[i].kind <= NOTE_DOMAIN &&
            take_begins(ret->address.at[i].text, arena, ret) < 0)
            return fail(why, ENOMEM, "no memory for what a note tells");
    return 0;
}
