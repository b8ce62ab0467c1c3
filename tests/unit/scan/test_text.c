#include "scan/text.h"

#include "tap.h"

static const char *shown(struct text *text)
{
    text_byte(text, 0);
    return text->at;
}

#define SHOWN(call, want)                                                                      \
    do {                                                                                       \
        struct text text = {0};                                                                \
        call;                                                                                  \
        CHECK_STR(shown(&text), want);                                                         \
        text_free(&text);                                                                      \
    } while (0)

#define VIEW(literal) ((bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

int main(void)
{
    SHOWN(text_json(&text, VIEW("a\"b\\c\n\x01\x7f")), "\"a\\\"b\\\\c\\n\\u0001\\u007f\"");
    SHOWN(text_json(&text, VIEW("\xc3\xa4\xff\xc3")), "\"\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\"");
    SHOWN(text_json(&text, VIEW("\xed\xa0\x80")), /* a surrogate is no character */
          "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    SHOWN(text_json(&text, VIEW("\xc0\xaf")), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    SHOWN(text_visible(&text, VIEW("a\nb\x1b[31m\xe2\x80\xae"
                                   "c\xff")),
          "a\\x0ab\\x1b[31m\\xe2\\x80\\xae"
          "c\\xff");
    SHOWN(text_uri(&text, VIEW("/a b/\xc3\xa4%")), "file:///a%20b/%C3%A4%25");
    SHOWN(text_uri(&text, VIEW("x:y")), "x%3Ay");
    SHOWN(text_size(&text, 999), "999 B");
    SHOWN(text_size(&text, 1400), "1.4 kB");
    SHOWN(text_size(&text, 999999), "1.0 MB");
    SHOWN(text_size(&text, 31000000000), "31 GB");
    SHOWN(text_grouped(&text, 1234567), "1,234,567");
    SHOWN(text_grouped(&text, 12), "12");
    SHOWN(text_number(&text, UINT64_MAX), "18446744073709551615");
    SHOWN(text_hex(&text, VIEW("\x00\xfe")), "00fe");
    CHECK(text_is_utf8(VIEW("gr\xc3\xbc\xc3\x9f")));
    CHECK(!text_is_utf8(VIEW("gr\xfc")));
    return tap_done();
}
