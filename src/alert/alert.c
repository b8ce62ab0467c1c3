#include "alert/alert.h"

#include "alert/broken.h"
#include "alert/media.h"
#include "alert/partition.h"
#include "alert/structured.h"

/* clamscan does not look at less. */
enum { TOO_SMALL = 5 };

#define MEDIA "Broken.Media."

static const char *const names[ALERTS] = {
    [ALERT_CARDS] = "Heuristics.Structured.CreditCardNumber",
    [ALERT_INSURANCES] = "Heuristics.Structured.SSN",
    [ALERT_PROGRAM] = "Heuristics.Broken.Executable",
    [ALERT_GIF_SCREEN] = "Heuristics." MEDIA "GIF.TruncatedScreenDescriptor",
    [ALERT_GIF_COLORS] = "Heuristics." MEDIA "GIF.TruncatedGlobalColorTable",
    [ALERT_GIF_NO_IMAGE] = "Heuristics." MEDIA "GIF.MissingImageData",
    [ALERT_GIF_EXTENSION] = "Heuristics." MEDIA "GIF.TruncatedExtension",
    [ALERT_GIF_SUB_BLOCK] = "Heuristics." MEDIA "GIF.TruncatedExtensionSubBlock",
    [ALERT_GIF_DESCRIPTOR] = "Heuristics." MEDIA "GIF.TruncatedImageDescriptor",
    [ALERT_GIF_DATA] = "Heuristics." MEDIA "GIF.TruncatedImageDataBlock",
    [ALERT_GIF_LABEL] = "Heuristics." MEDIA "GIF.UnknownBlockLabel",
    [ALERT_PNG_LENGTH] = "Heuristics." MEDIA "PNG.InvalidChunkLength",
    [ALERT_PNG_TYPE] = "Heuristics." MEDIA "PNG.EOFReadingChunkType",
    [ALERT_PNG_CHUNK] = "Heuristics." MEDIA "PNG.EOFReadingChunk",
    [ALERT_PNG_CRC] = "Heuristics." MEDIA "PNG.EOFReadingChunkCRC",
    [ALERT_JPEG_SPURIOUS] = "Heuristics." MEDIA "JPEG.SpuriousBytesBeforeSegment",
    [ALERT_JPEG_COMMENT] = "Heuristics.Exploit.W32.MS04-028",
    [ALERT_JPEG_NO_SIZE] = "Heuristics." MEDIA "JPEG.CantReadSegmentSize",
    [ALERT_JPEG_SIZE] = "Heuristics." MEDIA "JPEG.InvalidSegmentSize",
    [ALERT_JPEG_OUTSIDE] = "Heuristics." MEDIA "JPEG.SegmentDataOutOfFile",
    [ALERT_JPEG_JFIF_TWICE] = "Heuristics." MEDIA "JPEG.JFIFdupAppMarker",
    [ALERT_JPEG_JFIF_PLACE] = "Heuristics." MEDIA "JPEG.JFIFmarkerBadPosition",
    [ALERT_JPEG_JFIF_SHORT] = "Heuristics." MEDIA "JPEG.JFIFheaderTooShort",
    [ALERT_JPEG_EXIF_TWICE] = "Heuristics." MEDIA "JPEG.ExifDupAppMarker",
    [ALERT_JPEG_EXIF_PLACE] = "Heuristics." MEDIA "JPEG.ExifHeaderBadPosition",
    [ALERT_JPEG_EXIF_SHORT] = "Heuristics." MEDIA "JPEG.ExifHeaderTooShort",
    [ALERT_JPEG_SPIFF_TWICE] = "Heuristics." MEDIA "JPEG.SPIFFdupAppMarker",
    [ALERT_JPEG_SPIFF_PLACE] = "Heuristics." MEDIA "JPEG.SPIFFmarkerBadPosition",
    [ALERT_JPEG_SPIFF_SHORT] = "Heuristics." MEDIA "JPEG.SPIFFheaderTooShort",
    [ALERT_JPEG_JPG7] = "Heuristics." MEDIA "JPEG.AppMarkerBeforeJPG7",
    [ALERT_JPEG_NO_IMAGE] = "Heuristics." MEDIA "JPEG.NoImages",
    [ALERT_JPEG_DTT] = "Heuristics." MEDIA "JPEG.DTTMissingDTISegment",
    [ALERT_TIFF_FIRST] = "Heuristics." MEDIA "TIFF.EOFReadingFirstIFDOffset",
    [ALERT_TIFF_ZERO] = "Heuristics." MEDIA "TIFF.InvalidIFDOffset",
    [ALERT_TIFF_COUNT] = "Heuristics." MEDIA "TIFF.EOFReadingNumIFDDirectoryEntries",
    [ALERT_TIFF_ENTRY] = "Heuristics." MEDIA "TIFF.EOFReadingIFDEntry",
    [ALERT_TIFF_OUTSIDE] = "Heuristics." MEDIA "TIFF.OutOfBoundsAccess",
    [ALERT_TIFF_NEXT] = "Heuristics." MEDIA "TIFF.EOFReadingChunkCRC",
    [ALERT_TIFF_ORDER] = "Heuristics." MEDIA "TIFF.OutOfOrderIFDOffset",
    [ALERT_MBR] = "Heuristics.MBRPartitionnIntersect",
    [ALERT_GPT] = "Heuristics.GPTPartitionIntersection",
    [ALERT_APM] = "Heuristics.APMPartitionIntersection",
};

const char *alert_name(uint32_t alert)
{
    return alert < ALERTS ? names[alert] : NULL;
}

static bool is_broken(bytes data, enum filetype type, struct budget *budget)
{
    switch (type) {
    case FILETYPE_MSEXE:
        return broken_pe(data);
    case FILETYPE_ELF:
        return broken_elf(data);
    case FILETYPE_MACHO:
        return broken_macho(data, budget);
    case FILETYPE_MACHO_UNIBIN:
        return broken_unibin(data);
    default:
        return false;
    }
}

static enum alert check_picture(bytes data, enum filetype type, struct budget *budget)
{
    switch (type) {
    case FILETYPE_GIF:
        return media_gif(data, budget);
    case FILETYPE_PNG:
        return media_png(data, budget);
    case FILETYPE_JPEG:
        return media_jpeg(data, budget);
    case FILETYPE_TIFF:
        return media_tiff(data, budget);
    default:
        return ALERTS;
    }
}

uint64_t alert_check(const struct alert_options *options, bytes data, enum filetype begun,
                     enum filetype read, struct budget *budget)
{
    uint64_t ret = 0;
    if (data.len <= TOO_SMALL)
        return 0;
    if (options->structured && begun == FILETYPE_TEXT_ASCII)
        ret |= structured_check(options, data, budget);
    if (options->programs && is_broken(data, begun, budget))
        ret |= ALERT_BIT(ALERT_PROGRAM);
    if (options->pictures) {
        enum alert picture = check_picture(data, begun, budget);
        ret |= picture < ALERTS ? ALERT_BIT(picture) : 0;
    }
    if (options->partitions && read == FILETYPE_MBR &&
        partition_mbr(data, options->most_partitions))
        ret |= ALERT_BIT(ALERT_MBR);
    if (options->partitions && (begun == FILETYPE_GPT || read == FILETYPE_GPT) &&
        partition_gpt(data, options->most_partitions))
        ret |= ALERT_BIT(ALERT_GPT);
    if (options->partitions && begun == FILETYPE_APM &&
        partition_apm(data, options->most_partitions))
        ret |= ALERT_BIT(ALERT_APM);
    return ret;
}
