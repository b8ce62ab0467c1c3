#include "signer/der.h"

enum { HEAD = 6, LENGTH_LONG = 0x80 };

bool der_next(struct der *from, struct der_item *ret)
{
    uint32_t room = from->left < HEAD ? from->left : HEAD, head = 2;
    if (from->left < 2 || !bytes_has(from->file, from->at, room))
        return false;
    const uint8_t *p = from->file.at + from->at;
    uint32_t size = p[1];
    if (size & LENGTH_LONG) {
        uint32_t count = size & ~(uint32_t)LENGTH_LONG;
        if (!count || count > room - 2)
            return false;
        head += count;
        size = 0;
        for (uint32_t i = 0; i < count; i++)
            size = size << 8 | p[2 + i];
    }
    if (size > from->left - head)
        return false;
    *ret = (struct der_item){
        p[0], {from->file, from->at + head, size}, from->at, (uint64_t)head + size};
    from->at += ret->size;
    from->left -= head + size;
    return true;
}

bool der_take(struct der *from, uint8_t type, struct der_item *ret)
{
    return der_next(from, ret) && ret->type == type;
}

bytes der_content(const struct der_item *item)
{
    return bytes_slice(item->in.file, item->in.at, item->in.left);
}

bytes der_whole(const struct der_item *item)
{
    return bytes_slice(item->in.file, item->at, item->size);
}

bool der_expect(struct der *from, uint8_t type, bytes content)
{
    struct der_item item;
    return der_take(from, type, &item) && bytes_equal(der_content(&item), content);
}

/* Two digits at `at`; -1 when they are none. */
static int number_at(bytes file, uint64_t at)
{
    const uint8_t *p = file.at + at;
    if (!bytes_has(file, at, 2) || p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
        return -1;
    return (p[0] - '0') * 10 + p[1] - '0';
}

/* Days since 1970 of a day that may lie behind the end of its month. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t era = y / 400, in_era = y - era * 400;
    int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

bool der_time(struct der *from, int64_t *ret)
{
    struct der_item item;
    if (!der_next(from, &item) || (item.type != DER_TIME && item.type != DER_LONG_TIME))
        return false;
    bytes file = item.in.file;
    uint64_t at = item.in.at;
    bool is_long = item.type == DER_LONG_TIME;
    int field[5], year = number_at(file, at);
    if (year < 0 || !bytes_has(file, at, is_long ? 15 : 13))
        return false;
    if (is_long)
        year += year * 100;
    else
        year += year >= 50 ? 1900 : 2000;
    at += is_long ? 4 : 2;
    for (int i = 0; i < 5; i++, at += 2) { /* month, day, hour, minute, second */
        static const int least[5] = {1, 1}, most[5] = {12, 31, 23, 59, 59};
        bool is_left_out = i == 4 && file.at[at] == 'Z';
        field[i] = is_left_out ? 0 : number_at(file, at);
        if (field[i] < least[i] || field[i] > most[i])
            return false;
        if (is_left_out)
            at -= 2;
    }
    *ret =
        ((days_of(year, field[0], field[1]) * 24 + field[2]) * 60 + field[3]) * 60 + field[4];
    return bytes_has(file, at, 1) && file.at[at] == 'Z';
}
