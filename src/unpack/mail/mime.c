/* A message is a header, a blank line and a body; a body of type multipart/... is parts
 * separated by lines "--boundary", each again header, blank line, body.
 *
 * Mail programs disagree about broken messages, and malware is sent as messages on which they
 * disagree. So each reading is followed that some program is known to take: every boundary that
 * a header names and the body has, every transfer encoding that is named, both ends of a header
 * with a line of blanks in it, parts after the last boundary. The number of readings is
 * bounded. Parts are listed first, so that the words of the texts can be tried as passwords on
 * the archives among them. */
#include "unpack/mail/mime.h"

#include "unpack/mail/mime_header.h"
#include "unpack/mail/passwords.h"
#include "unpack/mail/uu.h"
#include "unpack/mail/words.h"
#include "unpack/mail/yenc.h"

#include <string.h>

enum {
    NESTED = 32,        /* multiparts in multiparts */
    READINGS = 24,      /* beside the first, in one message */
    ASIDE_MIN = 200,    /* a text before or after the parts that is examined by itself */
    GUESSED = 64 << 10, /* looked through for a boundary that no header names */
    DECODED_MAX = 16 << 20,
};

struct leaf {
    bytes name, body;
    enum transfer how;
    bool text, message;
    bool letter; /* what a mail program shows */
};

struct mail {
    struct unpack *unpack;
    VEC(struct leaf) leaves;
    uint32_t parts, readings;
    bool full, attached; /* no more leaves; there is one that is no text */
    bool inner;          /* in another mail */
};

static void mail_walk(struct mail *mail, bytes entity, unsigned depth);

bool mime_probe(bytes data)
{
    if (data.len < 16)
        return false;
    uint8_t c = data.at[0];
    return (ascii_alnum(c) || words_eol(c)) && mime_header_fits(data);
}

/* True when one more reading may be followed. */
static bool mail_reads_on(struct mail *mail)
{
    if (mail->readings == READINGS)
        unpack_gap(mail->unpack, bytes_of(""), GAP_LIMIT,
                   "can be read in more than %u ways: the others are not examined", READINGS);
    return mail->readings++ < READINGS;
}

static void add_leaf(struct mail *mail, const struct leaf *leaf)
{
    struct unpack_run *run = mail->unpack->run;
    if (mail->full || words_trim(leaf->body).len == 0)
        return;
    struct leaf *added = NULL;
    if (mail->leaves.n < run->limits.members)
        added = vec_push(mail->unpack->arena, &mail->leaves);
    if (!added) {
        mail->full = true;
        unpack_gap(mail->unpack, bytes_of(""), GAP_LIMIT, "more than %u parts",
                   (unsigned)mail->leaves.n);
        return;
    }
    *added = *leaf;
    mail->attached = mail->attached || !leaf->text;
}

static bytes part_name(struct mail *mail, const struct mime_header *header)
{
    const char *end = "";
    if (header->name.len)
        return header->name;
    if (mime_header_is(header, "text/html"))
        end = ".html";
    else if (mime_header_is(header, "message/"))
        end = ".eml";
    else if (!header->type_count || mime_header_is(header, "text/"))
        end = ".txt";
    bytes name = arena_printf(mail->unpack->arena, "part %u%s", mail->parts, end);
    return name.at ? name : bytes_of("part");
}

/* Texts whose links ClamAV 1.4 compares (found by trying all headers with it): not those that
 * are saved by a mail program, or sent as 7 bit and named or disposed of, nor, among parts,
 * plain ones that are not encoded. */
static bool is_letter(const struct mail *mail, const struct mime_header *header, unsigned depth)
{
    bool text = !header->type_count || mime_header_is(header, "text/");
    bool plain = !header->type_count || mime_header_is(header, "text/plain");
    bool bare = !header->coded || header->plain;
    if (mail->inner || !text || (header->typed_name && bare) ||
        (header->disposed && header->plain))
        return false;
    return !depth || !(header->attached || (plain && bare));
}

static bool is_inner(const struct unpack *unpack)
{
    const struct unpack *up = unpack->up;
    return up && up->format && strcmp(up->format->name, "mail") == 0;
}

/* A part that has no parts, once for each encoding that its header names. */
static void walk_leaf(struct mail *mail, const struct mime_header *header, bytes body,
                      unsigned depth)
{
    struct leaf leaf = {.body = body,
                        .text = !header->type_count || mime_header_is(header, "text/"),
                        .message = mime_header_is(header, "message/rfc822") ||
                                   mime_header_is(header, "message/global")};
    leaf.letter = is_letter(mail, header, depth);
    mail->parts++;
    leaf.name = part_name(mail, header);
    if (mime_header_is(header, "message/partial"))
        unpack_gap(mail->unpack, leaf.name, GAP_UNSUPPORTED,
                   "one piece of a message that was sent in several");
    for (unsigned i = 0; i < header->encoding_count; i++) {
        leaf.how = header->encodings[i];
        if (i == 0 || mail_reads_on(mail))
            add_leaf(mail, &leaf);
    }
}

/* --- boundaries --- */

enum line { LINE_OTHER, LINE_BEGINS_SO, LINE_IS };

/* Whether a delimiter stands at `at`, where "--boundary" was found; *ret_end is past its line's
 * end. */
static enum line delimiter_at(bytes body, size_t at, size_t size, size_t *ret_end)
{
    size_t end = at + size;
    if (at > 0 && !words_eol(body.at[at - 1]))
        return LINE_OTHER;
    bytes rest = bytes_slice(body, end, body.len);
    size_t text = 0;
    while (text < rest.len && !words_eol(rest.at[text]))
        text++;
    bytes tail = bytes_slice(rest, 0, text);
    bool is = tail.len == 0 || words_space(tail.at[0]) || words_same(words_trim(tail), "--");
    end += text;
    while (end < body.len && body.at[end] == '\r')
        end++;
    if (end < body.len && body.at[end] == '\n')
        end++;
    *ret_end = end;
    return is ? LINE_IS : LINE_BEGINS_SO;
}

/* The next delimiter at or after `from`: its offset, SIZE_MAX for none. */
static size_t delimiter_next(bytes body, bytes mark, enum line least, size_t from,
                             size_t *ret_end)
{
    for (size_t at = from; (at = bytes_find(body, mark, at)) != SIZE_MAX; at++)
        if (delimiter_at(body, at, mark.len, ret_end) >= least)
            return at;
    return SIZE_MAX;
}

/* Without the line end at the end, which belongs to the delimiter. */
static bytes without_end(bytes part)
{
    if (part.len && part.at[part.len - 1] == '\n')
        part.len--;
    if (part.len && part.at[part.len - 1] == '\r')
        part.len--;
    return part;
}

/* Text outside of the parts: nobody shows it, but decoders of old look there. */
static void walk_aside(struct mail *mail, bytes text, const char *name)
{
    const struct leaf leaf = {.name = bytes_of(name), .body = text, .text = true};
    if (words_trim(text).len >= ASIDE_MIN)
        add_leaf(mail, &leaf);
}

static bool walk_parts(struct mail *mail, bytes body, bytes mark, enum line least,
                       unsigned depth)
{
    size_t end = 0, at = delimiter_next(body, mark, least, 0, &end);
    if (at == SIZE_MAX)
        return false;
    walk_aside(mail, bytes_slice(body, 0, at), "[before the parts]");
    while (at != SIZE_MAX && !mail->full) {
        bool last = bytes_has(body, at + mark.len, 2) && body.at[at + mark.len] == '-' &&
                    body.at[at + mark.len + 1] == '-';
        size_t from = end, next = delimiter_next(body, mark, least, from, &end);
        bytes part = without_end(words_part(body, from, next < body.len ? next : body.len));
        if (last && next == SIZE_MAX)
            walk_aside(mail, part, "[after the parts]");
        else if (part.len)
            mail_walk(mail, part, depth + 1);
        at = next;
    }
    return true;
}

static bool walk_boundary(struct mail *mail, bytes body, bytes boundary, unsigned depth)
{
    struct arena *arena = mail->unpack->arena;
    uint8_t *mark = arena_push_raw(arena, boundary.len + 2);
    if (!mark || !budget_charge(mail->unpack->budget, body.len / 8 + 16))
        return false;
    memcpy(mark, "--", 2);
    if (boundary.len)
        memcpy(mark + 2, boundary.at, boundary.len);
    bytes view = {mark, boundary.len + 2};
    return walk_parts(mail, body, view, LINE_IS, depth) ||
           (boundary.len && walk_parts(mail, body, view, LINE_BEGINS_SO, depth));
}

/* A line "--x" before a line "Content-...": the boundary x, where no header tells it. */
static bytes boundary_guessed(bytes body)
{
    bytes rest = bytes_slice(body, 0, GUESSED), line, before = {NULL, 0};
    while (words_line(&rest, &line)) {
        if (before.len > 2 && before.at[0] == '-' && before.at[1] == '-' &&
            words_start(line, "content-"))
            return words_trim(bytes_slice(before, 2, before.len));
        before = line;
    }
    return (bytes){NULL, 0};
}

/* A multipart that is itself encoded: against the rules, decoded all the same. */
static bytes body_decoded(struct mail *mail, const struct mime_header *header, bytes body)
{
    for (unsigned i = 0; i < header->encoding_count; i++)
        if (header->encodings[i] == TRANSFER_BASE64 || header->encodings[i] == TRANSFER_QUOTED)
            return transfer_copy(mail->unpack->arena, header->encodings[i], body, DECODED_MAX);
    return (bytes){NULL, 0};
}

static bool walk_multipart(struct mail *mail, const struct mime_header *header, bytes body,
                           unsigned depth)
{
    bool found = false;
    for (unsigned i = 0; i < header->boundary_count; i++)
        if (!found || mail_reads_on(mail))
            found = walk_boundary(mail, body, header->boundaries[i], depth) || found;
    if (found || !mime_header_is(header, "multipart"))
        return found;
    bytes guess = boundary_guessed(body);
    return guess.len && walk_boundary(mail, body, guess, depth);
}

static void walk_body(struct mail *mail, const struct mime_header *header, bytes body,
                      unsigned depth)
{
    bool multipart = header->boundary_count || mime_header_is(header, "multipart");
    if (multipart && depth >= NESTED) {
        unpack_gap(mail->unpack, bytes_of(""), GAP_LIMIT, "parts nested deeper than %u",
                   NESTED);
    } else if (multipart) {
        bool found = walk_multipart(mail, header, body, depth);
        bytes decoded = found ? (bytes){NULL, 0} : body_decoded(mail, header, body);
        if (decoded.len)
            found = walk_multipart(mail, header, decoded, depth);
        bool other = false;
        for (unsigned i = 0; i < header->type_count; i++)
            other = other || !words_start(header->types[i], "multipart");
        if (found && !other)
            return;
    }
    walk_leaf(mail, header, body, depth);
}

static void mail_walk(struct mail *mail, bytes entity, unsigned depth)
{
    struct mime_header *header = PUSH(mail->unpack->arena, struct mime_header);
    if (!header || mail->full || !budget_charge(mail->unpack->budget, 256))
        return;
    mime_header_read(mail->unpack->arena, entity, header);
    if (header->more)
        mail_reads_on(mail);
    for (unsigned i = 0; i < header->body_count; i++)
        if (i == 0 || mail_reads_on(mail))
            walk_body(mail, header, header->bodies[i], depth);
}

/* --- handing out --- */

static bool put_leaf(struct mail *mail, const struct leaf *leaf)
{
    struct unpack *unpack = mail->unpack;
    unpack->letter = leaf->letter;
    if (leaf->how == TRANSFER_UU && uu_open_all(unpack, leaf->body))
        return !unpack->run->stopped;
    if (leaf->how == TRANSFER_YENC && yenc_open_all(unpack, leaf->body))
        return !unpack->run->stopped;
    if (leaf->how == TRANSFER_BASE64 || leaf->how == TRANSFER_QUOTED)
        return unpack_begin(unpack, leaf->name) &&
               transfer_put(unpack, leaf->how, leaf->body) && unpack_end(unpack);
    if (!unpack_view(unpack, leaf->name, leaf->body))
        return false;
    /* A message whose header does not look like one: it is one, its part says so. */
    if (leaf->message && !mime_probe(leaf->body)) {
        struct mail inner = {.unpack = unpack, .parts = mail->parts};
        mail_walk(&inner, leaf->body, 1);
        for (uint32_t i = 0; i < inner.leaves.n; i++)
            if (!inner.leaves.at[i].message && !put_leaf(&inner, &inner.leaves.at[i]))
                return false;
    }
    return true;
}

void mime_open(struct unpack *unpack)
{
    struct mail mail = {.unpack = unpack, .inner = is_inner(unpack)};
    struct unpack_run *run = unpack->run;
    const bytes *passwords = run->passwords;
    uint32_t count = run->password_count;
    mail_walk(&mail, unpack->data, 0);
    if (mail.attached) {
        struct passwords words = {.arena = unpack->arena};
        for (uint32_t i = 0; i < mail.leaves.n && !passwords_full(&words); i++)
            if (mail.leaves.at[i].text)
                passwords_add_text(&words, mail.leaves.at[i].how, mail.leaves.at[i].body);
        passwords_into(&words, run);
    }
    for (uint32_t i = 0; i < mail.leaves.n && !run->stopped; i++)
        if (!put_leaf(&mail, &mail.leaves.at[i]))
            break;
    run->passwords = passwords;
    run->password_count = count;
}
