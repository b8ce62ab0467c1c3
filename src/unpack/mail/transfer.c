#include "unpack/mail/transfer.h"

#include "unpack/mail/words.h"

#include <string.h>

enum {
    LOOK_AHEAD = 1024, /* white space before a line's end that is looked through */
    LINE_LOOKED = 128, /* of a line after padding */
};

/* Past a padded end: is what follows base64 again, a line of nothing else? */
static bool base64_goes_on(bytes rest)
{
    size_t i = 0, size = 0;
    while (i < rest.len && words_space(rest.at[i]))
        i++;
    for (; i < rest.len && !words_eol(rest.at[i]); i++, size++)
        if (size == LINE_LOOKED)
            return true;
        else if (base64_values[rest.at[i]] == BASE64_OUTSIDE && rest.at[i] != '=')
            return false;
    return size >= 4;
}

/* The whole bytes of a quantum that is cut short. */
static size_t base64_flush(struct base64 *state, uint8_t *out)
{
    size_t size = state->count == 3 ? 2 : state->count == 2 ? 1 : 0;
    uint32_t bits = state->bits << (6 * (4 - state->count));
    if (size > 0)
        out[0] = (uint8_t)(bits >> 16);
    if (size > 1)
        out[1] = (uint8_t)(bits >> 8);
    state->bits = state->count = state->pads = 0;
    return size;
}

/* Whole quanta without anything else between them. */
static size_t base64_quick(bytes *in, uint8_t *out, size_t room)
{
    const uint8_t *p = in->at;
    size_t left = in->len, n = 0;
    for (; left >= 4 && room - n >= 3; p += 4, left -= 4, n += 3) {
        uint32_t a = base64_values[p[0]], b = base64_values[p[1]], c = base64_values[p[2]],
                 d = base64_values[p[3]];
        if ((a | b | c | d) & BASE64_OUTSIDE)
            break;
        uint32_t bits = a << 18 | b << 12 | c << 6 | d;
        out[n] = (uint8_t)(bits >> 16);
        out[n + 1] = (uint8_t)(bits >> 8);
        out[n + 2] = (uint8_t)bits;
    }
    *in = (bytes){p, left};
    return n;
}

size_t base64_decode(struct base64 *state, uint8_t *out, size_t room)
{
    size_t n = 0;
    while (state->in.len && room - n >= 3) {
        if (state->count == 0)
            n += base64_quick(&state->in, out + n, room - n);
        if (!state->in.len || room - n < 3)
            break;
        uint8_t c = state->in.at[0], value = base64_values[c];
        state->in = (bytes){state->in.at + 1, state->in.len - 1};
        if (value != BASE64_OUTSIDE) {
            state->bits = state->bits << 6 | value;
            state->pads = 0;
            if (++state->count == 4) {
                out[n++] = (uint8_t)(state->bits >> 16);
                out[n++] = (uint8_t)(state->bits >> 8);
                out[n++] = (uint8_t)state->bits;
                state->count = 0;
            }
        } else if (c == '=' && state->count >= 2 && state->count + ++state->pads >= 4) {
            n += base64_flush(state, out + n);
            if (!base64_goes_on(state->in))
                state->in.len = 0;
        }
    }
    if (!state->in.len && room - n >= 3)
        n += base64_flush(state, out + n);
    return n;
}

/* Length of the blanks at the front, and whether the line ends after them. */
static size_t blank_run(bytes in, bool *ret_ends)
{
    size_t i = 0;
    while (i < in.len && i < LOOK_AHEAD && (in.at[i] == ' ' || in.at[i] == '\t'))
        i++;
    *ret_ends = i == in.len || words_eol(in.at[i]);
    return i;
}

/* What "=" at the front of the input stands for; returns the length of the sequence. */
static size_t quoted_escape(bytes in, uint8_t *out, size_t *n)
{
    int high = in.len > 2 ? ascii_hex(in.at[1]) : -1,
        low = in.len > 2 ? ascii_hex(in.at[2]) : -1;
    if (high >= 0 && low >= 0) {
        out[(*n)++] = (uint8_t)(high << 4 | low);
        return 3;
    }
    bool ends;
    size_t size = 1 + blank_run(bytes_slice(in, 1, in.len), &ends);
    if (!ends) {
        out[(*n)++] = '=';
        return 1;
    }
    if (size < in.len && in.at[size] == '\r')
        size++;
    if (size < in.len && in.at[size] == '\n')
        size++;
    return size;
}

size_t quoted_decode(bytes *in, uint8_t *out, size_t room)
{
    size_t n = 0, i = 0;
    while (i < in->len && n < room) {
        uint8_t c = in->at[i];
        if (c == '=') {
            i += quoted_escape(bytes_slice(*in, i, in->len), out, &n);
        } else {
            out[n++] = c;
            i++;
        }
    }
    *in = bytes_slice(*in, i, in->len);
    return n;
}

bool transfer_put(struct unpack *unpack, enum transfer how, bytes body)
{
    struct base64 state = {.in = body};
    if (how != TRANSFER_BASE64 && how != TRANSFER_QUOTED)
        return unpack_put(unpack, body);
    if (!budget_charge(unpack->budget, body.len / 16))
        return false;
    for (;;) {
        size_t room, n;
        uint8_t *at = unpack_room(unpack, &room);
        if (!at)
            return !unpack->run->stopped;
        n = how == TRANSFER_BASE64 ? base64_decode(&state, at, room)
                                   : quoted_decode(&body, at, room);
        bytes left = how == TRANSFER_BASE64 ? state.in : body;
        if (!unpack_wrote(unpack, n))
            return false;
        if (!left.len && !state.count)
            return true;
    }
}

bytes transfer_copy(struct arena *arena, enum transfer how, bytes body, size_t max)
{
    size_t most = body.len < max ? body.len : max, n = 0;
    struct base64 state = {.in = body};
    if (how != TRANSFER_BASE64 && how != TRANSFER_QUOTED)
        return bytes_slice(body, 0, max);
    uint8_t *at = arena_push_raw(arena, most + 3);
    if (!at)
        return (bytes){NULL, 0};
    if (how == TRANSFER_BASE64)
        n = base64_decode(&state, at, most + 3);
    else
        n = quoted_decode(&body, at, most);
    return (bytes){at, n};
}
