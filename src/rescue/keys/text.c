/* text — keys in text: PEM (RFC 7468), .NET's RSAKeyValue, JSON (and JWK), "name: value" lines
 * as `openssl rsa -text` and decryptors write them, one value in lines, one value on each line.
 */
#include "rescue/keys/reading.h"

#include "rescue/keys/fields.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LINES_MAX = 4096 };

static bool holds(bytes view, const char *text)
{
    return bytes_find(view, bytes_of(text), 0) != SIZE_MAX;
}

/* ----------------------------------------------------------------------------------- PEM */

/* Body without the lines "Name: value" that RFC 1421 lets stand before it. */
static bytes pem_body(bytes body)
{
    size_t at = 0;
    for (size_t i = 0; i < body.len; i++)
        if (body.at[i] == ':') {
            while (i < body.len && body.at[i] != '\n')
                i++;
            at = i;
        }
    return bytes_slice(body, at, SIZE_MAX);
}

static int pem_block(struct reading *reading, bytes label, bytes body)
{
    const char *said = NULL;
    if (holds(label, "ENCRYPTED") || holds(body, "ENCRYPTED"))
        said = "the key is encrypted: decrypt it first, as with 'openssl pkey -in FILE -out "
               "OTHER'";
    else if (holds(label, "CERTIFICATE"))
        said = "a public key: it cannot open files";
    else if (holds(label, "OPENSSH"))
        said = "OpenSSH's own form of keys is not read: convert it with 'ssh-keygen -p -m PEM'";
    if (said) {
        snprintf(reading->said.text, sizeof reading->said.text, "%s", said);
        return 0;
    }
    bytes der = reading_base64(reading->arena, pem_body(body));
    return der.at ? reading_any(reading, der) : 0;
}

static int pem(struct reading *reading, bytes text, bool *any)
{
    size_t at = 0, end;
    int error = 0;
    while (!error && (at = bytes_find(text, bytes_of("-----BEGIN "), at)) != SIZE_MAX) {
        size_t label = at + 11, body = bytes_find(text, bytes_of("-----"), label);
        if (body == SIZE_MAX || body - label > 64)
            break;
        end = bytes_find(text, bytes_of("-----END "), body + 5);
        if (end == SIZE_MAX)
            end = text.len;
        *any = true;
        error = pem_block(reading, bytes_slice(text, label, body - label),
                          bytes_slice(text, body + 5, end - body - 5));
        at = end;
    }
    return error;
}

/* --------------------------------------------------------------------------------- lines */

static bool is_letters(bytes line)
{
    if (line.len < 4)
        return false;
    for (size_t i = 0; i < line.len; i++) {
        uint8_t c = line.at[i];
        if (!ascii_alnum(c) && c != '+' && c != '/' && c != '=' && c != '-' && c != '_')
            return false;
    }
    return true;
}

static bytes line_of(bytes *rest)
{
    bytes line;
    (void)bytes_cut(rest, '\n', &line);
    while (line.len && (line.at[line.len - 1] == '\r' || line.at[line.len - 1] == ' '))
        line.len--;
    return line;
}

/* Lines of letters that follow on each other, tried as one value in base64. */
static int blocks(struct reading *reading, bytes text)
{
    bytes rest = text;
    const uint8_t *begin = NULL, *end = NULL;
    int error = 0;
    for (unsigned lines = 0; !error && lines < LINES_MAX && (rest.len || begin); lines++) {
        bytes line = rest.len ? line_of(&rest) : (bytes){0};
        if (is_letters(line)) {
            begin = begin ? begin : line.at;
            end = line.at + line.len;
        } else if (begin) {
            bytes view = reading_base64(reading->arena,
                                        (bytes){.at = begin, .len = (size_t)(end - begin)});
            if (view.at)
                error = reading_binary(reading, view);
            begin = NULL;
        }
    }
    return error;
}

static int each_line(struct reading *reading, bytes text)
{
    int error = 0;
    for (unsigned lines = 0; !error && text.len && lines < LINES_MAX; lines++) {
        bytes line = line_of(&text);
        if (line.len >= 16)
            error = reading_value(reading, line);
    }
    return error;
}

/* --------------------------------------------------------------------------- one line */

/* Letters, or words, that may be a password, or the bytes of a key that are letters by chance.
 */
static int as_password(struct reading *reading, bytes line)
{
    if (line.len < 4 || line.len > 64)
        return 0;
    for (size_t i = 0; i < line.len; i++)
        if (line.at[i] < ' ')
            return 0;
    int error = 0;
    if (line.len == 16 || line.len == 24 || line.len == 32)
        error = reading_bytes(reading, line);
    if (!error)
        error = reading_add(reading, (struct key){.kind = KEY_TEXT, .secret = line});
    return error;
}

static bool has_rsa(const struct reading *reading, uint32_t from)
{
    for (uint32_t i = from; i < reading->ring->key.n; i++)
        if (reading->ring->key.at[i].kind == KEY_RSA)
            return true;
    return false;
}

static int one_line(struct reading *reading, bytes line)
{
    unsigned before = reading->found;
    uint32_t keys = reading->ring->key.n;
    int error = reading_value(reading, line);
    if (!error && reading->found == before)
        error = fields_read(reading, line);
    if (!error && !has_rsa(reading, keys) && (reading->found == before || line.len <= 64))
        error = as_password(reading, line);
    return error;
}

static int several_lines(struct reading *reading, bytes text)
{
    unsigned before = reading->found;
    bytes hex = reading_hex(reading->arena, text);
    bytes base64 = reading_base64(reading->arena, text);
    int error = hex.at ? reading_binary(reading, hex) : 0;
    /* Hexadecimal digits are letters of base64, too. */
    if (!error && reading->found == before && base64.at && !hex.at && base64.len > 64)
        error = reading_any(reading, base64);
    if (!error && reading->found == before)
        error = fields_read(reading, text);
    if (!error && reading->found == before)
        error = blocks(reading, text);
    if (!error && reading->found == before)
        error = each_line(reading, text);
    if (!error && reading->found == before)
        error = reading_value(reading, text);
    return error;
}

int reading_text(struct reading *reading, bytes text)
{
    bool any = false;
    int error = pem(reading, text, &any);
    if (error || any)
        return error;
    while (text.len && text.at[text.len - 1] <= ' ')
        text.len--;
    while (text.len && text.at[0] <= ' ')
        text = bytes_slice(text, 1, SIZE_MAX);
    return memchr(text.at ? text.at : (const uint8_t *)"", '\n', text.len)
               ? several_lines(reading, text)
               : one_line(reading, text);
}
