/* Patterns for names, and the words of notes out of what they are wrapped in. */
#include "rescue/identify/file_pattern.h"
#include "rescue/identify/note_feature.h"
#include "rescue/identify/note_text.h"
#include "rescue/job/names.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool matches(const char *pattern, const char *name)
{
    return file_pattern_matches(bytes_of(pattern), bytes_of(name));
}

static void patterns_match_whole_names(void)
{
    const char *phobos = "{any}.id[{hex:8}-{digit:4}].[{mail}].{alnum}";
    CHECK(matches(phobos, "test1.jpg.id[BADC0C0A-0000].[attacker@tutanota.com].demo"));
    CHECK(!matches(phobos, "test1.jpg.id[BADC0C0A-000].[attacker@tutanota.com].demo"));
    CHECK(!matches(phobos, "test1.jpg.id[BADC0C0G-0000].[attacker@tutanota.com].demo"));
    CHECK(!matches(phobos, "test1.jpg.id[BADC0C0A-0000].[attacker.tutanota.com].demo"));
    CHECK(!matches(phobos, "test1.jpg.id[BADC0C0A-0000].[attacker@tutanota.com].demo~"));
    CHECK(matches("{alnum:9}.README.txt", "l8rt4wHOx.readme.TXT"));
    CHECK(!matches("{alnum:9}.README.txt", "l8rt4wHO.README.txt"));
    CHECK(matches("info.txt", "INFO.TXT"));
    CHECK(!matches("info.txt", "info.txt2"));
    CHECK(matches("{any}", "x") && !matches("{any}", ""));
    CHECK(matches("a{digit}b{digit}c", "a12b3c") && !matches("a{digit}b{digit}c", "a12bc"));
    CHECK(matches("[{mail}][{hex:8}]{any}", "[attacker1@mail][BADC0C0A]test1.jpg.BlackBit"));
}

static void patterns_with_unknown_wildcards_are_no_patterns(void)
{
    CHECK(file_pattern_sound(bytes_of("{any}.x")) && file_pattern_sound(bytes_of("x")));
    CHECK(!file_pattern_sound(bytes_of("{anything}")) && !file_pattern_sound(bytes_of("{any")));
    CHECK(!file_pattern_sound(bytes_of("{hex:0}")) && !file_pattern_sound(bytes_of("{any:3}")));
    CHECK(file_pattern_bits(bytes_of("{any}.id[{hex:8}-{digit:4}].[{mail}].{alnum}")) >
          file_pattern_bits(bytes_of("{any}.{alnum:9}")));
}

static void long_names_end(void)
{
    char name[300], pattern[300];
    memset(name, 'a', sizeof name);
    for (size_t i = 0; i + 5 < sizeof pattern; i += 5)
        memcpy(pattern + i, "{any}", 5);
    CHECK(
        file_pattern_matches((bytes){(uint8_t *)pattern, 250}, (bytes){(uint8_t *)name, 255}));
    CHECK(
        !file_pattern_matches((bytes){(uint8_t *)pattern, 250}, (bytes){(uint8_t *)name, 256}));
}

static const char *plain(struct arena *arena, const void *file, size_t len)
{
    static char text[512];
    bytes words;
    struct why why;
    int error = note_text_plain((bytes){file, len}, arena, &words, &why);
    if (error)
        return error == -EBADMSG ? "no text" : "error";
    memcpy(text, words.at, words.len);
    text[words.len] = 0;
    return text;
}

static void words_come_out_of_their_wrapping(void)
{
    struct arena *arena = arena_new((size_t)8 << 20);
    const char utf16[] = "\xff\xfe"
                         "P\0a\0y\0 \0\xe9\0";
    const char big[] = "\xfe\xff"
                       "\0P\0a\0y";
    const char html[] =
        "<html><head><style>a{}</style><script>var x = '<b>';</script></head>"
        "<body>Pay&nbsp;us &#x41;&#66; &lt;now&gt;<!-- hidden --> &amp go</body>";
    const char rtf[] = "{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}}{\\*\\generator x;}Pay\\par us "
                       "\\'41\\u66?{\\b now}\\{\\}}";
    CHECK_STR(plain(arena, "Pay us", 6), "Pay us");
    CHECK_STR(plain(arena, utf16, sizeof utf16 - 1), "Pay \xc3\xa9");
    CHECK_STR(plain(arena, big, sizeof big - 1), "Pay");
    CHECK_STR(plain(arena, html, sizeof html - 1), "      Pay us AB <now>  &amp go ");
    CHECK_STR(plain(arena, rtf, sizeof rtf - 1), "Pay\nus AB?now{}");
    CHECK_STR(plain(arena,
                    "\x7f"
                    "ELF\1\2\3\4\5\6\0\0\0\0",
                    14),
              "no text");
    CHECK_STR(plain(arena, "", 0), "no text");
    CHECK_STR(plain(arena, "<html", 5), " ");
    CHECK_STR(plain(arena, "{\\rtf\\", 6), "");
    arena_free(arena);
}

static void addresses_are_found(void)
{
    const char *text =
        "Write to Help.Me@Onionmail.org. or http://"
        "aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffffgggggggg.onion/x, "
        "https://www.example-leaks.net/a, www.torproject.org; "
        "Tox 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123"
        "456789AB, 1BoatSLRHtKNngkdXEeobR76b53LETtpyT, not1anonionx.onion";

    const enum note_address_kind kinds[] = {NOTE_MAIL, NOTE_ONION, NOTE_DOMAIN, NOTE_TOX,
                                            NOTE_WALLET};
    struct arena *arena = arena_new((size_t)8 << 20);
    struct note_features features;
    CHECK_INT(note_feature_take(bytes_of(text), arena, &features, NULL), 0);
    CHECK_INT(features.address.n, COUNT(kinds));
    for (size_t i = 0; i < COUNT(kinds) && i < features.address.n; i++)
        CHECK_INT(features.address.at[i].kind, kinds[i]);
    CHECK(bytes_is(features.address.at[0].text, "help.me@onionmail.org"));
    CHECK(bytes_is(features.address.at[2].text, "example-leaks.net"));
    arena_free(arena);
}

static void disks_of_windows_take_tamed_names(void)
{
    static const struct {
        const char *name, *tame; /* NULL: as it is */
    } rows[] = {
        {"a:b?c.txt", "a_b_c.txt"},
        {"a<b>c\"d|e*f\\g", "a_b_c_d_e_f_g"},
        {"end. .", "end___"},
        {"new\nline", "new_line"},
        {"nul", "_nul"},
        {"Com1.txt", "_Com1.txt"},
        {"lpt9.a.b", "_lpt9.a.b"},
        {"latin\xe9.txt", "latin_.txt"},
        {"gr\xc3\xbc\xc3\x9f.txt", NULL},
        {"com10.txt", NULL},
        {"console.txt", NULL},
        {".hidden", NULL},
        {"a (recovered).jpg", NULL},
    };

    char tame[NAMES_MAX], longest[NAMES_MAX];
    for (size_t i = 0; i < COUNT(rows); i++) {
        bool is = names_tame(rows[i].name, tame);
        CHECK(rows[i].tame ? is && !strcmp(tame, rows[i].tame) : !is);
    }
    memset(longest, ':', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    CHECK(names_tame(longest, tame) && strlen(tame) == sizeof longest - 1);
    memcpy(longest, "nul.", 4);
    CHECK(!names_tame(longest, tame));
}

int main(void)
{
    disks_of_windows_take_tamed_names();
    patterns_match_whole_names();
    patterns_with_unknown_wildcards_are_no_patterns();
    long_names_end();
    words_come_out_of_their_wrapping();
    addresses_are_found();
    return tap_done();
}
