#include "cmd/options.h"

#include "tap.h"

#include <stddef.h>
#include <stdlib.h>

struct choices {
    bool flag;
    const char *text;
    struct option_list list;
    int64_t number;
    uint64_t size;
    int choice, on;
    bool given[8];
};

static const struct option table[] = {
    {"flag", 'f', OPTION_FLAG, NULL, "A", "a flag", NULL, NULL, offsetof(struct choices, flag)},
    {"text", 't', OPTION_TEXT, "T", "A", "a text", NULL, NULL, offsetof(struct choices, text)},
    {"list", 'l', OPTION_LIST, "L", "A", "a list", NULL, NULL, offsetof(struct choices, list)},
    {"number", 'n', OPTION_NUMBER, "N", "B", "a number", NULL, NULL,
     offsetof(struct choices, number)},
    {"size", 0, OPTION_SIZE, "S", "B", "a size", NULL, NULL, offsetof(struct choices, size)},
    {"color", 0, OPTION_CHOICE, "C", "B", "a choice", NULL, "auto always never",
     offsetof(struct choices, choice)},
    {"switch", 's', OPTION_SWITCH, NULL, "B", "a switch", NULL, NULL,
     offsetof(struct choices, on)},
    {0}};
static const struct command command = {
    .name = "x", .title = "x", .summary = "s", .arguments = "", .options = table};

static const struct command clamav = {.name = "x",
                                      .title = "x",
                                      .summary = "s",
                                      .arguments = "",
                                      .options = table,
                                      .as_clamav = true,
                                      .given = offsetof(struct choices, given)};

static int parse(struct choices *ret, struct why *why, int argc, char **argv)
{
    *ret = (struct choices){0};
    return options_parse(&command, ret, argc, argv, why);
}

#define PARSE(...)                                                                             \
    parse(&got, &why, (int)COUNT(((char *[]){"x", __VA_ARGS__})), (char *[]){"x", __VA_ARGS__})

int main(void)
{
    struct choices got;
    struct why why = {""};
    CHECK_INT(PARSE("--flag", "a", "-t", "b", "c"), 2);
    CHECK(got.flag && strcmp(got.text, "b") == 0);
    CHECK_INT(PARSE("-ftb", "-n4", "--size=1.5K", "--color", "never"), 0);
    CHECK(got.flag && strcmp(got.text, "b") == 0 && got.number == 4 && got.size == 1536 &&
          got.choice == 2);
    CHECK_INT(PARSE("--list=1", "-l", "2", "-l3"), 0);
    CHECK(got.list.n == 3 && strcmp(got.list.at[2], "3") == 0);
    options_free(&command, &got);
    CHECK_INT(PARSE("--", "--flag", "-"), 2);
    CHECK(!got.flag);
    CHECK(PARSE("--flga") < 0);
    CHECK_STR(why.text, "unknown option '--flga': did you mean '--flag'?");
    CHECK(PARSE("--zzzzzz") < 0);
    CHECK_STR(why.text, "unknown option '--zzzzzz'");
    CHECK(PARSE("--text") < 0);
    CHECK_STR(why.text, "option '--text' needs a value: T");
    CHECK(PARSE("--flag=1") < 0);
    CHECK(PARSE("-n", "x") < 0);
    CHECK(PARSE("--color=blue") < 0);
    CHECK_STR(why.text, "option '--color' takes one of 'auto always never', not 'blue'");
    CHECK_INT(PARSE("--switch", "no"), 1);
    CHECK(got.on == 1);
    CHECK_INT(PARSE("-s", "--switch=No"), 0);
    CHECK(got.on == 0);
    CHECK(PARSE("--switch=maybe") < 0);
    CHECK(PARSE("--switc") < 0);
    /* As ClamAV's programs: heads of names, and the first value counts. */
    char *words[] = {"x", "--sw=no", "-s", "--num", "1", "--number=2"};
    got = (struct choices){0};
    CHECK_INT(options_parse(&clamav, &got, COUNT(words), words, &why), 0);
    CHECK(got.on == 0 && got.number == 1 && got.given[3] && got.given[6] && !got.given[0]);
    char *unclear[] = {"x", "--s"};
    CHECK(options_parse(&clamav, &got, COUNT(unclear), unclear, &why) < 0);
    uint64_t size = 0;
    CHECK(options_size("64M", &size) && size == 64ull << 20);
    CHECK(options_size("2GiB", &size) && size == 2ull << 30);
    CHECK(!options_size("64X", &size) && !options_size("-1", &size) &&
          !options_size("", &size));
    CHECK(!options_size("99999999T", &size));
    return tap_done();
}
