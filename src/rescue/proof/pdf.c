/* PDF (ISO 32000-1, section 7.5): "%PDF-", objects "N G obj ... endobj", tables "xref" and
 * "trailer", "startxref", an offset, "%%EOF"; later versions of it may follow.
 *
 * The file is read from front to back as the tokens that it is made of. An object may hold a
 * stream: a dictionary, then "stream", /Length bytes, "endstream". A stream that is deflated
 * has to unpack and to end where "endstream" is (RFC 1950's checksum holds it), one that is a
 * JPEG has to be one. What is between objects and no token of theirs is a gap: writers leave a
 * few words; noise is damage. */
#include "rescue/proof/jpeg.h"
#include "rescue/proof/kind.h"
#include "rescue/proof/packed.h"
#include "rescue/proof/proof_text.h"

#include <string.h>

enum { DEPTH_MOST = 64, HEAD_MOST = 1024, WORD = 24, GAP_BINARY = 8 };

struct pdf {
    struct reader *reader;
    uint64_t at;
    uint64_t objects, streams;
    uint64_t uncovered, unsummed; /* bytes that nothing, and that no checksum covers */
    uint64_t damaged_at;          /* UINT64_MAX: nowhere */
    const char *damage;
    uint64_t start; /* what the last startxref says */
    bool encrypted, ended;
};

enum filter { FILTER_NONE, FILTER_FLATE, FILTER_JPEG, FILTER_OTHER };

struct object {
    uint64_t length; /* UINT64_MAX: not said here */
    enum filter filter;
    bool stream;
};

static bool is_space(int c)
{
    return c == 0 || c == 9 || c == 10 || c == 12 || c == 13 || c == 32;
}

static bool is_delimiter(int c)
{
    return c == '(' || c == ')' || c == '<' || c == '>' || c == '[' || c == ']' || c == '{' ||
           c == '}' || c == '/' || c == '%';
}

static void damage(struct pdf *pdf, uint64_t at, const char *what)
{
    if (pdf->damaged_at <= at)
        return;
    pdf->damaged_at = at;
    pdf->damage = what;
}

/* Over white space and comments. */
static void skip_space(struct pdf *pdf)
{
    for (;;) {
        int c = proof_reader_byte(pdf->reader, pdf->at);
        if (c == '%')
            while (c >= 0 && c != 10 && c != 13)
                c = proof_reader_byte(pdf->reader, ++pdf->at);
        if (c < 0 || !is_space(c))
            return;
        pdf->at++;
    }
}

/* The regular characters at `at`, cut to WORD - 1; their number, all of them. */
static uint64_t read_word(struct pdf *pdf, char word[WORD])
{
    uint64_t n = 0;
    int c;
    while ((c = proof_reader_byte(pdf->reader, pdf->at + n)) > 32 && c < 127 &&
           !is_delimiter(c)) {
        if (n < WORD - 1)
            word[n] = (char)c;
        n++;
    }
    word[n < WORD - 1 ? n : WORD - 1] = 0;
    pdf->at += n;
    return n;
}

static bool number_of(const char *word, uint64_t *ret)
{
    uint64_t value = 0;
    size_t i = 0;
    for (; word[i] >= '0' && word[i] <= '9' && i < 19; i++)
        value = value * 10 + (uint64_t)(word[i] - '0');
    *ret = value;
    return i && !word[i];
}

/* A string in parentheses. Without encryption, and when it is not UTF-16, it has no control
 * characters; what has some is covered by nothing. */
static bool skip_string(struct pdf *pdf)
{
    uint64_t start = pdf->at++, control = 0;
    bool wide = proof_reader_byte(pdf->reader, pdf->at) == 0xfe;
    for (unsigned depth = 1; depth;) {
        int c = proof_reader_byte(pdf->reader, pdf->at++);
        if (c < 0)
            return false;
        if (c == '\\')
            pdf->at++;
        else if (c == '(')
            depth++;
        else if (c == ')')
            depth--;
        control += c < 32 && !is_space(c) && c != 8;
    }
    if (control && !wide)
        pdf->uncovered += pdf->at - start;
    return true;
}

static bool skip_hex(struct pdf *pdf)
{
    int c;
    do {
        c = proof_reader_byte(pdf->reader, ++pdf->at);
    } while (c >= 0 && (is_space(c) || ascii_hex((uint8_t)c) >= 0));
    pdf->at++;
    return c == '>';
}

/* What is remembered of a dictionary: the last name, and what comes after some. */
static void note_name(struct pdf *pdf, const char *name, char last[WORD], struct object *object)
{
    bool filter = !strcmp(last, "Filter") || !strcmp(last, "F");
    if (filter && object->filter == FILTER_NONE)
        object->filter = !strcmp(name, "FlateDecode") || !strcmp(name, "Fl")  ? FILTER_FLATE
                         : !strcmp(name, "DCTDecode") || !strcmp(name, "DCT") ? FILTER_JPEG
                                                                              : FILTER_OTHER;
    if (!strcmp(name, "Encrypt"))
        pdf->encrypted = true;
    memcpy(last, name, WORD);
}

/* One token of an object. False: there is none. *ret_end: it was endobj or stream. */
static bool read_token(struct pdf *pdf, char last[WORD], unsigned *depth, struct object *object,
                       bool *ret_end)
{
    char word[WORD];
    uint64_t value;
    int c = proof_reader_byte(pdf->reader, pdf->at);
    switch (c) {
    case '(':
        return skip_string(pdf);
    case '[':
        pdf->at++;
        return ++*depth < DEPTH_MOST;
    case ']':
        pdf->at++;
        return (*depth)-- > 0;
    case '<':
        if (proof_reader_byte(pdf->reader, pdf->at + 1) != '<')
            return skip_hex(pdf);
        pdf->at += 2;
        return ++*depth < DEPTH_MOST;
    case '>':
        pdf->at += 2;
        return proof_reader_byte(pdf->reader, pdf->at - 1) == '>' && (*depth)-- > 0;
    case '/':
        pdf->at++;
        read_word(pdf, word);
        if (*depth == 1 || !strcmp(last, "Filter"))
            note_name(pdf, word, last, object);
        return true;
    default:
        if (!read_word(pdf, word))
            return false;
    }
    if (*depth == 1 && !strcmp(last, "Length") && number_of(word, &value))
        object->length = object->length == UINT64_MAX ? value : object->length;
    else if (!strcmp(word, "R") && !strcmp(last, "Length"))
        object->length = UINT64_MAX;
    object->stream = !*depth && !strcmp(word, "stream");
    *ret_end = !*depth && (object->stream || !strcmp(word, "endobj"));
    return true;
}

/* Whether "endstream" lies at `at`, perhaps behind white space. */
static bool ends_at(struct pdf *pdf, uint64_t at)
{
    uint8_t word[9];
    for (unsigned i = 0; i < 4 && is_space(proof_reader_byte(pdf->reader, at)); i++)
        at++;
    if (!proof_reader_take(pdf->reader, at, word, 9) || memcmp(word, "endstream", 9) != 0)
        return false;
    pdf->at = at + 9;
    return true;
}

static bool stream_holds(struct pdf *pdf, uint64_t at, uint64_t len, enum filter filter)
{
    struct packed packed;
    struct jpeg jpeg;
    struct reader part = proof_reader_part(pdf->reader, at, len);
    uint64_t good;
    if (filter == FILTER_FLATE) {
        packed_run(pdf->reader, at, len, STREAM_ZLIB, UINT64_MAX, &packed);
        if (packed.state == STREAM_DAMAGED)
            damage(pdf, at, "a stream does not unpack");
        return packed.state == STREAM_END;
    }
    if (filter == FILTER_JPEG) {
        if (!jpeg_walk(&part, &jpeg)) {
            damage(pdf, at + jpeg.end, "an image is damaged");
            return false;
        }
        pdf->unsummed += len;
        return jpeg.decoded && len - jpeg.end < 4;
    }
    pdf->unsummed += len;
    return filter == FILTER_NONE && proof_text_is_utf8(&part, &good);
}

static void read_stream(struct pdf *pdf, const struct object *object)
{
    uint64_t at = pdf->at, len = object->length, left = pdf->reader->size;
    at += proof_reader_byte(pdf->reader, at) == 13;
    at += proof_reader_byte(pdf->reader, at) == 10;
    left -= at < left ? at : left;
    pdf->streams++;
    if (len > left || !ends_at(pdf, at + len)) {
        uint64_t found =
            proof_reader_find(pdf->reader, bytes_of("endstream"), at, pdf->reader->size);
        if (found == UINT64_MAX) {
            damage(pdf, at, "a stream does not end");
            pdf->at = pdf->reader->size;
            return;
        }
        len = found - at;
        pdf->at = found + 9;
    }
    /* What is encrypted by PDF itself looks like noise. */
    if (pdf->encrypted || !stream_holds(pdf, at, len, object->filter))
        pdf->uncovered += len;
}

static void read_object(struct pdf *pdf)
{
    struct object object = {.length = UINT64_MAX};
    char last[WORD] = "";
    unsigned depth = 0;
    bool end = false;
    pdf->objects++;
    while (!end) {
        skip_space(pdf);
        uint64_t before = pdf->at;
        if (!read_token(pdf, last, &depth, &object, &end)) {
            damage(pdf, before, "an object is damaged");
            pdf->at = before + 1;
            return;
        }
        if (!proof_reader_charge(pdf->reader, 16))
            return;
    }
    if (object.stream) {
        char word[WORD];
        read_stream(pdf, &object);
        skip_space(pdf);
        read_word(pdf, word);
        if (strcmp(word, "endobj") != 0)
            damage(pdf, pdf->at, "an object does not end");
    }
}

/* The dictionary of a trailer, and the table before it: words that are tokens. */
static void read_table(struct pdf *pdf)
{
    struct object none = {.length = 0};
    char last[WORD] = "";
    unsigned depth = 0;
    bool end = false;
    skip_space(pdf);
    if (proof_reader_byte(pdf->reader, pdf->at) != '<')
        return;
    do {
        skip_space(pdf);
        if (!read_token(pdf, last, &depth, &none, &end)) {
            damage(pdf, pdf->at, "its trailer is damaged");
            return;
        }
    } while (depth && proof_reader_charge(pdf->reader, 16));
}

/* Over what is no object: to the next one. */
static void read_gap(struct pdf *pdf, uint64_t from)
{
    uint64_t binary = 0, n = 0;
    for (int c = 0; n < 64 && (c = proof_reader_byte(pdf->reader, from + n)) >= 0; n++)
        binary += (c < 32 && !is_space(c)) || c > 126;
    uint64_t next =
        proof_reader_find(pdf->reader, bytes_of(" obj"), from + 1, pdf->reader->size);
    if (binary > GAP_BINARY)
        damage(pdf, from, "there is noise between its objects");
    /* Back over both numbers. */
    for (unsigned numbers = 0; next != UINT64_MAX && numbers < 2; numbers++) {
        int c;
        while (next > from && (c = proof_reader_byte(pdf->reader, next - 1)) >= '0' && c <= '9')
            next--;
        if (!numbers && next > from && proof_reader_byte(pdf->reader, next - 1) == ' ')
            next--;
    }
    pdf->at = next == UINT64_MAX || next <= from ? from + 1 : next;
    if (next == UINT64_MAX)
        pdf->at = pdf->reader->size;
    pdf->uncovered += pdf->at - from;
}

/* What stands between objects: numbers begin an object or belong to a table. */
static void read_top(struct pdf *pdf)
{
    char word[WORD], second[WORD], third[WORD];
    uint64_t from = pdf->at, value;
    read_word(pdf, word);
    if (!strcmp(word, "xref")) {
        return;
    } else if (!strcmp(word, "trailer")) {
        read_table(pdf);
    } else if (!strcmp(word, "startxref")) {
        skip_space(pdf);
        read_word(pdf, second);
        pdf->ended = number_of(second, &pdf->start);
    } else if (number_of(word, &value)) {
        skip_space(pdf);
        read_word(pdf, second);
        uint64_t back = pdf->at;
        skip_space(pdf);
        read_word(pdf, third);
        if (!strcmp(third, "obj")) {
            read_object(pdf);
        } else if (!number_of(second, &value)) {
            read_gap(pdf, from);
        } else if (strcmp(third, "n") != 0 && strcmp(third, "f") != 0) {
            pdf->at = back; /* "0 12" of a table: what follows is its first line */
        }
    } else {
        read_gap(pdf, from);
    }
}

/* Whether a table, or an object that is one, is where the last startxref says. */
static bool table_is_there(struct pdf *pdf)
{
    char word[WORD];
    uint64_t value;
    pdf->at = pdf->start;
    skip_space(pdf);
    return read_word(pdf, word) && (!strcmp(word, "xref") || number_of(word, &value));
}

static bool begins(bytes head)
{
    size_t found = bytes_find(head, bytes_of("%PDF-"), 0);
    return found < HEAD_MOST && found != SIZE_MAX && (!found || head.at[0] <= 32);
}

static void check(struct reader *reader, struct proof_result *ret)
{
    struct pdf pdf = {.reader = reader, .damaged_at = UINT64_MAX};
    pdf.encrypted =
        proof_reader_find(reader, bytes_of("/Encrypt"), 0, reader->size) != UINT64_MAX;
    for (skip_space(&pdf); pdf.at < reader->size; skip_space(&pdf)) {
        read_top(&pdf);
        if (!proof_reader_charge(reader, 16))
            return;
    }
    unsigned long long streams = pdf.streams, objects = pdf.objects, bare = pdf.uncovered;
    if (pdf.damaged_at != UINT64_MAX)
        kind_failed(ret, pdf.damaged_at, "%s at %llu", pdf.damage,
                    (unsigned long long)pdf.damaged_at);
    else if (!pdf.ended || !objects)
        kind_failed(ret, reader->size, "it ends before its table");
    else if (pdf.encrypted)
        kind_plausible(ret, reader->size,
                       "its %llu objects are whole; their contents are encrypted by PDF itself",
                       objects);
    else if (!table_is_there(&pdf))
        kind_plausible(ret, reader->size,
                       "its %llu objects are whole; its table is not where its end says",
                       objects);
    else if (bare)
        kind_plausible(ret, reader->size,
                       "its %llu objects are whole; nothing covers %llu bytes in them", objects,
                       bare);
    else if (pdf.unsummed)
        kind_plausible(ret, reader->size,
                       "its %llu objects are whole; %llu bytes in them have no checksum",
                       objects, (unsigned long long)pdf.unsummed);
    else
        kind_proven(ret, reader->size, "all %llu objects are whole, %llu streams unpack",
                    objects, streams);
}

const struct proof_kind kind_pdf = {"PDF", " pdf ", begins, check};
