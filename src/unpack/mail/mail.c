#include "unpack/formats.h"
#include "unpack/mail/apple.h"
#include "unpack/mail/binhex.h"
#include "unpack/mail/closed.h"
#include "unpack/mail/cms.h"
#include "unpack/mail/html.h"
#include "unpack/mail/mbox.h"
#include "unpack/mail/mime.h"
#include "unpack/mail/script.h"
#include "unpack/mail/text.h"
#include "unpack/mail/tnef.h"
#include "unpack/mail/uu.h"
#include "unpack/mail/wide.h"
#include "unpack/mail/yenc.h"

const struct unpack_format unpack_mail[] = {
    {.name = "mail", .probe = mime_probe, .open = mime_open},
    {.name = "mbox", .magics = {{0, 5, "From "}}, .probe = mbox_probe, .open = mbox_open},
    {.name = "uuencode", .magics = {{0, 5, "begin"}}, .probe = uu_probe, .open = uu_open},
    {.name = "yenc", .magics = {{0, 8, "=ybegin "}}, .probe = yenc_probe, .open = yenc_open},
    {.name = "binhex",
     .magics = {{0, 39, "(This file must be converted with BinHex"}},
     .open = binhex_open},
    {.name = "tnef", .magics = {{0, 4, "\x78\x9f\x3e\x22"}}, .open = tnef_open},
    {.name = "apple",
     .magics = {{0, 4, "\0\5\x16\0"}, {0, 4, "\0\5\x16\7"}},
     .open = apple_open},
    {.name = "smime", .magics = {{0, 1, "\x30"}}, .probe = cms_probe, .open = cms_open},
    {.name = "pem",
     .magics = {{0, 16, "-----BEGIN PKCS7"}, {0, 14, "-----BEGIN CMS"}},
     .open = cms_open_text},
    {.name = "pgp", .magics = {{0, 26, "-----BEGIN PGP MESSAGE----"}}, .open = closed_open_pgp},
    {.name = "outlook-pst", .magics = {{0, 4, "!BDN"}}, .open = closed_open_folder},
    {.name = "outlook-dbx", .magics = {{0, 4, "\xcf\xad\x12\xfe"}}, .open = closed_open_folder},
    {.name = "notes-nsf", .magics = {{0, 6, "\x1a\0\0\4\0\0"}}, .open = closed_open_folder},
    {.name = "uw-mbx", .magics = {{0, 7, "*mbx*\r\n"}}, .open = closed_open_folder},
    {.name = "html", .probe = html_probe, .open = html_open},
    {.name = "script-encoder", .magics = {{0, 4, "#@~^"}}, .open = screnc_open},
    {.name = "utf-16", .probe = wide_probe, .open = wide_open},
    {.name = "text", .probe = text_probe, .open = text_open},
    {0},
};
