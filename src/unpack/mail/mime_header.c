#include "unpack/mail/mime_header.h"

#include "unpack/mail/mime_param.h"
#include "unpack/mail/words.h"

#include <string.h>

enum {
    PROBED = 4096,
    NAME_MAX = 76,
    HEADER_MAX = 256 << 10, /* of a header that is read */
    UNFOLDED_MAX = 16 << 10,
};

/* Names that prove a message, and how much. */
static const struct {
    const char *name;
    unsigned weight;
} known[] = {
    {"received", 2},
    {"return-path", 2},
    {"delivered-to", 2},
    {"envelope-to", 2},
    {"mime-version", 2},
    {"message-id", 2},
    {"content-type", 2},
    {"content-transfer-encoding", 2},
    {"dkim-signature", 2},
    {"authentication-results", 2},
    {"received-spf", 2},
    {"arc-seal", 2},
    {"x-mailer", 2},
    {"x-originating-ip", 2},
    {"x-original-to", 2},
    {"x-mozilla-status", 2},
    {"x-spam-status", 2},
    {"thread-index", 2},
    {"content-disposition", 1},
    {"from", 1},
    {"to", 1},
    {"cc", 1},
    {"bcc", 1},
    {"subject", 1},
    {"date", 1},
    {"reply-to", 1},
    {"sender", 1},
    {"in-reply-to", 1},
    {"references", 1},
    {"organization", 1},
    {"newsgroups", 2},
    {"path", 1},
};

static bool name_char(uint8_t c)
{
    return ascii_alnum(c) || c == '-' || c == '_' || c == '.';
}

/* Length of a field's name, 0 when the line does not start like a field. */
static size_t name_length(bytes line, size_t *ret_colon)
{
    size_t i = 0;
    while (i < line.len && i < NAME_MAX && name_char(line.at[i]))
        i++;
    size_t length = i;
    while (i < line.len && (line.at[i] == ' ' || line.at[i] == '\t'))
        i++;
    *ret_colon = i;
    return i < line.len && line.at[i] == ':' ? length : 0;
}

bool mime_field_shaped(bytes line)
{
    size_t colon;
    return name_length(line, &colon) > 0;
}

/* Length of the line at the front with its end: LF after any number of CR, or one CR. */
static size_t line_length(bytes rest, size_t *ret_text)
{
    size_t i = 0;
    while (i < rest.len && !words_eol(rest.at[i]))
        i++;
    *ret_text = i;
    size_t end = i;
    while (end < rest.len && rest.at[end] == '\r')
        end++;
    if (end < rest.len && rest.at[end] == '\n')
        return end + 1;
    i += i < rest.len;
    return i;
}

bool mime_field_next(bytes *rest, struct mime_field *ret, bytes *odd)
{
    while (rest->len) {
        size_t text, colon, size = line_length(*rest, &text);
        bytes line = bytes_slice(*rest, 0, text);
        size_t name = name_length(line, &colon);
        if (text == 0) {
            *rest = bytes_slice(*rest, size, rest->len);
            return false;
        }
        /* A boundary, the blank line before it is missing. */
        if (name == 0 && text > 2 && line.at[0] == '-' && line.at[1] == '-')
            return false;
        if (name == 0) {
            if (!odd->at && !words_start(line, "from ") && !words_start(line, ">from "))
                *odd = *rest;
            *rest = bytes_slice(*rest, size, rest->len);
            continue;
        }
        ret->name = bytes_slice(line, 0, name);
        size_t end = size;
        while (end < rest->len && (rest->at[end] == ' ' || rest->at[end] == '\t'))
            end += line_length(bytes_slice(*rest, end, rest->len), &text);
        ret->value = words_part(*rest, colon + 1, end);
        *rest = bytes_slice(*rest, end, rest->len);
        return true;
    }
    return false;
}

static unsigned name_weight(bytes name)
{
    for (size_t i = 0; i < COUNT(known); i++)
        if (words_same(name, known[i].name))
            return known[i].weight;
    return 0;
}

bool mime_header_fits(bytes data)
{
    enum { ENOUGH = 3, ODD_LINES = 3 };

    bytes rest = bytes_slice(data, 0, PROBED);
    unsigned weight = 0, odd = 0;
    bool first = true, ended = false;
    while (rest.len && words_eol(rest.at[0]))
        rest = bytes_slice(rest, 1, rest.len);
    while (weight < ENOUGH && rest.len) {
        size_t text, size = line_length(rest, &text), colon;
        bytes line = bytes_slice(rest, 0, text);
        size_t name = name_length(line, &colon);
        rest = bytes_slice(rest, size, rest.len);
        ended = text == 0;
        if (ended)
            break;
        if (name)
            weight += name_weight(bytes_slice(line, 0, name));
        else if (first || (line.at[0] != ' ' && line.at[0] != '\t' && ++odd > ODD_LINES))
            return false;
        first = false;
    }
    return weight >= ENOUGH || (weight >= 2 && ended);
}

/* A value as one line: folds and control characters out. */
static bytes unfolded(struct arena *arena, bytes value)
{
    size_t n = 0;
    value = bytes_slice(words_trim(value), 0, UNFOLDED_MAX);
    uint8_t *at = arena_push_raw(arena, value.len + 1);
    if (!at)
        return (bytes){NULL, 0};
    for (size_t i = 0; i < value.len; i++)
        if (!words_eol(value.at[i]) && value.at[i])
            at[n++] = value.at[i];
    return (bytes){at, n};
}

static void add_encoding(struct mime_header *header, bytes value)
{
    static const struct {
        const char *name;
        enum transfer how;
    } names[] = {
        {"base64", TRANSFER_BASE64},  {"quoted-printable", TRANSFER_QUOTED},
        {"x-uuencode", TRANSFER_UU},  {"uuencode", TRANSFER_UU},
        {"x-uue", TRANSFER_UU},       {"uue", TRANSFER_UU},
        {"x-yencode", TRANSFER_YENC}, {"yencode", TRANSFER_YENC},
        {"x-yenc", TRANSFER_YENC},
    };
    enum transfer how = TRANSFER_PLAIN;
    value = words_trim(value);
    while (value.len && (value.at[0] == '"' || value.at[0] == '\''))
        value = words_trim(bytes_slice(value, 1, value.len));
    for (size_t i = 0; i < COUNT(names); i++)
        if (words_start(value, names[i].name))
            how = names[i].how;
    for (unsigned i = 0; i < header->encoding_count; i++)
        if (header->encodings[i] == how)
            return;
    if (header->encoding_count < MIME_ENCODINGS)
        header->encodings[header->encoding_count++] = how;
    else
        header->more = true;
}

static void add_boundary(struct mime_header *header, bytes boundary)
{
    while (boundary.len && words_space(boundary.at[boundary.len - 1]))
        boundary.len--;
    if (!boundary.at)
        return;
    for (unsigned i = 0; i < header->boundary_count; i++)
        if (bytes_equal(header->boundaries[i], boundary))
            return;
    if (header->boundary_count < MIME_BOUNDARIES)
        header->boundaries[header->boundary_count++] = boundary;
    else
        header->more = true;
}

/* "boundary=" wherever it stands, up to a blank or to a semicolon. */
static void boundary_anywhere(struct mime_header *header, bytes value)
{
    size_t at = words_find(value, "boundary=", 0);
    if (at == SIZE_MAX)
        return;
    bytes text = bytes_slice(value, at + 9, value.len), head;
    bool quoted = text.len && text.at[0] == '"';
    if (quoted)
        text = bytes_slice(text, 1, text.len);
    if (bytes_cut(&text, quoted ? '"' : ';', &head) && head.len) {
        add_boundary(header, head);
        if (!quoted && bytes_cut(&head, ' ', &text) && text.len)
            add_boundary(header, text);
    }
}

static void add_type(struct arena *arena, struct mime_header *header, bytes raw)
{
    bytes value = unfolded(arena, raw);
    struct mime_params params;
    if (header->type_count < MIME_TYPES)
        header->types[header->type_count++] = value;
    else
        header->more = true;
    mime_params_read(value, &params);
    for (unsigned i = 0; i < params.count; i++)
        if (words_same(params.at[i].name, "boundary"))
            add_boundary(header, mime_param_plain(arena, &params.at[i]));
    bytes joined = mime_params_joined(arena, &params, "boundary");
    if (joined.len)
        add_boundary(header, joined);
    if (words_find(joined, "=?", 0) == 0)
        add_boundary(header, mime_words(arena, joined));
    boundary_anywhere(header, value);
    if (!header->name.len)
        header->name = mime_params_joined(arena, &params, "name");
    header->typed_name |= header->name.len != 0;
}

static void read_field(struct arena *arena, struct mime_header *header,
                       const struct mime_field *field, bytes *location)
{
    if (words_same(field->name, "content-type")) {
        add_type(arena, header, field->value);
    } else if (words_same(field->name, "content-transfer-encoding")) {
        if (!header->coded)
            header->plain = words_start(words_trim(field->value), "7bit");
        header->coded = true;
        add_encoding(header, field->value);
    } else if (words_same(field->name, "content-disposition")) {
        struct mime_params params;
        bytes value = unfolded(arena, field->value);
        header->disposed = true;
        header->attached = words_start(words_trim(value), "attachment");
        mime_params_read(value, &params);
        bytes name = mime_params_joined(arena, &params, "filename");
        if (name.len)
            header->name = name;
    } else if (words_same(field->name, "content-location")) {
        *location = unfolded(arena, field->value);
    } else if (words_same(field->name, "subject")) {
        header->subject = field->value;
    }
}

void mime_header_read(struct arena *arena, bytes entity, struct mime_header *ret)
{
    struct mime_field field;
    bytes rest = entity, location = {NULL, 0}, blank = {NULL, 0}, odd = {NULL, 0};
    *ret = (struct mime_header){0};
    while (mime_field_next(&rest, &field, &odd)) {
        /* A line of blanks only: some go on with the header, for others it ends here. */
        for (size_t i = 0, text; i < field.value.len && !blank.at;) {
            bytes tail = bytes_slice(field.value, i, field.value.len);
            size_t size = line_length(tail, &text);
            if (i > 0 && words_trim(bytes_slice(tail, 0, text)).len == 0)
                blank = words_part(entity, (size_t)(tail.at - entity.at) + size, entity.len);
            i += size ? size : 1;
        }
        if ((size_t)(rest.at - entity.at) < HEADER_MAX)
            read_field(arena, ret, &field, &location);
    }
    ret->bodies[ret->body_count++] = rest;
    if (blank.at && blank.len > rest.len)
        ret->bodies[ret->body_count++] = blank;
    if (odd.at && odd.len > rest.len)
        ret->bodies[ret->body_count++] = odd;
    if (!ret->encoding_count)
        ret->encodings[ret->encoding_count++] = TRANSFER_PLAIN;
    ret->name = mime_words(arena, ret->name.len ? ret->name : location);
}

bool mime_header_is(const struct mime_header *header, const char *type)
{
    for (unsigned i = 0; i < header->type_count; i++)
        if (words_start(header->types[i], type))
            return true;
    return false;
}
