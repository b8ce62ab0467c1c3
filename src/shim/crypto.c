#include "shim/crypto.h"

#include "shim/privatekey.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

/* One use of each: what is looked up once is looked up now. */
static void use_ciphers(void)
{
    const EVP_CIPHER *const ciphers[] = {
        EVP_aes_128_ecb(), EVP_aes_192_ecb(), EVP_aes_256_ecb(), EVP_aes_128_cbc(),
        EVP_aes_256_cbc(), EVP_aes_192_cbc(), EVP_aes_128_ctr(), EVP_aes_192_ctr(),
        EVP_aes_256_ctr(), EVP_des_ede_ecb(), EVP_des_ede_cbc(), EVP_des_ede3_ecb(),
        EVP_des_ede3_cbc()};
    static const unsigned char key[32];
    for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++) {
        EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
        if (context && EVP_DecryptInit_ex(context, ciphers[i], NULL, key, key) != 1)
            ERR_clear_error();
        EVP_CIPHER_CTX_free(context);
    }
}

void crypto_warm(void)
{
    const EVP_MD *const digests[] = {EVP_md5(),    EVP_sha1(),     EVP_sha256(),  EVP_sha384(),
                                     EVP_sha512(), EVP_sha3_256(), EVP_sha3_512()};
    unsigned char digest[EVP_MAX_MD_SIZE];
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT |
                            OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_ADD_ALL_CIPHERS |
                            OPENSSL_INIT_ADD_ALL_DIGESTS,
                        NULL);
    for (size_t i = 0; i < sizeof digests / sizeof *digests; i++)
        if (EVP_Digest("x", 1, digest, NULL, digests[i], NULL) != 1)
            ERR_clear_error();
    use_ciphers();
    (void)x25519_public(digest, digest);
}
