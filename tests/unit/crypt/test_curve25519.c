/* Which numbers can be public keys of X25519: against those that another program made, and
 * against numbers that were told apart by arithmetic on whole numbers. */
#include "crypt/curve25519.h"
#include "shim/privatekey.h"
#include "tap.h"

#include <string.h>

static void made_keys_are_taken(void)
{
    unsigned good = 0;
    for (uint32_t i = 0; i < 200; i++) {
        uint8_t secret[32], key[32];
        for (size_t k = 0; k < sizeof secret; k++)
            secret[k] = (uint8_t)((i + 1) * (k + 7) * 2654435761U >> 13);
        good += x25519_public(secret, key) && curve25519_is_public(key);
    }
    CHECK_INT(good, 200);
}

/* u below 200 of points of the prime order: (order) u is the point at infinity. */
static void small_numbers(void)
{
    static const uint8_t points[] = {9,   16,  34,  45,  49,  78,  100, 104,
                                     111, 130, 134, 142, 173, 178, 186};
    for (unsigned u = 0; u < 200; u++) {
        uint8_t key[32] = {(uint8_t)u};
        bool is = false;
        for (size_t i = 0; i < sizeof points; i++)
            is |= points[i] == u;
        CHECK_INT(curve25519_is_public(key), is);
    }
}

static void what_is_no_number_of_the_field(void)
{
    uint8_t key[32] = {9};
    CHECK(curve25519_is_public(key));
    key[31] = 0x80;
    CHECK(!curve25519_is_public(key));
    /* The prime and 9. */
    memset(key, 0xff, sizeof key);
    key[0] = 0xed + 9;
    key[31] = 0x7f;
    CHECK(!curve25519_is_public(key));
}

int main(void)
{
    made_keys_are_taken();
    small_numbers();
    what_is_no_number_of_the_field();
    return tap_done();
}
