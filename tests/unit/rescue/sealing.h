/* sealing — keys made for tests of formats, and the sealing side of RSA, which the program
 * itself has no use for. The larger moduli have more than two primes: they are quick to make.
 */
#pragma once
#include "shim/digest.h"
#include "shim/privatekey.h"

#include <string.h>

static const char rsa512_n[] =
    "d3475ba4a8cb1ea6fa2d60ae181e9924137c6d08ea4c8757d8f84892049ec3745af7d66dbfa67529d427"
    "82b2e72edf1b2a7e143175b3ad965c8e8a724eff1eed";
static const char rsa512_d[] =
    "0afd27d1154e6b410d661579e345eecfd2364ddd8182357a90e313b3348ba5681704859b5b68d8566683"
    "905fe94cb0c821048c7c123bac0ed2abb6d13196e7c1";
static const char rsa1024_n[] =
    "bbeefe4ca68d9cb5a46332d9222fe2b368b00af40918fc118c41ff71927199cb6db65ac76826bdbca5be"
    "a884d1411f29782844924f218e79bd878cb45a427ae6b3b4f97c0ac21d08e6e2384b2695add8bda3ab7c"
    "cb69e1753b6cbe6d0405e19355166db49be5d426ea05c6104bcba73eae8a35e6cc9e14001b498c0eaeca"
    "be87";
static const char rsa1024_d[] =
    "0a7023bfae207f6bb74dab2d5430c4aea249e4d1d90f82309751b31663c3db7ee9010fd9b37733629ef2"
    "0ffa1085456dd036ac5853fcd12501d9dd7ec6e49a5ecd86e726ad9ae150061db016e742e1cccc295909"
    "20e736184a2d84f92d154fda10dbb57e5b9362198ccf2ef8ec483d2eb8a3fcdad3713a8e2fba03d37a05"
    "2581";
static const char rsa2048_n[] =
    "b057716b548df989fc18d71a2a9b3ba53efc78a0c721e1f69354adbf229de598609653b3765896a0f0f1"
    "4f336be3d5f261bbf55819bd9eea33c7a26366333258a2d33c0b954a50eda001a1d4c31d4763fbfd6a06"
    "082a750eb5122daeba4b6cc11ed1cb11a53338763f3107b2ea001d2a83f20b950177746767fc6f523efc"
    "e8ae9ca1a37a24bf23ad7afa1fed7d2d9e7700c80f3f0c27f529e8082a9caee406014669e64c2fd4d9c9"
    "07b45b6d6e4716407ffca344e2bdb1b29ada5638382328edfd48815aa1b0fca4a312221aa9740d558113"
    "82c454ce461d1442d1e19272ea3cd8b179e47bd037e8e27b4fd5d6c93d5412b0917d4f0338f32e64236c"
    "c4114545";
static const char rsa2048_d[] =
    "0295dd2cfa88f803b9a4757b1ec24c0db68939948935fdc4c506459c6afbc2f04c67c8b7193bae373d3e"
    "707a5baa108389fbae938b838381ec7bb3d845a02096fab462863c9e3e2dad4530db14cd2490ac4bb854"
    "f995f3c592d8c622306ee029e7054d5aa3ae4718ac0f73febfc8d14119124ee270f8b3cd57c36d4cbc50"
    "f5715b7ae2ed06b5eb90addd4e629ed877c404701605f5727fa89995815dd09765e5fab368fef7b9a099"
    "76224454931542350af5dd0eb13f35b53e3e9b5def5524f361a3b241a674c834a9f884571ff8566c64cb"
    "6799f5be7910d672c51857cec57c894d907a627548e4171f6971675bc82f7e27b14103ee98d96d6e4f46"
    "1fd3a5e9";
static const char rsa2048_p[] =
    "cb0b9549638e0015e065350aca2e51ef2586f2af50d799d413194230066ad3990278ff9f544d0742fa02"
    "73b0533f25afe16ce05967116266715a1335d8e58ac2f25bea051c6f3e42dfd1140d03b9a8b4c3a26742"
    "976ab2d73c8616e4321afee31da6ff5b7ff841d1e873ad6dfe53e60c6fa7c8278024ad5997acf0b52f9d"
    "933d";
static const char rsa2048_q[] =
    "de54f9d6e343baf4b3b9dcbb8bfe6eda1d142f38be565c363f4c73b7c3d25f1a8603d2ffe132495f02f0"
    "a2e31de70e05655771b7f1c92b8334f5da3b9bb4c102f1889cbf7710bcafcb36ab8e41b3afcf54383742"
    "3cec0f235dbe6f934fed7a23ee6b7acafc6b8eda4b4c0d433e0ef6364f4a28d4c726641a58beb8d07e60"
    "7aa9";
static const char rsa4096_n[] =
    "96b987ce02d5b88536a3bd981934dbdb8cdca36de89040071bc436f79e6763b838215a5b26024001e97b"
    "8dd3e4ad0ece0c437476f1b2547aa36507999e17a0545f8da66ddc929f6163e3fe869ff816aec6723e08"
    "c073a9c2eb52a7b8b9bee196ae260486cbe6e36fd45ae28725c3cf1ae4d090be391572a58ea464b3e79b"
    "5105d8fc8bbbb48d6da9064655cb8d4400e0f2cf0b60949d56b62edfad342572cd5d2cb7a6eaaa8b27e6"
    "2d925aade9328ffb32b354e81e2dcac1b0c5e45b5b0048b98367ce80fcece089c8863d4c136847c02334"
    "5a77bfefc66bb8a3e228f7e13c469e6724e892fc3f644424267d66c266346c8fcc694166bb60ddee5f9a"
    "adea239a01e4c5b0969f42bc067fbd24f1d3abae8b96308f7b0df1b174573964d41d14779a15508d5a8a"
    "b59285da17e00720fab18779cfdcb48a20e5404eabaee4c2a97bfb95154f05a3ac5c49a47aa1743aba55"
    "5e6c0a165587229f7dbe3003935803b9303e4afae8cec0293486cbba9a026ed6ce566c68ba03bcf291d9"
    "ba7bcf49f08d928cc67675b293d5ab9c9639cda54f8093ea7a079354803da725270f13d4e68dadafc14a"
    "22ad45ae895d0991b86893fa397fc13e6400a862e66cfa79a862eb8b38dfafd1210a726ad22011a72ebc"
    "e020b053dcde62b2ef4bd0dc24b14e9b48ce5277ccf4438ec4ff1fe6b0dabf8752b993880f63ca8cae21"
    "bd01eeade82c8863";
static const char rsa4096_d[] =
    "035b75407db2c8fe10670f82b875e6f43a16c80c3ee68ec2fd5402348a399bc5e83f7ed3f5d01be7fd38"
    "0e34e79e65de3ed90476df1e74a743feacc4e287ee6a16425693cb6ff7c0dc41da44da491c283b9122fb"
    "b59696d76f151aaed7c7e1c8b4528eafb2d8c7bd030dab320d3a678c1e07c10a7f37026b66f6a58f9614"
    "6d931496a880ed1f4f44b3fe8e8eeddf1b5f9311d83da4b814d6db5e59e10ac30d51114cba566939424a"
    "40ea78f0b8819876eef5796dd6b079a5c0c5c2a92edbe85a9ef3eae066a757fcfde025ac263d9eebb89b"
    "4ad41f09fc870f559043dad320c483130eec4c0aeb8fc8fce42959da883cf657974025cfa040c2e4d8f1"
    "8d9d4f50bf79a3ec274451c67ea837bab0f244b91a072398aaadea67811fdb4da84280233c6a0f2a1bdb"
    "1e4995fc39d9a4b4e6428d3f3e5614dc883a7b9f0a7691e91c1bb77365c8061e4280aeecc3a2600c4787"
    "4c8784e2140113e5b87103841be6b85d256816b17d1c377fb8ac9185ccac03fb05317678d00c1e773c34"
    "dab4a4134eed7335c8888517de0a7e44933d80bdf4aefcf5e62c0b9a9d7138d2b31171c8576a7d5ed971"
    "a4dcd580a56acda6de8256e14e235daafa1d069639153011bf75ee63de18220adeadf45a8356be01e38f"
    "779ef21c0a407723ae37580fa59f52ed46cea892649c9e9aa1e3824c468051ed3d9613e79ded5c5773ee"
    "aaeebae3ce0a31";
static const char rsa8192_n[] =
    "a4a851088ec90f12de0bc50b6e30cfd26e6680084d49591f5567ee2f5b1f3e5d848d9868dfdc4a405d85"
    "303709934b9780b029ef541d6dd28adece9524538ede19ed2f894af24ac9471a270b22694aff4ef3554e"
    "51e83d7ac87fdd190da739721c942f4bea8753b9f1059f3a2fc983bf75b1208ab254396c040050fbc67c"
    "efc35df93672160bb9c92d38b36f47a126ffa4f7f8d4738139872e81a652287c69b24f62497eedc13a4a"
    "38fdd22f5caa05b348511e92de276a841f4656ab3829635c25d18b1b72419803a4f80398a27fb60705c0"
    "164eb17f46a2cb94851eb31dd2bea85fe6b16bf63368aaf925f826147b5a824b6f5b279497ba3bf8ace8"
    "aeb698b4bce8d9efcf0e0fa6495a866e6f1618a4713d532d43652d83dd09a003029c18aa50d47a9122b1"
    "2e9aea867448fb8b73644b165fbb7819eaf0de74cd8c16b4cf5958d5f0a4e1ae98a867ef63a738b42a7f"
    "c2e9a37959fcbdd63bf7eaff74635c5994a99deb6abfe641fbdc59caa8a95700e381ea3bf7484881957f"
    "1524d23523147f4cc2868f25937298e2bfa8e25d95dfbde1d7ea182b11956ad30674344016cabe628e11"
    "ddd3676c8fa0881a8c173debc1c4729d7d01f8ea2877b90598f6d0b95dfcd5b6d1f9ae5125de629d2e43"
    "8c20b7c55a3413de65b93f8c377d97f6c61f1cb4befa442f3770cb329dd0799847ef936ba273fb98392e"
    "5f3bc7761dfbce771f3b32b89fdf86d280b22ec7ce1580a0e6417c7a0cce28680b9ceee56fe63e83f1cd"
    "757eb78acbde7deab50cc9710cbce7252daacaf17a431782f368d2cd54ee2b3b94b7a683e82f5d2a49f1"
    "5278739fbc3c496aadad8023d3bb3439461e119aaeda71f1c14863f71c0608f3dcc3d3a5348920ed21f1"
    "2c818589ad1c52a6f5da60f670beb72fbf4c63168d758502eee158599d8d1277b70d1b86520fbe30e785"
    "93fdfdee81a96a1fe30a5fb1673a9b98215b3473f1a07d3745eb4b98b0773dae4fa70dcc4af855805e4e"
    "d3cb933934d8560e5bf6ef6e4a44b4ba69f14cbab3f4abe24f674bd42fd4f1e9f55c83382ea43c5bfd1a"
    "1a2e705cdae18982dfd9a50c04c94bc46041a00003c04e0708bfaaf8149145809fb91f661b0d989c1275"
    "0775d64ce06c93d53e250dc65bf37c120e57620d4ca44ebec2e3c0a3c1ccf033c1ca351e766b6df4ce38"
    "c81a97edbec0bd2c5a5d1eaac5d9b7efbe7e226da9e57f82c39b06766d26e78846992fbcb8ecdfb1ac3c"
    "01d86f02a431a131dc59183dd5e32926252d005f7fec0ff076f1ddc7d49e56155f5081a1cc17d2aef4f8"
    "da030dc0f892a58c374ad65d2bf3726db78f7f6ae3cd7e5267b17b074b3837414aa7cd8feca15795f611"
    "68bc17c9819fe7796b3a25f3075f3eb376bb9985a2d23f2eaadbf63de7f2edad7993f0198db5014cc8d4"
    "e2938572fa456bf7c72d43eb4cef7f3d";
static const char rsa8192_d[] =
    "01aaf83776eefbbc4a26202ebcb2bcab1882763dc6f1139136cd380bfd877e02e995180424d8ea25f5f2"
    "71cc78e4db84f1aaefd225d12d1efdabba6c2e120eb5a06117e2afc0a84e9c7afa0dbe3e61128d667c57"
    "51a73211d508b1f01506efba8879168cadad824ae4fa71f5ec39c8bcd12e098004a651181e28c2a87d79"
    "b7b3bdd0f91636bb09d0decc7244143ba62a01f5173d1cc47edcea9df5ec5af412bebb529f9035955cb0"
    "ded81c71b88038e96cdaa844ed64806006d04044b0d5db2cd8afdbacce3c0d9e6cb2ad9841dfaa802fe8"
    "324e5fc9c6b78ac6102522ad709a488b3fd5191e69e3c8158daa175ef1a3263708d046d76e9396ab4aaa"
    "941871d6b366829f5df2d1bd16402f9ad62036072c0d3f58b428face552da67bfa7b404a3178965adfbe"
    "6fa82010a73882f3a21554733a8e20ef9da6a81f739c11fb6754488978c3f85a36b2fd58d0b05da68743"
    "94880d63c2d8b7618205be04eaa4a87d29ce44bbf72d4554c888c91d3d2c1a6043924bf0d40d4c9de80e"
    "62f00be1ba7ea22c61fe274b22a5ef0e5dea49c9d36999f8f37c1564738c28ee5d3242eeeadc6de4bfb1"
    "69d1a0cb657fa8c91827aa4d1fc4b4cfa0e5965528f7946cdda3df34d6538e9ebb82dc3afd29b84ddc77"
    "3e921b462d960d55b86e5fd8bacda5defd2857c6e0e25f99b92e4cb66a35ba888de4c6be80f802d8bad5"
    "864058b8902d58c0d11d6f0807b8a3483f1ecae9ce8d8f5a5f1d47b3e39915ff799df18e79a6c2a21651"
    "3b65716ada9c4d866bad9ca55b70d2ce6148b855b1ac564c866129817726e479251f8c5b65d16be2185d"
    "3042194f22ecf594b6039f55d963237628de2b8ab76f77a9de5c2f3e943d879912d16c380e65538a190c"
    "56324277961ccf060585b414e2b9f38c4c66953261b48746304fa59b766eccf72b7d701773e55fdc3247"
    "7ebec509339c76772909773e8f128485830d1358367b4d23bfae8b469f2e897870b5486209768f1169d1"
    "3ed968aa92e92b8645a59b59ce26521c1a9b4d2858c80dbd17f24045ab237043a499c2dc734b90552363"
    "179b0b4014b9b817309d1cd140cd5ddad6db94fca0ce4862a1b6b0909c71991b2b11abd8072ea11916fc"
    "8990e8e25f39b45ca33ee93ba49ce65947c0c06f63e8b3f2c7116cb8e46ff8bcae74c0b20833a07c22d7"
    "8d0cf58d2ac65ba969c2ca901bba7509b5470c9a96d8bd42c56a3f5a3073a4757621cd434bc2578d1bcb"
    "50b72acd642978bce98f84e0fb1c66608bcea3db6e97122889dcf4b60a6a03a3e33cf07c2faec6494e40"
    "d222296485cc806b6397b5ab6caccda7d27d596078a0e72fcb337921d922791df275d5155af3e57109e7"
    "cad1f775d9ca956755c7f2ce3a498d27764e12d613989dba1de9e1f45d6a6eb4885c77f91f15f8b2e527"
    "1fdc0192cf7cfa20b6855c0d81";
static const char session_n[] =
    "bd87d82af8dc2d510bc86a75a52538ff25eb37873be8c9eda057b7b0a1f8548e26844c817e092261c18f"
    "2817883804d2b8981b6a62546c89fc39cfebc9190ab80d977837e73b6e73db1da4d6e3603b69deb96e81"
    "c2cd06b9399b0f574cb22271ebbd028fc4ff9cabb54494e0df3751c2b970e6b3b77aa91a6dab3a2df09f"
    "12c3376183ed07d5c329ecec6043e58d36b5beebd5cd6c67729e8b777d7ff7c0b9bae83706218ac76fdb"
    "5e34de65c154471ffb608ab41804f5a86f482b1d8b84278780584dbc0e6aab5105d3ae2873e9e6cca434"
    "a49c825c55552ee2730f7430e21ba1304a633e920fd3e47bce67de8447594ed687db3ac31b0cc6e57a1e"
    "6585cebb";
static const char session_d[] =
    "0c8addda5227b7f402149c3ef6d3d4c6c5caa01d19f0d8d419e55429a33e5cd21f6867ebb5dc82e2f73d"
    "330903a1b967fc814c6728e4af5e1e4bf11f886a58d43f4a03d1a742be977a2ba709f5781bd670bfd2b9"
    "519be1d30625e5c9003155a8365286c5dee28f8aa96f456ef036a7f97bee25c644e12029b89239426b07"
    "0be5b417f638adab1394c0a5dea63189710d799d60d82084ff5fecca04fcfa8483be6ce3e64bd9883aec"
    "4a23ad4c66d306e5d5cb450ffeea36fc241096e133a01af7daee7edf986bf3a04bf759e21b40c271f1e2"
    "13fd1fdc99dc6e8fe5ca237ac54642a8ff4d800cc396d931bac8190e97f3c3df6c59e2bbc79c378e61a0"
    "07f269e9";
static const char session_p[] =
    "cb427425846e636e55ae0184c62cd9c7ad135296882a3f2325ce015e79ad494e8a50dd2e354817c83dc7"
    "61e23da5ddec9733bc0b915304c9a6bd26596d333162fcf4dccaf928b17c55520b04430fa3de17167926"
    "6ae6b03eeee1e18b82d9b7a977c717e1dddd39b6501dda2af69a50ea4e13be83e6861b8348bea081a554"
    "0bf7";
static const char session_q[] =
    "eeb5719bb8c7564c6df271a1a838f50c2252abdaab81bcd7a588532a8d830b3211da670fcb8bf2ee4a47"
    "9fcea6027b54860ce1d38ee32ce13356b95789ba2beb251a05eba298545d10dbf51a5345f1c9859ebcf3"
    "6a2c2c329df426e9195dbb793098d5914b52b221c88342b1e82b119fb5e74f9bf8f17b7e71e5d9c3da14"
    "ba5d";

static inline bytes sealing_hex(struct arena *arena, const char *text)
{
    size_t len = strlen(text) / 2;
    uint8_t *at = arena_push(arena, len);
    for (size_t i = 0; at && i < len; i++)
        at[i] = (uint8_t)(ascii_hex((uint8_t)text[2 * i]) << 4 |
                          ascii_hex((uint8_t)text[2 * i + 1]));
    return (bytes){.at = at, .len = at ? len : 0};
}

static inline struct privatekey sealing_key(struct arena *arena, const char *n, const char *d)
{
    return (struct privatekey){.n = sealing_hex(arena, n), .d = sealing_hex(arena, d)};
}

/* What a public key does to a number is what a private one does whose exponent is the public.
 */
static inline bool sealing_raw(struct arena *arena, const struct privatekey *key, bytes block,
                               uint8_t *ret)
{
    struct privatekey public = {.n = key->n, .d = sealing_hex(arena, "010001")};
    return privatekey_raw(&public, PRIVATEKEY_BIG, block, ret, NULL) == 0;
}

/* PKCS #1 v1.5 of a message into ret[privatekey_size]; `turned`: the number the other way
 * round. */
static inline bool sealing_pkcs1(struct arena *arena, const struct privatekey *key, bool turned,
                                 bytes message, uint8_t *ret)
{
    uint8_t block[PRIVATEKEY_MAX], sealed[PRIVATEKEY_MAX];
    size_t size = privatekey_size(key);
    if (message.len + 11 > size)
        return false;
    memset(block, 0x5a, size);
    block[0] = 0;
    block[1] = 2;
    block[size - message.len - 1] = 0;
    memcpy(block + size - message.len, message.at, message.len);
    if (!sealing_raw(arena, key, (bytes){.at = block, .len = size}, sealed))
        return false;
    for (size_t i = 0; i < size; i++)
        ret[i] = sealed[turned ? size - 1 - i : i];
    return true;
}

static inline void sealing_mask(const uint8_t *seed, size_t seed_len, uint8_t *data, size_t len)
{
    for (uint32_t at = 0; at < len; at += 32) {
        uint8_t number[4] = {0, 0, 0, (uint8_t)(at / 32)}, digest[32];
        bytes parts[] = {{.at = seed, .len = seed_len}, {.at = number, .len = 4}};
        (void)digest_parts(DIGEST_SHA256, parts, 2, digest);
        for (size_t i = 0; i < 32 && at + i < len; i++)
            data[at + i] ^= digest[i];
    }
}

/* OAEP with SHA-256 and an empty label. */
static inline bool sealing_oaep(struct arena *arena, const struct privatekey *key,
                                bytes message, uint8_t *ret)
{
    uint8_t block[PRIVATEKEY_MAX] = {0};
    size_t size = privatekey_size(key), data = size - 33;
    memset(block + 1, 0xa5, 32);
    (void)digest_parts(DIGEST_SHA256, NULL, 0, block + 33);
    block[size - message.len - 1] = 1;
    memcpy(block + size - message.len, message.at, message.len);
    sealing_mask(block + 1, 32, block + 33, data);
    sealing_mask(block + 33, data, block + 1, 32);
    return sealing_raw(arena, key, (bytes){.at = block, .len = size}, ret);
}
