/* Keys of RAR:
 *
 *     5     ("RAR 5.0 archive format", rarlab.com) PBKDF2 with HMAC-SHA256 of the password, a
 *           salt, 2^power rounds; 32 rounds more give, folded to 8 bytes by exclusive or, what
 *           tells whether it is right
 *     3, 4  SHA-1 of 2^18 times: password in UTF-16, salt, the round's number in 3 bytes. The
 *           key are the first four words of the digest, little endian; of the vector, each byte
 *           is the last of what the digest would be after one round of each sixteenth.
 *           (RAR's own SHA-1 goes wrong on passwords of more than 28 letters: not tried.) */
#include "unpack/archive/rar/rar.h"

#include "base/unicode.h"
#include "shim/digest.h"

enum {
    POWER_MAX = 24, /* as UnRAR */
    STEPS_PER_ROUND = 32,
    CHECK_ROUNDS = 32,
    CHECK_SIZE = 8,
    ROUNDS_4 = 1 << 18,
    PASSWORD_4 = 2 * 28, /* bytes of UTF-16 */
    STEP_BYTES = 4,      /* hashed in one step */
    SHA1_SIZE = 20,
    SHA256_SIZE = 32,
};

bool rar_keys_open(struct rar_keys *keys, struct unpack *unpack)
{
    const struct unpack_run *run = unpack->run;
    uint32_t count = run->password_count;
    count = count < run->limits.passwords ? count : run->limits.passwords;
    *keys = (struct rar_keys){.unpack = unpack, .count = count, .last = RAR_NO_PASSWORD};
    keys->keys4 = PUSH_ARRAY(unpack->arena, struct rar4_key, count);
    return keys->keys4;
}

int32_t rar_keys_at(const struct rar_keys *keys, uint32_t n)
{
    uint32_t at = n;
    if (keys->last >= 0)
        at = n == 0 ? (uint32_t)keys->last : n - (n <= (uint32_t)keys->last);
    return n < keys->count ? (int32_t)at : RAR_NO_PASSWORD;
}

/* --- 5 --- */

static bool stretch(struct rar_keys *keys, bytes password, uint32_t rounds, uint8_t *ret)
{
    const bytes salt = {keys->salt, sizeof keys->salt};
    return budget_charge(keys->unpack->budget, (uint64_t)rounds * STEPS_PER_ROUND) &&
           digest_stretch(DIGEST_SHA256, password, salt, rounds, ret, RAR5_KEY);
}

static int32_t find_fitting(struct rar_keys *keys, const uint8_t *check)
{
    uint32_t rounds = 1u << keys->power;
    int32_t password;
    for (uint32_t n = 0; (password = rar_keys_at(keys, n)) >= 0; n++) {
        bytes text = keys->unpack->run->passwords[password];
        uint8_t long_key[RAR5_KEY], folded[CHECK_SIZE] = {0};
        if (!stretch(keys, text, rounds + CHECK_ROUNDS, long_key))
            return RAR_STOPPED;
        for (size_t i = 0; i < sizeof long_key; i++)
            folded[i % CHECK_SIZE] ^= long_key[i];
        if (memcmp(folded, check, CHECK_SIZE) != 0)
            continue;
        return stretch(keys, text, rounds, keys->key) ? password : RAR_STOPPED;
    }
    return RAR_NO_PASSWORD;
}

int32_t rar_key5(struct rar_keys *keys, unsigned power, const uint8_t *salt,
                 const uint8_t *check)
{
    uint8_t digest[SHA256_SIZE];
    const bytes checked = {check, CHECK_SIZE};
    if (keys->tried && keys->power == power && memcmp(keys->salt, salt, RAR5_SALT) == 0 &&
        memcmp(keys->check, check, RAR5_CHECK) == 0)
        return keys->fits;
    if (power > POWER_MAX || !digest_parts(DIGEST_SHA256, &checked, 1, digest) ||
        memcmp(digest, check + CHECK_SIZE, RAR5_CHECK - CHECK_SIZE) != 0)
        return RAR_NO_PASSWORD;
    keys->power = (uint8_t)power;
    memcpy(keys->salt, salt, RAR5_SALT);
    memcpy(keys->check, check, RAR5_CHECK);
    keys->fits = find_fitting(keys, check);
    keys->tried = true;
    if (keys->fits >= 0)
        keys->last = keys->fits;
    return keys->fits;
}

/* --- 4 --- */

static bool derive4(struct rar_keys *keys, bytes password, struct rar4_key *ret)
{
    uint8_t text[PASSWORD_4 + 4 + RAR4_SALT], digest[SHA1_SIZE];
    size_t size = utf16_of(password, text, PASSWORD_4 + 4);
    if (size > PASSWORD_4)
        return false;
    memcpy(text + size, keys->salt4, RAR4_SALT);
    const bytes round = {text, size + RAR4_SALT};
    if (!budget_charge(keys->unpack->budget, (uint64_t)ROUNDS_4 * (round.len + 3) / STEP_BYTES))
        return false;
    struct digest *sha1 = digest_new(DIGEST_SHA1);
    uint64_t done = 0, part = ROUNDS_4 / RAR_BLOCK;
    bool good = sha1;
    for (uint64_t i = 0; good && i < RAR_BLOCK; i++) {
        good = digest_add_numbered(sha1, round, 3, done, i * part + 1) &&
               digest_peek(sha1, digest);
        ret->iv[i] = digest[SHA1_SIZE - 1];
        done = i * part + 1;
    }
    good =
        good && digest_add_numbered(sha1, round, 3, done, ROUNDS_4) && digest_end(sha1, digest);
    digest_free(sha1);
    for (size_t i = 0; good && i < RAR4_KEY; i++)
        ret->key[i] = digest[i ^ 3];
    return good;
}

const struct rar4_key *rar_key4(struct rar_keys *keys, uint32_t password, const uint8_t *salt)
{
    if (memcmp(keys->salt4, salt, RAR4_SALT) != 0)
        memset(keys->keys4, 0, keys->count * sizeof *keys->keys4);
    memcpy(keys->salt4, salt, RAR4_SALT);
    struct rar4_key *key = &keys->keys4[password];
    if (!key->made)
        key->made = derive4(keys, keys->unpack->run->passwords[password], key);
    return key->made ? key : NULL;
}
