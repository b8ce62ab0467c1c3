/* Methods of 7z that libarchive 3.6 lacks ("Methods.txt" of the 7-Zip SDK): Deflate64,
 * Zstandard and LZ4 of later 7-Zips, and filters for other processors than x86, which 7-Zip 23
 * chooses by itself. Only chains are read: each coder has one stream in and one out. */
#include "unpack/archive/sevenzip/sevenzip.h"

#include "unpack/archive/zip.h"

enum method {
    DELTA = 3,
    PPC = 5,
    IA64 = 6,
    ARM = 7,
    ARMT = 8,
    SPARC = 9,
    ARM64 = 10,
    SWAP2 = 0x20302,
    SWAP4 = 0x20304,
    PPMD = 0x30401,
    X86_BCJ = 0x3030103,
    X86_BCJ2 = 0x303011b,
    OLD_PPC = 0x3030205,
    OLD_IA64 = 0x3030401,
    OLD_ARM = 0x3030501,
    OLD_ARMT = 0x3030701,
    OLD_SPARC = 0x3030805,
    DEFLATE = 0x40108,
    DEFLATE64 = 0x40109,
    ZSTD = 0x4f71101,
    LZ4 = 0x4f71104,
};

bool sevenzip_decodes(uint64_t method)
{
    return method == SEVENZIP_COPY || method == SEVENZIP_LZMA || method == SEVENZIP_LZMA2 ||
           method == SEVENZIP_BZIP2 || method == DEFLATE || method == PPMD;
}

bool sevenzip_known(const struct sevenzip_folder *folder)
{
    unsigned coders = 0, filters = 0, decoders = 0;
    bool ppmd = false;
    for (uint32_t i = 0; i < folder->coder_count; i++) {
        uint64_t method = folder->coders[i].method;
        if (method == X86_BCJ2)
            return true;
        coders += method != SEVENZIP_AES;
        filters += method == X86_BCJ || method == DELTA;
        decoders += sevenzip_decodes(method);
        ppmd = ppmd || method == PPMD;
    }
    return coders == filters + decoders && decoders == 1 &&
           (filters == 0 || (filters == 1 && !ppmd));
}

uint32_t sevenzip_chain(const struct sevenzip_folder *folder, uint32_t *order)
{
    uint32_t count = 0, next = folder->packs[0];
    for (uint32_t i = 0; i < folder->coder_count; i++)
        if (folder->coders[i].ins != 1 || folder->coders[i].outs != 1)
            return 0;
    while (count < folder->coder_count && next < folder->coder_count) {
        order[count++] = next;
        uint32_t bind = 0;
        while (bind < folder->bind_count && folder->binds[bind].out != next)
            bind++;
        next = bind < folder->bind_count ? folder->binds[bind].in : UINT32_MAX;
    }
    return count == folder->coder_count && next == UINT32_MAX ? count : 0;
}

enum decoded sevenzip_decode(struct unpack *unpack, const struct sevenzip_coder *coder,
                             uint64_t size, bytes in)
{
    enum decoded how = DECODED;
    size_t had = SIZE_MAX;
    switch (coder->method) {
    case DEFLATE64:
        return zip_inflate64(unpack, &in, size);
    case ZSTD:
    case LZ4:
        while (how == DECODED && in.len && in.len < had) {
            had = in.len;
            how = decode_stream(unpack, coder->method == ZSTD ? STREAM_ZSTD : STREAM_LZ4, &in);
        }
        return how;
    default:
        return DECODED_UNKNOWN;
    }
}

static void swap(uint8_t *at, size_t size, size_t unit)
{
    for (size_t i = 0; i + unit <= size; i += unit)
        for (size_t k = 0; k < unit / 2; k++) {
            uint8_t byte = at[i + k];
            at[i + k] = at[i + unit - 1 - k];
            at[i + unit - 1 - k] = byte;
        }
}

bool sevenzip_unfilter(const struct sevenzip_coder *coder, uint8_t *at, size_t size)
{
    static const struct {
        enum method old, method;
        enum stream_filter filter;
    } filters[] = {
        {X86_BCJ, 4, STREAM_FILTER_X86},      {OLD_PPC, PPC, STREAM_FILTER_PPC},
        {OLD_IA64, IA64, STREAM_FILTER_IA64}, {OLD_ARM, ARM, STREAM_FILTER_ARM},
        {OLD_ARMT, ARMT, STREAM_FILTER_ARMT}, {OLD_SPARC, SPARC, STREAM_FILTER_SPARC},
        {ARM64, ARM64, STREAM_FILTER_ARM64},  {DELTA, DELTA, STREAM_FILTER_DELTA},
    };

    const bytes properties = coder->properties;
    uint32_t value = 0;
    if (coder->method == DELTA)
        value = properties.len ? properties.at[0] + 1u : 1;
    else
        (void)!bytes_le32(properties, 0, &value);
    if (coder->method == SWAP2 || coder->method == SWAP4) {
        swap(at, size, coder->method == SWAP2 ? 2 : 4);
        return true;
    }
    if (coder->method == SEVENZIP_COPY)
        return true;
    for (size_t i = 0; i < COUNT(filters); i++)
        if (coder->method == filters[i].old || coder->method == filters[i].method)
            return stream_unfilter(filters[i].filter, value, at, size);
    return false;
}
