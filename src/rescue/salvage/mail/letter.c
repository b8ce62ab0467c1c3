/* Messages ([MS-PST] 2.4.5): properties; subnodes 0x692 a table of recipients,
 * and those whose number ends in 5 (of 5 bits) attachments, with properties and
 * subnodes of their own. */
#include "rescue/salvage/mail/details.h"
#include "rescue/salvage/mail/letterhead.h"

#include <stdio.h>
#include <string.h>

enum {
    DEPTH_MOST = 6,
    TYPE_OF_NID = 31,
    NID_LETTER = 4,
    NID_ATTACHMENT = 5,
    NID_VALUE = 31, /* of a property, too long for the heap */
    LOOK = 64,
    METHOD_LETTER = 5, /* how it is attached */
};

enum property {
    BODY = 0x1000,
    HTML = 0x1013,
    NAME = 0x3001,
    FILE_DATA = 0x3701,
    FILE_NAME = 0x3704,
    FILE_METHOD = 0x3705,
    FILE_LONG_NAME = 0x3707,
    FILE_TYPE = 0x370e,
    FILE_ID = 0x3712,
    INTERNET_PAGE = 0x3fde,
};

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
                     const struct heap_value *value, const char *type, bool details)
{
    struct text text = {.wide = {.quoted = {.box = letter->box}},
                        .wide_text = value && value->type == TYPE_TEXT};
    const char *charset = !value || text.wide_text ? "utf-8"
                          : value->type == TYPE_BINARY
                              ? box_charset(heap_number(heap, INTERNET_PAGE, 0))
                              : letterhead_charset(heap);
    if (!box_line(letter->box, "Content-Type: %s%s%s\n", type, charset ? "; charset=" : "",
                  charset ? charset : "") ||
        !box_line(letter->box, "Content-Transfer-Encoding: quoted-printable\n\n"))
        return false;
    return (!details || details_put(letter->names, heap, &text.wide.quoted)) &&
           (!value || heap_pieces(heap, value, text_piece, &text)) &&
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
        return put_body(letter, heap, text, "text/plain", true);
    if (!text)
        return put_body(letter, heap, html, "text/html", false);
    return put_multipart(letter, "alternative", &part) && put_boundary(letter, part, false) &&
           put_body(letter, heap, text, "text/plain", true) &&
           put_boundary(letter, part, false) &&
           put_body(letter, heap, html, "text/html", false) && put_boundary(letter, part, true);
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
    struct letter inner = {.tree = letter->tree,
                           .box = letter->box,
                           .names = letter->names,
                           .nid = letter->nid,
                           .depth = letter->depth + 1};
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
    struct letter_words name = letterhead_first(heap, names, COUNT(names)),
                        type = letterhead_words(heap, FILE_TYPE, 200);
    struct letter_words id = letterhead_words(heap, FILE_ID, 200);
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
    const struct heap *heap;
    bool lost; /* the properties are: long texts and letters are found among the subnodes */
    unsigned depth;
};

static bool is_file(const struct files *files, uint32_t nid)
{
    uint32_t type = nid & TYPE_OF_NID;
    return type == NID_ATTACHMENT ||
           (files->lost && (type == NID_VALUE || (type == NID_LETTER && files->depth)));
}

struct look {
    uint8_t head[LOOK];
    size_t n;
};

static bool look_piece(void *to, bytes data, uint64_t gap)
{
    struct look *look = to;
    (void)gap;
    look->n = data.len < sizeof look->head ? data.len : sizeof look->head;
    if (look->n)
        memcpy(look->head, data.at, look->n);
    return !look->n;
}

/* How the data begin, as far as they are there. */
static struct look look_at(struct tree *tree, uint64_t data)
{
    struct look look = {.n = 0};
    uint64_t lost = tree->lost;
    bool before = tree->look;
    tree->look = true;
    (void)!tree_data(tree, data, look_piece, &look);
    tree->look = before;
    tree->lost = lost;
    return look;
}

static bool count_file(void *to, uint32_t nid, uint64_t data, uint64_t sub)
{
    struct files *files = to;
    files->count += is_file(files, nid) &&
                    (!files->lost || sub || look_at(files->letter->tree, data).n > 0);
    return true;
}

/* A value of which it is not known what it is: text and HTML are told by how they begin. */
static bool put_value(struct files *files, uint32_t nid, struct look look)
{
    struct heap_value value = {.type = TYPE_BINARY, .value = nid};
    size_t zeros = 0;
    for (size_t i = 1; i < look.n; i += 2)
        zeros += !look.head[i];
    if (zeros * 3 > look.n)
        value.type = TYPE_TEXT;
    if (value.type == TYPE_TEXT || (look.n && look.head[0] == '<'))
        return put_body(files->letter, files->heap, &value,
                        value.type == TYPE_TEXT ? "text/plain" : "text/html", false);
    return box_line(files->letter->box,
                    "Content-Type: application/octet-stream\nContent-Disposition: attachment; "
                    "filename=\"value-%x.bin\"\n",
                    nid >> 5) &&
           put_data(files->letter, files->heap, &value);
}

static bool put_subnode(void *to, uint32_t nid, uint64_t data, uint64_t sub);

/* What is left of an attachment whose properties are lost. */
static bool put_remains(struct files *files, uint64_t sub)
{
    struct heap heap = {.tree = files->letter->tree, .sub = sub};
    struct files inner = {.letter = files->letter,
                          .part = files->part,
                          .heap = &heap,
                          .lost = true,
                          .depth = files->depth + 1};
    files->letter->tree->lost++;
    return inner.depth > DEPTH_MOST ||
           tree_subnodes(files->letter->tree, sub, put_subnode, &inner);
}

static bool put_remaining_letter(struct files *files, uint64_t data, uint64_t sub)
{
    struct letter inner = {.tree = files->letter->tree,
                           .box = files->letter->box,
                           .names = files->letter->names,
                           .nid = files->letter->nid,
                           .depth = files->letter->depth + 1};
    return inner.depth > DEPTH_MOST ||
           (put_boundary(files->letter, files->part, false) &&
            box_line(inner.box, "Content-Type: message/rfc822\n\n") &&
            letter_put(&inner, data, sub));
}

static bool put_subnode(void *to, uint32_t nid, uint64_t data, uint64_t sub)
{
    struct files *files = to;
    struct tree *tree = files->letter->tree;
    struct arena *arena = tree->store->arena;
    struct arena_mark mark = arena_mark(arena);
    struct heap heap;
    uint32_t type = nid & TYPE_OF_NID;
    bool fine = true;
    if (!is_file(files, nid))
        return true;
    if (type == NID_LETTER) {
        fine = put_remaining_letter(files, data, sub);
    } else if (type == NID_VALUE) {
        struct look look = look_at(tree, data);
        tree->lost += !look.n;
        fine = !look.n ||
               (put_boundary(files->letter, files->part, false) && put_value(files, nid, look));
    } else if (heap_open(&heap, tree, data, sub, HEAP_PROPERTIES)) {
        fine =
            put_boundary(files->letter, files->part, false) && put_file(files->letter, &heap);
    } else {
        fine = put_remains(files, sub);
    }
    arena_pop(arena, mark);
    return fine;
}

static bool put_all(struct letter *letter, struct files *files, uint64_t sub)
{
    const struct heap *heap = files->heap;
    return letterhead_put(letter, heap, files->lost) &&
           (!files->count || (put_multipart(letter, "mixed", &files->part) &&
                              (files->lost || put_boundary(letter, files->part, false)))) &&
           ((files->lost && files->count) || put_bodies(letter, heap)) &&
           tree_subnodes(letter->tree, sub, put_subnode, files) &&
           (!files->count || put_boundary(letter, files->part, true)) &&
           (letter->depth || box_line(letter->box, "\n"));
}

bool letter_put(struct letter *letter, uint64_t data, uint64_t sub)
{
    struct tree *tree = letter->tree;
    struct arena *arena = tree->store->arena;
    struct arena_mark mark = arena_mark(arena);
    struct heap heap;
    struct files files = {.letter = letter, .heap = &heap};
    files.lost = !heap_open(&heap, tree, data, sub, HEAP_PROPERTIES);
    if (files.lost) {
        heap.value_count = 0;
        tree->lost++;
    }
    uint64_t lost = tree->lost;
    bool fine = tree_subnodes(tree, sub, count_file, &files);
    tree->lost = lost;
    letter->any = !files.lost || files.count;
    fine = fine && (!letter->any || put_all(letter, &files, sub));
    arena_pop(arena, mark);
    return fine;
}

bool letter_put_file(struct letter *letter, uint64_t data, uint64_t sub)
{
    struct tree *tree = letter->tree;
    struct arena_mark mark = arena_mark(tree->store->arena);
    struct heap heap;
    char date[64];
    unsigned part;
    box_date(0, true, date, sizeof date);
    letter->any = heap_open(&heap, tree, data, sub, HEAP_PROPERTIES);
    bool fine =
        !letter->any || (box_line(letter->box,
                                  "From MAILER-DAEMON %s\nSubject: [an attachment whose letter "
                                  "is lost]\nMIME-Version: 1.0\n",
                                  date) &&
                         put_multipart(letter, "mixed", &part) &&
                         put_boundary(letter, part, false) && put_file(letter, &heap) &&
                         put_boundary(letter, part, true) && box_line(letter->box, "\n"));
    arena_pop(tree->store->arena, mark);
    return fine;
}
