/* Messages ([MS-PST] 2.4.5): properties; subnodes 0x692 a table of recipients, and those whose
 * number ends in 5 (of 5 bits) attachments, with properties and subnodes of their own. */
#include "rescue/salvage/mail/letter.h"

#include <string.h>

enum {
    DEPTH_MOST = 6,
    TEXT_MOST = 64 << 10, /* of a header */
    HEADERS_MOST = 512 << 10,
    RECIPIENTS = 0x692,
    TYPE_OF_NID = 31,
    NID_ATTACHMENT = 5,
    METHOD_LETTER = 5, /* how it is attached */
};

enum property {
    CLASS = 0x001a,
    SUBJECT = 0x0037,
    SUBMITTED = 0x0039,
    FOR_NAME = 0x0042,
    FOR_ADDRESS = 0x0065,
    HEADERS = 0x007d,
    RECIPIENT_TYPE = 0x0c15,
    SENDER_NAME = 0x0c1a,
    SENDER_ADDRESS = 0x0c1f,
    SHOWN_BCC = 0x0e02,
    SHOWN_CC = 0x0e03,
    SHOWN_TO = 0x0e04,
    DELIVERED = 0x0e06,
    BODY = 0x1000,
    RTF = 0x1009,
    HTML = 0x1013,
    MESSAGE_ID = 0x1035,
    REFERENCES = 0x1039,
    REPLY_TO_ID = 0x1042,
    NAME = 0x3001,
    ADDRESS = 0x3003,
    CREATED = 0x3007,
    FILE_DATA = 0x3701,
    FILE_NAME = 0x3704,
    FILE_METHOD = 0x3705,
    FILE_LONG_NAME = 0x3707,
    FILE_TYPE = 0x370e,
    FILE_ID = 0x3712,
    SMTP_ADDRESS = 0x39fe,
    INTERNET_PAGE = 0x3fde,
    PAGE = 0x3ffd,
    SENDER_SMTP = 0x5d01,
};

/* --- values --- */

struct words {
    bytes text;
    const char *charset;
};

static const char *charset_of(const struct heap *heap)
{
    const char *name = box_charset(heap_number(heap, PAGE, 1252));
    return name ? name : "windows-1252";
}

static struct words words_of(const struct heap *heap, uint16_t id, uint32_t most)
{
    const struct heap_value *value = heap_find(heap, id);
    struct words words = {{NULL, 0}, "utf-8"};
    if (!value || (value->type != TYPE_TEXT && value->type != TYPE_TEXT8))
        return words;
    words.text = heap_bytes(heap, value, most);
    if (value->type == TYPE_TEXT)
        words.text = box_utf8(heap->tree->store->arena, words.text);
    else
        words.charset = charset_of(heap);
    if (id == SUBJECT && words.text.len >= 2 && words.text.at[0] == 1)
        words.text =
            bytes_slice(words.text, 2, SIZE_MAX); /* how long the prefix is, as "RE: " */
    return words;
}

static struct words first_of(const struct heap *heap, const uint16_t *ids, size_t n)
{
    struct words words = {{NULL, 0}, "utf-8"};
    for (size_t i = 0; i < n && !words.text.len; i++)
        words = words_of(heap, ids[i], TEXT_MOST);
    return words;
}

/* --- headers --- */

enum header {
    HAS_FROM = 1,
    HAS_TO = 2,
    HAS_SUBJECT = 4,
    HAS_DATE = 8,
    HAS_ID = 16,
};

static const struct {
    const char *name;
    unsigned has;
    bool drop; /* bodies are written anew */
} headers[] = {
    {"From", HAS_FROM, false},
    {"To", HAS_TO, false},
    {"Subject", HAS_SUBJECT, false},
    {"Date", HAS_DATE, false},
    {"Message-ID", HAS_ID, false},
    {"Content-Type", 0, true},
    {"Content-Transfer-Encoding", 0, true},
    {"MIME-Version", 0, true},
    {"Content-Disposition", 0, true},
    {"Content-Length", 0, true},
};

/* Where the name of a header ends, 0: the line is none. */
static size_t name_end(bytes line)
{
    size_t n = 0;
    while (n < line.len && line.at[n] > ' ' && line.at[n] < 0x7f && line.at[n] != ':')
        n++;
    return n && n < line.len && line.at[n] == ':' ? n : 0;
}

/* Those it came with, but for those of its form; which of the important ones there were. */
static bool put_own_headers(struct letter *letter, bytes text, unsigned *ret_has)
{
    bytes line;
    bool drop = true;
    *ret_has = 0;
    while (bytes_cut(&text, '\n', &line)) {
        line = bytes_trim(line, "\r");
        size_t end = name_end(line);
        bool more = line.len && (line.at[0] == ' ' || line.at[0] == '\t');
        if (!line.len && *ret_has)
            break;
        if (!more) {
            drop = !end;
            for (size_t i = 0; i < COUNT(headers) && end; i++)
                if (bytes_same(bytes_slice(line, 0, end), bytes_of(headers[i].name))) {
                    *ret_has |= headers[i].has;
                    drop = headers[i].drop;
                }
        }
        if (!drop && line.len && (!box_put(letter->box, line) || !box_line(letter->box, "\n")))
            return false;
    }
    return true;
}

static bool put_header(struct letter *letter, const char *name, struct words words)
{
    return !words.text.len ||
           (box_line(letter->box, "%s: ", name) &&
            box_words(letter->box, words.text, words.charset) && box_line(letter->box, "\n"));
}

static bool put_quoted(struct box *box, bytes text)
{
    bool fine = box_line(box, "\"");
    for (size_t i = 0; i < text.len && fine; i++)
        fine = box_line(box, "%s%c", text.at[i] == '"' || text.at[i] == '\\' ? "\\" : "",
                        text.at[i] < ' ' ? ' ' : text.at[i]);
    return fine && box_line(box, "\"");
}

/* A person: name, address or both. */
static bool put_person(struct letter *letter, struct words name, struct words address)
{
    struct box *box = letter->box;
    bool ascii = true, fine = true;
    for (size_t i = 0; i < name.text.len; i++)
        ascii &= name.text.at[i] < 0x7f;
    if (!bytes_equal(name.text, address.text) && name.text.len)
        fine = (ascii ? put_quoted(box, bytes_slice(name.text, 0, 400))
                      : box_words(box, name.text, name.charset)) &&
               box_line(box, address.text.len ? " " : "");
    return fine && (!address.text.len ||
                    (box_line(box, "<") && box_words(box, address.text, address.charset) &&
                     box_line(box, ">")));
}

struct people {
    struct letter *letter;
    const char *name;
    uint32_t type, count;
};

static bool put_recipient(void *to, const struct heap *row)
{
    static const uint16_t addresses[] = {SMTP_ADDRESS, ADDRESS};
    struct people *people = to;
    struct arena *arena = row->tree->store->arena;
    struct arena_mark mark = arena_mark(arena);
    bool fine = true;
    if ((heap_number(row, RECIPIENT_TYPE, 1) & 15) == people->type) {
        fine = box_line(people->letter->box, "%s%s", people->count ? ",\n\t" : people->name,
                        people->count ? "" : ": ") &&
               put_person(people->letter, words_of(row, NAME, TEXT_MOST),
                          first_of(row, addresses, COUNT(addresses)));
        people->count++;
    }
    arena_pop(arena, mark);
    return fine;
}

/* To, Cc and Bcc: of the table, else as they were shown. */
static bool put_recipients(struct letter *letter, const struct heap *heap)
{
    static const char *const names[] = {"To", "Cc", "Bcc"};
    static const uint16_t shown[] = {SHOWN_TO, SHOWN_CC, SHOWN_BCC};
    struct heap table;
    uint64_t data, sub;
    bool is_there = tree_subnode_find(letter->tree, heap->sub, RECIPIENTS, &data, &sub) &&
                    heap_open(&table, letter->tree, data, sub, HEAP_TABLE);
    letter->tree->lost += heap->sub && !is_there;
    for (uint32_t i = 0; i < COUNT(names); i++) {
        struct people people = {letter, names[i], i + 1, 0};
        if (is_there && (!heap_rows(&table, put_recipient, &people) ||
                         (people.count && !box_line(letter->box, "\n"))))
            return false;
        if (!people.count && !put_header(letter, names[i], words_of(heap, shown[i], TEXT_MOST)))
            return false;
    }
    return true;
}

static bool put_made_headers(struct letter *letter, const struct heap *heap, unsigned has)
{
    static const uint16_t names[] = {SENDER_NAME, FOR_NAME};
    static const uint16_t addresses[] = {SENDER_SMTP, SENDER_ADDRESS, FOR_ADDRESS};
    struct box *box = letter->box;
    char date[64];
    uint64_t time;
    struct words name = first_of(heap, names, COUNT(names));
    struct words address = first_of(heap, addresses, COUNT(addresses));
    if (!(has & HAS_FROM) && (name.text.len || address.text.len) &&
        !(box_line(box, "From: ") && put_person(letter, name, address) && box_line(box, "\n")))
        return false;
    if (!(has & HAS_TO) && !put_recipients(letter, heap))
        return false;
    if (!(has & HAS_SUBJECT) &&
        !put_header(letter, "Subject", words_of(heap, SUBJECT, TEXT_MOST)))
        return false;
    if (!(has & HAS_DATE) &&
        (heap_time(heap, SUBMITTED, &time) || heap_time(heap, DELIVERED, &time) ||
         heap_time(heap, CREATED, &time))) {
        box_date(time, false, date, sizeof date);
        if (!box_line(box, "Date: %s\n", date))
            return false;
    }
    return (has & HAS_ID) ||
           (put_header(letter, "Message-ID", words_of(heap, MESSAGE_ID, TEXT_MOST)) &&
            put_header(letter, "In-Reply-To", words_of(heap, REPLY_TO_ID, TEXT_MOST)) &&
            put_header(letter, "References", words_of(heap, REFERENCES, TEXT_MOST)));
}

static bool put_headers(struct letter *letter, const struct heap *heap)
{
    char date[64];
    uint64_t time = 0;
    unsigned has;
    if (!heap_time(heap, DELIVERED, &time) && !heap_time(heap, SUBMITTED, &time))
        time = 0;
    box_date(time, true, date, sizeof date);
    if (!letter->depth && !box_line(letter->box, "From MAILER-DAEMON %s\n", date))
        return false;
    struct words class = words_of(heap, CLASS, TEXT_MOST);
    return put_own_headers(letter, words_of(heap, HEADERS, HEADERS_MOST).text, &has) &&
           put_made_headers(letter, heap, has) &&
           (bytes_is(class.text, "IPM.Note") || put_header(letter, "X-Message-Class", class)) &&
           box_line(letter->box, "MIME-Version: 1.0\n");
}

/* --- bodies --- */

struct text {
    struct box_wide wide;
    bool wide_text;
};

static bool text_piece(void *to, bytes data, uint64_t gap)
{
    struct text *text = to;
    if (!data.len && text->wide_text)
        return box_wide_gap(&text->wide, gap);
    if (!data.len) {
        char line[80];
        int n =
            snprintf(line, sizeof line, "\n[%llu bytes encrypted]\n", (unsigned long long)gap);
        return box_quote(&text->wide.quoted, (bytes){(const uint8_t *)line, (size_t)n});
    }
    return text->wide_text ? box_widen(&text->wide, data) : box_quote(&text->wide.quoted, data);
}

static bool put_body(struct letter *letter, const struct heap *heap,
                     const struct heap_value *value, const char *type)
{
    struct text text = {.wide = {.quoted = {.box = letter->box}},
                        .wide_text = value && value->type == TYPE_TEXT};
    const char *charset = !value || text.wide_text ? "utf-8"
                          : value->type == TYPE_BINARY
                              ? box_charset(heap_number(heap, INTERNET_PAGE, 0))
                              : charset_of(heap);
    if (!box_line(letter->box, "Content-Type: %s%s%s\n", type, charset ? "; charset=" : "",
                  charset ? charset : "") ||
        !box_line(letter->box, "Content-Transfer-Encoding: quoted-printable\n\n"))
        return false;
    return (!value || heap_pieces(heap, value, text_piece, &text)) &&
           box_quote_end(&text.wide.quoted);
}

static bool put_boundary(struct letter *letter, unsigned part, bool end)
{
    return box_line(letter->box, "\n--=_%08x-%u-%u%s\n", letter->nid, letter->depth, part,
                    end ? "--" : "");
}

static bool put_multipart(struct letter *letter, const char *type, unsigned *ret_part)
{
    *ret_part = ++letter->parts;
    return box_line(letter->box, "Content-Type: multipart/%s; boundary=\"=_%08x-%u-%u\"\n",
                    type, letter->nid, letter->depth, *ret_part);
}

/* Text, HTML, or a choice of both. */
static bool put_bodies(struct letter *letter, const struct heap *heap)
{
    const struct heap_value *text = heap_find(heap, BODY), *html = heap_find(heap, HTML);
    unsigned part;
    if (!html)
        return put_body(letter, heap, text, "text/plain");
    if (!text)
        return put_body(letter, heap, html, "text/html");
    return put_multipart(letter, "alternative", &part) && put_boundary(letter, part, false) &&
           put_body(letter, heap, text, "text/plain") && put_boundary(letter, part, false) &&
           put_body(letter, heap, html, "text/html") && put_boundary(letter, part, true);
}

/* --- attachments --- */

static bool measure_piece(void *to, bytes data, uint64_t gap)
{
    uint64_t *missing = to;
    (void)data;
    *missing += gap;
    return true;
}

static bool file_piece(void *to, bytes data, uint64_t gap)
{
    return data.len ? box_base64(to, data) : box_base64_zeros(to, gap);
}

static bool put_data(struct letter *letter, const struct heap *heap,
                     const struct heap_value *value)
{
    struct box_base64 base64 = {.box = letter->box};
    struct tree *tree = letter->tree;
    uint64_t missing = 0, lost = tree->lost;
    bool look = tree->look;
    tree->look = true;
    bool fine = !value || heap_pieces(heap, value, measure_piece, &missing);
    bool hurt = tree->lost != lost || !value;
    tree->look = look;
    tree->lost = lost + !value;
    if (!fine ||
        (hurt &&
         !box_line(letter->box,
                   missing ? "X-Salvage-Gaps: %llu bytes of it are not known, and zeros\n"
                           : "X-Salvage-Gaps: some of it is not known\n",
                   (unsigned long long)missing)) ||
        !box_line(letter->box, "Content-Transfer-Encoding: base64\n\n"))
        return false;
    return (!value || heap_pieces(heap, value, file_piece, &base64)) && box_base64_end(&base64);
}

static bool put_inner(struct letter *letter, const struct heap *heap,
                      const struct heap_value *value)
{
    struct letter inner = {letter->tree, letter->box, letter->nid, letter->depth + 1, 0};
    bytes object = heap_bytes(heap, value, 64);
    uint32_t nid;
    uint64_t data = 0, sub = 0;
    if (!box_line(letter->box, "Content-Type: message/rfc822\n\n"))
        return false;
    if (inner.depth > DEPTH_MOST || !bytes_le32(object, 0, &nid) ||
        !tree_subnode_find(letter->tree, heap->sub, nid, &data, &sub)) {
        letter->tree->lost++;
        return box_line(letter->box, "Subject: [a letter that is lost]\n\n");
    }
    return letter_put(&inner, data, sub);
}

static bool put_file(struct letter *letter, const struct heap *heap)
{
    static const uint16_t names[] = {FILE_LONG_NAME, FILE_NAME, NAME};
    const struct heap_value *value = heap_find(heap, FILE_DATA);
    struct words name = first_of(heap, names, COUNT(names)),
                 type = words_of(heap, FILE_TYPE, 200);
    struct words id = words_of(heap, FILE_ID, 200);
    if (value && value->type == TYPE_OBJECT &&
        heap_number(heap, FILE_METHOD, 0) == METHOD_LETTER)
        return put_inner(letter, heap, value);
    for (size_t i = 0; i < type.text.len; i++)
        if (!ascii_alnum(type.text.at[i]) && !memchr("/-+._", type.text.at[i], 5))
            type.text.len = 0;
    return box_line(letter->box, "Content-Type: %.*s", type.text.len ? (int)type.text.len : 24,
                    type.text.len ? (const char *)type.text.at : "application/octet-stream") &&
           box_line(letter->box, "\nContent-Disposition: attachment") &&
           (!name.text.len ||
            (box_line(letter->box, ";") &&
             box_parameter(letter->box, "filename", name.text, name.charset))) &&
           box_line(letter->box, "\n") &&
           (!id.text.len ||
            (box_line(letter->box, "Content-ID: <") &&
             box_words(letter->box, id.text, id.charset) && box_line(letter->box, ">\n"))) &&
           put_data(letter, heap, value);
}

struct files {
    struct letter *letter;
    unsigned part;
    uint32_t count;
};

static bool count_file(void *to, uint32_t nid, uint64_t data, uint64_t sub)
{
    struct files *files = to;
    (void)data;
    (void)sub;
    files->count += (nid & TYPE_OF_NID) == NID_ATTACHMENT;
    return true;
}

static bool put_subnode(void *to, uint32_t nid, uint64_t data, uint64_t sub)
{
    struct files *files = to;
    struct tree *tree = files->letter->tree;
    struct arena *arena = tree->store->arena;
    struct arena_mark mark = arena_mark(arena);
    struct heap heap;
    if ((nid & TYPE_OF_NID) != NID_ATTACHMENT)
        return true;
    bool fine = true;
    if (heap_open(&heap, tree, data, sub, HEAP_PROPERTIES))
        fine =
            put_boundary(files->letter, files->part, false) && put_file(files->letter, &heap);
    else
        tree->lost++;
    arena_pop(arena, mark);
    return fine;
}

bool letter_put(struct letter *letter, uint64_t data, uint64_t sub)
{
    struct tree *tree = letter->tree;
    struct arena *arena = tree->store->arena;
    struct arena_mark mark = arena_mark(arena);
    struct files files = {.letter = letter};
    struct heap heap;
    bool fine = true;
    if (heap_open(&heap, tree, data, sub, HEAP_PROPERTIES)) {
        uint64_t lost = tree->lost;
        fine = tree_subnodes(tree, sub, count_file, &files);
        tree->lost = lost;
        fine = fine && put_headers(letter, &heap) &&
               (!files.count || (put_multipart(letter, "mixed", &files.part) &&
                                 put_boundary(letter, files.part, false))) &&
               put_bodies(letter, &heap) && tree_subnodes(tree, sub, put_subnode, &files) &&
               (!files.count || put_boundary(letter, files.part, true)) &&
               (letter->depth || box_line(letter->box, "\n"));
    } else {
        tree->lost++;
    }
    arena_pop(arena, mark);
    return fine;
}
