/* upx — what the files of the UPX reader share. */
#pragma once
#include "unpack/unpack.h"

enum upx_method {
    UPX_NRV2B = 2,
    UPX_NRV2D = 5,
    UPX_NRV2E = 8,
    UPX_LZMA = 14,
    UPX_DEFLATE = 15
};

bool upx_elf_probe(bytes data);
void upx_elf_open(struct unpack *unpack);
bool upx_pe_probe(bytes data);
void upx_pe_open(struct unpack *unpack);

/* --- upx_decode.c --- */

/* True for a method that upx_decode knows. */
bool upx_method_known(unsigned method);
/* Decodes to out[0..size) exactly. False when that cannot be; out is then in any state, and
 * *ret_wrote says how much of it is good. */
bool upx_decode(unsigned method, bytes in, uint8_t *out, size_t size, size_t *ret_wrote);

/* --- upx_filter.c --- */

/* Undoes filter `id` on [buf, buf + size), which was made for address `base` of the code. False
 * for a filter nobody here knows. */
bool upx_unfilter(unsigned id, uint8_t cto, uint8_t *buf, size_t size, uint32_t base);
