/* One pass over the text, of whatever language it is, makes the folded form: strings that are
 * put together become one, escapes of printable characters and character codes become
 * characters, the carets of batch files and the backticks of PowerShell go, lines that are
 * continued are joined. It is handed out as "[script]" when that changed anything.
 *
 * Base64 that is decoded by a call, run by "-EncodedCommand", or decodes to UTF-16 or to a
 * compressed stream is handed out as "[base64 N]", "[command N]", "[inflated N]". */
#include "unpack/mail/script.h"

#include "shim/stream.h"
#include "unpack/mail/literal.h"
#include "unpack/mail/text.h"
#include "unpack/mail/transfer.h"
#include "unpack/mail/words.h"

#include <string.h>

enum {
    HEAD = 512,
    FOLDED_TWICE = 4, /* forms of forms */
    PAYLOAD_MIN = 16, /* characters of base64 in a call */
    BARE_MIN = 40,    /* in a string */
    PAYLOADS_MAX = 4096,
    COMMAND_MIN = 16,
};

struct payload {
    bytes body;
    bool command;
};

struct fold {
    struct unpack *unpack;
    struct writer out;
    bytes in;
    size_t at, kept; /* up to where it was read, and written */
    enum script script;
    unsigned changes;
    size_t unclosed[2]; /* no closing " and ' before here */
    bool no_comment_end, looked;
    bool inflates; /* the script names a decompressor, if looked */
    VEC(struct payload) payloads;
};

/* --- which texts are scripts --- */

static const struct {
    const char *end;
    enum script script;
} endings[] = {
    {".js", SCRIPT_JS},     {".jse", SCRIPT_JS},      {".mjs", SCRIPT_JS},
    {".cjs", SCRIPT_JS},    {".hta", SCRIPT_JS},      {".wsf", SCRIPT_JS},
    {".wsc", SCRIPT_JS},    {".sct", SCRIPT_JS},      {".php", SCRIPT_JS},
    {".phtml", SCRIPT_JS},  {".asp", SCRIPT_VBS},     {".aspx", SCRIPT_JS},
    {".jsp", SCRIPT_JS},    {".vbs", SCRIPT_VBS},     {".vbe", SCRIPT_VBS},
    {".vba", SCRIPT_VBS},   {".bas", SCRIPT_VBS},     {".cls", SCRIPT_VBS},
    {".ps1", SCRIPT_POWER}, {".psm1", SCRIPT_POWER},  {".psd1", SCRIPT_POWER},
    {".bat", SCRIPT_BATCH}, {".cmd", SCRIPT_BATCH},   {".py", SCRIPT_OTHER},
    {".pyw", SCRIPT_OTHER}, {".sh", SCRIPT_OTHER},    {".pl", SCRIPT_OTHER},
    {".rb", SCRIPT_OTHER},  {"[scripts]", SCRIPT_JS}, {"[javascript]", SCRIPT_JS},
};

static const struct {
    const char *start;
    enum script script;
} beginnings[] = {
    {"var ", SCRIPT_JS},
    {"function", SCRIPT_JS},
    {"(function", SCRIPT_JS},
    {"!function", SCRIPT_JS},
    {"eval(", SCRIPT_JS},
    {"try{", SCRIPT_JS},
    {"try {", SCRIPT_JS},
    {"window.", SCRIPT_JS},
    {"document.", SCRIPT_JS},
    {"let ", SCRIPT_JS},
    {"wscript", SCRIPT_JS},
    {"<?php", SCRIPT_JS},
    {"dim ", SCRIPT_VBS},
    {"on error ", SCRIPT_VBS},
    {"option explicit", SCRIPT_VBS},
    {"sub ", SCRIPT_VBS},
    {"private sub", SCRIPT_VBS},
    {"attribute vb_", SCRIPT_VBS},
    {"execute", SCRIPT_VBS},
    {"createobject", SCRIPT_VBS},
    {"rem ", SCRIPT_BATCH},
    {"@echo", SCRIPT_BATCH},
    {"@powershell", SCRIPT_BATCH},
    {"cmd", SCRIPT_BATCH},
    {"powershell", SCRIPT_POWER},
    {"iex", SCRIPT_POWER},
    {"param(", SCRIPT_POWER},
    {"invoke-", SCRIPT_POWER},
    {"[system.", SCRIPT_POWER},
    {"start-", SCRIPT_POWER},
    {"add-type", SCRIPT_POWER},
    {"set-", SCRIPT_POWER},
    {"new-object", SCRIPT_POWER},
    {"$", SCRIPT_POWER},
    {"sal ", SCRIPT_POWER},
    {"&(", SCRIPT_POWER},
    {"#!", SCRIPT_OTHER},
    {"set ", SCRIPT_BATCH},
    {"import ", SCRIPT_OTHER},
    {"exec(", SCRIPT_OTHER},
};

static enum script script_by_name(bytes name)
{
    for (size_t i = 0; i < COUNT(endings); i++) {
        size_t size = strlen(endings[i].end);
        if (name.len >= size &&
            words_same(bytes_slice(name, name.len - size, size), endings[i].end))
            return endings[i].script;
    }
    return 0;
}

static enum script script_of(const struct unpack *unpack)
{
    enum script script = script_by_name(unpack->name);
    /* "[utf-8]" and the like are named after what they were found in. */
    bytes name = unpack->name;
    for (const struct unpack *up = unpack->up; !script && up && name.len && name.at[0] == '[';
         up = up->up)
        script = script_by_name(name = up->name);
    bytes head = words_trim(bytes_slice(unpack->data, 0, HEAD));
    if (bytes_has(head, 0, 3) && memcmp(head.at, "\xef\xbb\xbf", 3) == 0)
        head = bytes_slice(head, 3, head.len);
    for (size_t i = 0; !script && i < COUNT(beginnings); i++)
        if (words_start(head, beginnings[i].start))
            script = beginnings[i].script;
    return script;
}

/* --- payloads --- */

static bool wide_text(bytes head)
{
    if (head.len < 8)
        return false;
    for (size_t i = 0; i < 8; i += 2)
        if (head.at[i + 1] != 0 || head.at[i] < '\t' || head.at[i] >= 0x7f)
            return false;
    return true;
}

static bool names_inflate(struct fold *fold)
{
    static const char *const names[] = {"deflatestream", "gzinflate", "zlib", "gzuncompress"};
    for (size_t i = 0; i < COUNT(names) && !fold->looked && !fold->inflates; i++)
        fold->inflates = words_find(fold->in, names[i], 0) != SIZE_MAX;
    fold->looked = true;
    return fold->inflates;
}

/* Whether a string is base64 worth decoding. */
static bool is_payload(struct fold *fold, bytes body, bool decoded)
{
    uint8_t head[12];
    size_t least = decoded ? PAYLOAD_MIN : BARE_MIN;
    if (body.len < least)
        return false;
    for (size_t i = 0; i < least; i++)
        if (base64_value(body.at[i]) > 63 && body.at[i] != '=')
            return false;
    struct base64 state = {.in = bytes_slice(body, 0, 16)};
    bytes view = {head, base64_decode(&state, head, sizeof head)};
    /* Long ones that carry something known come out of any text. */
    if (text_carries(view) && body.len >= 200)
        return false;
    return decoded || wide_text(view) || text_carries(view) || names_inflate(fold);
}

static void add_payload(struct fold *fold, bytes body, bool command)
{
    if (fold->payloads.n && fold->payloads.at[fold->payloads.n - 1].body.at == body.at)
        return;
    struct payload *added =
        fold->payloads.n < PAYLOADS_MAX ? vec_push(fold->unpack->arena, &fold->payloads) : NULL;
    if (added)
        *added = (struct payload){body, command};
}

/* "-e", "-enc", "-EncodedCommand" and a run of base64. */
static void command_at(struct fold *fold, size_t mark)
{
    static const char whole[] = "encodedcommand";
    bytes rest = bytes_slice(fold->in, mark + 1, sizeof whole);
    size_t n = 0;
    while (n < rest.len && n < sizeof whole - 1 && ascii_lower(rest.at[n]) == (uint8_t)whole[n])
        n++;
    if (n == 1 && rest.len > 1 && ascii_lower(rest.at[1]) == 'c')
        n = 2;
    size_t at = mark + 1 + n;
    size_t from = literal_skip(fold->in, at);
    if (n == 0 || from == at)
        return;
    if (from < fold->in.len && (fold->in.at[from] == '"' || fold->in.at[from] == '\''))
        from++;
    size_t to = from;
    while (to < fold->in.len && base64_value(fold->in.at[to]) < 64)
        to++;
    if (to - from >= COMMAND_MIN)
        add_payload(fold, words_part(fold->in, from, to), true);
}

/* --- folding --- */

/* Writes what was read and is to stay as it is. */
static void flush_kept(struct fold *fold)
{
    writer_put(&fold->out, words_part(fold->in, fold->kept, fold->at));
    fold->kept = fold->at;
}

/* A literal, when its quote closes: where it did not close, it is not looked for again. */
static bool literal_at(struct fold *fold, size_t at, struct literal *ret)
{
    uint8_t c = at < fold->in.len ? fold->in.at[at] : 0;
    size_t *unclosed = c == '"' ? &fold->unclosed[0] : c == '\'' ? &fold->unclosed[1] : NULL;
    if (unclosed && at < *unclosed)
        return false;
    if (literal_read(fold->in, at, ret))
        return true;
    if (unclosed) {
        const uint8_t *end = memchr(fold->in.at + at, '\n', fold->in.len - at);
        *unclosed = end ? (size_t)(end - fold->in.at) : fold->in.len;
    }
    return false;
}

/* Where the next operand stands, if one is put together with what ends at `at`; 0 if not. */
static size_t joined_at(const struct fold *fold, size_t at, bool *ret_plain)
{
    bytes in = fold->in;
    size_t mark = literal_skip(in, at);
    uint8_t c = mark < in.len ? in.at[mark] : 0;
    if ((c != '+' && c != '&' && c != '.') || mark + 1 >= in.len || in.at[mark + 1] == c ||
        in.at[mark + 1] == '=')
        return 0;
    size_t next = literal_skip(in, mark + 1);
    /* On the next line it is how people write long strings. */
    *ret_plain = memchr(in.at + at, '\n', next - at) != NULL;
    return next;
}

/* Command lines in a string. */
static void commands_in(struct fold *fold, bytes body)
{
    const uint8_t *end = body.at + body.len;
    for (const uint8_t *at = body.at; at < end; at++) {
        at = memchr(at, '-', (size_t)(end - at));
        if (!at)
            return;
        command_at(fold, (size_t)(at - fold->in.at));
    }
}

/* A string in quotes with nothing to resolve in it. */
static bool is_simple(const struct fold *fold, const struct literal *literal)
{
    bytes body = literal->body;
    return literal->form == LITERAL_QUOTED && !(body.len && memchr(body.at, '\\', body.len)) &&
           !(body.len && fold->script == SCRIPT_POWER && memchr(body.at, '`', body.len));
}

/* A literal and all that is put together with it. */
static void put_literals(struct fold *fold, struct literal *literal)
{
    uint8_t quote = literal->quote;
    bool plain = false, first = true;
    struct literal next_one = *literal;
    size_t next;
    do {
        *literal = next_one;
        if (literal->form == LITERAL_QUOTED && is_payload(fold, literal->body, false))
            add_payload(fold, literal->body, false);
        if (literal->form == LITERAL_QUOTED && literal->body.len > COMMAND_MIN)
            commands_in(fold, literal->body);
        bool was_plain = plain;
        next = joined_at(fold, literal->end, &plain);
        if (next && !literal_at(fold, next, &next_one))
            next = 0;
        if (first && !next && is_simple(fold, literal)) {
            fold->at = literal->end;
            return;
        }
        if (first) {
            flush_kept(fold);
            writer_byte(&fold->out, quote);
        }
        fold->changes += literal_put(&fold->out, fold->unpack->arena, literal, fold->script);
        fold->changes += !first && !was_plain;
        first = false;
        fold->at = literal->end;
    } while (next);
    writer_byte(&fold->out, quote);
    fold->kept = fold->at;
}

/* An escape outside of strings; true when there was one. */
static bool take_escape(struct fold *fold, uint8_t c)
{
    bytes in = fold->in;
    size_t next = fold->at + 1;
    bool escapes = (c == '^' && fold->script == SCRIPT_BATCH) ||
                   (c == '`' && fold->script == SCRIPT_POWER);
    if (escapes && next < in.len) {
        bool line = words_eol(in.at[next]);
        flush_kept(fold);
        if (line)
            next += in.at[next] == '\r' && next + 1 < in.len && in.at[next + 1] == '\n' ? 2 : 1;
        fold->changes += line || ascii_alnum(in.at[next]);
        fold->kept = next;
        fold->at = line ? next : next + 1;
        return true;
    }
    if (c == '\\' && fold->script == SCRIPT_JS && next < in.len && in.at[next] == 'u') {
        const struct literal one = {.body = bytes_slice(in, fold->at, 6)};
        flush_kept(fold);
        fold->changes += literal_put(&fold->out, fold->unpack->arena, &one, fold->script);
        fold->at += one.body.len;
        fold->kept = fold->at;
        return true;
    }
    return false;
}

/* Past a comment. */
static bool take_comment(struct fold *fold, uint8_t c)
{
    bytes in = fold->in;
    uint8_t next = fold->at + 1 < in.len ? in.at[fold->at + 1] : 0;
    const uint8_t *end = NULL;
    if (c == '/' && next == '*' && fold->script == SCRIPT_JS) {
        if (!fold->no_comment_end)
            end = memmem(in.at + fold->at, in.len - fold->at, "*/", 2);
        fold->no_comment_end = !end;
        if (!end)
            return false;
    } else if ((c == '/' && next == '/' && fold->script == SCRIPT_JS &&
                (fold->at == 0 || in.at[fold->at - 1] != ':')) ||
               (c == '\'' && fold->script == SCRIPT_VBS)) {
        end = memchr(in.at + fold->at, '\n', in.len - fold->at);
    } else {
        return false;
    }
    fold->at = end ? (size_t)(end - in.at) : in.len;
    return true;
}

/* A word with dots: a call that is a literal, a call that decodes base64, or just itself. */
static void take_word(struct fold *fold)
{
    bytes in = fold->in, argument;
    size_t i = fold->at, last = i;
    struct literal literal;
    while (i < in.len && (literal_word_char(in.at[i]) || in.at[i] == '.'))
        if (in.at[i++] == '.')
            last = i;
    size_t open = i < in.len && in.at[i] == ' ' ? literal_skip(in, i) : i;
    bool calls =
        open < in.len && in.at[open] == '(' && memchr("fcudrabFCUDRAB", in.at[last], 14);
    if (calls && literal_at(fold, fold->at, &literal)) {
        put_literals(fold, &literal);
        return;
    }
    if (calls && literal_base64_call(in, fold->at, &argument) &&
        is_payload(fold, argument, true))
        add_payload(fold, argument, false);
    fold->at = i;
}

/* Characters at which fold_one has something to look at. */
static const uint8_t signs[256] = {
    ['"'] = 1, ['\''] = 1, ['['] = 1,         ['-'] = 1,         ['/'] = 1,         ['`'] = 1,
    ['^'] = 1, ['\\'] = 1, ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
};

static void fold_one(struct fold *fold, uint8_t c)
{
    struct literal literal;
    if (ascii_alnum(c)) {
        take_word(fold);
        return;
    }
    if (take_comment(fold, c) || take_escape(fold, c))
        return;
    if ((c == '"' || c == '\'' || c == '[') && literal_at(fold, fold->at, &literal)) {
        put_literals(fold, &literal);
        return;
    }
    if (c == '-' || c == '/')
        command_at(fold, fold->at);
    do {
        fold->at++;
    } while (fold->at < fold->in.len && !signs[fold->in.at[fold->at]]);
}

/* --- handing out --- */

static unsigned folded_before(const struct unpack *unpack)
{
    unsigned count = 0;
    for (; unpack; unpack = unpack->up)
        count += bytes_is(unpack->name, "[script]");
    return count;
}

static bool put_inflated(struct unpack *unpack, bytes packed, unsigned number)
{
    static const enum stream_kind kinds[] = {STREAM_DEFLATE, STREAM_ZLIB};

    for (size_t i = 0; i < COUNT(kinds); i++) {
        enum stream_state state = STREAM_MORE;
        struct stream *stream = stream_new(kinds[i]);
        bytes in = packed, name = arena_printf(unpack->arena, "[inflated %u]", number);
        if (!stream || !unpack_begin(unpack, name.at ? name : bytes_of("[inflated]"))) {
            stream_free(stream);
            return false;
        }
        while (state == STREAM_MORE) {
            size_t room, wrote = 0;
            uint8_t *at = unpack_room(unpack, &room);
            state = at ? stream_run(stream, &in, at, room, &wrote) : STREAM_TOO_LARGE;
            if (!unpack_wrote(unpack, wrote) || (wrote == 0 && !in.len))
                break;
        }
        stream_free(stream);
        if (unpack->run->stopped)
            return false;
        if (state == STREAM_END && unpack_written(unpack).len)
            return unpack_end(unpack);
        unpack_drop(unpack);
    }
    return true;
}

static bool put_payload(struct fold *fold, const struct payload *payload, unsigned number)
{
    struct unpack *unpack = fold->unpack;
    bytes name =
        arena_printf(unpack->arena, payload->command ? "[command %u]" : "[base64 %u]", number);
    if (!unpack_begin(unpack, name.at ? name : bytes_of("[base64]")) ||
        !transfer_put(unpack, TRANSFER_BASE64, payload->body) || !unpack_end(unpack))
        return false;
    bytes raw = {NULL, 0};
    if (names_inflate(fold))
        raw = transfer_copy(unpack->arena, TRANSFER_BASE64, payload->body, payload->body.len);
    return !raw.len || put_inflated(unpack, raw, number);
}

void script_open(struct unpack *unpack)
{
    struct fold fold = {.unpack = unpack, .out = {.unpack = unpack}, .in = unpack->data};
    unsigned before = folded_before(unpack);
    fold.script = script_of(unpack);
    if (!fold.script || !budget_charge(unpack->budget, unpack->data.len) ||
        (!words_start(unpack->data, "#@~^") && !screnc_open_all(unpack, unpack->data)) ||
        !unpack_begin(unpack, bytes_of("[script]")))
        return;
    while (fold.at < fold.in.len && !fold.out.full)
        fold_one(&fold, fold.in.at[fold.at]);
    flush_kept(&fold);
    if (!writer_flush(&fold.out))
        return;
    bool changed = fold.changes > 0 && before < FOLDED_TWICE;
    if (!changed)
        unpack_drop(unpack);
    else if (!unpack_end(unpack))
        return;
    if (!changed && fold.payloads.n == PAYLOADS_MAX)
        unpack_gap(unpack, bytes_of(""), GAP_LIMIT, "not all encoded strings are examined");
    /* They are in the folded form too, and more of them. */
    for (uint32_t i = 0; !changed && i < fold.payloads.n; i++)
        if (!put_payload(&fold, &fold.payloads.at[i], i + 1))
            return;
}
