#include "rules/draft.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

enum { FINGERPRINT = 42 };

static bytes seal_one_rule(struct arena *arena)
{
    struct draft *draft = draft_new(arena);
    draft->fingerprint = FINGERPRINT;
    struct pattern_source source = {
        .kind = PATTERN_TEXT, .flags = PATTERN_ASCII, .text = bytes_of("a text to look for")};
    struct pattern_code code;
    struct pattern_fault fault;
    CHECK(pattern_compile(&source, arena, &code, &fault) == 0);
    draft_rule_begin(draft, bytes_of("first"), draft_namespace(draft, bytes_of("default")), 0);
    draft_tag(draft, bytes_of("tag"));
    draft_meta(draft, bytes_of("author"), TYPE_STRING, 0, 0, bytes_of("somebody"));
    uint32_t program = draft_program(draft, &code, 0, RULESET_ANY_OFFSET);
    uint32_t pattern = draft_pattern(draft, bytes_of("$a"), PATTERN_ASCII, program);
    draft_rule_end(draft, draft_unary(draft, NODE_FOUND, TYPE_BOOL, pattern), 0);
    bytes file = {0};
    struct why why = {""};
    CHECK(draft_seal(draft, arena, &file, &why) == 0);
    CHECK_STR(why.text, "");
    return file;
}

static void opens_what_it_sealed(void)
{
    struct arena *arena = arena_new(64 << 20);
    bytes file = seal_one_rule(arena);
    struct ruleset set;
    struct why why = {""};
    CHECK(ruleset_open(file, FINGERPRINT, &set, &why) == 0);
    CHECK_STR(why.text, "");
    CHECK(set.rule_count == 1 && set.pattern_count == 1 && set.anchor_count >= 1);
    CHECK_STR(ruleset_text(&set, set.rules[0].name), "first");
    CHECK_STR(ruleset_text(&set, set.metas[0].text), "somebody");
    CHECK(ruleset_open(file, FINGERPRINT + 1, &set, &why) == -EBADMSG);
    CHECK_STR(why.text, "the ruleset was compiled for other modules: compile it again");
    arena_free(arena);
}

static void refuses_every_cut_and_every_flipped_bit(void)
{
    struct arena *arena = arena_new(64 << 20);
    bytes file = seal_one_rule(arena);
    uint8_t *raw = arena_push(arena, file.len + RULESET_ALIGN);
    uint8_t *copy = raw + (-(uintptr_t)raw & (RULESET_ALIGN - 1));
    struct ruleset set = {.rule_count = 7};
    struct why why;
    bool refused = true;
    for (size_t n = 0; n < file.len; n += 7) {
        memcpy(copy, file.at, n);
        refused = refused && ruleset_open((bytes){copy, n}, FINGERPRINT, &set, &why) < 0;
    }
    memcpy(copy, file.at, file.len);
    for (size_t i = 0; i < file.len; i++) {
        if (i >= 40 && i < RULESET_HEADER_SIZE)
            continue; /* reserved */
        copy[i] = (uint8_t)(copy[i] ^ 1 << (i % 8));
        refused = refused && ruleset_open((bytes){copy, file.len}, FINGERPRINT, &set, &why) < 0;
        copy[i] = (uint8_t)(copy[i] ^ 1 << (i % 8));
    }
    CHECK(refused);
    CHECK_INT(set.rule_count, 7);
    CHECK(ruleset_open((bytes){copy, file.len}, FINGERPRINT, &set, &why) == 0);
    arena_free(arena);
}

/* With the checksum made good again, damage must still not lead outside the file. */
static void survives_damage_behind_a_good_checksum(void)
{
    struct arena *arena = arena_new(64 << 20);
    bytes file = seal_one_rule(arena);
    uint8_t *raw = arena_push(arena, file.len + RULESET_ALIGN);
    uint8_t *copy = raw + (-(uintptr_t)raw & (RULESET_ALIGN - 1));
    struct ruleset set;
    struct why why;
    unsigned refused = 0, tried = 0;
    for (size_t i = RULESET_HEADER_SIZE; i < file.len; i += 4) {
        memcpy(copy, file.at, file.len);
        memset(copy + i, 0xFF, 4);
        uint64_t sum = ruleset_checksum((bytes){copy, file.len});
        memcpy(copy + 24, &sum, sizeof sum);
        tried++;
        refused += ruleset_open((bytes){copy, file.len}, FINGERPRINT, &set, &why) < 0;
    }
    CHECK(refused > 0 && refused < tried);
    arena_free(arena);
}

/* The table of hash signatures lies in the file, is labelled by it, and is not read to open it:
 * damage there is said when it is met. */
static void carries_hash_signatures(void)
{
    struct arena *arena = arena_new(64 << 20);
    struct draft *draft = draft_new(arena);
    draft->hashes = hashes_new(arena);
    uint8_t value[16] = {1, 2, 3};
    struct hash_signature one = {.size = 5, .value = value, .name = bytes_of("Win.Test-7")};
    one.line = 12;
    one.source = hashes_source(draft->hashes, bytes_of("own.hdb"));
    CHECK(hashes_add(draft->hashes, &one));
    bytes file = {0};
    struct ruleset set;
    struct ruleset_label label;
    CHECK(draft_seal(draft, arena, &file, NULL) == 0);
    CHECK(ruleset_open(file, 0, &set, NULL) == 0);
    CHECK(set.rule_count == 0 && set.hash_count == 1);
    ruleset_label(&set, 0, &label);
    CHECK(label.rule == NULL && label.line == 12);
    CHECK_STR(label.name, "Win.Test-7.UNOFFICIAL");
    CHECK_STR(label.name_space, "own.hdb");

    uint32_t found, n;
    uint8_t *damaged = arena_push(arena, file.len + RULESET_ALIGN);
    damaged += -(uintptr_t)damaged & (RULESET_ALIGN - 1);
    memcpy(damaged, file.at, file.len);
    uint8_t *digest = memmem(damaged, file.len, value, sizeof value);
    CHECK(digest != NULL);
    *digest ^= 1;
    CHECK(ruleset_open((bytes){damaged, file.len}, 0, &set, NULL) == 0);
    CHECK(hashes_find(&set.hashes, HASH_FILE, HASH_MD5, 5, value, &found, 1, &n) == -EBADMSG);
    arena_free(arena);
}

int main(void)
{
    carries_hash_signatures();
    opens_what_it_sealed();
    refuses_every_cut_and_every_flipped_bit();
    survives_damage_behind_a_good_checksum();
    return tap_done();
}
