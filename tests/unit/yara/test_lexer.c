#include "yara/lexer.h"

#include <stdlib.h>

#include "tap.h"

static struct token first(const char *text)
{
    struct lexer lexer;
    struct token token;
    lexer_init(&lexer, bytes_of(text));
    lexer_next(&lexer, &token);
    return token;
}

static void numbers(void)
{
    CHECK_INT(first("0x7fffffffffffffff").integer, INT64_MAX);
    CHECK_INT(first("0o755").integer, 493);
    CHECK_INT(first("12KB").integer, 12288);
    CHECK_INT(first("3MB").integer, 3145728);
    CHECK_INT(first("1_000").integer, 1000);
    CHECK_INT(first("0xaa_bb").integer, 0xaabb);
    CHECK_INT(first("1__0").integer, 1);
    CHECK_INT(first("0xg").integer, 0);
    CHECK_INT(first("1..2").kind, TOKEN_NUMBER);
    CHECK(first("0.1").real == 0.1);
    CHECK(first("3.141592653589793238462643").real == 3.141592653589793238462643);
    CHECK(first("1.000000000000001").real == 1.000000000000001);
    CHECK(first("123456789012345678901234.5").real == 123456789012345678901234.5);
    CHECK_INT(first("9223372036854775808").kind, TOKEN_BAD);
    CHECK_INT(first("9007199254740992KB").kind, TOKEN_BAD);
    CHECK_INT(first("0x8000000000000000").flags, TOKEN_OVERFLOW);
}

static void words(void)
{
    CHECK_INT(first("rule").kind, TOKEN_RULE);
    CHECK_INT(first("rules").kind, TOKEN_IDENTIFIER);
    CHECK_INT(first("base64wide").kind, TOKEN_BASE64WIDE);
    CHECK_INT(first("xor").kind, TOKEN_XOR);
    CHECK_INT(first("uint8be").kind, TOKEN_INTEGER_FUNCTION);
    CHECK_INT(first("int32").kind, TOKEN_INTEGER_FUNCTION);
    CHECK_INT(first("uint64").kind, TOKEN_IDENTIFIER);
    CHECK_INT(first("$a*").kind, TOKEN_STRING_WILD);
    CHECK_INT(first("!a").kind, TOKEN_STRING_LENGTH);
    CHECK_INT(first("!= 2").kind, TOKEN_NE);
    CHECK_INT(first("/* no end").kind, TOKEN_END);
    CHECK_INT(first("\xef\xbb\xbfrule").kind, TOKEN_RULE);
    CHECK_INT(first("\xc3\xa9").kind, TOKEN_BAD);
}

static void texts(void)
{
    uint8_t out[16];
    struct token token = first("\"a\\x41\\n\\\"\\\\\\t\"");
    CHECK_INT(token.kind, TOKEN_TEXT);
    CHECK_INT(lexer_unescape(token.text, out), 6);
    CHECK(memcmp(out, "aA\n\"\\\t", 6) == 0);
    CHECK_STR(first("\"abc\n").problem, "unterminated string");
    CHECK_STR(first("\"\\q\"").problem, "illegal escape sequence");
    CHECK_STR(first("\"\\x4\"").problem, "illegal escape sequence");
    CHECK_STR(first("/abc").problem, "unterminated regular expression");
    CHECK_STR(first("/abc\\").problem, "unterminated regular expression");
    CHECK_INT(first("/a\\/b/is").text.len, 4);
    CHECK_INT(first("/a/is").flags, TOKEN_NOCASE_REGEX | TOKEN_DOTALL_REGEX);
    CHECK_INT(first("/a/iswide").len, 5);
}

static bool hex(const char *text, size_t *ret)
{
    struct lexer lexer;
    struct token brace, token;
    uint32_t bad;
    lexer_init(&lexer, bytes_of(text));
    lexer_next(&lexer, &brace);
    bool good = lexer_hex(&lexer, &brace, &token, &bad);
    *ret = good ? token.text.len : bad;
    return good;
}

static void hex_strings(void)
{
    size_t n;
    CHECK(hex("{ 01 [2-0x10] /* } */ ?A // }\n ~0F }", &n) && n == 34);
    CHECK(!hex("{}", &n));
    CHECK(!hex("{ 01 zz }", &n) && n == 5);
    CHECK(!hex("{ 01 02", &n) && n == 7);
}

static void positions(void)
{
    struct lexer lexer;
    struct token token;
    lexer_init(&lexer, bytes_of("a /* x\n y */ b\r\n  \"c\""));
    lexer_next(&lexer, &token);
    CHECK(token.line == 1 && token.at == 0);
    lexer_next(&lexer, &token);
    CHECK(token.line == 2 && token.at - token.line_at == 6);
    lexer_next(&lexer, &token);
    CHECK(token.line == 3 && token.at - token.line_at == 2 && token.len == 3);
    lexer_next(&lexer, &token);
    CHECK(token.kind == TOKEN_END && token.line == 3);
}

int main(void)
{
    numbers();
    words();
    texts();
    hex_strings();
    positions();
    return tap_done();
}
