#include "tap.h"
#include "unpack/normal/normal.h"

#include <string.h>

/* The views of one object, each behind its targets. */
static char views[4096];
static size_t views_size;

static bool take(void *to, bytes view, uint32_t targets)
{
    (void)to;
    views_size += (size_t)snprintf(views + views_size, sizeof views - views_size, "%x:%.*s|",
                                   targets, (int)view.len, (const char *)view.at);
    return true;
}

static bool make(bytes data, enum filetype type, uint32_t wanted, size_t room)
{
    static uint8_t memory[1 << 20];
    struct region region = {.at = memory, .size = room};
    struct budget budget = {.steps = 1 << 20};
    struct arena *arena = arena_new(1 << 22);
    const struct normal normal = {
        .wanted = wanted, .region = &region, .arena = arena, .budget = &budget, .take = take};
    views_size = 0;
    views[0] = 0;
    bool whole = normal_views(&normal, data, type);
    CHECK_INT(region.used, 0);
    arena_free(arena);
    return whole;
}

static const char *views_of(const char *text, enum filetype type)
{
    CHECK(make(bytes_of(text), type, ~TARGET_BIT(TARGET_RULES), sizeof views * 64));
    return views;
}

static void texts(void)
{
    CHECK_STR(views_of("A\tB \r\n C\x01\xe9 d", FILETYPE_TEXT_ASCII), "81:a b c d|");
    CHECK_STR(views_of("", FILETYPE_TEXT_ASCII), "");
    CHECK_STR(views_of("\x01\x02", FILETYPE_TEXT_UTF8), "");
    CHECK_STR(views_of("text", FILETYPE_PDF), "");
}

static void pages(void)
{
    CHECK_STR(views_of("<P Class='X'>Two\n\n Words</P>", FILETYPE_HTML),
              "9:<p class=\"x\">two words</p>|9: two words |");
    CHECK_STR(views_of("a<!-- b -->c", FILETYPE_HTML), "9:ac|9:a c|");
    CHECK_STR(views_of("<A HREF=\"http://X/\">y</A>", FILETYPE_HTML),
              "9:<a href=\"http://x/\">y</a>|9: http://X/ y |");
    CHECK_STR(views_of("&lt;&pi;&#65;&#x263a;&none;&", FILETYPE_HTML),
              "9:<&#x03c0;a&#x263a;&none;|9: |");
    CHECK_STR(views_of("<img src='data:image/png;base64,AAAA'>x", FILETYPE_HTML),
              "9:<img src=\"data\">x|9: x|");
    CHECK_STR(views_of("<style>A 'b'</style>c", FILETYPE_HTML),
              "9:<style>a\"b\"</style>c|9: c|");
}

/* What a script becomes, between its tags. */
static const char *script_of(const char *text)
{
    static char page[1024];
    snprintf(page, sizeof page, "<script>%s</script>", text);
    const char *found = strstr(views_of(page, FILETYPE_HTML), "|89:<script>");
    char *end = found ? strstr(found, "</script>|") : NULL;
    if (end)
        *end = 0;
    return end ? found + strlen("|89:<script>") : "";
}

static void scripts(void)
{
    CHECK_STR(script_of("var Foo = 1.50; alert(Foo, b.Foo);"),
              "var n000=1.5;alert(n000,b.foo);");
    CHECK_STR(script_of("function f(a,b){return a+b}f(1)"),
              "function n000(n001,n002){return n001+n002}f(1)");
    CHECK_STR(script_of("x='A'+\"\\x42\\u0043\" //note\n+ 'd'/* e */"), "x=\"abcd\"");
    CHECK_STR(script_of("x=unescape('%41%u0042');"), "x=\"ab\";");
    CHECK_STR(script_of("eval('var q=1;');q"), "var n000=1;n000");
    CHECK_STR(script_of("eval(function(p,a,c,k,e,d){return p}('0 1=\"2\"',62,3,"
                        "'var|x|hi'.split('|'),0,{}))"),
              "eval(function(n000,n001,n002,n003,n004,n005){return n000}(var n006=\"hi\"))");
    CHECK_STR(script_of("(((\"open"), "(((\"open</script>\")))");
    CHECK_STR(script_of("0x1F 4294967297 in of"), "0 x1f 1 in of");
}

static void wide_pages(void)
{
    static const char page[] = "<\0b\0>\0X\0";
    CHECK(make((bytes){(const uint8_t *)page, 8}, FILETYPE_HTML_UTF16, UINT32_MAX, 1 << 20));
    CHECK_STR(views, "9:<b>x|9: x|");
}

static void limits(void)
{
    bytes text = bytes_of("some text");
    CHECK(make(text, FILETYPE_TEXT_ASCII, TARGET_BIT(TARGET_HTML), 1 << 20));
    CHECK_STR(views, "");
    CHECK(!make(text, FILETYPE_TEXT_ASCII, TARGET_BIT(TARGET_TEXT), 4));
    CHECK_STR(views, "81:some|");
    CHECK(!make(bytes_of("<p>"), FILETYPE_HTML, TARGET_BIT(TARGET_HTML), 0));
}

int main(void)
{
    texts();
    pages();
    scripts();
    wide_pages();
    limits();
    return tap_done();
}
