/* The header of an entry: what is written is read again, and what makes no sense is refused. */
#include "quarantine/entry.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

static struct arena *arena;

static struct entry_facts sample(void)
{
    static struct entry_attribute attributes[2];
    static struct entry_extent extents[2];
    static struct entry_finding finding;
    struct entry_facts facts = {.size = 1 << 20,
                                .device = 1,
                                .inode = UINT64_MAX,
                                .links = 3,
                                .mode = 04755,
                                .uid = 4000000000,
                                .gid = 7,
                                .accessed = {-5, 999999999},
                                .modified = {1, 2},
                                .changed = {3, 4},
                                .taken = {5, 6},
                                .findings = 9,
                                .path = bytes_of("/a\n\xff/b"),
                                .owner = bytes_of("someone"),
                                .version = bytes_of("0.1")};
    attributes[0] = (struct entry_attribute){bytes_of("user.a"), bytes_of("")};
    attributes[1] = (struct entry_attribute){bytes_of("user.b"), bytes_of("v")};
    extents[0] = (struct entry_extent){0, 4096};
    extents[1] = (struct entry_extent){8192, (1 << 20) - 8192};
    finding =
        (struct entry_finding){bytes_of("r"), bytes_of("n"), bytes_of("s"), bytes_of("o")};
    memset(facts.sha256, 7, sizeof facts.sha256);
    facts.attribute.at = attributes;
    facts.extent.at = extents;
    facts.finding.at = &finding;
    facts.attribute.n = facts.extent.n = 2;
    facts.finding.n = 1;
    return facts;
}

static int through(const struct entry_facts *facts, struct entry_facts *ret)
{
    bytes raw;
    struct why why;
    int error = entry_encode(facts, arena, &raw, &why);
    return error ? error : entry_decode(raw, arena, ret, &why);
}

static void test_round(void)
{
    struct entry_facts in = sample(), out;
    CHECK_INT(through(&in, &out), 0);
    CHECK(out.size == in.size && out.inode == in.inode && out.uid == in.uid);
    CHECK(out.mode == 04755 && out.links == 3 && out.findings == 9 && out.gid == 7);
    CHECK(out.accessed.tv_sec == -5 && out.accessed.tv_nsec == 999999999);
    CHECK(out.taken.tv_sec == 5 && out.changed.tv_nsec == 4 && out.modified.tv_nsec == 2);
    CHECK(bytes_equal(in.path, out.path) && bytes_is(out.owner, "someone") && !out.group.len);
    CHECK(memcmp(in.sha256, out.sha256, sizeof in.sha256) == 0);
    CHECK(out.attribute.n == 2 && bytes_is(out.attribute.at[1].name, "user.b") &&
          bytes_is(out.attribute.at[1].value, "v") && !out.attribute.at[0].value.len);
    CHECK(out.extent.n == 2 && out.extent.at[1].at == 8192);
    CHECK(out.finding.n == 1 && bytes_is(out.finding.at[0].object, "o"));
}

static void test_refused(void)
{
    static const char *const paths[] = {"", "/", "a/b", "/a/", "/a//b", "/a/../b", "/./a"};
    struct entry_facts in = sample(), out;
    for (size_t i = 0; i < COUNT(paths); i++) {
        in.path = bytes_of(paths[i]);
        CHECK_INT(through(&in, &out), -EBADMSG);
    }
    in = sample();
    in.path = (bytes){(const uint8_t *)"/a\0b", 4};
    CHECK_INT(through(&in, &out), -EBADMSG);
    in = sample();
    in.mode = 0100644;
    CHECK_INT(through(&in, &out), -EBADMSG);
    in = sample();
    in.taken.tv_nsec = 1000000000;
    CHECK_INT(through(&in, &out), -EBADMSG);
    in = sample();
    in.findings = 0;
    CHECK_INT(through(&in, &out), -EBADMSG);
    in = sample();
    in.size = (1 << 20) - 1; /* the data reaches behind the end */
    CHECK_INT(through(&in, &out), -EBADMSG);
    in = sample();
    in.extent.at[1].at = 4095; /* overlaps */
    CHECK_INT(through(&in, &out), -EBADMSG);
    in = sample();
    in.extent.at[1].len = UINT64_MAX;
    CHECK_INT(through(&in, &out), -EBADMSG);
    in = sample();
    in.attribute.at[1].name = bytes_of("user.a"); /* twice */
    CHECK_INT(through(&in, &out), -EBADMSG);
}

static void test_cut(void)
{
    struct entry_facts in = sample(), out;
    bytes raw;
    struct why why;
    unsigned refused = 0;
    CHECK_INT(entry_encode(&in, arena, &raw, &why), 0);
    for (size_t i = 0; i < raw.len; i++)
        refused += entry_decode(bytes_slice(raw, 0, i), arena, &out, &why) == -EBADMSG;
    /* Cut between two records and only a later one is missed: that is what the seal is for. */
    CHECK(refused >= raw.len - 8);
    uint8_t twice[2048];
    memcpy(twice, raw.at, raw.len);
    memcpy(twice + raw.len, raw.at, raw.len);
    CHECK_INT(entry_decode((bytes){twice, 2 * raw.len}, arena, &out, &why), -EBADMSG);
}

static void test_large(void)
{
    struct entry_facts in = sample();
    static struct entry_attribute many[80];
    static uint8_t value[65536];
    static char names[80][16];
    bytes raw;
    struct why why;
    for (size_t i = 0; i < COUNT(many); i++) {
        snprintf(names[i], sizeof names[i], "user.%02zu", i);
        many[i] = (struct entry_attribute){bytes_of(names[i]), {value, sizeof value}};
    }
    in.attribute.at = many;
    in.attribute.n = COUNT(many);
    CHECK_INT(entry_encode(&in, arena, &raw, &why), -E2BIG);
}

int main(void)
{
    arena = arena_new((size_t)64 << 20);
    test_round();
    test_refused();
    test_cut();
    test_large();
    arena_free(arena);
    return tap_done();
}
