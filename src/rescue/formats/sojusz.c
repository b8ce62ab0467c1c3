/* Sojusz (Nigra): Salsa20 of 8 rounds over the whole file, or over its first 100 KiB.
 *
 *     0 ─── the file
 *             8 nonce
 *           512 hexadecimal digits: the key of 32 bytes, sealed by RSA-2048, PKCS #1 v1.5, as
 *               CryptoAPI writes it; the same in all files of a machine
 *
 * Whole is what its name's last extension is for that stands in the list below; the name is
 * "NAME.[first 10 of the digits].[mail].nigra".
 *
 * Facts: github.com/rivitna/Malware, Sojusz/sojusz_decrypt_file.py, sojusz_decrypt_key.py and
 * blackexts.txt. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "rescue/formats/sealed.h"
#include "rescue/known.h"

#include <errno.h>
#include <string.h>

enum {
    NONCE = 8,
    RSA = 256,
    DIGITS = 2 * RSA,
    TRAILER = NONCE + DIGITS,
    ID = 10,
    KEY = 32,
    ROUNDS = 8,
    PART = 0x19000,
    PROBE = 4096,
    NAME_MAX_LEN = 16, /* of an extension */
};

static const char whole[] =
    " 123 1c 1cd 3dm 3ds 3fr 3g2 3gp 3pr 602 7z 7zip _ms aac ab4 abd accdb accde accdr "
    "accdt ace ach acr act adb adi adp adr ads aes afi agdl ai aiff aii air ais ait aiv "
    "al alg allet ams aocla aoi apj apk arc arch00 arm art arw arz asc asf asm asp aspx "
    "asset asx avhdx avi awg backup backupdb bank bar bat bay bc6 bc7 bck bco bdb bgt "
    "big bik bin bkf bkp bkup blend blob bmp bpn bpw brd bsa bsm bxl bz2 c cad cam cas "
    "cbk cbu cdf cdr cdr3 cdr4 cdr5 cdr6 cdrw cdx ce1 ce2 cel cer cert cf cfg cfr cgi "
    "cgm chg cib ckt class classpath cls cmd cmt cnf con config contact cpa cpi cpp cpr "
    "cr2 craw crt crw cs csa csh cshtml csl csr css csv ctl cwz d d3dbsp dac das data "
    "dazip db0 db3 db5 db_journal dba dbc dbf dbs dbx dc2 dch dcr dcs ddb ddd ddoc ddrw "
    "dds der des desc design dft dgc dif dip dit djvu dmp dng doc docb docm docx dot "
    "dotm dotx dra drf drl dru drw dsn dsnwrk dt dtd dwg dxb dxf dxg e ecf edb edf elt "
    "eml emz epk eps erbsql erf esm ewprj exf fdb ff ffd fff fh fhd fla flac flf flp flv "
    "flvv fods fodt forge fos fp7 fpd fpk fpx frm fsh fxg g1 g2 g3 g4 gbk gbl gbo gbp "
    "gbr gbs gbx gdb gho gif gko gml gp gp1 gp2 gp3 gp4 gpb gpg gpt gray grb grey groups "
    "gry gtl gto gtp gts gwk gz h hbk hdd hkdb hkx hplg hpp html hvpl hwp ibank ibd ibz "
    "icxs idb idc iif iiq incpas indd info ink ip ipc ism iso itdb itl itm iwd iwi ix "
    "jar java jnt jpe jpeg jpg jrl js jsp kc2 kdb kdbx kdc kf kicad kpdx kwm la laccdb "
    "lay ";

/* The value of a lower case digit, or -1. */
static int digit(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool trailer_of(const struct source *source, uint8_t ret[TRAILER], struct why *why)
{
    if (source->size < TRAILER || source_tail(source, ret, TRAILER, why))
        return false;
    for (size_t i = NONCE; i < TRAILER; i++)
        if (digit(ret[i]) < 0)
            return false;
    return true;
}

/* Where ".[" and the digits' begin stand in the name: what is before it was the name. 0: they
 * do not, and nobody knows. */
static size_t name_end(bytes name, const uint8_t *digits)
{
    for (size_t i = 1; i + ID + 3 <= name.len; i++)
        if (name.at[i] == '.' && name.at[i + 1] == '[' &&
            !memcmp(name.at + i + 2, digits, ID) && name.at[i + 2 + ID] == ']')
            return i;
    return 0;
}

static bool is_listed(bytes name)
{
    char wanted[NAME_MAX_LEN + 3] = " ";
    size_t at = name.len;
    while (at > 0 && name.at[at - 1] != '.')
        at--;
    size_t len = name.len - at;
    if (!at || !len || len > NAME_MAX_LEN || memchr(name.at + at, ' ', len))
        return false;
    memcpy(wanted + 1, name.at + at, len);
    wanted[len + 1] = ' ';
    return strstr(whole, wanted) != NULL;
}

/* Whether bytes behind the first part are encrypted, too, by what they look like. */
static bool noise_behind(const struct source *source, uint64_t size)
{
    uint8_t probe[PROBE];
    size_t len = size - PART < PROBE ? (size_t)(size - PART) : PROBE;
    return source_read(source, PART, probe, len, NULL) == 0 &&
           (len < 512 || known_noise((bytes){probe, len}));
}

static int sojusz_recognise(const struct source *source, struct recognition *ret,
                            struct why *why)
{
    uint8_t tail[TRAILER], head[PROBE];
    if (!trailer_of(source, tail, why))
        return 0;
    uint64_t plain = source->size - TRAILER;
    size_t len = plain < PROBE ? (size_t)plain : PROBE;
    int error = source_read(source, 0, head, len, why);
    if (error || (len >= 512 && !known_noise((bytes){head, len})))
        return error;
    ret->fit = FIT_IS;
    ret->plain = plain;
    ret->partial = plain > PART && !noise_behind(source, plain);
    fail(&ret->reason, 1, "its last 512 bytes are hexadecimal digits of a sealed key");
    return 0;
}

/* The key that the file was encrypted with, 32 bytes. */
static int key_of(const uint8_t *digits, const struct key *key, struct arena *arena, bytes *ret,
                  struct why *why)
{
    uint8_t sealed[RSA];
    if (compose_secret(key, KEY, ret))
        return 0;
    for (size_t i = 0; i < RSA; i++)
        sealed[i] = (uint8_t)(digit(digits[2 * i]) << 4 | digit(digits[2 * i + 1]));
    int error = sealed_pkcs1(key, (bytes){sealed, RSA}, KEY, arena, ret, why);
    if (!error && ret->len != KEY)
        error = fail(why, EKEYREJECTED, "it opens %zu bytes, not a key of 32", ret->len);
    return error;
}

static int sojusz_open(const struct source *source, const struct key *key, struct arena *arena,
                       struct recipe *ret, struct why *why)
{
    uint8_t *tail = arena_push(arena, TRAILER);
    bytes own = {0};
    if (!tail)
        return fail(why, ENOMEM, "no memory for a trailer");
    if (!trailer_of(source, tail, why))
        return fail(why, EBADMSG, "its last 512 bytes are no hexadecimal digits");
    int error = key_of(tail + NONCE, key, arena, &own, why);
    if (error)
        return error;
    ret->size = source->size - TRAILER;
    struct recipe_stream stream = {
        .cipher = RECIPE_SALSA, .rounds = ROUNDS, .key = own, .iv = {tail, NONCE}};
    int number = compose_stream(ret, arena, &stream, why);
    if (number < 0)
        return number;
    struct recipe_piece piece = {.length = ret->size, .stream = number};
    if (ret->size > PART) {
        size_t end = name_end(source->name, tail + NONCE);
        bool all = noise_behind(source, ret->size) &&
                   (!end || is_listed(bytes_slice(source->name, 0, end)));
        ret->guess = !end;
        piece.length = all ? ret->size : PART;
    }
    error = compose_piece(ret, arena, &piece, why);
    /* A key that is not sealed in the file is told by what it gives. */
    return error || key->kind == KEY_RSA ? error : compose_try(ret, source, arena, why);
}

const struct format format_sojusz = {
    .family = "sojusz",
    .title = "Sojusz (Nigra)",
    .facts = "github.com/rivitna/Malware, Sojusz",
    .proven = true,
    .keys = 1U << KEY_RSA | 1U << KEY_BYTES,
    .recognise = sojusz_recognise,
    .open = sojusz_open,
};
