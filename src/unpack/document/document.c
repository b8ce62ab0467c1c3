#include "unpack/document/officexml.h"
#include "unpack/document/ole2.h"
#include "unpack/document/pdf.h"
#include "unpack/document/rtf.h"
#include "unpack/document/small.h"
#include "unpack/formats.h"

const struct unpack_format unpack_document[] = {
    {.name = "ole2", .magics = {{0, 8, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"}}, .open = ole2_open},
    {.name = "pdf", .probe = pdf_probe, .open = pdf_open},
    {.name = "rtf", .magics = {{0, 4, "{\\rt"}}, .open = rtf_open},
    {.name = "onenote",
     .magics = {{0, 16, "\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3"},
                {0, 16, "\xa1\x2f\xff\x43\xd9\xef\x76\x4c\x9e\xe2\x10\xea\x57\x22\x76\x5f"}},
     .open = small_onenote},
    {.name = "shortcut",
     .magics = {{0, 12, "\x4c\0\0\0\x01\x14\x02\0\0\0\0\0"}},
     .open = small_shortcut},
    {.name = "flash",
     .magics = {{0, 3, "CWS"}, {0, 3, "ZWS"}},
     .probe = small_is_flash,
     .open = small_flash},
    {.name = "activemime", .magics = {{0, 10, "ActiveMime"}}, .open = small_activemime},
    {.name = "office xml", .probe = officexml_probe, .open = officexml_open},
    {0},
};
