/* The functions of the small modules, called as conditions call them. Where no standard gives
 * the value, yara 4.2.3 did; but its serial correlation of strings closes the circle with the
 * last byte instead of the first, which 4.5 does not. */
#include "shim/magic.h"
#include "tap.h"
#include "yara/module.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static struct block blocks[4];
static struct budget budget;
static struct module_input in;
static char logged[256];

static void to_logged(void *to, bytes text)
{
    (void)to;
    size_t len = text.len < sizeof logged ? text.len : sizeof logged - 1;
    memcpy(logged, text.at, len);
    logged[len] = 0;
}

static void load(const char *name, uint32_t block_count)
{
    struct arena *arena = in.arena;
    arena_reset(arena);
    budget = (struct budget){.steps = 10000000};
    in = (struct module_input){.blocks = blocks,
                               .block_count = block_count,
                               .arena = arena,
                               .budget = &budget,
                               .now = 1234567890,
                               .log = to_logged};
    const struct module *module = module_find(bytes_of(name));
    if (!CHECK(module && module->load(&in) == 0))
        exit(tap_done());
}

static struct value call(const char *name, const char *letters, struct value a, struct value b,
                         struct value c)
{
    struct value args[] = {a, b, c}, ret = VALUE_NONE;
    const struct field *field = &in.root->members[field_index(in.root->members, name)];
    const struct overload *overload = field->calls;
    while (overload->args && strcmp(overload->args, letters) != 0)
        overload++;
    if (!CHECK(overload->args != NULL) || !CHECK(overload->call(&in, args, &ret) == 0))
        return VALUE_NONE;
    char type = "-bifsr"[ret.type];
    CHECK(type == '-' || type == overload->ret);
    return ret;
}

#define CALL0(name)             call(name, "", VALUE_NONE, VALUE_NONE, VALUE_NONE)
#define CALL1(name, l, a)       call(name, l, a, VALUE_NONE, VALUE_NONE)
#define CALL2(name, l, a, b)    call(name, l, a, b, VALUE_NONE)
#define CALL3(name, l, a, b, c) call(name, l, a, b, c)
#define TEXT(text)              value_bytes((bytes){(const uint8_t *)(text), sizeof(text) - 1})
#define UNDEFINED(value)        CHECK_INT((value).type, TYPE_UNDEFINED)

static bool is_text(struct value value, const char *want)
{
    return value.type == TYPE_STRING &&
           bytes_equal((bytes){value.text, value.len}, bytes_of(want));
}

static bool near(struct value value, double want)
{
    return value.type == TYPE_FLOAT && fabs(value.real - want) < 0.0000005;
}

static void math_over_strings(void)
{
    load("math", 0);
    CHECK(near(object_get(in.root, "MEAN_BYTES"), 127.5));
    CHECK(near(CALL1("entropy", "s", TEXT("AABB")), 1.0));
    CHECK(near(CALL1("entropy", "s", TEXT("AABB\xff\xfe")), 1.918296));
    CHECK(near(CALL1("entropy", "s", TEXT("")), 0.0));
    CHECK(near(CALL2("deviation", "sf", TEXT("AABB"), VALUE_FLOAT(65.0)), 0.5));
    CHECK(near(CALL2("deviation", "sf", TEXT("AABB\xff\xfe"), VALUE_FLOAT(65.0)), 22.5));
    CHECK(near(CALL1("mean", "s", TEXT("AB\xff\xfe")), 32.0));
    UNDEFINED(CALL1("mean", "s", TEXT("")));
    CHECK(near(CALL1("serial_correlation", "s",
                     TEXT("AB\xff\xfe"
                          "CD")),
               0.249534));
    CHECK(near(CALL1("serial_correlation", "s", TEXT("AAAAAA")), -100000));
    CHECK(near(CALL1("monte_carlo_pi", "s",
                     TEXT("AB\xff\xfe"
                          "CDABCDEF")),
               0.363380));
    UNDEFINED(CALL1("monte_carlo_pi", "s", TEXT("ABCDE")));
}

static void math_over_numbers(void)
{
    load("math", 0);
    CHECK_INT(CALL2("min", "ii", VALUE_INT(2), VALUE_INT(3)).integer, 2);
    CHECK_INT(CALL2("min", "ii", VALUE_INT(-5), VALUE_INT(3)).integer, 3);
    CHECK_INT(CALL2("max", "ii", VALUE_INT(-5), VALUE_INT(3)).integer, -5);
    CHECK_INT(CALL1("abs", "i", VALUE_INT(-5)).integer, 5);
    CHECK_INT(CALL1("abs", "i", VALUE_INT(INT64_MIN)).integer, INT64_MIN);
    CHECK_INT(CALL1("to_number", "b", VALUE_BOOL(true)).integer, 1);
    CHECK_INT(CALL1("to_number", "b", VALUE_BOOL(false)).integer, 0);
    CHECK(CALL3("in_range", "fff", VALUE_FLOAT(2), VALUE_FLOAT(1), VALUE_FLOAT(2)).integer);
    CHECK(!CALL3("in_range", "fff", VALUE_FLOAT(6), VALUE_FLOAT(1), VALUE_FLOAT(2)).integer);
    CHECK(is_text(CALL1("to_string", "i", VALUE_INT(-32)), "-32"));
    CHECK(is_text(CALL2("to_string", "ii", VALUE_INT(32), VALUE_INT(16)), "20"));
    CHECK(is_text(CALL2("to_string", "ii", VALUE_INT(-1), VALUE_INT(8)),
                  "1777777777777777777777"));
    UNDEFINED(CALL2("to_string", "ii", VALUE_INT(32), VALUE_INT(2)));
}

static void math_over_ranges(void)
{
    blocks[0] = (struct block){.data = bytes_of("aaaabbcdefghijkl")};
    load("math", 1);
    CHECK_INT(CALL1("count", "i", VALUE_INT('a')).integer, 4);
    CHECK_INT(CALL3("count", "iii", VALUE_INT('a'), VALUE_INT(2), VALUE_INT(3)).integer, 2);
    CHECK_INT(CALL3("count", "iii", VALUE_INT('l'), VALUE_INT(9), VALUE_INT(99)).integer, 1);
    UNDEFINED(CALL3("count", "iii", VALUE_INT('a'), VALUE_INT(16), VALUE_INT(1)));
    UNDEFINED(CALL3("count", "iii", VALUE_INT('a'), VALUE_INT(-1), VALUE_INT(1)));
    UNDEFINED(CALL3("count", "iii", VALUE_INT('a'), VALUE_INT(0), VALUE_INT(-1)));
    UNDEFINED(CALL1("count", "i", VALUE_INT(256)));
    UNDEFINED(CALL1("count", "i", VALUE_INT(-1)));
    CHECK(near(CALL1("percentage", "i", VALUE_INT('b')), 0.125));
    UNDEFINED(CALL3("percentage", "iii", VALUE_INT('b'), VALUE_INT(0), VALUE_INT(0)));
    CHECK_INT(CALL0("mode").integer, 'a');
    CHECK_INT(CALL2("mode", "ii", VALUE_INT(4), VALUE_INT(4)).integer, 'b');
    CHECK(near(CALL2("mean", "ii", VALUE_INT(3), VALUE_INT(2)), 97.5));
    CHECK(near(CALL2("entropy", "ii", VALUE_INT(0), VALUE_INT(6)), 0.918296));
    CHECK(
        near(CALL3("deviation", "iif", VALUE_INT(0), VALUE_INT(6), VALUE_FLOAT(97)), 1.0 / 3));
    UNDEFINED(CALL3("deviation", "iif", VALUE_INT(0), VALUE_INT(6), VALUE_FLOAT(NAN)));
    UNDEFINED(CALL2("monte_carlo_pi", "ii", VALUE_INT(0), VALUE_INT(5)));
}

/* "abc" at 100 and "def" right after it, then a gap, then "ghi". */
static void processes_have_blocks(void)
{
    blocks[0] = (struct block){bytes_of("abc"), 100};
    blocks[1] = (struct block){bytes_of("def"), 103};
    blocks[2] = (struct block){bytes_of("ghi"), 200};
    load("hash", 3);
    CHECK(is_text(CALL2("md5", "ii", VALUE_INT(101), VALUE_INT(4)),
                  "e02cfbe5502b64aa5ae9f2d0d69eaa8d"));
    CHECK(is_text(CALL2("md5", "ii", VALUE_INT(200), VALUE_INT(99)),
                  "826bbc5d0522f5f20a1da4b60fa8c871"));
    CHECK_INT(CALL2("checksum32", "ii", VALUE_INT(105), VALUE_INT(1)).integer, 'f');
    UNDEFINED(CALL2("md5", "ii", VALUE_INT(101), VALUE_INT(100)));
    UNDEFINED(CALL2("md5", "ii", VALUE_INT(106), VALUE_INT(1)));
    UNDEFINED(CALL2("md5", "ii", VALUE_INT(0), VALUE_INT(101)));
    UNDEFINED(CALL2("md5", "ii", VALUE_INT(101), VALUE_INT(INT64_MAX)));
    load("math", 3);
    UNDEFINED(CALL0("mode"));
    blocks[0].base = 0;
    load("math", 1);
    CHECK_INT(CALL0("mode").integer, 'a');
    load("math", 0);
    UNDEFINED(CALL0("mode"));
    load("hash", 0);
    UNDEFINED(CALL2("md5", "ii", VALUE_INT(0), VALUE_INT(0)));
}

static void hash_vectors(void)
{
    blocks[0] = (struct block){.data = bytes_of("..abc..123456789")};
    load("hash", 1);
    const char *md5 = "900150983cd24fb0d6963f7d28e17f72",   /* RFC 1321 */
        *sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d", /* FIPS 180 */
            *sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    for (int again = 0; again < 2; again++) {
        CHECK(is_text(CALL2("md5", "ii", VALUE_INT(2), VALUE_INT(3)), md5));
        CHECK(is_text(CALL2("sha1", "ii", VALUE_INT(2), VALUE_INT(3)), sha1));
        CHECK(is_text(CALL2("sha256", "ii", VALUE_INT(2), VALUE_INT(3)), sha256));
        CHECK_INT(CALL2("crc32", "ii", VALUE_INT(7), VALUE_INT(9)).integer, 0xcbf43926);
        CHECK_INT(CALL2("checksum32", "ii", VALUE_INT(7), VALUE_INT(9)).integer, 477);
        UNDEFINED(CALL2("sha1", "ii", VALUE_INT(2), VALUE_INT(-3)));
    }
    CHECK(is_text(CALL2("md5", "ii", VALUE_INT(0), VALUE_INT(0)),
                  "d41d8cd98f00b204e9800998ecf8427e"));
    CHECK(is_text(CALL1("md5", "s", TEXT("abc")), md5));
    CHECK(is_text(CALL1("sha1", "s", TEXT("abc")), sha1));
    CHECK(is_text(CALL1("sha256", "s", TEXT("abc")), sha256));
    CHECK_INT(CALL1("crc32", "s", TEXT("123456789")).integer, 0xcbf43926);
    CHECK_INT(CALL1("checksum32", "s", TEXT("\xff\xff")).integer, 510);
}

/* Long ranges take another way through crc32, and an answer is not computed twice. */
static void hashes_of_long_ranges(void)
{
    static uint8_t data[100003];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * i >> 3);
    blocks[0] = (struct block){.data = {data, sizeof data}};
    for (size_t i = 0; i < 3; i++)
        blocks[i + 1] = (struct block){{data + i * 4001, 4001}, i * 4001};
    load("hash", 1);
    int64_t whole = CALL2("crc32", "ii", VALUE_INT(0), VALUE_INT(12003)).integer;
    struct module_input parts = in;
    struct value args[] = {VALUE_INT(0), VALUE_INT(12003)}, ret;
    parts.blocks = blocks + 1;
    parts.block_count = 3;
    parts.state = NULL;
    const struct field *crc = &in.root->members[field_index(in.root->members, "crc32")];
    CHECK_INT(crc->calls[0].call(&parts, args, &ret), 0);
    CHECK_INT(ret.integer, whole);
    uint64_t steps = budget.steps;
    CALL2("crc32", "ii", VALUE_INT(0), VALUE_INT(12003));
    CHECK(budget.steps == steps);
    budget.steps = 1000;
    UNDEFINED(CALL2("md5", "ii", VALUE_INT(0), VALUE_INT(100003)));
    CHECK_INT(budget.hit, LIMIT_STEPS);
}

static void string_reads_numbers(void)
{
    load("string", 0);

    static const struct {
        const char *text;
        int base; /* -1: the call without */
        bool good;
        int64_t value;
    } cases[] = {
        {"1234", -1, true, 1234},
        {"-10", -1, true, -10},
        {"+7", -1, true, 7},
        {" \t\n 5", -1, true, 5},
        {"5 ", -1, false, 0},
        {"A", -1, false, 0},
        {"", -1, false, 0},
        {"-", -1, false, 0},
        {"010", -1, true, 8},
        {"08", -1, false, 0},
        {"0", -1, true, 0},
        {"0x1F", -1, true, 31},
        {"0x", -1, false, 0},
        {"0xg", -1, false, 0},
        {"-0x10", -1, true, -16},
        {"0x10", 16, true, 16},
        {"10", 16, true, 16},
        {"0x", 16, false, 0},
        {"10", 2, true, 2},
        {"12", 2, false, 0},
        {"z", 36, true, 35},
        {"Z", 36, true, 35},
        {"z", 35, false, 0},
        {"1", 1, false, 0},
        {"1", 37, false, 0},
        {"11", 0, true, 11},
        {"10", 8, true, 8},
        {"9223372036854775807", -1, true, INT64_MAX},
        {"9223372036854775808", -1, false, 0},
        {"-9223372036854775808", -1, true, INT64_MIN},
        {"-9223372036854775809", -1, false, 0},
        {"99999999999999999999999", -1, false, 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct value text = value_bytes(bytes_of(cases[i].text));
        struct value ret = cases[i].base < 0
                               ? CALL1("to_int", "s", text)
                               : CALL2("to_int", "si", text, VALUE_INT(cases[i].base));
        if (!CHECK((ret.type == TYPE_INT) == cases[i].good) ||
            (cases[i].good && !CHECK(ret.integer == cases[i].value)))
            printf("# '%s' base %d\n", cases[i].text, cases[i].base);
    }
    CHECK_INT(CALL1("to_int", "s", TEXT("12\0x")).integer, 12);
    CHECK_INT(CALL1("length", "s", TEXT("a\0b")).integer, 3);
}

static void console_prints(void)
{
    load("console", 0);
    CHECK_INT(CALL1("log", "s", TEXT("a\nb\x80~")).integer, 1);
    CHECK_STR(logged, "a\\x0ab\\x80~");
    CHECK_INT(CALL2("log", "ss", TEXT("x\0y"), TEXT("")).integer, 1);
    CHECK_STR(logged, "x");
    CALL1("log", "s", TEXT(""));
    CHECK_STR(logged, "");
    CALL2("log", "si", TEXT("n: "), VALUE_INT(-5));
    CHECK_STR(logged, "n: -5");
    CALL1("log", "i", VALUE_INT(7));
    CHECK_STR(logged, "7");
    CALL1("log", "f", VALUE_FLOAT(0.5));
    CHECK_STR(logged, "0.500000");
    CALL2("log", "sf", TEXT("f "), VALUE_FLOAT(-1));
    CHECK_STR(logged, "f -1.000000");
    CALL1("hex", "i", VALUE_INT(-1));
    CHECK_STR(logged, "0xffffffffffffffff");
    CALL2("hex", "si", TEXT("h="), VALUE_INT(32));
    CHECK_STR(logged, "h=0x20");
    in.log = NULL;
    CHECK_INT(CALL1("log", "i", VALUE_INT(8)).integer, 1);
    CHECK_STR(logged, "h=0x20");
}

static void time_is_the_driver_s(void)
{
    load("time", 0);
    CHECK_INT(CALL0("now").integer, 1234567890);
}

static void magic_asks_libmagic(void)
{
    blocks[0] = (struct block){.data = bytes_of("#!/bin/sh\necho\n")};
    if (!magic_known()) {
        load("magic", 1);
        UNDEFINED(CALL0("type"));
        tap_skip("magic", "this build has no libmagic");
        return;
    }
    load("magic", 1);
    for (int again = 0; again < 2; again++) {
        CHECK(is_text(CALL0("mime_type"), "text/x-shellscript"));
        CHECK(is_text(CALL0("type"), "POSIX shell script, ASCII text executable"));
    }
    in.is_process = true;
    UNDEFINED(CALL0("type"));
    blocks[0].data.len = 0;
    load("magic", 1);
    UNDEFINED(CALL0("type"));
    load("magic", 0);
    UNDEFINED(CALL0("mime_type"));
}

/* Stands for regular expressions: finds the text whose number it is. */
static const char *const needles[] = {"evil.com", "", "10.0.0.1", "HKEY", "tail", "curl"};

enum { EVIL, NOTHING, ADDRESS, HKEY, TAIL, CURL };

static int find_needle(struct module_input *self, const struct value *regex, bytes subject)
{
    (void)self;
    bytes needle = bytes_of(needles[regex->integer]);
    return bytes_find(subject, needle, 0) == SIZE_MAX ? -1 : (int)needle.len;
}

static int64_t ask(const char *part, const char *name, int needle, int64_t port)
{
    struct module_input whole = in;
    struct value regex = {.type = TYPE_REGEX, .integer = needle}, ret;
    in.root = object_member(in.root, part);
    ret = port ? CALL2(name, "ri", regex, VALUE_INT(port)) : CALL1(name, "r", regex);
    in = whole;
    CHECK_INT(ret.type, TYPE_INT);
    return ret.integer;
}

static int load_cuckoo(const char *report)
{
    load("cuckoo", 0);
    in.extra = bytes_of(report);
    in.regex = find_needle;
    return module_find(bytes_of("cuckoo"))->load(&in);
}

static void cuckoo_reads_reports(void)
{
    CHECK_INT(
        load_cuckoo(
            "{\"network\": {\"domains\": [1, {\"ip\": \"1.2.3.4\", \"domain\": "
            "\"www.evil.com\"}],"
            " \"dns\": [{\"ip\": \"1.2.3.4\", \"hostname\": \"tail\"}],"
            " \"http\": [{\"method\": \"GeT\", \"uri\": \"http://evil.com/\"},"
            "            {\"method\": \"POST\", \"uri\": \"http://10.0.0.1/\","
            "             \"user-agent\": \"curl/7\"}, {\"method\": \"GET\"}, []],"
            " \"hosts\": [\"10.0.0.1\", 5], \"tcp\": [{\"dst\": \"10.0.0.1\", \"dport\": 443}],"
            " \"udp\": {\"dst\": \"10.0.0.1\"}},"
            "\"behavior\": {\"summary\": {\"keys\": [\"HKEY_USERS\"], \"files\": "
            "[\"C:\\u0000tail\"],"
            "               \"mutexes\": [\"\", \"x\"]}}}"),
        0);
    CHECK_INT(ask("network", "dns_lookup", EVIL, 0), 1);
    CHECK_INT(ask("network", "dns_lookup", TAIL, 0), 0);
    CHECK_INT(ask("network", "http_get", EVIL, 0), 1);
    CHECK_INT(ask("network", "http_get", ADDRESS, 0), 0);
    CHECK_INT(ask("network", "http_post", ADDRESS, 0), 1);
    CHECK_INT(ask("network", "http_request", EVIL, 0), 1);
    CHECK_INT(ask("network", "http_request", ADDRESS, 0), 1);
    CHECK_INT(ask("network", "http_user_agent", CURL, 0), 1);
    CHECK_INT(ask("network", "host", ADDRESS, 0), 1);
    CHECK_INT(ask("network", "host", NOTHING, 0), 0);
    CHECK_INT(ask("network", "tcp", ADDRESS, 443), 1);
    CHECK_INT(ask("network", "tcp", ADDRESS, 80), 0);
    CHECK_INT(ask("network", "udp", ADDRESS, 443), 0);
    CHECK_INT(ask("registry", "key_access", HKEY, 0), 1);
    CHECK_INT(ask("filesystem", "file_access", TAIL, 0), 0);
    CHECK_INT(ask("sync", "mutex", TAIL, 0), 0);
}

static void cuckoo_without_a_report(void)
{
    CHECK_INT(load_cuckoo(""), 0);
    CHECK_INT(ask("network", "host", ADDRESS, 0), 0);
    CHECK_INT(load_cuckoo("[1]"), 0);
    CHECK_INT(ask("sync", "mutex", ADDRESS, 0), 0);
    CHECK_INT(
        load_cuckoo("{\"network\": {\"dns\": [{\"ip\": \"\", \"hostname\": \"evil.com\"}]}}"),
        0);
    CHECK_INT(ask("network", "dns_lookup", EVIL, 0), 1);
    CHECK_INT(load_cuckoo("{bad"), -EBADMSG);
    CHECK_INT(load_cuckoo("{} x"), -EBADMSG);
}

int main(void)
{
    in.arena = arena_new(16 << 20);
    math_over_strings();
    math_over_numbers();
    math_over_ranges();
    processes_have_blocks();
    hash_vectors();
    hashes_of_long_ranges();
    string_reads_numbers();
    console_prints();
    time_is_the_driver_s();
    magic_asks_libmagic();
    cuckoo_reads_reports();
    cuckoo_without_a_report();
    arena_free(in.arena);
    return tap_done();
}
