#include "rescue/format.h"

#include "rescue/formats/families.h"

#include <string.h>

/* One row for each family, in the order of their names. */
const struct format *const formats[] = {
    &format_akira,
    &format_akiralinux,
    &format_alphv,
    &format_babuk_esxi,
    &format_babuk_nas,
    &format_babuk_windows,
    &format_blackbasta,
    &format_blackbyte,
    &format_chaos,
    &format_conti,
    &format_deadbolt,
    &format_dmalocker,
    &format_echoraix,
    &format_enmity,
    &format_fonix,
    &format_gandcrab,
    &format_goodmorning,
    &format_hardbit,
    &format_hive,
    &format_hsharada,
    &format_hunters,
    &format_inc,
    &format_linuxencoder1,
    &format_linuxencoder3,
    &format_lockbit3,
    &format_lokilocker,
    &format_magniber,
    &format_mammon,
    &format_maze,
    &format_medusalocker3,
    &format_megazord,
    &format_mimic,
    &format_moneymessage,
    &format_nemucod,
    &format_onyx2,
    &format_original,
    &format_phobos,
    &format_play,
    &format_princess,
    &format_prometheus,
    &format_proton,
    &format_proxima,
    &format_qilin,
    &format_rcru64,
    &format_shinra,
    &format_sojusz,
    &format_solidbit,
    &format_stop,
    &format_surtr,
    &format_teslacrypt2,
    &format_teslacrypt3,
    &format_teslarvng,
    &format_trinity,
    &format_zeppelin,
    NULL,
};

const struct format *format_find(const char *family)
{
    for (const struct format *const *format = formats; *format; format++)
        if (!strcmp((*format)->family, family))
            return *format;
    return NULL;
}

static bool worse(const struct recognition *a, const struct recognition *b)
{
    return a->fit < b->fit || (a->fit == b->fit && a->bits < b->bits);
}

/* Puts a format among those that fit better than it, or as well and come before it. */
static size_t insert(const struct format **ret, struct recognition *fits, size_t n, size_t max,
                     const struct format *format, const struct recognition *fit)
{
    size_t at = n;
    while (at && worse(&fits[at - 1], fit))
        at--;
    if (at == max)
        return n;
    if (n == max)
        n--;

    memmove(ret + at + 1, ret + at, (n - at) * sizeof *ret);
    memmove(fits + at + 1, fits + at, (n - at) * sizeof *fits);
    ret[at] = format;
    fits[at] = *fit;
    return n + 1;
}

size_t format_recognise(const struct source *source, const struct format **ret,
                        struct recognition *fits, size_t max)
{
    struct source_memo memo = {.unmarked = SOURCE_UNASKED};
    struct source same = *source;
    size_t n = 0;
    same.memo = &memo;
    for (const struct format *const *format = formats; *format; format++) {
        struct recognition fit = {.plain = UINT64_MAX};
        if (!(*format)->recognise(&same, &fit, NULL) && fit.fit != FIT_NO)
            n = insert(ret, fits, n, max, *format, &fit);
    }
    return n;
}
