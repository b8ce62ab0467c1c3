/* The methods of UPX: NRV2B, NRV2D and NRV2E of the UCL library, LZMA and deflate.
 *
 * NRV streams are bits, highest first, taken from units (a method's number modulo 3: u32 or
 * u16, little endian, or u8) that are fetched when needed, among bytes that are read as they
 * come:
 *
 *   1: a byte follows; 0: a match. Its distance: pairs of bits, in 2D and 2E of three, up to
 * the mark that ends them, then a byte; 2: as the last; all ones end the stream. Then its
 * length.
 *
 * UCL 1.03, src/n2b_d.c, n2d_d.c, n2e_d.c; UPX 4, src/compress/compress_lzma.cpp: two bytes
 * before LZMA: (lc + lp) << 3 | pb, lp << 4 | lc. */
#include "shim/stream.h"
#include "unpack/program/packer/upx.h"

#include <string.h>

struct nrv {
    bytes in;
    size_t at;
    uint32_t hold;
    unsigned left, unit; /* bits in hold; bytes of a unit */
    bool over;
    uint8_t *out;
    size_t wrote, size;
};

static uint32_t nrv_byte(struct nrv *z)
{
    if (z->at < z->in.len)
        return z->in.at[z->at++];
    z->over = true;
    return 0;
}

static uint32_t nrv_bit(struct nrv *z)
{
    if (z->left == 0) {
        z->hold = 0;
        for (unsigned i = 0; i < z->unit; i++)
            z->hold |= nrv_byte(z) << 8 * i;
        z->left = 8 * z->unit;
    }
    return z->hold >> --z->left & 1;
}

/* Numbers of unlimited length: hostile ones end here. */
static bool nrv_more(const struct nrv *z, uint32_t number)
{
    return !z->over && number < UINT32_C(1) << 30;
}

static bool nrv_copy(struct nrv *z, uint32_t distance, uint32_t length)
{
    if (distance > z->wrote || length > z->size - z->wrote)
        return false;
    uint8_t *to = z->out + z->wrote;
    for (uint32_t i = 0; i < length; i++)
        to[i] = *(to + i - distance);
    z->wrote += length;
    return true;
}

/* What 2B and the others call a distance before its low byte. */
static uint32_t nrv_prefix(struct nrv *z, unsigned method)
{
    uint32_t number = 1;
    do {
        number = number * 2 + nrv_bit(z);
        if (nrv_bit(z))
            return number;
        if (method != UPX_NRV2B)
            number = (number - 1) * 2 + nrv_bit(z);
    } while (nrv_more(z, number));
    z->over = true;
    return number;
}

static uint32_t nrv_long(struct nrv *z)
{
    uint32_t number = 1;
    do
        number = number * 2 + nrv_bit(z);
    while (!nrv_bit(z) && nrv_more(z, number));
    return number;
}

static uint32_t nrv_length(struct nrv *z, unsigned method, uint32_t low)
{
    uint32_t length;
    if (method == UPX_NRV2E) {
        if (low)
            return 1 + nrv_bit(z);
        if (nrv_bit(z))
            return 3 + nrv_bit(z);
        return nrv_long(z) + 3;
    }
    length = 2 * low + nrv_bit(z);
    return length ? length : nrv_long(z) + 2;
}

/* True at the end of the stream; false when it is damaged or the output full. */
static bool nrv_run(struct nrv *z, unsigned method)
{
    const uint32_t far = method == UPX_NRV2B ? 0xd00 : 0x500;
    uint32_t last = 1;
    while (!z->over) {
        if (nrv_bit(z)) {
            if (z->wrote == z->size)
                return false;
            z->out[z->wrote++] = (uint8_t)nrv_byte(z);
            continue;
        }
        uint32_t distance = nrv_prefix(z, method), low;
        if (distance == 2) {
            distance = last;
            low = nrv_bit(z);
        } else {
            distance = (distance - 3) * 256 + nrv_byte(z);
            if (distance == UINT32_MAX)
                return true;
            if (method == UPX_NRV2B) {
                low = nrv_bit(z);
            } else {
                low = ~distance & 1;
                distance >>= 1;
            }
            last = ++distance;
        }
        if (!nrv_copy(z, distance, nrv_length(z, method, low) + (distance > far) + 1))
            return false;
    }
    return false;
}

static bool run_stream(enum stream_kind kind, bytes head, bytes in, uint8_t *out, size_t size,
                       size_t *ret_wrote)
{
    struct stream *stream = stream_new(kind);
    enum stream_state state = STREAM_MORE;
    size_t wrote = 0, more;
    *ret_wrote = 0;
    while (stream && state == STREAM_MORE && wrote < size) {
        bytes *from = head.len ? &head : &in;
        size_t had = from->len;
        state = stream_run(stream, from, out + wrote, size - wrote, &more);
        wrote += more;
        if (more == 0 && had == from->len)
            break;
    }
    stream_free(stream);
    *ret_wrote = wrote;
    return wrote == size;
}

static bool decode_lzma(bytes in, uint8_t *out, size_t size, size_t *ret_wrote)
{
    uint8_t head[13] = {0};
    *ret_wrote = 0;
    if (in.len < 2)
        return false;
    unsigned pb = in.at[0] & 7, lp = in.at[1] >> 4, lc = in.at[1] & 15;
    if (pb > 4 || lp > 4 || lc > 8 || in.at[0] >> 3 != lc + lp)
        return false;
    head[0] = (uint8_t)((pb * 5 + lp) * 9 + lc);
    for (unsigned i = 0; i < 4; i++)
        head[1 + i] = (uint8_t)(size >> 8 * i);
    for (unsigned i = 0; i < 8; i++)
        head[5 + i] = (uint8_t)((uint64_t)size >> 8 * i);
    return run_stream(STREAM_LZMA, (bytes){head, sizeof head}, bytes_slice(in, 2, in.len), out,
                      size, ret_wrote);
}

bool upx_method_known(unsigned method)
{
    return (method >= 2 && method <= 10) || method == UPX_LZMA || method == UPX_DEFLATE;
}

bool upx_decode(unsigned method, bytes in, uint8_t *out, size_t size, size_t *ret_wrote)
{
    static const unsigned units[3] = {4, 1, 2};
    *ret_wrote = 0;
    if (method == UPX_LZMA)
        return decode_lzma(in, out, size, ret_wrote);
    if (method == UPX_DEFLATE)
        return run_stream(STREAM_DEFLATE, (bytes){NULL, 0}, in, out, size, ret_wrote);
    if (!upx_method_known(method))
        return false;
    struct nrv z = {.in = in, .out = out, .size = size, .unit = units[(method - 2) % 3]};
    bool ended = nrv_run(&z, method - (method - 2) % 3);
    *ret_wrote = z.wrote;
    return ended && z.wrote == size;
}
