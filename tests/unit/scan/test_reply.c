/* What a worker writes is read back; what no worker in its senses writes is refused. */
#include "scan/reply.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>

static struct definitions sets[1];
static struct arena *arena;

static void on_message(void *context, const struct yara_message *message)
{
    (void)context;
    printf("# %s\n", message->text);
}

static bool compile(void)
{
    static const char rules[] =
        "rule one { strings: $a = \"aa\" $b = \"bb\" private condition: any of them }\n"
        "rule two { strings: $c = \"cc\" condition: $c }";
    const struct definitions_options options = {.message = on_message};
    struct definitions_loader *loader = definitions_loader_new(&options);
    struct why why;
    int error = definitions_add_text(loader, bytes_of(rules), "rules", NULL, NULL, &why);
    error = error ? error : definitions_seal(loader, &sets[0], &why);
    definitions_loader_free(loader);
    return !error;
}

static int read_text(const struct text *out, struct examined *ret)
{
    arena_reset(arena);
    const struct reply_part part = {.reply = {(const uint8_t *)out->at, out->len}};
    return reply_read(&part, bytes_of("a.zip"), sets, 1, arena, ret);
}

static void write_example(struct text *out)
{
    struct reply reply;
    struct reply_object file = {.name = bytes_of("a.zip")};
    struct reply_object first = {
        .up = &file, .name = bytes_of("b.docx"), .data = bytes_of("12345")};
    struct reply_object second = {.up = &first, .name = bytes_of("word/x"), .partial = true};
    out->len = 0;
    reply_begin(&reply, out);
    reply.size = reply.examined = 100;
    reply.objects = 3;
    reply_finding(&reply, &second, 0, 0);
    reply_pattern(&reply, 0, 7);
    reply_match(&reply, 3, 2, 0, bytes_of("aa"));
    reply_match(&reply, 9, 2, 0, bytes_of("aa"));
    reply_finding(&reply, &second, 0, 1);
    reply_gap(&reply, &first, GAP_ENCRYPTED, bytes_of("secret"), "encrypted with ZipCrypto");
    reply_alert(&reply, &second, 2);
    reply_finding(&reply, &file, 0, 1);
    reply_end(&reply, 0);
}

static void round_trip(void)
{
    struct text out = {0};
    struct examined examined;
    write_example(&out);
    CHECK_INT(read_text(&out, &examined), 0);
    CHECK_INT(examined.verdict, VERDICT_FOUND);
    CHECK_INT(examined.finding_count, 3);
    CHECK_INT(examined.objects, 3);
    CHECK_INT(examined.object.n, 3);
    CHECK(bytes_is(examined.object.at[2].name, "word/x") && examined.object.at[2].partial);
    CHECK_INT(examined.object.at[2].depth, 2);
    CHECK_INT(examined.object.at[1].size, 5);
    CHECK(examined.finding.at[0].object == 2 && examined.finding.at[2].object == 0);
    CHECK_INT(examined.finding.at[0].pattern_count, 1);
    CHECK(examined.pattern.at[0].count == 7 && examined.pattern.at[0].match_count == 2);
    CHECK(examined.match.at[1].offset == 9 && bytes_is(examined.match.at[1].data, "aa"));
    CHECK(examined.gap.n == 1 && examined.gap.at[0].object == 1);
    CHECK(examined.alert.n == 1 && examined.alert.at[0].object == 2);
    CHECK_INT(examined.alert.at[0].alert, 2);
    CHECK(bytes_is(examined.gap.at[0].member, "secret"));
    CHECK_INT(examined.gap_counts[GAP_ENCRYPTED], 1);
    text_free(&out);
}

static void verdicts(void)
{
    struct text out = {0};
    struct reply reply;
    struct examined examined;
    struct reply_object file = {.name = bytes_of("f")};
    reply_begin(&reply, &out);
    reply_end(&reply, 0);
    CHECK(read_text(&out, &examined) == 0 && examined.verdict == VERDICT_CLEAN);
    out.len = 0;
    reply_begin(&reply, &out);
    reply_gap(&reply, &file, GAP_LIMIT, bytes_of(""), "too much");
    reply_end(&reply, 0);
    CHECK(read_text(&out, &examined) == 0 && examined.verdict == VERDICT_PARTIAL);
    out.len = 0;
    reply_begin(&reply, &out);
    reply_end(&reply, -EIO);
    CHECK(read_text(&out, &examined) == 0 && examined.verdict == VERDICT_ERROR);
    CHECK_STR(examined.error, "it cannot be read: Input/output error");
    text_free(&out);
}

/* What cost a worker is a gap, even where the next worker says that there was none. */
static void deaths(void)
{
    struct text out = {0};
    struct reply reply;
    struct examined examined;
    struct reply_object file = {.name = bytes_of("f")};
    for (int said = 0; said < 2; said++) {
        out.len = 0;
        reply_begin(&reply, &out);
        if (said)
            reply_gap(&reply, &file, GAP_FAULT, bytes_of(""), "the worker died");
        reply_end(&reply, 0);
        const struct reply_part part = {.reply = {(const uint8_t *)out.at, out.len},
                                        .died = bytes_of("the worker died")};
        arena_reset(arena);
        CHECK_INT(reply_read(&part, bytes_of("f"), sets, 1, arena, &examined), 0);
        CHECK_INT(examined.verdict, VERDICT_PARTIAL);
        CHECK(examined.gap.n == 1 && examined.gap_counts[GAP_FAULT] == 1);
        CHECK(bytes_is(examined.gap.at[0].text, "the worker died"));
    }
    text_free(&out);
}

/* Parts are read where they belong, in their order, each once. */
static void parts(void)
{
    struct text batch = {0}, out = {0};
    struct reply reply;
    struct examined examined;
    struct reply_object file = {.name = bytes_of("a.zip")};
    struct reply_object inner = {.up = &file, .name = bytes_of("b.zip")};
    struct reply_object child = {.up = &file, .name = bytes_of("c")};
    reply_begin(&reply, &batch);
    reply.size = 7;
    reply.objects = 1;
    reply_finding(&reply, &child, 0, 1);
    reply_end(&reply, 0);
    const struct reply_part part = {.reply = {(const uint8_t *)batch.at, batch.len}};
    const struct reply_part *const all[] = {&part, &part, &part};
    static const uint32_t orders[][2] = {{0, 1}, {0, 2}, {1, 1}, {2, 1}, {1, 3}};
    for (size_t i = 0; i < COUNT(orders); i++) {
        out.len = 0;
        inner.announced = false;
        reply_begin(&reply, &out);
        reply.size = 100;
        reply.objects = 1;
        CHECK(reply_batch(&reply, &file, orders[i][0]));
        CHECK(reply_batch(&reply, &inner, orders[i][1]));
        reply_end(&reply, 0);
        const struct reply_part whole = {
            .reply = {(const uint8_t *)out.at, out.len}, .parts = all, .count = COUNT(all)};
        arena_reset(arena);
        int error = reply_read(&whole, bytes_of("a.zip"), sets, 1, arena, &examined);
        CHECK_INT(error, i < 2 ? 0 : -EBADMSG);
        if (error)
            continue;
        CHECK(examined.size == 100 && examined.objects == 3 && examined.finding_count == 2);
        CHECK_INT(examined.object.n, 4);
        CHECK_INT(examined.object.at[1].parent, 0);
        CHECK(bytes_is(examined.object.at[3].name, "c") && examined.object.at[3].parent == 2);
    }
    text_free(&batch);
    text_free(&out);
}

/* More than a reply holds: it stays within its size, keeps findings, and says that it is cut.
 */
static void too_much(void)
{
    struct text out = {0};
    struct reply reply;
    struct examined examined;
    struct reply_object file = {.name = bytes_of("f")};
    reply_begin(&reply, &out);
    for (int i = 0; i < 400000; i++)
        reply_gap(&reply, &file, GAP_DAMAGED, bytes_of("member"), "the checksum is wrong");
    reply_finding(&reply, &file, 0, 1);
    reply_end(&reply, 0);
    CHECK(out.len <= REPLY_MAX);
    CHECK_INT(read_text(&out, &examined), 0);
    CHECK(examined.verdict == VERDICT_FOUND && examined.finding.n == 1);
    CHECK_INT(examined.gap_counts[GAP_DAMAGED], 400000);
    CHECK(examined.cut && examined.gap.at[examined.gap.n - 1].kind == GAP_LIMIT);
    text_free(&out);
}

/* The example cut short anywhere, and with any byte changed, is refused or makes sense. */
static void hostile(void)
{
    struct text out = {0};
    struct examined examined;
    int accepted = 0;
    write_example(&out);
    size_t len = out.len;
    for (out.len = 0; out.len < len; out.len++)
        accepted += read_text(&out, &examined) == 0;
    CHECK_INT(accepted, 0);
    text_byte(&out, 0);
    CHECK_INT(read_text(&out, &examined), -EBADMSG);
    out.len = len;
    bool sane = true;
    for (size_t i = 0; i < len; i++) {
        out.at[i] = (char)(out.at[i] ^ 0xff);
        if (read_text(&out, &examined) == 0)
            for (uint32_t k = 0; k < examined.finding.n; k++)
                sane = sane && examined.finding.at[k].rule < sets[0].set.rule_count &&
                       examined.finding.at[k].object < examined.object.n;
        out.at[i] = (char)(out.at[i] ^ 0xff);
    }
    CHECK(sane);
    text_free(&out);
}

/* A private pattern, a pattern of another rule, a match without a pattern. */
static void wrong_order(void)
{
    static const uint32_t patterns[] = {1, 2, 3, UINT32_MAX};
    struct text out = {0};
    struct reply reply;
    struct examined examined;
    struct reply_object file = {.name = bytes_of("f")};
    for (size_t i = 0; i < COUNT(patterns); i++) {
        out.len = 0;
        reply_begin(&reply, &out);
        reply_finding(&reply, &file, 0, 0);
        reply_pattern(&reply, patterns[i], 1);
        reply_end(&reply, 0);
        CHECK_INT(read_text(&out, &examined), -EBADMSG);
    }
    out.len = 0;
    reply_begin(&reply, &out);
    reply_match(&reply, 0, 1, 0, bytes_of("x"));
    reply_end(&reply, 0);
    CHECK_INT(read_text(&out, &examined), -EBADMSG);
    out.len = 0;
    reply_begin(&reply, &out);
    reply_finding(&reply, &file, 1, 0);
    reply_end(&reply, 0);
    CHECK_INT(read_text(&out, &examined), -EBADMSG);
    text_free(&out);
}

int main(void)
{
    arena = arena_new((size_t)64 << 20);
    CHECK(compile());
    round_trip();
    verdicts();
    deaths();
    parts();
    too_much();
    hostile();
    wrong_order();
    definitions_close(&sets[0]);
    arena_free(arena);
    return tap_done();
}
