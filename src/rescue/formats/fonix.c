/* Fonix as its heirs use it (dectokyo, RYK): behind the data
 *
 *     "HERMES" | base64 in lines | base64 in lines, as long | "##"
 *
 * each sealed by the session's RSA key, OAEP, SHA-1: the file's key 32, and bytes of which the
 * first 8 are the nonce. Names and what is encrypted:
 *
 *     NAME.[mail].[id].RYK       up to 300,000 bytes all, ChaCha20; else so many, Salsa20
 *     NAME.[mail].[id].RYKCRYPT  databases and documents: 20,000 bytes at each 800,000,
 *                                ChaCha20; else a fiftieth at the begin and at the end, Salsa20
 *
 * Facts: github.com/f6-dfir/Ransomware, Fonix/tools/fonix_decrypt_file.py and fonix_crypt.py.
 */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "rescue/formats/sealed.h"
#include "rescue/known.h"
#include "unpack/base64.h"

#include <errno.h>
#include <string.h>

enum {
    MARK = 6,
    END = 2,
    KEY = 32,
    NONCE = 8,
    TAIL_MAX = 4096,
    TEXT_LEAST = 172, /* of 128 bytes */
    HEAD = 300000,
    SPOT = 20000,
    STEP = 800000,
};

static const char mark[] = "HERMES";

struct trailer {
    uint8_t tail[TAIL_MAX];
    bytes text;     /* both in base64 */
    uint64_t plain; /* bytes before it */
};

static bool is_base64(bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (base64_value(text.at[i]) == BASE64_OUTSIDE && !strchr("=\r\n", text.at[i]))
            return false;
    return true;
}

/* 0 with the trailer; -EBADMSG: none. */
static int trailer_of(const struct source *source, struct trailer *ret, struct why *why)
{
    size_t len = source->size < TAIL_MAX ? (size_t)source->size : TAIL_MAX;
    int error = source_tail(source, ret->tail, len, why);
    if (error)
        return error;
    bytes tail = {ret->tail, len};
    size_t from = SIZE_MAX, at = 0;
    if (len < END || memcmp(ret->tail + len - END, "##", END) != 0)
        return fail(why, EBADMSG, "no '##' at its end");
    while ((at = bytes_find(tail, bytes_of(mark), at)) != SIZE_MAX) {
        ret->text = bytes_slice(tail, at + MARK, len - END - at - MARK);
        at++;
        if (ret->text.len >= 2 * TEXT_LEAST && ret->text.len % 2 == 0 && is_base64(ret->text)) {
            from = at - 1;
            break;
        }
    }
    if (from == SIZE_MAX)
        return fail(why, EBADMSG, "no 'HERMES' and base64 before its end");
    ret->plain = source->size - (len - from);
    return 0;
}

static int fonix_recognise(const struct source *source, struct recognition *ret,
                           struct why *why)
{
    struct trailer trailer;
    int error = trailer_of(source, &trailer, why);
    if (error)
        return error == -EBADMSG ? 0 : error;
    ret->fit = FIT_IS;
    ret->bits = 8 * (MARK + END);
    ret->plain = trailer.plain;
    ret->partial = trailer.plain > HEAD || compose_named(source, ".RYKCRYPT");
    fail(&ret->reason, 1, "'HERMES', %zu letters of base64 and '##' at its end",
         trailer.text.len);
    return 0;
}

/* One of the two halves, opened. */
static int unseal(const struct key *key, bytes text, size_t least, struct arena *arena,
                  bytes *ret, struct why *why)
{
    uint8_t sealed[TAIL_MAX];
    struct base64_held held = {0};
    size_t len = base64_letters(&held, &text, sealed, sizeof sealed);
    int error = sealed_oaep(key, (bytes){sealed, len}, arena, ret, why);
    if (!error && ret->len < least)
        return fail(why, EBADMSG, "%zu sealed bytes, not %zu", ret->len, least);
    return error;
}

enum way { WHOLE, SPOTS, EDGES, WAYS };

static bool is_named(const struct source *source)
{
    return compose_named(source, ".RYK") || compose_named(source, ".RYKCRYPT");
}

static uint64_t edge_of(uint64_t size)
{
    return (uint64_t)((double)size * 0.02);
}

static bool is_noise(const struct source *source, uint64_t at)
{
    uint8_t part[KNOWN_HEAD];
    return !source_read(source, at, part, sizeof part, NULL) &&
           known_noise((bytes){part, sizeof part});
}

/* Without a name: two ways begin alike for each cipher, and the shorter one is it where noise
 * ends there. In a file that is noise itself it cannot be seen. */
static bool looks_like(const struct source *source, enum way way, uint64_t size)
{
    uint64_t edge = edge_of(size);
    bool small = size <= HEAD;
    if (way == WHOLE)
        return small ? size < SPOT + KNOWN_HEAD || is_noise(source, SPOT)
                     : edge >= HEAD || is_noise(source, edge);
    return way == SPOTS || small || edge <= HEAD || is_noise(source, HEAD);
}

/* What is encrypted is told by the name alone; with it gone, each is tried that looks so. */
static bool can_be(const struct source *source, enum way way, uint64_t size)
{
    static const char *const spotted[] = {
        ".MDF",   ".SQL",  ".EDB",   ".TXT", ".VHD",   ".VBK",    ".VIB",    ".VBM",
        ".VLB",   ".VSM",  ".VOM",   ".BAK", ".BACK",  ".ORG",    ".NBF",    ".NBA",
        ".SET",   ".MBK",  ".NCO",   ".GHO", ".ADI",   ".TRN",    ".BKP",    ".PBD",
        ".XML",   ".VHDX", ".VDX",   ".BMS", ".HM4",   ".DBK",    ".BAC",    ".FDB",
        ".ACCDB", ".ADB",  ".ACCDC", ".4DD", ".ACCDE", ".BACKUP", ".SQLITE", ".DAT_OLD",
        ".DB1",   ".DB2",  ".DB3",   ".DBC", ".LDF",   ".DB-SHM", ".DB-WAL", ".DB-JOURNAL",
        ".ADT",   ".DB",   ".DBF",   ".DTA", ".GDB",   ".GTABLE", ".MYD",    ".SDF",
        ".WDB",   ".WMDB", ".MYOB",  ".TAX", ".YNAB",  ".MYO",    ".QBW",    ".QBB",
        ".QBM",   ".QBO",  ".001",   ".002", ".003",   ".PDF",    ".DOC",    ".DOCM",
        ".DOCX",  ".DOTX", ".DOTM",  ".ODT", ".XLS",   ".XLSX",   ".XLSM",   ".XLTX",
        ".XLTM",  ".XLAM", ".XLSB",  ".ODS", ".PPT",   ".PPTX",   ".PPTM",   ".PTOX",
        ".POTM",  ".PPSX", ".PPSM",  ".ODP",
    };
    bool all = compose_named(source, ".RYK");
    if (!is_named(source))
        return looks_like(source, way, size);
    struct source own = *source;
    size_t end = bytes_find(source->name, bytes_of(".["), 0);
    own.name = bytes_slice(source->name, 0, end);
    bool is_spotted = false;
    for (size_t i = 0; i < COUNT(spotted) && !is_spotted; i++)
        is_spotted = compose_named(&own, spotted[i]);
    return way == (all ? WHOLE : is_spotted ? SPOTS : EDGES);
}

static int pieces(struct recipe *ret, enum way way, int stream, struct arena *arena,
                  struct why *why)
{
    uint64_t size = ret->size;
    struct recipe_piece piece = {.length = size < HEAD ? size : HEAD, .stream = stream};
    if (way == EDGES) {
        piece.length = edge_of(size);
        piece.count = 2;
        piece.step = size - piece.length;
    }
    if (way != SPOTS)
        return compose_piece(ret, arena, &piece, why);
    uint64_t count = size >= SPOT ? (size - SPOT) / STEP + 1 : 0, at = count * STEP;
    piece.length = count ? SPOT : 0;
    piece.count = count;
    piece.step = STEP;
    int error = compose_piece(ret, arena, &piece, why);
    if (error || at >= size)
        return error;
    piece = (struct recipe_piece){.at = at, .from = at, .length = size - at, .stream = stream};
    return compose_piece(ret, arena, &piece, why);
}

static int compose(struct recipe *ret, enum way way, uint64_t plain, bytes key, bytes nonce,
                   struct arena *arena, struct why *why)
{
    bool salsa = way == EDGES || (way == WHOLE && plain > HEAD);
    *ret = (struct recipe){.size = plain};
    struct recipe_stream stream = {.cipher = salsa ? RECIPE_SALSA : RECIPE_CHACHA,
                                   .rounds = 20,
                                   .key = key,
                                   .iv = bytes_slice(nonce, 0, NONCE)};
    int number = compose_stream(ret, arena, &stream, why);
    return number < 0 ? number : pieces(ret, way, number, arena, why);
}

/* The first way whose begin is surely a known kind's, else the first that is no noise. */
static int try_ways(const struct source *source, uint64_t plain, bytes key, bytes nonce,
                    struct arena *arena, struct recipe *ret, struct why *why)
{
    struct recipe best = {0};
    bool found = false;
    for (enum way way = WHOLE; way < WAYS; way++) {
        if (!can_be(source, way, plain))
            continue;
        int error = compose(ret, way, plain, key, nonce, arena, why);
        if (error || is_named(source))
            return error;
        error = compose_try(ret, source, arena, why);
        bool sure = !error && !ret->guess;
        ret->guess = true;
        if (sure)
            return 0;
        if (!error && !found)
            best = *ret;
        found = found || !error;
    }
    *ret = best;
    return found ? 0 : fail(why, EBADMSG, "the key is right, what it makes of it is noise");
}

static int fonix_open(const struct source *source, const struct key *key, struct arena *arena,
                      struct recipe *ret, struct why *why)
{
    struct trailer trailer;
    bytes own, nonce;
    int error = trailer_of(source, &trailer, why);
    size_t half = error ? 0 : trailer.text.len / 2;
    if (!error)
        error = unseal(key, bytes_slice(trailer.text, 0, half), KEY, arena, &own, why);
    if (!error)
        error = unseal(key, bytes_slice(trailer.text, half, half), NONCE, arena, &nonce, why);
    if (error)
        return error;
    own.len = KEY;
    return try_ways(source, trailer.plain, own, nonce, arena, ret, why);
}

const struct format format_fonix = {
    .family = "fonix",
    .title = "Fonix (RYK)",
    .facts = "github.com/f6-dfir/Ransomware, Fonix",
    .proven = true,
    .keys = 1U << KEY_RSA,
    .recognise = fonix_recognise,
    .open = fonix_open,
};
