/* What comes out of a PDF: every stream as "obj N", decrypted and with its filters undone; the
 * scripts (/JS: a string, or a stream) as "obj N javascript"; embedded files by their names;
 * the parts of XFA forms as "obj N xfa"; and "[actions]", a text of what links, launches and
 * submissions name. */
#include "unpack/document/pdf.h"

#include "unpack/document/pdf_filter.h"
#include "unpack/document/pdf_lex.h"
#include "unpack/document/pdf_table.h"
#include "unpack/document/text.h"

#include <string.h>

enum { HEADER_WITHIN = 1024, TRAILERS_MAX = 256, NOTES_MAX = 64 };

bool pdf_probe(bytes data)
{
    bytes head = bytes_slice(data, 0, HEADER_WITHIN);
    for (;;) {
        const uint8_t *at = head.len >= 4 ? memchr(head.at, '%', head.len - 3) : NULL;
        if (!at)
            return false;
        if (memcmp(at, "%PDF", 4) == 0)
            return true;
        head = bytes_slice(head, (size_t)(at - head.at) + 1, head.len);
    }
}

/* Whether a text may have one of the names; looking for them is quicker than reading it. With a
 * '#' in it they may be written in many ways. */
static bool may_name(bytes text, const char *const *names, size_t count)
{
    if (text.len && memchr(text.at, '#', text.len))
        return true;
    for (size_t i = 0; i < count; i++)
        if (bytes_find(text, bytes_of(names[i]), 0) != SIZE_MAX)
            return true;
    return false;
}

/* --- roles: what other objects say of a stream --- */

static void role_set(const struct pdf *pdf, bytes value, enum pdf_role role, bytes name)
{
    uint32_t number;
    struct pdf_object *object = NULL;
    if (pdf_lex_reference(&value, &number))
        object = pdf_table_get(pdf, number);
    if (object && object->role == PDF_STREAM) {
        object->role = role;
        object->name = name;
    }
}

/* /EF << /F 9 0 R >> of a file specification, which has the name as /UF or /F. */
static void files_note(const struct pdf *pdf, const struct pdf_object *object, bytes dict,
                       bytes last)
{
    static const char *const keys[] = {"F", "UF", "DOS", "Mac", "Unix"};
    bytes value, name = last;
    if (!budget_charge(pdf->unpack->budget, object->body.len / 4))
        return;
    if (pdf_lex_find(object->body, "UF", &value) || pdf_lex_find(object->body, "F", &value)) {
        bytes text = pdf_table_string(pdf, object, value);
        name = text.len ? text : last;
    }
    for (size_t i = 0; i < COUNT(keys); i++)
        if (pdf_lex_find(dict, keys[i], &value))
            role_set(pdf, value, PDF_FILE, name);
}

/* /XFA is a stream, or an array of names and streams. */
static void form_note(const struct pdf *pdf, bytes value)
{
    bytes none = bytes_of("");
    role_set(pdf, value, PDF_FORM, none);
    if (pdf_lex(&value).kind != PDF_ARRAY)
        return;
    for (size_t before = 0; before != value.len;) { /* a bracket that ends it stays */
        before = value.len;
        role_set(pdf, value, PDF_FORM, none);
        pdf_lex_skip(&value);
        if (!budget_charge(pdf->unpack->budget, (before - value.len) / 4))
            return;
    }
}

static bytes object_name(const struct pdf *pdf, const struct pdf_object *object,
                         const char *what)
{
    return arena_printf(pdf->unpack->arena, "obj %u%s", object->number, what);
}

/* A script that is a string is a child at once; of one that is a stream the role is noted. */
static bool script_note(struct pdf *pdf, const struct pdf_object *object, bytes value)
{
    uint32_t number;
    bytes rest = value;
    const struct pdf_object *owner = object;
    role_set(pdf, value, PDF_SCRIPT, bytes_of(""));
    if (pdf_lex_reference(&rest, &number)) {
        owner = pdf_table_get(pdf, number);
        if (!owner || owner->stream_at)
            return true;
        value = owner->body;
    }
    bytes text = pdf_table_string(pdf, owner, value);
    return text.len == 0 ||
           unpack_view(pdf->unpack, object_name(pdf, object, " javascript"), text);
}

static bool roles_note(struct pdf *pdf, const struct pdf_object *object)
{
    static const char *const names[] = {"/JS", "/XFA", "/EF"};
    bytes rest = object->body, last = bytes_of("");
    unsigned notes = 0;
    struct pdf_token token;
    if (!budget_charge(pdf->unpack->budget, rest.len / 4 + 4))
        return false;
    if (!may_name(rest, names, COUNT(names)))
        return true;
    while ((token = pdf_lex(&rest)).kind != PDF_END) {
        if (token.kind != PDF_NAME)
            continue;
        if (pdf_lex_name_is(token.text, "JS") && !script_note(pdf, object, rest))
            return false;
        bool form = pdf_lex_name_is(token.text, "XFA"),
             file = pdf_lex_name_is(token.text, "EF") && pdf_lex_peek(rest).kind == PDF_DICT;
        if ((form || file) && ++notes == NOTES_MAX)
            unpack_gap(pdf->unpack, object_name(pdf, object, ""), GAP_LIMIT,
                       "more than %u files and forms in one object", NOTES_MAX);
        if (form && notes < NOTES_MAX)
            form_note(pdf, rest);
        if (file && notes < NOTES_MAX)
            files_note(pdf, object, rest, last);
        else if ((pdf_lex_name_is(token.text, "UF") || pdf_lex_name_is(token.text, "F")) &&
                 pdf_lex_peek(rest).kind == PDF_STRING)
            last = pdf_table_string(pdf, object, rest);
    }
    return true;
}

/* --- actions --- */

static bool is_action(bytes name)
{
    return pdf_lex_name_is(name, "Launch") || pdf_lex_name_is(name, "SubmitForm") ||
           pdf_lex_name_is(name, "GoToR") || pdf_lex_name_is(name, "GoToE") ||
           pdf_lex_name_is(name, "ImportData") || pdf_lex_name_is(name, "URI");
}

static bool is_target(bytes name)
{
    return pdf_lex_name_is(name, "F") || pdf_lex_name_is(name, "UF") ||
           pdf_lex_name_is(name, "P") || pdf_lex_name_is(name, "D") ||
           pdf_lex_name_is(name, "URI");
}

static bool action_put(struct pdf *pdf, const struct pdf_object *object, bytes action,
                       bytes key, bytes value)
{
    struct unpack *u = pdf->unpack;
    bytes text = pdf_table_string(pdf, object, value);
    if (text.len == 0)
        return true;
    if (!u->writing && !unpack_begin(u, bytes_of("[actions]")))
        return false;
    return text_put(u, "obj %u %.*s %.*s ", object->number,
                    (int)(action.len < 99 ? action.len : 99), (const char *)action.at,
                    (int)(key.len < 99 ? key.len : 99), (const char *)key.at) &&
           unpack_put(u, text) && text_put(u, "\n");
}

static bool actions_put(struct pdf *pdf, const struct pdf_object *object)
{
    static const char *const names[] = {"/Launch", "/SubmitForm", "/GoToR",
                                        "/GoToE",  "/ImportData", "/URI"};
    bytes rest = object->body, action = {NULL, 0};
    struct pdf_token token;
    struct arena_mark mark = arena_mark(pdf->unpack->arena);
    if (!budget_charge(pdf->unpack->budget, rest.len / 4 + 4))
        return false;
    if (!may_name(rest, names, COUNT(names)))
        return true;
    for (bytes look = rest; !action.at && (token = pdf_lex(&look)).kind != PDF_END;)
        if (token.kind == PDF_NAME && is_action(token.text))
            action = token.text;
    while (action.at && (token = pdf_lex(&rest)).kind != PDF_END) {
        if (token.kind != PDF_NAME)
            continue;
        if (is_action(token.text))
            action = token.text;
        enum pdf_kind next = pdf_lex_peek(rest).kind;
        if (is_target(token.text) && (next == PDF_STRING || next == PDF_HEX) &&
            !action_put(pdf, object, action, token.text, rest))
            return false;
    }
    arena_pop(pdf->unpack->arena, mark);
    return true;
}

/* --- encryption --- */

static bool crypt_try(struct pdf *pdf, bytes trailer)
{
    bytes encrypt, id = {NULL, 0}, value;
    if (!pdf_table_find(pdf, trailer, "Encrypt", &encrypt) ||
        pdf_lex_peek(encrypt).kind != PDF_DICT)
        return false;
    if (pdf_table_find(pdf, trailer, "ID", &value) && pdf_lex(&value).kind == PDF_ARRAY) {
        struct pdf_token token = pdf_lex(&value);
        if (token.kind == PDF_STRING || token.kind == PDF_HEX)
            id = pdf_lex_string(pdf->unpack->arena, &token);
    }
    pdf_crypt_open(&pdf->crypt, pdf->unpack, encrypt, id);
    return true;
}

/* The trailers are dictionaries behind the word, or those of cross-reference streams. */
static void crypt_find(struct pdf *pdf)
{
    static const bytes word = {(const uint8_t *)"trailer", 7};
    bytes value;
    unsigned tries = 0;
    for (uint32_t i = pdf->objects.n; i > 0; i--) {
        const struct pdf_object *object = &pdf->objects.at[i - 1];
        if (object->stream_at && pdf_lex_find(object->body, "Type", &value) &&
            pdf_lex_name_is(pdf_lex(&value).text, "XRef") && crypt_try(pdf, object->body))
            return;
    }
    for (size_t at = bytes_find(pdf->file, word, 0); at != SIZE_MAX;
         at = bytes_find(pdf->file, word, at + word.len)) {
        bytes trailer = bytes_slice(pdf->file, at + word.len, 1 << 16);
        if (++tries > TRAILERS_MAX || crypt_try(pdf, trailer))
            return;
    }
}

/* --- streams --- */

static bytes stream_decrypt(struct pdf *pdf, const struct pdf_object *object, bytes name,
                            bytes raw)
{
    struct unpack *u = pdf->unpack;

    enum { PART = 1 << 20 };

    if (!pdf->crypt.open || pdf->crypt.streams == PDF_PLAIN || raw.len == 0 ||
        pdf_filter_is_plain(object->body))
        return raw;
    if (!unpack_begin(u, name))
        return (bytes){NULL, 0};
    if (!unpack_put(u, raw))
        return unpack_keep(u);
    bytes kept = unpack_keep(u);
    uint8_t *at = u->run->region->at + (size_t)(kept.at - u->run->region->at);
    kept.len = pdf_crypt_run(&pdf->crypt, pdf->crypt.streams, object->number,
                             object->generation, kept, at);
    return kept;
}

static bool type_is(bytes body, const char *type)
{
    bytes value;
    return pdf_lex_find(body, "Type", &value) && pdf_lex_name_is(pdf_lex(&value).text, type);
}

static bool stream_open(struct pdf *pdf, const struct pdf_object *object, bytes *ret)
{
    struct unpack *u = pdf->unpack;
    bytes name = object->role == PDF_SCRIPT ? object_name(pdf, object, " javascript")
                 : object->role == PDF_FORM ? object_name(pdf, object, " xfa")
                 : object->role == PDF_FILE && object->name.len ? object->name
                                                                : object_name(pdf, object, "");
    bytes raw = pdf_table_stream(pdf, object, name);
    bool encrypted = pdf->crypt.encrypted && !type_is(object->body, "XRef") &&
                     (pdf->crypt.metadata || !type_is(object->body, "Metadata"));
    if (encrypted && !pdf->crypt.open && !pdf_filter_is_plain(object->body))
        return true; /* the gap is the whole document's */
    if (encrypted)
        raw = stream_decrypt(pdf, object, name, raw);
    *ret = pdf_filter_undo(u, name, object->body, raw);
    return !u->run->stopped && unpack_view(u, name, *ret);
}

static bool packed_open(struct pdf *pdf)
{
    uint32_t count = pdf->objects.n;
    for (uint32_t i = 0; i < count; i++) {
        struct pdf_object object = pdf->objects.at[i];
        bytes data = {NULL, 0};
        if (!object.stream_at || !type_is(object.body, "ObjStm"))
            continue;
        if (!stream_open(pdf, &object, &data) || !pdf_table_unpack(pdf, &object, data))
            return false;
    }
    return true;
}

static bool streams_open(struct pdf *pdf)
{
    struct unpack *u = pdf->unpack;
    for (uint32_t i = 0; i < pdf->objects.n; i++) {
        const struct pdf_object *object = &pdf->objects.at[i];
        struct arena_mark memory = arena_mark(u->arena);
        size_t mark = unpack_mark(u);
        bytes data;
        if (!object->stream_at || type_is(object->body, "ObjStm"))
            continue;
        if (!stream_open(pdf, object, &data))
            return false;
        unpack_release(u, mark);
        arena_pop(u->arena, memory);
    }
    return true;
}

static bool document_open(struct pdf *pdf)
{
    struct unpack *u = pdf->unpack;
    if (!pdf_table_scan(pdf) || !pdf_table_sort(pdf))
        return false;
    crypt_find(pdf);
    if (!packed_open(pdf) || !pdf_table_sort(pdf))
        return false;
    for (uint32_t i = 0; i < pdf->objects.n; i++)
        if (!roles_note(pdf, &pdf->objects.at[i]))
            return false;
    for (uint32_t i = 0; i < pdf->objects.n; i++)
        if (!actions_put(pdf, &pdf->objects.at[i]))
            return false;
    return (!u->writing || unpack_end(u)) && streams_open(pdf);
}

/* The mark that follows the last object. */
static bool has_end(const struct pdf *pdf)
{
    static const bytes mark = {(const uint8_t *)"%%EOF", 5};
    size_t last = 0;
    for (uint32_t i = pdf->objects.n; last == 0 && i > 0; i--)
        if (!pdf->objects.at[i - 1].packed)
            last = (size_t)(pdf->objects.at[i - 1].body.at - pdf->file.at);
    return bytes_find(pdf->file, mark, last) != SIZE_MAX;
}

/* Texts out of a document that hold one again would grow from level to level. */
static bool is_own_text(const struct unpack *unpack)
{
    return unpack->up && unpack->up->format == unpack->format &&
           bytes_equal(unpack->name, bytes_of("[actions]"));
}

void pdf_open(struct unpack *unpack)
{
    struct pdf pdf = {.unpack = unpack, .file = unpack->data};
    if (is_own_text(unpack))
        return;
    if (!document_open(&pdf) && !unpack->run->stopped) {
        if (unpack->writing)
            unpack_drop(unpack);
        unpack_gap(unpack, bytes_of(""), GAP_LIMIT, "too much work or memory");
    } else if (pdf.objects.n == 0 && memcmp(unpack->data.at, "%PDF", 4) != 0) {
        return; /* a text that speaks of PDF */
    } else if (pdf.objects.n == 0) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "no objects");
    } else if (!unpack->run->stopped && !has_end(&pdf)) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the end of the document is missing");
    }
}
