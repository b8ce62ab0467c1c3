/* The `strings` section: YARA 4.5, docs/writingrules "Strings" and "String modifiers". */
#include "yara/declare.h"

#include <errno.h>
#include <string.h>

#include "yara/condition.h"
#include "yara/reader.h"

static const struct {
    uint16_t token;
    uint16_t flag;
    bool regex, hex;
} modifiers[] = {
    {TOKEN_WIDE, PATTERN_WIDE, true, false},
    {TOKEN_ASCII, PATTERN_ASCII, true, false},
    {TOKEN_NOCASE, PATTERN_NOCASE, true, false},
    {TOKEN_FULLWORD, PATTERN_FULLWORD, true, false},
    {TOKEN_PRIVATE, PATTERN_PRIVATE, true, true},
    {TOKEN_XOR, PATTERN_XOR, false, false},
    {TOKEN_BASE64, PATTERN_BASE64, false, false},
    {TOKEN_BASE64WIDE, PATTERN_BASE64WIDE, false, false},
};

static const char standard_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct declaration {
    struct declared *it;
    struct pattern_source source;
    struct token token; /* the pattern itself */
};

/* Behind `xor`: (n) or (n-m). */
static int read_xor(struct yara_compiler *c, struct pattern_source *source)
{
    struct token low, high;
    source->xor_min = 0;
    source->xor_max = 255;
    if (!reader_accept(c, '('))
        return 0;
    low = c->token;
    if (reader_expect(c, TOKEN_NUMBER) < 0)
        return -1;
    high = low;
    if (reader_accept(c, '-')) {
        high = c->token;
        if (reader_expect(c, TOKEN_NUMBER) < 0)
            return -1;
    }
    if (!reader_accept(c, ')'))
        return message_unexpected(c, high.at == low.at ? "'-' or ')'" : "')'");
    const char *problem = NULL;
    if (high.at == low.at && low.integer > 255)
        problem = "invalid xor range";
    else if (low.integer > high.integer)
        problem = "xor lower bound exceeds upper bound";
    else if (high.integer > 255)
        problem = "upper bound for xor range exceeded (max: 255)";
    if (problem) {
        message_error(c, &low, "invalid_modifier", "%s", problem);
        return 0;
    }
    source->xor_min = (uint8_t)low.integer;
    source->xor_max = (uint8_t)high.integer;
    return 0;
}

/* Behind `base64` and `base64wide`: ("alphabet"). */
static int read_alphabet(struct yara_compiler *c, bytes *ret)
{
    *ret = bytes_of(standard_alphabet);
    if (!reader_accept(c, '('))
        return 0;
    struct token token = c->token;
    if (reader_expect(c, TOKEN_TEXT) < 0 || reader_text(c, &token, ret) < 0 ||
        reader_expect(c, ')') < 0)
        return -1;
    if (ret->len != 64) {
        message_error(c, &token, "invalid_modifier", "length of base64 alphabet must be 64");
        *ret = bytes_of(standard_alphabet);
    }
    return 0;
}

static int read_modifier(struct yara_compiler *c, struct declaration *d, unsigned flag)
{
    struct token token = c->token;
    reader_take(c);
    if (flag == PATTERN_XOR && read_xor(c, &d->source) < 0)
        return -1;
    if (flag == PATTERN_BASE64 && read_alphabet(c, &d->source.alphabet) < 0)
        return -1;
    if (flag == PATTERN_BASE64WIDE && read_alphabet(c, &d->source.alphabet_wide) < 0)
        return -1;
    if (d->source.flags & flag)
        message_error(c, &token, "duplicated_modifier", "duplicated modifier");
    d->source.flags |= flag;
    return 0;
}

static int read_modifiers(struct yara_compiler *c, struct declaration *d)
{
    for (;;) {
        size_t i = 0;
        while (i < COUNT(modifiers) && modifiers[i].token != c->token.kind)
            i++;
        if (i == COUNT(modifiers))
            return 0;
        if ((d->source.kind == PATTERN_REGEX && !modifiers[i].regex) ||
            (d->source.kind == PATTERN_HEX && !modifiers[i].hex))
            return message_unexpected(c, "<condition>");
        if (read_modifier(c, d, modifiers[i].flag) < 0)
            return -1;
    }
}

/* What YARA forbids to combine. */
static void check_modifiers(struct yara_compiler *c, const struct declaration *d)
{
    uint32_t flags = d->source.flags, base64 = flags & (PATTERN_BASE64 | PATTERN_BASE64WIDE);
    const char *first = flags & PATTERN_BASE64 ? "base64" : "base64wide", *second = NULL;
    if ((flags & PATTERN_XOR) && (flags & PATTERN_NOCASE)) {
        first = "xor";
        second = "nocase";
    } else if (base64 && (flags & PATTERN_NOCASE)) {
        second = "nocase";
    } else if (base64 && (flags & PATTERN_FULLWORD)) {
        second = "fullword";
    } else if (base64 && (flags & PATTERN_XOR)) {
        second = "xor";
    }
    if (second)
        message_error(c, &d->it->token, "invalid_modifier",
                      "invalid modifier combination: %s %s", first, second);
    if (c->options.strict_4 && base64 == (PATTERN_BASE64 | PATTERN_BASE64WIDE) &&
        !bytes_equal(d->source.alphabet, d->source.alphabet_wide))
        message_error(c, &d->it->token, "invalid_modifier",
                      "can not specify multiple alphabets");
}

/* The pattern itself, up to its modifiers. */
static int read_pattern(struct yara_compiler *c, struct declaration *d)
{
    uint32_t bad;
    d->token = c->token;
    switch (c->token.kind) {
    case TOKEN_TEXT:
        d->source.kind = PATTERN_TEXT;
        if (reader_text(c, &d->token, &d->source.text) < 0)
            return -1;
        break;
    case TOKEN_REGEX:
        d->source.kind = PATTERN_REGEX;
        d->source.text = d->token.text;
        if (d->token.flags & TOKEN_NOCASE_REGEX)
            d->source.flags |= PATTERN_NOCASE;
        if (d->token.flags & TOKEN_DOTALL_REGEX)
            d->source.flags |= PATTERN_DOTALL;
        break;
    case '{':
        if (!lexer_hex(&c->lexer, &d->token, &c->token, &bad)) {
            if (bad != d->token.at)
                c->token = message_spot(c, &d->token, bad, 1);
            c->token.kind = '{';
            return message_unexpected(c, "text string");
        }
        d->token = c->token;
        d->source.kind = PATTERN_HEX;
        d->source.text = d->token.text;
        break;
    default:
        return message_unexpected(c, "text string");
    }
    reader_take(c);
    return 0;
}

/* Whether YARA would see a literal in it: only those can be bound to one offset. Of a hex
 * string with a jump over 200 the part before the jump counts. */
static bool is_literal(const struct pattern_source *source)
{
    bytes text = source->text;
    if (source->kind == PATTERN_TEXT)
        return !(source->flags & (PATTERN_BASE64 | PATTERN_BASE64WIDE));
    if (source->kind == PATTERN_REGEX) {
        for (size_t i = 0; i < text.len; i++) {
            if (text.at[i] && strchr(".^$|()[]*+?{", text.at[i]))
                return false;
            if (text.at[i] == '\\' && ++i < text.len && strchr("wWsSdDbB", text.at[i]))
                return false;
        }
        return true;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '/') {
            uint8_t kind = i + 1 < text.len ? text.at[i + 1] : 0;
            size_t end = bytes_find(text, bytes_of(kind == '/' ? "\n" : "*/"), i + 2);
            if (end == SIZE_MAX)
                return false;
            i = kind == '/' ? end : end + 1;
        } else if (text.at[i] == '[') {
            uint64_t number = 0;
            bool open = false;
            for (i++; i < text.len && text.at[i] != ']'; i++) {
                uint8_t digit = (uint8_t)(text.at[i] - '0');
                if (text.at[i] == '-') {
                    number = 0;
                    open = true;
                } else if (digit < 10 && number < 1000000) {
                    number = number * 10 + digit;
                    open = false;
                }
            }
            return open || number > 200;
        } else if (strchr("?(~|", text.at[i])) {
            return false;
        }
    }
    return true;
}

static int compile_pattern(struct yara_compiler *c, struct declaration *d)
{
    static const char *const kinds[] = {"text string", "hex string", "regular expression"};
    struct declared *it = d->it;
    struct pattern_fault fault = {0};
    int error = pattern_compile(&d->source, c->arena, &it->code, &fault);
    struct token spot = message_spot(c, &d->token, d->token.at + 1 + fault.at, 1);
    if (error && error != -EINVAL && !fault.text[0])
        return message_full(c);
    if (error) {
        message_error(c, &spot,
                      d->source.kind == PATTERN_HEX ? "invalid_hex_string"
                                                    : "invalid_regular_expression",
                      "invalid %s \"%.*s\": %s", kinds[d->source.kind], (int)it->name.len,
                      (const char *)it->name.at, fault.text);
        return 0;
    }
    it->compiled = true;
    if (fault.text[0] && fault.is_warning)
        message_warning(c, &spot, "pattern", "%.*s %s", (int)it->name.len,
                        (const char *)it->name.at, fault.text);
    if (it->code.is_slow)
        message_warning(c, &it->token, "slow_pattern", "string \"%.*s\" may slow down scanning",
                        (int)it->name.len, (const char *)it->name.at);
    return 0;
}

static bool add_name(struct yara_compiler *c, const struct declared *it)
{
    uint32_t before;
    if (names_find(&c->patterns, c->rule_serial, it->name, &before)) {
        message_error(c, &it->token, "duplicated_string_identifier",
                      "duplicated string identifier \"%.*s\"", (int)it->name.len,
                      (const char *)it->name.at);
        return true;
    }
    return names_put(&c->patterns, c->arena, c->rule_serial, it->name, c->declared.n - 1);
}

static int read_declaration(struct yara_compiler *c)
{
    struct declaration d = {0};
    d.it = vec_push(c->arena, &c->declared);
    if (!d.it)
        return message_full(c);
    if (c->declared.n == COMPILER_MAX_PATTERNS + 1)
        message_error(c, NULL, "too_many_strings",
                      "too many strings in rule \"%.*s\" (limit: %d)", (int)c->rule_name.len,
                      (const char *)c->rule_name.at, COMPILER_MAX_PATTERNS);
    *d.it = (struct declared){
        .name = c->token.text,
        .token = c->token,
        .anonymous = c->token.len == 1,
        .fixed_offset = RULESET_ANY_OFFSET,
    };
    if (!d.it->anonymous && !add_name(c, d.it))
        return message_full(c);
    reader_take(c);
    if (reader_expect(c, '=') < 0 || read_pattern(c, &d) < 0 || read_modifiers(c, &d) < 0)
        return -1;
    if (d.source.text.len == 0) {
        message_error(c, &d.token, "empty_string", "empty string \"%.*s\"", (int)d.it->name.len,
                      (const char *)d.it->name.at);
        return 0;
    }
    check_modifiers(c, &d);
    if (!(d.source.flags & (PATTERN_WIDE | PATTERN_BASE64 | PATTERN_BASE64WIDE)))
        d.source.flags |= PATTERN_ASCII;
    d.it->flags = d.source.flags | (d.source.kind == PATTERN_HEX ? PATTERN_WAS_HEX : 0);
    d.it->literal = d.it->fixed = is_literal(&d.source);
    return compile_pattern(c, &d);
}

int declare_read(struct yara_compiler *c)
{
    if (c->token.kind != TOKEN_STRING_ID)
        return message_unexpected(c, "string identifier");
    while (c->token.kind == TOKEN_STRING_ID)
        if (read_declaration(c) < 0)
            return -1;
    return 0;
}

/* As YARA: the first `at` with a constant binds a pattern to that offset; any other use, or
 * another offset, unbinds it for good. */
static void bind_offset(struct declared *it, enum node_op op, const struct expr *at)
{
    if (op != NODE_FOUND_AT || !at->known)
        it->fixed = false;
    else if (it->fixed_offset == RULESET_ANY_OFFSET)
        it->fixed_offset = at->integer;
    else if (it->fixed_offset != at->integer)
        it->fixed = false;
}

static struct declared *find_pattern(struct yara_compiler *c, bytes name, uint32_t *ret)
{
    return names_find(&c->patterns, c->rule_serial, name, ret) ? &c->declared.at[*ret] : NULL;
}

bool declare_used(struct yara_compiler *c, const struct token *token, enum node_op op,
                  const struct expr *at, uint32_t *ret)
{
    char buffer[256];
    bytes name = {(const uint8_t *)buffer, token->text.len};
    if (token->len == 1) { /* $, #, @, ! */
        if (!c->pattern_loops) {
            message_error(c, token, "misplaced_anonymous_string",
                          "wrong use of anonymous string");
            return false;
        }
        c->work -= c->work < c->declared.n ? c->work : c->declared.n;
        for (uint32_t i = 0; i < c->declared.n; i++)
            if (op != NODE_FOUND_AT || at->known ||
                c->declared.at[i].fixed_offset != RULESET_ANY_OFFSET)
                bind_offset(&c->declared.at[i], op, at);
        *ret = NODE_LOOP_PATTERN;
        return true;
    }
    uint32_t number;
    struct declared *it = NULL;
    if (name.len <= sizeof buffer) {
        memcpy(buffer, token->text.at, name.len);
        buffer[0] = '$';
        it = find_pattern(c, name, &number);
    }
    if (!it) {
        message_error(c, token, "undefined_string", "undefined string \"$%.*s\"",
                      (int)token->text.len - 1, (const char *)token->text.at + 1);
        return false;
    }
    bind_offset(it, op, at);
    it->referenced = true;
    *ret = c->pattern_base + number;
    return true;
}

static bool in_set(const struct declared *it, bytes name, bool wild)
{
    if (!wild)
        return bytes_equal(it->name, name);
    return it->name.len >= name.len && memcmp(it->name.at, name.at, name.len) == 0;
}

int declare_used_set(struct yara_compiler *c, const struct token *token)
{
    bool wild = token->kind != TOKEN_STRING_ID;
    bytes name = token->kind == TOKEN_THEM ? bytes_of("$") : token->text;
    uint32_t first = 0, end = c->declared.n;
    int count = 0;
    if (token->kind == TOKEN_STRING_WILD)
        name.len--;
    if (!wild && name.len > 1 && find_pattern(c, name, &first))
        end = first + 1;
    else if (!wild && name.len > 1)
        end = 0;
    if (c->work < end - first)
        return message_error(c, token, "too_complex", "the rules are too complex");
    c->work -= end - first;
    for (uint32_t i = first; i < end; i++) {
        struct declared *it = &c->declared.at[i];
        if (!in_set(it, name, wild))
            continue;
        it->referenced = true;
        it->fixed = false;
        count++;
        if (!condition_push(c, c->pattern_base + i))
            return -1;
    }
    if (count == 0)
        return message_error(c, token, "undefined_string", "undefined string \"%.*s\"",
                             token->kind == TOKEN_THEM ? 2 : (int)token->text.len,
                             token->kind == TOKEN_THEM ? "$*" : (const char *)token->text.at);
    return count;
}

int declare_finish(struct yara_compiler *c)
{
    for (uint32_t i = 0; i < c->declared.n; i++) {
        struct declared *it = &c->declared.at[i];
        if (!it->referenced && (it->anonymous || it->name.at[1] != '_'))
            message_error(c, &it->token, "unreferenced_string", "unreferenced string \"%.*s\"",
                          (int)it->name.len, (const char *)it->name.at);
    }
    if (c->faulty)
        return 0;
    for (uint32_t i = 0; i < c->declared.n; i++) {
        struct declared *it = &c->declared.at[i];
        int64_t offset = it->fixed && it->referenced ? it->fixed_offset : RULESET_ANY_OFFSET;
        uint32_t program = draft_program(c->draft, &it->code, 0, offset);
        if (program == DRAFT_FULL ||
            draft_pattern(c->draft, it->name, it->flags, program) == DRAFT_FULL)
            return message_full(c);
    }
    return 0;
}
