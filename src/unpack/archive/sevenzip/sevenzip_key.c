/* The key of 7zAES ("7zAES" in the 7-Zip SDK, Methods.txt; 7zFormat.txt for its properties):
 *
 *     properties  power of the rounds (6 bits), 40 and 80: one byte more of vector, of salt;
 *                 sizes (high 4 bits of salt, low of vector, less those), salt, vector
 *     key         SHA-256 of 2^power times: salt, password in UTF-16, the round's number
 * (le64); power 3f: salt and password as they are, filled up with zeros */
#include "unpack/archive/sevenzip/sevenzip.h"

#include "base/unicode.h"
#include "shim/digest.h"

enum {
    POWER_MAX = 24, /* as 7-Zip */
    POWER_PLAIN = 0x3f,
    PASSWORD_MAX = 512, /* bytes of UTF-16 */
    ROUND_SIZE = 8,     /* bytes of its number */
    STEP_BYTES = 4,     /* hashed in one step */
};

struct properties {
    uint8_t power, salt[16], iv[16];
    size_t salt_size;
};

bool sevenzip_keys_open(struct sevenzip_keys *keys, struct unpack *unpack)
{
    const struct unpack_run *run = unpack->run;
    uint32_t count = run->password_count;
    count = count < run->limits.passwords ? count : run->limits.passwords;
    *keys = (struct sevenzip_keys){.unpack = unpack, .count = count};
    keys->keys = arena_push(unpack->arena, (size_t)count * SEVENZIP_KEY);
    keys->made = PUSH_ARRAY(unpack->arena, bool, count);
    return keys->keys && keys->made;
}

static bool read_properties(bytes in, struct properties *ret)
{
    *ret = (struct properties){.power = in.len ? in.at[0] & 0x3f : 0};
    if (in.len == 0 || (ret->power > POWER_MAX && ret->power != POWER_PLAIN))
        return false;
    if (!(in.at[0] & 0xc0))
        return true;
    if (in.len < 2)
        return false;
    size_t salt = (size_t)(in.at[0] >> 7 & 1) + (in.at[1] >> 4),
           iv = (size_t)(in.at[0] >> 6 & 1) + (in.at[1] & 15);
    if (!bytes_has(in, 2, salt + iv))
        return false;
    memcpy(ret->salt, in.at + 2, salt);
    memcpy(ret->iv, in.at + 2 + salt, iv);
    ret->salt_size = salt;
    return true;
}

static bool derive(struct sevenzip_keys *keys, bytes password, uint8_t *key)
{
    uint8_t text[sizeof keys->salt + PASSWORD_MAX];
    memcpy(text, keys->salt, keys->salt_size);
    size_t size = keys->salt_size + utf16_of(password, text + keys->salt_size, PASSWORD_MAX);
    if (keys->power == POWER_PLAIN) {
        memset(key, 0, SEVENZIP_KEY);
        memcpy(key, text, size < SEVENZIP_KEY ? size : SEVENZIP_KEY);
        return true;
    }
    uint64_t rounds = UINT64_C(1) << keys->power;
    if (!budget_charge(keys->unpack->budget, rounds * (size + ROUND_SIZE) / STEP_BYTES))
        return false;
    struct digest *digest = digest_new(DIGEST_SHA256);
    bool good = digest &&
                digest_add_numbered(digest, (bytes){text, size}, ROUND_SIZE, 0, rounds) &&
                digest_end(digest, key);
    digest_free(digest);
    return good;
}

const uint8_t *sevenzip_key(struct sevenzip_keys *keys, uint32_t password, bytes properties,
                            uint8_t iv[16])
{
    struct properties now;
    if (!read_properties(properties, &now))
        return NULL;
    memcpy(iv, now.iv, sizeof now.iv);
    bool same = now.power == keys->power && now.salt_size == keys->salt_size &&
                memcmp(now.salt, keys->salt, sizeof now.salt) == 0;
    if (!same) {
        memset(keys->made, 0, keys->count * sizeof *keys->made);
        memcpy(keys->salt, now.salt, sizeof now.salt);
        keys->salt_size = now.salt_size;
        keys->power = now.power;
    }
    uint8_t *key = keys->keys[password];
    if (!keys->made[password])
        keys->made[password] = derive(keys, keys->unpack->run->passwords[password], key);
    return keys->made[password] ? key : NULL;
}
