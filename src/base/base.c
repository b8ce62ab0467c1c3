#include "base/base.h"

#include "base/cpu.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

int fail(struct why *why, int code, const char *fmt, ...)
{
    if (why) {
        va_list args;
        va_start(args, fmt);
        vsnprintf(why->text, sizeof why->text, fmt, args);
        va_end(args);
    }
    return -code;
}

int why_wrap(struct why *why, int error, const char *context)
{
    if (why) {
        struct why inner = *why;
        int n = snprintf(why->text, sizeof why->text, "%s: ", context);
        if (n > 0 && (size_t)n < sizeof why->text)
            snprintf(why->text + n, sizeof why->text - (size_t)n, "%.*s",
                     (int)(sizeof why->text - (size_t)n - 1), inner.text);
    }
    return error;
}

bytes bytes_of(const char *text)
{
    return (bytes){(const uint8_t *)text, strlen(text)};
}

bool bytes_equal(bytes a, bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool bytes_is(bytes view, const char *text)
{
    return bytes_equal(view, bytes_of(text));
}

bool bytes_same(bytes a, bytes b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
            return false;
    return true;
}

int bytes_compare(bytes a, bytes b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.at, b.at, n) : 0;
    if (order)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

bytes bytes_slice(bytes view, size_t from, size_t len)
{
    if (from >= view.len)
        return (bytes){NULL, 0};
    if (len > view.len - from)
        len = view.len - from;
    return (bytes){view.at + from, len};
}

#if defined(__x86_64__)
enum { WIDE = 32, BRIEF = 16 };

/* A brief needle by its first and its last byte, as long as there are WIDE places to look at.
 * The offset, or SIZE_MAX with *ret_left where the rest begins. */
__attribute__((target("avx2"))) static size_t find_brief(bytes hay, bytes needle, size_t from,
                                                         size_t *ret_left)
{
    const size_t behind = needle.len - 1;
    const __m256i first = _mm256_set1_epi8((char)needle.at[0]);
    const __m256i last = _mm256_set1_epi8((char)needle.at[behind]);
    for (; hay.len - from >= behind + WIDE; from += WIDE) {
        const uint8_t *at = hay.at + from;
        __m256i a = _mm256_cmpeq_epi8(_mm256_loadu_si256((const void *)at), first);
        __m256i b = _mm256_cmpeq_epi8(_mm256_loadu_si256((const void *)(at + behind)), last);
        uint32_t mask = (uint32_t)_mm256_movemask_epi8(_mm256_and_si256(a, b));
        for (; mask; mask &= mask - 1) {
            uint32_t i = (uint32_t)__builtin_ctz(mask);
            if (memcmp(at + i, needle.at, needle.len) == 0)
                return from + i;
        }
    }
    *ret_left = from;
    return SIZE_MAX;
}
#endif

size_t bytes_find(bytes hay, bytes needle, size_t from)
{
    if (from > hay.len || needle.len > hay.len - from)
        return SIZE_MAX;
    if (needle.len == 0)
        return from;
#if defined(__x86_64__)
    if (needle.len <= BRIEF && cpu_level() >= CPU_AVX2) {
        size_t at = find_brief(hay, needle, from, &from);
        if (at != SIZE_MAX)
            return at;
    }
#endif
    const uint8_t *hit = memmem(hay.at + from, hay.len - from, needle.at, needle.len);
    return hit ? (size_t)(hit - hay.at) : SIZE_MAX;
}

static bool stands_in(const char *ends, uint8_t c)
{
    return memchr(ends, c, strlen(ends));
}

bytes bytes_trim(bytes view, const char *ends)
{
    while (view.len && stands_in(ends, view.at[0]))
        view = bytes_slice(view, 1, SIZE_MAX);
    while (view.len && stands_in(ends, view.at[view.len - 1]))
        view.len--;
    return view;
}

bool bytes_cut(bytes *rest, char mark, bytes *head)
{
    if (!rest->at)
        return false;
    const uint8_t *hit = rest->len ? memchr(rest->at, mark, rest->len) : NULL;
    if (!hit) {
        *head = *rest;
        *rest = (bytes){NULL, 0};
        return true;
    }
    size_t n = (size_t)(hit - rest->at);
    *head = (bytes){rest->at, n};
    *rest = (bytes){hit + 1, rest->len - n - 1};
    return true;
}

bool bytes_decimal(bytes text, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t digit = (uint8_t)(text.at[i] - '0');
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value) || value > max)
            return false;
    }
    *ret = value;
    return text.len > 0;
}

bool bytes_unhex(bytes text, uint8_t *ret)
{
    if (text.len % 2)
        return false;
    for (size_t i = 0; 2 * i < text.len; i++) {
        int high = ascii_hex(text.at[2 * i]), low = ascii_hex(text.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        ret[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Multiply-fold over 16 bytes a step, in the manner of wyhash: two 64-bit lanes are mixed by
 * one 128-bit product. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t hash64(bytes view, uint64_t seed)
{
    static const uint64_t k0 = 0x9E3779B97F4A7C15u, k1 = 0xD6E8FEB86659FD93u,
                          k2 = 0xA0761D6478BD642Fu, k3 = 0xE7037ED1A0B428DBu;
    const uint8_t *p = view.at;
    size_t n = view.len;
    uint64_t a = seed ^ k0, b = seed ^ k1;
    for (; n >= 32; p += 32, n -= 32) {
        a = fold(load_le64(p) ^ k2, load_le64(p + 8) ^ a);
        b = fold(load_le64(p + 16) ^ k3, load_le64(p + 24) ^ b);
    }
    uint8_t tail[32] = {0};
    if (n)
        memcpy(tail, p, n);
    a = fold(load_le64(tail) ^ k2, load_le64(tail + 8) ^ a);
    b = fold(load_le64(tail + 16) ^ k3, load_le64(tail + 24) ^ b);
    return fold(a ^ k2 ^ view.len, b ^ k0);
}

#define CHECKED_READ(name, type, load)                                                         \
    bool bytes_##name(bytes view, uint64_t at, type *ret)                                      \
    {                                                                                          \
        if (!bytes_has(view, at, sizeof(type)))                                                \
            return false;                                                                      \
        *ret = load(view.at + at);                                                             \
        return true;                                                                           \
    }

CHECKED_READ(le16, uint16_t, load_le16)
CHECKED_READ(le32, uint32_t, load_le32)
CHECKED_READ(le64, uint64_t, load_le64)
CHECKED_READ(be16, uint16_t, load_be16)
CHECKED_READ(be32, uint32_t, load_be32)
CHECKED_READ(be64, uint64_t, load_be64)
