/* Headers: those that the letter came with, else made of its properties and of its table of
 * recipients ([MS-PST] 2.4.5.3, a subnode of a fixed number). */
#include "rescue/salvage/mail/letterhead.h"

enum {
    TEXT_MOST = 64 << 10, /* of a header */
    HEADERS_MOST = 512 << 10,
    RECIPIENTS = 0x692,
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
    MESSAGE_ID = 0x1035,
    REFERENCES = 0x1039,
    REPLY_TO_ID = 0x1042,
    NAME = 0x3001,
    ADDRESS = 0x3003,
    CREATED = 0x3007,
    SMTP_ADDRESS = 0x39fe,
    PAGE = 0x3ffd,
    SENDER_SMTP = 0x5d01,
};

/* --- values --- */

const char *letterhead_charset(const struct heap *heap)
{
    const char *name = box_charset(heap_number(heap, PAGE, 1252));
    return name ? name : "windows-1252";
}

struct letter_words letterhead_words(const struct heap *heap, uint16_t id, uint32_t most)
{
    const struct heap_value *value = heap_find(heap, id);
    struct letter_words words = {{NULL, 0}, "utf-8"};
    if (!value || (value->type != TYPE_TEXT && value->type != TYPE_TEXT8))
        return words;
    words.text = heap_bytes(heap, value, most);
    if (value->type == TYPE_TEXT)
        words.text = box_utf8(heap->tree->store->arena, words.text);
    else
        words.charset = letterhead_charset(heap);
    if (id == SUBJECT && words.text.len >= 2 && words.text.at[0] == 1)
        words.text =
            bytes_slice(words.text, 2, SIZE_MAX); /* how long the prefix is, as "RE: " */
    return words;
}

struct letter_words letterhead_first(const struct heap *heap, const uint16_t *ids, size_t n)
{
    struct letter_words words = {{NULL, 0}, "utf-8"};
    for (size_t i = 0; i < n && !words.text.len; i++)
        words = letterhead_words(heap, ids[i], TEXT_MOST);
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

/* Those it came with, but for those of its form; which of the important ones
 * there were. */
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

static bool put_header(struct letter *letter, const char *name, struct letter_words words)
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
static bool put_person(struct letter *letter, struct letter_words name,
                       struct letter_words address)
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
               put_person(people->letter, letterhead_words(row, NAME, TEXT_MOST),
                          letterhead_first(row, addresses, COUNT(addresses)));
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
        if (!people.count &&
            !put_header(letter, names[i], letterhead_words(heap, shown[i], TEXT_MOST)))
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
    struct letter_words name = letterhead_first(heap, names, COUNT(names));
    struct letter_words address = letterhead_first(heap, addresses, COUNT(addresses));
    if (!(has & HAS_FROM) && (name.text.len || address.text.len) &&
        !(box_line(box, "From: ") && put_person(letter, name, address) && box_line(box, "\n")))
        return false;
    if (!(has & HAS_TO) && !put_recipients(letter, heap))
        return false;
    if (!(has & HAS_SUBJECT) &&
        !put_header(letter, "Subject", letterhead_words(heap, SUBJECT, TEXT_MOST)))
        return false;
    if (!(has & HAS_DATE) &&
        (heap_time(heap, SUBMITTED, &time) || heap_time(heap, DELIVERED, &time) ||
         heap_time(heap, CREATED, &time))) {
        box_date(time, false, date, sizeof date);
        if (!box_line(box, "Date: %s\n", date))
            return false;
    }
    return (has & HAS_ID) ||
           (put_header(letter, "Message-ID", letterhead_words(heap, MESSAGE_ID, TEXT_MOST)) &&
            put_header(letter, "In-Reply-To", letterhead_words(heap, REPLY_TO_ID, TEXT_MOST)) &&
            put_header(letter, "References", letterhead_words(heap, REFERENCES, TEXT_MOST)));
}

bool letterhead_put(struct letter *letter, const struct heap *heap, bool lost)
{
    char date[64];
    uint64_t time = 0;
    unsigned has;
    if (!heap_time(heap, DELIVERED, &time) && !heap_time(heap, SUBMITTED, &time))
        time = 0;
    box_date(time, true, date, sizeof date);
    if (!letter->depth && !box_line(letter->box, "From MAILER-DAEMON %s\n", date))
        return false;
    struct letter_words class = letterhead_words(heap, CLASS, TEXT_MOST);
    if (lost && !box_line(letter->box, "Subject: [the properties of this letter are lost]\n"))
        return false;
    return put_own_headers(letter, letterhead_words(heap, HEADERS, HEADERS_MOST).text, &has) &&
           put_made_headers(letter, heap, has) &&
           (bytes_is(class.text, "IPM.Note") || lost ||
            put_header(letter, "X-Message-Class", class)) &&
           box_line(letter->box, "MIME-Version: 1.0\n");
}
