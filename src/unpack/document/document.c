#include "unpack/document/ole2.h"
#include "unpack/document/pdf.h"
#include "unpack/document/rtf.h"
#include "unpack/formats.h"

const struct unpack_format unpack_document[] = {
    {.name = "ole2", .magics = {{0, 8, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"}}, .open = ole2_open},
    {.name = "pdf", .probe = pdf_probe, .open = pdf_open},
    {.name = "rtf", .magics = {{0, 4, "{\\rt"}}, .open = rtf_open},
    {0},
};
