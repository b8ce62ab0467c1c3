#include "alert/alert.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static uint64_t check(const struct alert_options *options, enum filetype type, bytes data)
{
    struct budget budget = {.steps = 1 << 24};
    return alert_check(options, data, type, type, &budget);
}

static uint64_t check_text(struct alert_options options, const char *text)
{
    options.structured = true;
    return check(&options, FILETYPE_TEXT_ASCII, bytes_of(text));
}

/* Numbers that issuers publish for tests. */
static void test_cards(void)
{
    const struct alert_options one = {.least_cards = 1, .least_ssns = 1};
    const struct alert_options two = {.least_cards = 2, .least_ssns = 2};
    const struct alert_options credit = {.cards_only = true, .least_cards = 1};
    CHECK(check_text(one, "number 4111 1111 1111 1111.") == ALERT_BIT(ALERT_CARDS));
    CHECK(check_text(one, "number 4111-1111-1111-1112.") == 0);
    CHECK(check_text(one, "number 34111111111111111.") == 0);
    CHECK(check_text(two, "number 4111 1111 1111 1111.") == 0);
    CHECK(check_text(two, "4111111111111111 and 378282246310005") == ALERT_BIT(ALERT_CARDS));
    CHECK(check_text(one, "5000 0000 0000 0009") == ALERT_BIT(ALERT_CARDS));
    CHECK(check_text(credit, "5000 0000 0000 0009") == 0);
}

static void test_insurances(void)
{
    const struct alert_options both = {true, .hyphens = true, .plain = true, .least_cards = 1,
                                       .least_ssns = 1};
    const struct alert_options hyphens = {.hyphens = true, .least_cards = 1, .least_ssns = 1};
    const uint64_t found = ALERT_BIT(ALERT_INSURANCES);
    CHECK(check_text(both, "of 123-45-6789.") == found);
    CHECK(check_text(both, "of 123456789 too") == found);
    CHECK(check_text(hyphens, "of 123456789 too") == 0);
    CHECK(check_text(hyphens, "of 123-45-67890") == 0);
    CHECK(check_text(hyphens, "of 666-45-6789, 773-45-6789 or 000-45-6789") == 0);
    CHECK(check_text(hyphens, "of 123-00-6789 or 123-45-0000") == 0);
}

static void test_parts(void)
{
    static char text[20000];
    const struct alert_options three = {.hyphens = true, .least_cards = 3, .least_ssns = 3};
    memset(text, 'x', sizeof text - 1);
    memcpy(text + 10, " 123-45-6789 ", 13);
    memcpy(text + 15000, " 123-45-6789 ", 13);
    CHECK(check_text(three, text) == 0);
    memcpy(text + 8185, " 123-45-6789 ", 13); /* from one part into the next */
    CHECK(check_text(three, text) == 0);
    memcpy(text + 9000, " 123-45-6789 ", 13);
    CHECK(check_text(three, text) == ALERT_BIT(ALERT_INSURANCES));
}

static void test_pictures(void)
{
    static const uint8_t gif[] = "GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;";
    static const uint8_t jpeg[] = "\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xd9\0\2";
    const struct alert_options pictures = {.pictures = true};
    const struct alert_options others = {.programs = true, .partitions = true};
    CHECK(check(&pictures, FILETYPE_GIF, (bytes){gif, sizeof gif - 1}) == 0);
    CHECK(check(&pictures, FILETYPE_GIF, (bytes){gif, sizeof gif - 3}) ==
          ALERT_BIT(ALERT_GIF_DATA));
    CHECK(check(&pictures, FILETYPE_GIF, (bytes){gif, 9}) == ALERT_BIT(ALERT_GIF_SCREEN));
    CHECK(check(&others, FILETYPE_GIF, (bytes){gif, 9}) == 0);
    CHECK(check(&pictures, FILETYPE_JPEG, (bytes){jpeg, sizeof jpeg}) ==
          ALERT_BIT(ALERT_JPEG_NO_IMAGE));
}

static void test_partitions(void)
{
    static uint8_t disk[8 * 512];
    const struct alert_options partitions = {.partitions = true, .most_partitions = 50};
    disk[446 + 4] = disk[462 + 4] = 0x83;
    disk[446 + 8] = 1;
    disk[446 + 12] = 3;
    disk[462 + 8] = 4;
    disk[462 + 12] = 2;
    disk[510] = 0x55;
    disk[511] = 0xaa;
    CHECK(check(&partitions, FILETYPE_MBR, (bytes){disk, sizeof disk}) == 0);
    disk[462 + 8] = 3;
    CHECK(check(&partitions, FILETYPE_MBR, (bytes){disk, sizeof disk}) == ALERT_BIT(ALERT_MBR));
}

static void test_names(void)
{
    for (uint32_t i = 0; i < ALERTS; i++)
        CHECK(strncmp(alert_name(i), "Heuristics.", 11) == 0);
    CHECK(!alert_name(ALERTS) && ALERTS <= 64);
}

int main(void)
{
    test_cards();
    test_insurances();
    test_parts();
    test_pictures();
    test_partitions();
    test_names();
    return tap_done();
}
