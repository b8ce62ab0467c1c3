#include "quarantine/chunks.h"

#include "quarantine/whole.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct chunks {
    int fd;
    uint64_t at, number, end; /* end: of the file, when reading */
    struct aead *aead;
    size_t start, len; /* of plain: what was opened and not yet given out */
    bool last;         /* the last chunk was opened */
    uint8_t plain[ENTRY_CHUNK];
    uint8_t sealed[ENTRY_CHUNK + AEAD_TAG];
};

void chunks_nonce(uint64_t number, bool data, bool last, uint8_t ret[AEAD_NONCE])
{
    for (int i = 0; i < 8; i++)
        ret[i] = (uint8_t)(number >> (8 * i));
    ret[8] = data;
    ret[9] = last;
    ret[10] = ret[11] = 0;
}

struct chunks *chunks_new(enum aead_way way, int fd, uint64_t at, const uint8_t key[AEAD_KEY])
{
    struct chunks *chunks = malloc(sizeof *chunks);
    struct stat st;
    if (!chunks)
        return NULL;
    chunks->fd = fd;
    chunks->at = at;
    chunks->number = chunks->end = 0;
    chunks->start = chunks->len = 0;
    chunks->last = false;
    chunks->aead = aead_new(way, key);
    if (!chunks->aead || fstat(fd, &st) < 0)
        return chunks_free(chunks);
    chunks->end = (uint64_t)st.st_size;
    return chunks;
}

struct chunks *chunks_free(struct chunks *chunks)
{
    if (chunks)
        aead_free(chunks->aead);
    free(chunks);
    return NULL;
}

static int write_chunk(struct chunks *chunks, bool last, struct why *why)
{
    uint8_t nonce[AEAD_NONCE];
    size_t len = chunks->len + AEAD_TAG;
    chunks_nonce(chunks->number++, true, last, nonce);
    if (!aead_seal(chunks->aead, nonce, bytes_of(""), (bytes){chunks->plain, chunks->len},
                   chunks->sealed))
        return fail(why, EIO, "libcrypto does not encrypt");
    int error = whole_write(chunks->fd, (bytes){chunks->sealed, len}, chunks->at);
    if (error)
        return fail(why, -error, "cannot write to quarantine: %s", strerror(-error));
    chunks->at += len;
    chunks->len = 0;
    return 0;
}

int chunks_write(struct chunks *chunks, bytes data, struct why *why)
{
    while (data.len) {
        /* Only with more to come: the last chunk is told when it is written. */
        int error = chunks->len == ENTRY_CHUNK ? write_chunk(chunks, false, why) : 0;
        if (error)
            return error;
        bytes part = bytes_slice(data, 0, ENTRY_CHUNK - chunks->len);
        memcpy(chunks->plain + chunks->len, part.at, part.len);
        chunks->len += part.len;
        data = bytes_slice(data, part.len, data.len);
    }
    return 0;
}

int chunks_write_end(struct chunks *chunks, struct why *why)
{
    return write_chunk(chunks, true, why);
}

static int read_chunk(struct chunks *chunks, struct why *why)
{
    uint8_t nonce[AEAD_NONCE];
    uint64_t left = chunks->at < chunks->end ? chunks->end - chunks->at : 0;
    size_t len = left < sizeof chunks->sealed ? (size_t)left : sizeof chunks->sealed;
    if (chunks->last || len < AEAD_TAG)
        return fail(why, EBADMSG, "it is cut short");
    int error = whole_read(chunks->fd, chunks->sealed, len, chunks->at);
    if (error == -ENODATA)
        return fail(why, EBADMSG, "it is cut short");
    if (error)
        return fail(why, -error, "cannot read it: %s", strerror(-error));
    chunks->last = len == left;
    chunks_nonce(chunks->number++, true, chunks->last, nonce);
    if (!aead_open(chunks->aead, nonce, bytes_of(""), (bytes){chunks->sealed, len},
                   chunks->plain))
        return fail(why, EBADMSG, "it is damaged, or was changed");
    chunks->at += len;
    chunks->start = 0;
    chunks->len = len - AEAD_TAG;
    return 0;
}

int chunks_read(struct chunks *chunks, uint8_t *ret, size_t len, struct why *why)
{
    while (len) {
        int error = chunks->start == chunks->len ? read_chunk(chunks, why) : 0;
        if (error)
            return error;
        bytes part = bytes_slice((bytes){chunks->plain, chunks->len}, chunks->start, len);
        if (part.len)
            memcpy(ret, part.at, part.len);
        ret += part.len;
        len -= part.len;
        chunks->start += part.len;
    }
    return 0;
}

int chunks_read_end(struct chunks *chunks, struct why *why)
{
    int error = !chunks->last && chunks->start == chunks->len ? read_chunk(chunks, why) : 0;
    if (error)
        return error;
    return chunks->last && chunks->start == chunks->len
               ? 0
               : fail(why, EBADMSG, "there is more in it than its header says");
}
