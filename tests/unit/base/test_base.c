#include "base/base.h"
#include "tap.h"

#include <errno.h>

static void cuts_fields_and_ends(void)
{
    bytes rest = bytes_of("a::b"), head;
    CHECK(bytes_cut(&rest, ':', &head) && bytes_is(head, "a"));
    CHECK(bytes_cut(&rest, ':', &head) && bytes_is(head, ""));
    CHECK(bytes_cut(&rest, ':', &head) && bytes_is(head, "b"));
    CHECK(!bytes_cut(&rest, ':', &head));
}

static void checked_reads_leave_ret_alone_outside_the_view(void)
{
    uint32_t got = 7;
    bytes view = bytes_of("abcde");
    CHECK(bytes_le32(view, 1, &got) && got == 0x65646362);
    CHECK(!bytes_le32(view, 2, &got) && got == 0x65646362);
    CHECK(!bytes_le32(view, UINT64_MAX, &got));
    CHECK(bytes_be32(view, 0, &got) && got == 0x61626364);
    CHECK(bytes_has(view, 5, 0) && !bytes_has(view, 6, 0) && !bytes_has(view, 1, UINT64_MAX));
}

static void reasons_nest_and_fit(void)
{
    struct why why;
    CHECK_INT(fail(&why, EBADMSG, "version is not a number"), -EBADMSG);
    CHECK_INT(why_wrap(&why, -EBADMSG, "main.cvd"), -EBADMSG);
    CHECK_STR(why.text, "main.cvd: version is not a number");
    CHECK_INT(fail(NULL, EIO, "nobody asked"), -EIO);
}

static void hashes_depend_on_every_byte(void)
{
    uint8_t text[100] = {0};
    uint64_t before = hash64((bytes){text, sizeof text}, 1);
    bool differs = true;
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] ^= 0x40;
        differs = differs && hash64((bytes){text, sizeof text}, 1) != before;
        text[i] ^= 0x40;
    }
    CHECK(differs);
    CHECK(hash64((bytes){text, 99}, 1) != before);
}

int main(void)
{
    cuts_fields_and_ends();
    checked_reads_leave_ret_alone_outside_the_view();
    reasons_nest_and_fit();
    hashes_depend_on_every_byte();
    return tap_done();
}
