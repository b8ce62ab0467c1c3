/* Hash signatures on objects: files, sections and imports of a PE file made here, and which
 * objects they are for. */
#include "engine/engine.h"
#include "rules/draft.h"
#include "shim/digest.h"
#include "tap.h"

#include <stdlib.h>

enum {
    PE = 0x80,
    OPTIONAL = PE + 24,
    SECTIONS = OPTIONAL + 224,
    TEXT_AT = 0x200,
    DATA_AT = 0x400,
    FILE_SIZE = 0x5f0, /* the last section is cut */
};

static uint8_t file[FILE_SIZE];
static const uint32_t PE_FILE = TARGET_BIT(TARGET_ANY) | TARGET_BIT(TARGET_PE);

static void put16(size_t at, uint32_t value)
{
    file[at] = (uint8_t)value;
    file[at + 1] = (uint8_t)(value >> 8);
}

static void put32(size_t at, uint32_t value)
{
    put16(at, value & 0xffff);
    put16(at + 2, value >> 16);
}

static void put_text(size_t at, const char *text)
{
    memcpy(file + at, text, strlen(text) + 1);
}

static void put_section(int number, uint32_t rva, uint32_t at)
{
    size_t header = SECTIONS + 40 * (size_t)number;
    put32(header + 8, 0x200);
    put32(header + 12, rva);
    put32(header + 16, 0x200);
    put32(header + 20, at);
}

/* Two libraries, three functions, one of them by number. */
static void put_imports(void)
{
    put32(OPTIONAL + 92, 16);
    put32(OPTIONAL + 104, 0x2000);
    put32(OPTIONAL + 108, 60);
    put32(DATA_AT, 0x2080); /* names */
    put32(DATA_AT + 12, 0x2100);
    put32(DATA_AT + 16, 0x2080);
    put32(DATA_AT + 20 + 12, 0x2110);
    put32(DATA_AT + 20 + 16, 0x20a0);
    put32(DATA_AT + 0x80, 0x2040);
    put32(DATA_AT + 0x84, 0x2050);
    put32(DATA_AT + 0xa0, 0x80000003);
    put_text(DATA_AT + 0x42, "ExitProcess");
    put_text(DATA_AT + 0x52, "Sleep_Ex");
    put_text(DATA_AT + 0x100, "KERNEL32.dll");
    put_text(DATA_AT + 0x110, "WS2_32.DLL");
}

static const char imports[] = "kernel32.exitprocess,kernel32.sleep_ex,ws2_32.closesocket";

static void make_file(void)
{
    memset(file, 0, sizeof file);
    memcpy(file, "MZ", 2);
    put32(60, PE);
    memcpy(file + PE, "PE\0", 4);
    put16(PE + 4, 0x14c);
    put16(PE + 6, 2);
    put16(PE + 20, 224);
    put16(PE + 22, 2);
    put16(OPTIONAL, 0x10b);
    put32(OPTIONAL + 16, 0x1000);
    put32(OPTIONAL + 32, 0x1000);
    put32(OPTIONAL + 36, 0x200);
    put32(OPTIONAL + 60, 0x200);
    put_section(0, 0x1000, TEXT_AT);
    put_section(1, 0x2000, DATA_AT);
    memset(file + TEXT_AT, 0xcc, 0x200);
    put_imports();
}

struct bench {
    struct arena *arena;
    struct draft *draft;
    struct ruleset set;
    struct scanner *scanner;
};

static void begin(struct bench *b)
{
    b->arena = arena_new(64 << 20);
    b->draft = draft_new(b->arena);
    b->draft->hashes = hashes_new(b->arena);
    hashes_source(b->draft->hashes, bytes_of("own.hdb"));
}

static void add(struct bench *b, enum hash_scope scope, enum hash_digest digest, bytes data,
                uint32_t size, const char *name)
{
    static const enum digest_kind kinds[] = {DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA256};

    uint8_t value[DIGEST_MAX];
    struct hash_signature one = {.scope = scope, .digest = digest, .value = value};
    one.size = size;
    one.name = bytes_of(name);
    one.official = true;
    if (!digest_parts(kinds[digest], &data, 1, value) || !hashes_add(b->draft->hashes, &one))
        exit(2);
}

static void end(struct bench *b)
{
    const struct scanner_options options = {0};
    bytes compiled;
    if (draft_seal(b->draft, b->arena, &compiled, NULL) < 0 ||
        ruleset_open(compiled, 0, &b->set, NULL) < 0 ||
        !(b->scanner = scanner_new(&b->set, &options)))
        exit(2);
}

static void close_bench(struct bench *b)
{
    scanner_free(b->scanner);
    arena_free(b->arena);
}

/* Names of what is found, a comma behind each; `+` at the end of what is trusted. */
static const char *scan(struct bench *b, uint32_t targets, bytes data)
{
    static char text[1000];
    struct block block = {.data = data};
    struct object_input object = {.blocks = &block, .block_count = 1, .targets = targets};
    struct verdict verdict;
    text[0] = 0;
    if (scanner_scan(b->scanner, &object, &verdict) < 0)
        return "error";
    for (uint32_t i = 0; i < verdict.finding_count; i++) {
        struct ruleset_label label;
        size_t at = strlen(text);
        ruleset_label(&b->set, verdict.findings[i].rule, &label);
        snprintf(text + at, sizeof text - at, "%s,", label.name);
    }
    if (verdict.trusted)
        memcpy(text + strlen(text), "+", 2);
    return verdict.limit == LIMIT_DAMAGED ? "damaged" : text;
}

static void each_scope_is_asked(void)
{
    struct bench b;
    bytes whole = {file, sizeof file}, text = {file + TEXT_AT, 0x200};
    bytes data = {file + DATA_AT, FILE_SIZE - DATA_AT};
    begin(&b);
    add(&b, HASH_FILE, HASH_MD5, whole, FILE_SIZE, "File.MD5-1");
    add(&b, HASH_FILE, HASH_SHA1, whole, FILE_SIZE, "File.SHA1-1");
    add(&b, HASH_FILE, HASH_SHA256, whole, HASH_ANY_SIZE, "File.SHA256-1");
    add(&b, HASH_FILE, HASH_MD5, whole, FILE_SIZE + 1, "File.Wrong-1");
    add(&b, HASH_SECTION, HASH_MD5, text, 0x200, "Section.Text-1");
    add(&b, HASH_SECTION, HASH_SHA256, text, HASH_ANY_SIZE, "Section.Text-2");
    add(&b, HASH_SECTION, HASH_MD5, data, (uint32_t)data.len, "Section.Data-1");
    add(&b, HASH_SECTION, HASH_MD5, data, 0x200, "Section.Wrong-1");
    add(&b, HASH_IMPORTS, HASH_MD5, bytes_of(imports), sizeof imports - 1, "Imports-1");
    add(&b, HASH_IMPORTS, HASH_SHA1, bytes_of(imports), HASH_ANY_SIZE, "Imports-2");
    add(&b, HASH_IMPORTS, HASH_MD5, bytes_of(imports), 7, "Imports.Wrong-1");
    end(&b);
    CHECK_STR(scan(&b, PE_FILE, whole),
              "File.SHA1-1,File.SHA256-1,Section.Text-2,File.MD5-1,Section.Text-1,"
              "Section.Data-1,Imports-1,Imports-2,");
    CHECK_STR(scan(&b, TARGET_BIT(TARGET_ANY), whole), "File.SHA1-1,File.SHA256-1,File.MD5-1,");
    CHECK_STR(scan(&b, 0, whole), "");
    CHECK_STR(scan(&b, TARGET_BIT(TARGET_PE), whole), "");
    CHECK_STR(scan(&b, PE_FILE, text), "");
    file[TEXT_AT] ^= 1;
    CHECK_STR(scan(&b, PE_FILE, whole), "Section.Data-1,Imports-1,Imports-2,");
    file[TEXT_AT] ^= 1;
    close_bench(&b);
}

static void trust_is_said(void)
{
    struct bench b;
    bytes whole = {file, sizeof file}, other = {file, 100};
    begin(&b);
    add(&b, HASH_FILE, HASH_MD5, whole, FILE_SIZE, "File-1");
    add(&b, HASH_FILE, HASH_MD5, other, 100, "Other-1");
    add(&b, HASH_TRUSTED, HASH_MD5, whole, FILE_SIZE, "Trusted-1");
    add(&b, HASH_TRUSTED, HASH_SHA256, bytes_of("six by"), HASH_ANY_SIZE, "Trusted-2");
    add(&b, HASH_FILE, HASH_MD5, bytes_of("five."), 5, "Small-1");
    end(&b);
    CHECK_STR(scan(&b, PE_FILE, whole), "File-1,+");
    CHECK_STR(scan(&b, PE_FILE, other), "Other-1,");
    CHECK_STR(scan(&b, TARGET_BIT(TARGET_ANY), bytes_of("six by")), "+");
    CHECK_STR(scan(&b, TARGET_BIT(TARGET_ANY), bytes_of("")), "");
    CHECK_STR(scan(&b, TARGET_BIT(TARGET_ANY), bytes_of("five.")), "");
    close_bench(&b);
}

/* A name of a function that is no name: ClamAV gives the table up, and so do we. */
static void odd_imports_have_no_digest(void)
{
    struct bench b;
    bytes whole = {file, sizeof file};
    begin(&b);
    add(&b, HASH_IMPORTS, HASH_MD5, bytes_of(imports), HASH_ANY_SIZE, "Imports-1");
    add(&b, HASH_IMPORTS, HASH_MD5, bytes_of("kernel32.exitprocess"), HASH_ANY_SIZE, "Cut-1");
    end(&b);
    CHECK_STR(scan(&b, PE_FILE, whole), "Imports-1,");
    file[DATA_AT + 0x52] = '?';
    CHECK_STR(scan(&b, PE_FILE, whole), "");
    make_file();
    put32(DATA_AT + 0x80, 0x7000);
    CHECK_STR(scan(&b, PE_FILE, whole), "");
    make_file();
    put32(OPTIONAL + 104, 0x21f0);
    CHECK_STR(scan(&b, PE_FILE, whole), "");
    make_file();
    close_bench(&b);
}

int main(void)
{
    make_file();
    each_scope_is_asked();
    trust_is_said();
    odd_imports_have_no_digest();
    return tap_done();
}
