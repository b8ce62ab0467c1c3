#include "shim/charset.h"

#include <iconv.h>
#include <langinfo.h>
#include <stddef.h>

/* What archives write names in, by libarchive's readers: 7z, RAR, ZIP, LHA, xar, tar, cpio. */
static const char *const names[] = {"UTF-8",     "UTF-16",    "UTF-16LE", "UTF-16BE",
                                    "UCS-2LE",   "UCS-2BE",   "CP437",    "CP932",
                                    "CP1252",    "SHIFT_JIS", "EUC-JP",   "ISO-8859-1",
                                    "ISO8859-1", "UTF-8-MAC", "CP850",    "US-ASCII"};

/* Never closed: what is closed may be unloaded. */
static iconv_t kept[3 * sizeof names / sizeof *names];

void charset_warm(void)
{
    const char *own = nl_langinfo(CODESET);
    for (size_t i = 0; i < sizeof names / sizeof *names && !kept[3 * i]; i++) {
        kept[3 * i] = iconv_open(own, names[i]);
        kept[3 * i + 1] = iconv_open(names[i], own);
        kept[3 * i + 2] = iconv_open("UTF-8", names[i]);
    }
}
