/* pdf_crypt — encrypted PDF: ISO 32000-1, 7.6 and ISO 32000-2, 7.6 (standard security handler).
 */
#pragma once
#include "unpack/unpack.h"

enum pdf_method { PDF_PLAIN, PDF_RC4, PDF_AES128, PDF_AES256 };

struct pdf_crypt {
    bool encrypted; /* the file is */
    bool open;      /* and a password fitted */
    uint8_t key[32];
    size_t key_size;
    enum pdf_method streams, strings;
    bool metadata; /* is encrypted too */
};

/* `dict` is the dictionary of /Encrypt, `id` the first string of the trailer's /ID. Tries the
 * empty password and the run's. What cannot be opened is noted as a gap. */
void pdf_crypt_open(struct pdf_crypt *ret, struct unpack *unpack, bytes dict, bytes id);
/* Into out[in.len]; returns how many of its bytes are good. */
size_t pdf_crypt_run(const struct pdf_crypt *crypt, enum pdf_method method, uint32_t number,
                     uint32_t generation, bytes in, uint8_t *out);
