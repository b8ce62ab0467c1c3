/* kind — one kind of file whose structure or checksums can be checked: a file in this folder
 * and a row in the table of proof.c. Private to this folder. */
#pragma once
#include "rescue/proof.h"
#include "rescue/proof/proof_reader.h"

struct proof_kind {
    const char *name;       /* "PNG" */
    const char *extensions; /* " png apng ": a file so called has to be of this kind */
    /* By its first bytes, at most KIND_HEAD of them. */
    bool (*begins)(bytes head);
    void (*check)(struct reader *reader, struct proof_result *ret);
};

enum { KIND_HEAD = 4096 };

/* What a check says; each writes the reason. `good`: up to where all is well. Proven is only
 * that of which a changed bit would show. */
void kind_proven(struct proof_result *ret, uint64_t good, const char *fmt, ...)
    LIKE_PRINTF(3, 4);
void kind_plausible(struct proof_result *ret, uint64_t good, const char *fmt, ...)
    LIKE_PRINTF(3, 4);
void kind_unknown(struct proof_result *ret, uint64_t good, const char *fmt, ...)
    LIKE_PRINTF(3, 4);
void kind_failed(struct proof_result *ret, uint64_t good, const char *fmt, ...)
    LIKE_PRINTF(3, 4);
/* Proven up to `end`; with bytes behind it, which nothing covers, only plausible. */
void kind_ends(struct reader *reader, struct proof_result *ret, uint64_t end, const char *fmt,
               ...) LIKE_PRINTF(4, 5);

/* Whether a kind's list has the extension of a name. */
bool proof_is_called(const struct proof_kind *kind, bytes name);

extern const struct proof_kind kind_png, kind_jpeg, kind_zip, kind_pdf, kind_gif, kind_gzip,
    kind_bzip2, kind_xz, kind_zstd, kind_lz4, kind_riff, kind_mp4, kind_sqlite, kind_ole,
    kind_text, kind_tar, kind_sevenzip, kind_ogg;
