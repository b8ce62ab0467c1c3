/* Calls whose outcome is known without running anything:
 *
 *   unescape("..")                     the text
 *   eval("..")                         what the text says, as code
 *   dF("..")                           scriptasylum.com's encoder: the text is shifted by its
 * last digit; the code follows at the end
 *   function(p,a,c,..){..}("..",62,n,"a|b|..".split("|"),..)
 *                                      Dean Edwards' packer: words numbered in base `a` */
#include "unpack/normal/script_state.h"

#include <string.h>

enum {
    PARAMETERS = 6,
    PACKER = 13, /* tokens that one has at least */
};

/* What takes the place of tokens `from` to `to`, or comes at the end instead of them. */
struct outcome {
    bytes code;
    uint32_t from, to;
    bool at_end;
};

static bool is_kind(const struct script *script, size_t i, enum script_kind kind)
{
    return i < script->tokens.n && script->tokens.at[i].kind == kind;
}

static bool calls(const struct script *script, size_t i, const char *name)
{
    return i + 2 < script->tokens.n && is_kind(script, i, SCRIPT_NAME) &&
           bytes_is(script->tokens.at[i].text, name) &&
           is_kind(script, i + 1, SCRIPT_PARENTHESIS);
}

/* --- unescape --- */

static bool all_hex(bytes text, size_t at, size_t count)
{
    if (!bytes_has(text, at, count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (ascii_hex(text.at[at + i]) < 0)
            return false;
    return true;
}

/* As JavaScript's own, but that 0 becomes 1. The \u and \x of a literal say the same. */
static bytes unescaped(struct script *script, bytes text)
{
    script_text made = {0};
    for (size_t i = 0; i < text.len && !script->failed; i++) {
        uint8_t c = text.at[i];
        uint8_t escape[6] = {'\\', 'u'};
        bool wide =
            c == '%' && i + 5 < text.len && text.at[i + 1] == 'u' && all_hex(text, i + 2, 4);
        bool narrow = c == '%' && !wide && all_hex(text, i + 1, 2);
        if (wide) {
            memcpy(escape + 2, text.at + i + 2, 4);
            script_literal(script, &made, (bytes){escape, 6});
            i += 5;
        } else if (narrow) {
            c = (uint8_t)(ascii_hex(text.at[i + 1]) << 4 | ascii_hex(text.at[i + 2]));
            script_byte(script, &made, c ? c : 1);
            i += 2;
        } else {
            script_byte(script, &made, c ? c : 1);
        }
    }
    script->failed |= !budget_charge(script->budget, text.len);
    return made.n ? (bytes){made.at, made.n} : bytes_of("");
}

void script_fold(struct script *script)
{
    uint32_t to = 0;
    struct script_token *tokens = script->tokens.at;
    if (!script_charge(script, script->tokens.n))
        return;
    for (uint32_t i = 0; i < script->tokens.n && !script->failed; i++, to++) {
        bool text = calls(script, i, "unescape") && is_kind(script, i + 2, SCRIPT_TEXT) &&
                    i + 4 <= script->tokens.n;
        tokens[to] = tokens[i];
        if (!text)
            continue;
        tokens[to] = (struct script_token){.kind = SCRIPT_TEXT,
                                           .text = unescaped(script, tokens[i + 2].text)};
        i += 3;
    }
    script->tokens.n = to;
    script->joined = SCRIPT_NONE;
}

/* --- packers --- */

/* The parameters "(p,a,c,": enough to know the packer by. */
static bool is_packer(const struct script *script, size_t i)
{
    static const char *const names[] = {"p", "a", "c"};
    if (!is_kind(script, i, SCRIPT_PARENTHESIS))
        return false;
    for (size_t k = 0; k < COUNT(names); k++, i += 2)
        if (!is_kind(script, i + 1, SCRIPT_NAME) ||
            !bytes_is(script->tokens.at[i + 1].text, names[k]) ||
            !is_kind(script, i + 2, SCRIPT_COMMA))
            return false;
    return true;
}

/* The words between the bars. */
typedef VEC(bytes) word_list;

static void split_words(struct script *script, bytes text, word_list *ret)
{
    bytes rest = text, word;
    bool more = true;
    while (more && !script->failed) {
        size_t bar = bytes_find(rest, bytes_of("|"), 0);
        more = bar != SIZE_MAX;
        word = bytes_slice(rest, 0, more ? bar : rest.len);
        rest = bytes_slice(rest, more ? bar + 1 : rest.len, rest.len);
        bytes *added = vec_push(script->arena, ret);
        if (added)
            *added = word;
        else
            script->failed = true;
    }
}

static void put_word(struct script *script, script_text *to, bytes word)
{
    if (!script_charge(script, word.len))
        return;
    for (size_t i = 0; i < word.len; i++)
        script_byte(script, to, word.at[i]);
}

/* Numbers in the text become the words that they stand for. */
static void unpack_words(struct script *script, script_text *to, bytes text, uint32_t base,
                         const word_list *words)
{
    for (size_t i = 0; i < text.len && !script->failed;) {
        uint32_t number = 0;
        size_t from = i;
        for (; i < text.len && ascii_alnum(text.at[i]); i++) {
            uint8_t c = text.at[i];
            uint32_t digit = c >= 'a' ? c - 'a' + 10u : c >= 'A' ? c - 'A' + 36u : c - '0' + 0u;
            number = number * base + digit;
        }
        if (i > from) {
            bool known = number < words->n && words->at[number].len;
            put_word(script, to, known ? words->at[number] : bytes_slice(text, from, i - from));
            continue;
        }
        bool quote = text.at[i] == '\\' && i + 1 < text.len &&
                     (text.at[i + 1] == '\'' || text.at[i + 1] == '"');
        if (!quote)
            script_byte(script, to, text.at[i]);
        i++;
    }
}

/* Reads six parameters from *at on, and moves it past them: where they begin. */
static bool read_parameters(const struct script *script, size_t *at,
                            uint32_t parameters[PARAMETERS])
{
    size_t i = *at;
    int k = 0;
    for (; k < PARAMETERS && i < script->tokens.n; k++, i++) {
        parameters[k] = (uint32_t)i++;
        enum script_kind end = k == PARAMETERS - 1 ? SCRIPT_PARENTHESIS_END : SCRIPT_COMMA;
        while (i < script->tokens.n && script->tokens.at[i].kind != end)
            i++;
    }
    *at = i;
    return k == PARAMETERS;
}

static void unpack_call(struct script *script, script_text *to,
                        const uint32_t parameters[PARAMETERS])
{
    const struct script_token *tokens = script->tokens.at;
    const struct script_token *text = &tokens[parameters[0]], *base = &tokens[parameters[1]],
                              *list = &tokens[parameters[3]];
    word_list words = {0};
    if (text->kind != SCRIPT_TEXT || list->kind != SCRIPT_TEXT)
        return;
    split_words(script, list->text, &words);
    unpack_words(script, to, text->text,
                 base->kind == SCRIPT_INTEGER ? (uint32_t)base->integer : UINT32_MAX, &words);
}

/* Past the end of the function whose parameters begin at `i`; SIZE_MAX: it has none. */
static size_t function_end(struct script *script, size_t i)
{
    size_t nested = 1, from = i;
    for (; i < script->tokens.n; i++) {
        if (script->tokens.at[i].kind == SCRIPT_FUNCTION)
            nested++;
        else if (script->tokens.at[i].kind == SCRIPT_FUNCTION_END && --nested == 0)
            break;
    }
    return script_charge(script, i - from) && !nested ? i : SIZE_MAX;
}

static void unpack_packer(struct script *script, size_t i, const bytes *name,
                          struct outcome *ret)
{
    uint32_t parameters[PARAMETERS], first = SCRIPT_NONE, last = 0;
    script_text made = {0};
    if ((i = function_end(script, i)) == SIZE_MAX ||
        !script_charge(script, script->tokens.n - i))
        return;
    for (; i + 2 < script->tokens.n && !script->failed; i++) {
        size_t call = i + (name != NULL);
        if (!is_kind(script, call, SCRIPT_PARENTHESIS) ||
            (name && (!is_kind(script, i, SCRIPT_NAME) ||
                      !bytes_equal(script->tokens.at[i].text, *name))))
            continue;
        i = call + 1;
        if (read_parameters(script, &i, parameters)) {
            first = first == SCRIPT_NONE ? parameters[0] : first;
            last = parameters[PARAMETERS - 1];
            unpack_call(script, &made, parameters);
        }
        if (!name)
            break;
    }
    if (first == SCRIPT_NONE)
        return;
    ret->code = (bytes){made.at, made.n};
    ret->from = first;
    ret->to = last + 1;
    if (ret->to + 2 < script->tokens.n && is_kind(script, ret->to, SCRIPT_BRACKET) &&
        is_kind(script, ret->to + 1, SCRIPT_BRACKET_END) &&
        is_kind(script, ret->to + 2, SCRIPT_PARENTHESIS_END))
        ret->to += 3;
    else if (ret->to < script->tokens.n)
        ret->to++;
}

static void unpack_shifted(struct script *script, size_t i, struct outcome *ret)
{
    bytes text = script->tokens.at[i + 2].text;
    if (!is_kind(script, i + 2, SCRIPT_TEXT) || !text.len)
        return;
    uint8_t by = (uint8_t)(text.at[text.len - 1] - '0');
    bytes shifted = unescaped(script, bytes_slice(text, 0, text.len - 1));
    uint8_t *copy = arena_push_raw(script->arena, shifted.len);
    if (!copy) {
        script->failed = true;
        return;
    }
    for (size_t k = 0; k < shifted.len; k++)
        copy[k] = (uint8_t)(shifted.at[k] - by);
    const uint8_t *end = shifted.len ? memchr(copy, 0, shifted.len) : NULL;
    ret->code = unescaped(script, (bytes){copy, end ? (size_t)(end - copy) : shifted.len});
    ret->from = (uint32_t)i;
    ret->to = (uint32_t)i + 4;
    ret->at_end = true;
}

static void unpack_eval(const struct script *script, size_t i, struct outcome *ret)
{
    if (!is_kind(script, i + 2, SCRIPT_TEXT) || !is_kind(script, i + 3, SCRIPT_PARENTHESIS_END))
        return;
    ret->code = script->tokens.at[i + 2].text;
    ret->from = (uint32_t)i;
    ret->to = (uint32_t)i + 4;
}

/* Puts tokens in the place of others. */
static void replace(struct script *script, uint32_t from, uint32_t to,
                    const script_tokens *with)
{
    uint32_t n = script->tokens.n, added = with ? with->n : 0, gone = to - from;
    if (from >= n || to > n || !script_charge(script, n - to + added))
        return;
    if (added > gone && !vec_push_many(script->arena, &script->tokens, added - gone)) {
        script->failed = true;
        return;
    }
    struct script_token *tokens = script->tokens.at;
    memmove(tokens + from + added, tokens + to, (n - to) * sizeof *tokens);
    if (added)
        memcpy(tokens + from, with->at, added * sizeof *tokens);
    script->tokens.n = n - gone + added;
}

/* Reads the code as if it stood there. */
static void put_outcome(struct script *script, struct outcome *outcome)
{
    script_tokens outer = script->tokens, inner;
    if (is_kind(script, outcome->to, SCRIPT_SEMICOLON))
        outcome->to++;
    memset(&script->tokens, 0, sizeof script->tokens);
    script->joined = SCRIPT_NONE;
    script_parse(script, outcome->code);
    script->joined = SCRIPT_NONE;
    inner = script->tokens;
    script->tokens = outer;
    if (!outcome->at_end) {
        replace(script, outcome->from, outcome->to, &inner);
        return;
    }
    replace(script, outcome->from, outcome->to, NULL);
    struct script_token *end = vec_push_many(script->arena, &script->tokens, inner.n);
    if (!end)
        script->failed = true;
    else if (inner.n)
        memcpy(end, inner.at, inner.n * sizeof *end);
}

bool script_enter(struct script *script, const struct script_token *token)
{
    if (token->kind == SCRIPT_FUNCTION) {
        script->scope = token->name;
    } else if (token->kind == SCRIPT_FUNCTION_END) {
        uint32_t up = script->scopes.at[script->scope].up;
        script->scope = up == SCRIPT_NONE ? script->scope : up;
        return false;
    }
    return true;
}

void script_unpack(struct script *script)
{
    for (uint32_t i = 0; i < script->tokens.n && script_charge(script, 1); i++) {
        struct outcome outcome = {0};
        bool function =
            is_kind(script, i, SCRIPT_FUNCTION) || is_kind(script, i, SCRIPT_FUNCTION_END);
        if (function && i + PACKER < script->tokens.n) {
            bool named = is_kind(script, ++i, SCRIPT_NAME);
            bytes name = script->tokens.at[i].text;
            i += named;
            if (is_packer(script, i))
                unpack_packer(script, i, named ? &name : NULL, &outcome);
        } else if (calls(script, i, "dF")) {
            unpack_shifted(script, i, &outcome);
        } else if (calls(script, i, "eval")) {
            unpack_eval(script, i, &outcome);
        }
        if (outcome.to > outcome.from)
            put_outcome(script, &outcome);
        if (i < script->tokens.n)
            script_enter(script, &script->tokens.at[i]);
    }
}
