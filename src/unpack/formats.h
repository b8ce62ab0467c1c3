/* formats — the tables of the groups of formats, in the order in which they are asked. */
#pragma once
#include "unpack/unpack.h"

extern const struct unpack_format unpack_archive[];  /* archives and compressed files */
extern const struct unpack_format unpack_document[]; /* office documents, PDF, RTF */
extern const struct unpack_format unpack_image[];    /* file systems and disk images */
extern const struct unpack_format unpack_mail[];     /* mail, encodings, HTML and scripts */
extern const struct unpack_format unpack_program[];  /* programs, installers, packers */

#ifdef CANDOR_PLANTED /* a program of the tests */
extern const struct unpack_format unpack_planted[];
#define UNPACK_PLANTED , unpack_planted
#else
#define UNPACK_PLANTED
#endif

#define UNPACK_GROUPS                                                                          \
    {                                                                                          \
        unpack_archive, unpack_document, unpack_image, unpack_mail,                            \
            unpack_program UNPACK_PLANTED                                                      \
    }
