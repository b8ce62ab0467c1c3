#include "clamav/dsig.h"

#include "shim/digest.h"
#include "shim/rsa.h"

#include <string.h>

/* RSASSA-PSS, RFC 8017, sections 8.1.2 and 9.1.2: SHA-256, MGF1 with it, 32 bytes of salt:
 *
 *     maskedDB (223)   H (32)   0xbc        DB = zeros, 0x01, salt
 *     H = SHA-256(eight zeros, digest of the message, salt)                                  */

enum {
    MD5 = 16,
    HASH = 32,
    SALT = 32,
    BLOCK = 256,
    MASKED = BLOCK - HASH - 1,
    TEXT_MAX = 400 /* digits; 342 are 2048 bits */
};

static const struct {
    const char *modulus, *exponent;
} keys[] = {
    [DSIG_HEADER] = {"118640995551645342603070001658453189751527774412027743746599405743243142"
                     "607464144767361060640655844749760788890022283424922762488917565551002467"
                     "771109669598189410434699034532232228621591089508178591428456220796841621"
                     "637175567590476666928698770143328137383952820383197532047771780196576957"
                     "695822641224262693037",
                     "100001027"},
    [DSIG_INFO] =
        {"1108889498304854547365955610662719492392894179179504762059165869741358104332"
         "2715912172496806525381055880964520618400224333320534660299233983755341740679"
         "5028668299096799557343913926683783612215242053966310901051516412708572770803"
         "1073432095165370050894171741916872394250789070290470270758745162169105075430"
         "7850383399865346487203798464178537392211402786481359824461197231102895415093"
         "7703942166663244845939357624084685168266331921408266679234948220458053478099"
         "3284845484588697170642436055866786277587607205943770336538020910169773857751"
         "5476935085469455279994113145977994084618328482151013142393373316337519977244"
         "732747977",
         "100002049"},
    [DSIG_DIFF] =
        {"1478390587407746709026222851655791757025459963837620353203198921410555284726"
         "9687489771975792123442185817287694951949800908791527542017115600501303394778"
         "6185358648452357000415900563182301024496122174585490160893133065913885907907"
         "9651581965410232072571230082235634872401123265483750324173617790778419870083"
         "4440681124727060540035754699658105895050096576226753008596881698828185652424"
         "9019216687583265784620032479064709820922981067896572119054889862810783463614"
         "6952448482955956088622719809199549844067663963983046359321138605506536028842"
         "2394053998134458623712540683294034953818412458362198117811990006021989844180"
         "721010947",
         "100002053"},
};

static int digit(uint8_t c)
{
    return c >= 'a' && c <= 'z'   ? c - 'a'
           : c >= 'A' && c <= 'Z' ? c - 'A' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

/* The number that the text writes, big endian, in ret[0..TEXT_MAX). */
static bool decode(bytes text, uint8_t *ret)
{
    memset(ret, 0, TEXT_MAX);
    if (!text.len || text.len > TEXT_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int value = digit(text.at[i]);
        size_t bit = 6 * i, at = TEXT_MAX - 1 - bit / 8;
        if (value < 0)
            return false;
        ret[at] |= (uint8_t)(value << bit % 8);
        if (bit % 8 > 2)
            ret[at - 1] |= (uint8_t)(value >> (8 - bit % 8));
    }
    return true;
}

static bool recover(enum dsig_key key, bytes text, uint8_t *ret, size_t size)
{
    uint8_t number[TEXT_MAX];
    return decode(text, number) && rsa_recover(keys[key].modulus, keys[key].exponent,
                                               (bytes){number, sizeof number}, ret, size);
}

bool dsig_signs_md5(bytes text, const uint8_t *md5)
{
    uint8_t said[MD5];
    return recover(DSIG_HEADER, text, said, sizeof said) && memcmp(said, md5, MD5) == 0;
}

/* MGF1 of `seed` over data[0..MASKED). */
static bool unmask(const uint8_t *seed, uint8_t *data)
{
    for (uint32_t i = 0; i * HASH < MASKED; i++) {
        const uint8_t counter[4] = {0, 0, (uint8_t)(i >> 8), (uint8_t)i};
        const bytes parts[] = {{seed, HASH}, {counter, sizeof counter}};
        uint8_t mask[DIGEST_MAX];
        if (!digest_parts(DIGEST_SHA256, parts, COUNT(parts), mask))
            return false;
        for (uint32_t k = 0; k < HASH && i * HASH + k < MASKED; k++)
            data[i * HASH + k] ^= mask[k];
    }
    return true;
}

bool dsig_signs(enum dsig_key key, bytes text, const uint8_t *sha256)
{
    uint8_t block[BLOCK], hash[DIGEST_MAX];
    static const uint8_t zeros[MASKED];
    if (!recover(key, text, block, sizeof block) || block[BLOCK - 1] != 0xbc ||
        block[0] & 0x80 || !unmask(block + MASKED, block))
        return false;
    block[0] &= 0x7f;
    if (memcmp(block, zeros, MASKED - SALT - 1) != 0 || block[MASKED - SALT - 1] != 1)
        return false;
    const bytes parts[] = {{zeros, 8}, {sha256, HASH}, {block + MASKED - SALT, SALT}};
    return digest_parts(DIGEST_SHA256, parts, COUNT(parts), hash) &&
           memcmp(hash, block + MASKED, HASH) == 0;
}
