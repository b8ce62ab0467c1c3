/* alert — what clamscan reports of an object besides findings by signatures, where its options
 * ask for it: numbers of payment cards and insurances in texts, and programs, pictures and
 * partition tables that are not as they should be.
 *
 * Conditions, limits and names are those of clamscan 1.4, found out from it and its source;
 * what it counts as broken is not always what a system refuses. */
#pragma once
#include "base/budget.h"
#include "filetype/filetype.h"

enum alert {
    ALERT_CARDS,
    ALERT_INSURANCES,
    ALERT_PROGRAM,
    ALERT_GIF_SCREEN,
    ALERT_GIF_COLORS,
    ALERT_GIF_NO_IMAGE,
    ALERT_GIF_EXTENSION,
    ALERT_GIF_SUB_BLOCK,
    ALERT_GIF_DESCRIPTOR,
    ALERT_GIF_DATA,
    ALERT_GIF_LABEL,
    ALERT_PNG_LENGTH,
    ALERT_PNG_TYPE,
    ALERT_PNG_CHUNK,
    ALERT_PNG_CRC,
    ALERT_JPEG_SPURIOUS,
    ALERT_JPEG_COMMENT,
    ALERT_JPEG_NO_SIZE,
    ALERT_JPEG_SIZE,
    ALERT_JPEG_OUTSIDE,
    ALERT_JPEG_JFIF_TWICE,
    ALERT_JPEG_JFIF_PLACE,
    ALERT_JPEG_JFIF_SHORT,
    ALERT_JPEG_EXIF_TWICE,
    ALERT_JPEG_EXIF_PLACE,
    ALERT_JPEG_EXIF_SHORT,
    ALERT_JPEG_SPIFF_TWICE,
    ALERT_JPEG_SPIFF_PLACE,
    ALERT_JPEG_SPIFF_SHORT,
    ALERT_JPEG_JPG7,
    ALERT_JPEG_NO_IMAGE,
    ALERT_JPEG_DTT,
    ALERT_TIFF_FIRST,
    ALERT_TIFF_ZERO,
    ALERT_TIFF_COUNT,
    ALERT_TIFF_ENTRY,
    ALERT_TIFF_OUTSIDE,
    ALERT_TIFF_NEXT,
    ALERT_TIFF_ORDER,
    ALERT_MBR,
    ALERT_GPT,
    ALERT_APM,
    ALERTS, /* also: none */
};

#define ALERT_BIT(alert) (UINT64_C(1) << (alert))

/* What is asked for. */
struct alert_options {
    bool structured, programs, pictures, partitions;
    bool cards_only;                  /* no numbers of other cards than credit cards */
    bool hyphens, plain;              /* of insurances: 123-45-6789, 123456789 */
    uint32_t least_cards, least_ssns; /* as many are found in a text */
    uint32_t most_partitions;
};

/* "Heuristics.Broken.Executable"; NULL for numbers that are none. */
const char *alert_name(uint32_t alert);
/* ALERT_BITs of an object. `begun`: its type as by filetype_of; `read`: as by filetype_read. */
uint64_t alert_check(const struct alert_options *options, bytes data, enum filetype begun,
                     enum filetype read, struct budget *budget);
