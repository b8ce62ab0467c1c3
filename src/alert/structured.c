/* A card's number has 13 to 16 digits with up to eight blanks and hyphens among them, begins
 * with a prefix of six digits that an issuer has, and its last digit makes the sum by Luhn's
 * rule a multiple of ten. A number of an insurance has an area of three digits, up to 772 and
 * not 666, a group of two and a serial of four, none of them 0. ISO/IEC 7812-1; ssa.gov, "SSN
 * randomization"; the limits are those that clamscan 1.4 shows. */
#include "alert/structured.h"

enum {
    PART = 8191,
    PREFIX = 6,
    DIGITS = 20,
    BREAKS = 8,
    CARD_LEAST = 13,
    CARD_MOST = 19,
    CARD_STEP = 15, /* what is passed by behind the first digit of a card's number */
    HYPHENS = 11,
    PLAIN = 9,
    AREA_MOST = 772,
    AREA_NONE = 666,
};

static const struct issuer {
    uint32_t first, last;
    uint8_t least, most; /* digits */
    bool credit;
} issuers[] = {
    {100000, 199999, 13, 15, false}, {222100, 272099, 16, 16, true},
    {300000, 305999, 14, 16, true},  {309500, 309599, 14, 16, true},
    {340000, 349999, 15, 15, true},  {352800, 358999, 16, 16, true},
    {360000, 369999, 14, 16, true},  {370000, 379999, 15, 15, true},
    {380000, 399999, 16, 16, true},  {400000, 499999, 16, 16, true},
    {500000, 509999, 16, 16, false}, {510000, 559999, 16, 16, true},
    {601100, 601199, 16, 16, true},  {622126, 622926, 16, 16, true},
    {624000, 626999, 16, 16, true},  {628200, 628899, 16, 16, true},
    {644000, 659999, 16, 16, true},
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Appends digits up to `most` in all. */
static void take_digits(bytes text, size_t *at, size_t most, uint32_t *breaks, uint8_t *digits,
                        size_t *count)
{
    for (; *at < text.len && *count < most; ++*at) {
        uint8_t c = text.at[*at];
        if (is_digit(c))
            digits[(*count)++] = (uint8_t)(c - '0');
        else if ((c != ' ' && c != '-') || !*breaks)
            return;
        else
            --*breaks;
    }
}

static const struct issuer *find_issuer(const uint8_t *digits, bool cards_only)
{
    uint32_t prefix = 0;
    for (size_t i = 0; i < PREFIX; i++)
        prefix = prefix * 10 + digits[i];
    for (size_t i = 0; i < COUNT(issuers); i++)
        if (prefix >= issuers[i].first && prefix <= issuers[i].last &&
            (issuers[i].credit || !cards_only))
            return &issuers[i];
    return NULL;
}

static bool is_card(bytes text, bool cards_only)
{
    uint8_t digits[DIGITS];
    uint32_t breaks = BREAKS, sum = 0;
    size_t at = 0, count = 0;
    if (text.len < CARD_LEAST || text.at[0] > '6')
        return false;
    text = bytes_slice(text, 0, CARD_MOST + BREAKS);
    take_digits(text, &at, PREFIX, &breaks, digits, &count);
    const struct issuer *issuer = count == PREFIX ? find_issuer(digits, cards_only) : NULL;
    if (!issuer)
        return false;
    take_digits(text, &at, issuer->most, &breaks, digits, &count);
    if (count < issuer->least || (at < text.len && is_digit(text.at[at])))
        return false;
    for (size_t i = 0; i < count; i++) {
        uint32_t value = digits[count - 1 - i] * (1 + (uint32_t)(i % 2));
        sum += value > 9 ? value - 9 : value;
    }
    return sum % 10 == 0;
}

/* As scanf reads "%3d": blanks, a sign, digits; all but the blanks count. False for no digit.
 */
static bool read_number(const uint8_t **at, size_t width, int *ret)
{
    const uint8_t *p = *at;
    int value = 0;
    while (*p == ' ' || (*p >= '\t' && *p <= '\r'))
        p++;
    bool minus = *p == '-';
    if (minus || *p == '+') {
        p++;
        width--;
    }
    bool any = width && is_digit(*p);
    for (; width && is_digit(*p); p++, width--)
        value = value * 10 + (*p - '0');
    *at = p;
    *ret = minus ? -value : value;
    return any;
}

static bool is_insurance(bytes text, bool hyphens)
{
    size_t size = hyphens ? HYPHENS : PLAIN;
    uint8_t copy[HYPHENS + 1] = {0};
    int area, group, serial;
    if (text.len < size || (text.len > size && is_digit(text.at[size])))
        return false;
    for (size_t i = 0; i < size && text.at[i]; i++)
        copy[i] = text.at[i];
    const uint8_t *at = copy;
    for (size_t i = 0; !hyphens && copy[i]; i++)
        if (!is_digit(copy[i]))
            return false;
    if (hyphens && (copy[3] != '-' || copy[6] != '-'))
        return false;
    if (!read_number(&at, 3, &area) || (hyphens && *at++ != '-') ||
        !read_number(&at, 2, &group) || (hyphens && *at++ != '-') ||
        !read_number(&at, 4, &serial))
        return false;
    return area > 0 && area <= AREA_MOST && area != AREA_NONE && group > 0 && serial > 0;
}

static bool begins_number(bytes text, size_t at)
{
    return is_digit(text.at[at]) && !(at && is_digit(text.at[at - 1]));
}

/* The rest of a part, from `at` on. */
static bytes rest_of(bytes text, size_t at)
{
    return bytes_slice(text, at, text.len);
}

static uint32_t count_cards(bytes text, bool cards_only)
{
    uint32_t count = 0;
    for (size_t at = 0; text.len >= CARD_LEAST && at < text.len; at++) {
        if (!begins_number(text, at) || !is_card(rest_of(text, at), cards_only))
            continue;
        count++;
        at += text.len > CARD_STEP ? CARD_STEP : text.len - 1;
    }
    return count;
}

static uint32_t count_insurances(bytes text, bool hyphens)
{
    uint32_t count = 0;
    for (size_t at = 0; text.len >= PLAIN && at < text.len; at++) {
        if (!begins_number(text, at) || !is_insurance(rest_of(text, at), hyphens))
            continue;
        count++;
        at += hyphens ? HYPHENS : PLAIN;
    }
    return count;
}

uint64_t structured_check(const struct alert_options *options, bytes text,
                          struct budget *budget)
{
    uint32_t cards = 0, insurances = 0;
    for (size_t at = 0; at < text.len; at += PART) {
        bytes part = bytes_slice(text, at, PART);
        if (!budget_charge(budget, part.len))
            break;
        cards += count_cards(part, options->cards_only);
        insurances += options->plain ? count_insurances(part, false) : 0;
        insurances += options->hyphens ? count_insurances(part, true) : 0;
        if (cards >= options->least_cards || insurances >= options->least_ssns)
            break;
    }
    return (cards && cards >= options->least_cards ? ALERT_BIT(ALERT_CARDS) : 0) |
           (insurances && insurances >= options->least_ssns ? ALERT_BIT(ALERT_INSURANCES) : 0);
}
