/* base — the words the rest is written in: views, reasons, and a few integer helpers.
 * Knows nothing of files, scans or policy. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE          __attribute__((warn_unused_result))
#define LIKE_PRINTF(a, b) __attribute__((format(printf, a, b)))
#define COUNT(array)      (sizeof(array) / sizeof *(array))

/* A borrowed view of bytes: never owns, never outlives what it looks at. `at` may be NULL only
 * when `len` is 0. */
typedef struct {
    const uint8_t *at;
    size_t len;
} bytes;

/* A reason fit to show a person: lower case, no full stop, the subject quoted. The caller owns
 * it and may pass NULL wherever one is asked for. */
struct why {
    char text[240];
};

/* Writes the reason, if anyone wants it, and returns -code: `return fail(why, EBADMSG, ...)`.
 * `code` is a positive errno. */
int fail(struct why *why, int code, const char *fmt, ...) LIKE_PRINTF(3, 4);

/* Puts "context: " before a reason that is already there, and returns `error` unchanged. */
int why_wrap(struct why *why, int error, const char *context);

/* View of a NUL-terminated text, without its NUL. */
bytes bytes_of(const char *text);
bool bytes_is(bytes view, const char *text);
bool bytes_equal(bytes a, bytes b);
/* Equal but for the case of ASCII letters. */
bool bytes_same(bytes a, bytes b);
/* memcmp order, the shorter first where one is the head of the other. <0, 0, >0. */
int bytes_compare(bytes a, bytes b);
/* The part [from, from+len) of a view, cut to what is there; empty when `from` is past it. */
bytes bytes_slice(bytes view, size_t from, size_t len);
/* Offset of the first `needle` at or after `from`, or SIZE_MAX. An empty needle is found. */
size_t bytes_find(bytes hay, bytes needle, size_t from);
/* Moves everything before the next `mark` from *rest to *head, and drops the mark. Without a
 * mark, *head takes all that is left. False once *rest has been used up. */
bool bytes_cut(bytes *rest, char mark, bytes *head);
/* Without those bytes at both ends that `ends` has. */
bytes bytes_trim(bytes view, const char *ends);

/* Decimal digits and nothing else, worth `max` at most: false for other text, or none. */
bool bytes_decimal(bytes text, uint64_t max, uint64_t *ret);
/* Pairs of hexadecimal digits to text.len / 2 bytes: false for other text. */
bool bytes_unhex(bytes text, uint8_t *ret);

/* A 64-bit hash for tables and checksums of trusted bytes. Not for secrets, not stable between
 * versions unless a file format pins it. */
uint64_t hash64(bytes view, uint64_t seed);

/* ASCII only, whatever the locale. */
static inline uint8_t ascii_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static inline bool ascii_alnum(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Value of a hexadecimal digit, -1 for other bytes. */
static inline int ascii_hex(uint8_t c)
{
    uint8_t low = ascii_lower(c);
    return c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* Unaligned reads. The caller has checked that the bytes are there. */
static inline uint16_t load_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t load_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t load_le64(const uint8_t *p)
{
    return load_le32(p) | (uint64_t)load_le32(p + 4) << 32;
}

static inline uint16_t load_be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t load_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static inline uint64_t load_be64(const uint8_t *p)
{
    return (uint64_t)load_be32(p) << 32 | load_be32(p + 4);
}

/* Checked reads: false, and *ret untouched, when [at, at+n) is not inside the view. `at` is
 * hostile: any value is safe. */
bool bytes_le16(bytes view, uint64_t at, uint16_t *ret);
bool bytes_le32(bytes view, uint64_t at, uint32_t *ret);
bool bytes_le64(bytes view, uint64_t at, uint64_t *ret);
bool bytes_be16(bytes view, uint64_t at, uint16_t *ret);
bool bytes_be32(bytes view, uint64_t at, uint32_t *ret);
bool bytes_be64(bytes view, uint64_t at, uint64_t *ret);

/* True when [at, at+len) lies inside the view; safe for any values. */
static inline bool bytes_has(bytes view, uint64_t at, uint64_t len)
{
    return len <= view.len && at <= view.len - len;
}
