/* The pe module on a tiny image that is made here, field by field. How real files look is
 * compared with yara by tests/oracle/dump.py. usage: test_pe SEEDS, where the signed copy of
 * the image lies; `test_pe -w FILE` writes the image. */
#include "pe/pe_image.h"
#include "tap.h"
#include "yara/module.h"

#include <errno.h>
#include <stdlib.h>

/* One section: its bytes lie at 0x200 in the file and at RVA 0x1000. */
enum { IMAGE_SIZE = 0x608, SECTION_START = 0x200, TO_RVA = 0xe00, HEADER = 0x80 };

static uint8_t image[IMAGE_SIZE];
static struct block block;
static struct budget budget;
static struct module_input in;

static void put16(size_t at, uint32_t value)
{
    image[at] = (uint8_t)value;
    image[at + 1] = (uint8_t)(value >> 8);
}

static void put32(size_t at, uint32_t value)
{
    put16(at, value & 0xffff);
    put16(at + 2, value >> 16);
}

static void put_text(size_t at, const char *text)
{
    memcpy(image + at, text, strlen(text) + 1);
}

static void put_wide(size_t at, const char *text)
{
    for (size_t i = 0; text[i]; i++)
        put16(at + 2 * i, (uint8_t)text[i]);
}

static void put_directory(int number, size_t at, uint32_t size)
{
    put32(HEADER + 24 + 96 + 8 * (size_t)number, (uint32_t)at + TO_RVA);
    put32(HEADER + 24 + 100 + 8 * (size_t)number, size);
}

static void make_headers(void)
{
    static const uint32_t key = 0xa1b2c3d4;
    put_text(0, "MZ");
    put32(60, HEADER);
    put32(0x40, 0x536e6144 ^ key);
    for (size_t i = 0; i < 3; i++)
        put32(0x44 + 4 * i, key);
    put32(0x50, (0x0104 << 16 | 30729) ^ key);
    put32(0x54, 7 ^ key);
    put_text(0x58, "Rich");
    put32(0x5c, key);
    put_text(HEADER, "PE");
    put16(HEADER + 4, 0x14c);
    put16(HEADER + 6, 1);
    put32(HEADER + 8, 0x5f000000);
    put16(HEADER + 20, 224);
    put16(HEADER + 22, 0x2102);
    put16(HEADER + 24, 0x10b);
    put32(HEADER + 24 + 16, 0x1010); /* entry point */
    put32(HEADER + 24 + 28, 0x400000);
    put32(HEADER + 24 + 32, 0x1000);
    put32(HEADER + 24 + 36, 0x200);
    put32(HEADER + 24 + 56, 0x2000);
    put32(HEADER + 24 + 92, 16);
    put_text(0x178, ".text");
    put32(0x178 + 8, 0x400);
    put32(0x178 + 12, 0x1000);
    put32(0x178 + 16, 0x400);
    put32(0x178 + 20, SECTION_START);
    put32(0x178 + 36, 0x60000020);
    memcpy(image + 0x600, "overlay!", 8);
}

static void make_imports(void)
{
    put_directory(PE_DIRECTORY_IMPORT, 0x200, 60);
    put32(0x200, 0x240 + TO_RVA);
    put32(0x20c, 0x2a0 + TO_RVA);
    put32(0x210, 0x240 + TO_RVA);
    put32(0x214, 0x250 + TO_RVA);
    put32(0x220, 0x2b0 + TO_RVA);
    put32(0x224, 0x250 + TO_RVA);
    put32(0x240, 0x280 + TO_RVA);
    put32(0x244, 0x290 + TO_RVA);
    put32(0x250, 0x80000003);
    put_text(0x282, "ExitProcess");
    put_text(0x292, "Sleep");
    put_text(0x2a0, "KERNEL32.dll");
    put_text(0x2b0, "WS2_32.dll");
    put_directory(PE_DIRECTORY_DELAY_IMPORT, 0x2c0, 64);
    put32(0x2c0, 1);
    put32(0x2c4, 0x300 + TO_RVA);
    put32(0x2cc, 0x310 + TO_RVA);
    put32(0x2d0, 0x318 + TO_RVA);
    put_text(0x300, "USER32.dll");
    put32(0x310, 0x401000);
    put32(0x318, 0x320 + TO_RVA);
    put_text(0x322, "MessageBoxA");
}

static void make_exports(void)
{
    put_directory(PE_DIRECTORY_EXPORT, 0x340, 0x80);
    put32(0x344, 0x11223344);
    put32(0x34c, 0x390 + TO_RVA);
    put32(0x350, 5);
    put32(0x354, 3);
    put32(0x358, 2);
    put32(0x35c, 0x370 + TO_RVA);
    put32(0x360, 0x37c + TO_RVA);
    put32(0x364, 0x384 + TO_RVA);
    put32(0x370, 0x200 + TO_RVA);
    put32(0x374, 0x39c + TO_RVA);
    put32(0x378, 0x99999999);
    put32(0x37c, 0x3b0 + TO_RVA);
    put32(0x380, 0x3b8 + TO_RVA);
    put16(0x386, 1);
    put16(0x388, 2);
    put_text(0x390, "tiny.dll");
    put_text(0x39c, "NTDLL.RtlOops");
    put_text(0x3b0, "first");
    put_text(0x3b8, "second");
}

static void make_resources(void)
{
    put_directory(PE_DIRECTORY_DEBUG, 0x3c0, 28);
    put32(0x3cc, 2);
    put32(0x3d4, 0x3e0 + TO_RVA);
    put_text(0x3e0, "RSDS");
    put_text(0x3f8, "c:\\tiny.pdb");
    put_directory(PE_DIRECTORY_RESOURCE, 0x410, 0x1f0);
    for (size_t i = 0; i < 3; i++)
        put16(0x410 + 0x18 * i + 14, 1);
    put32(0x420, 16);
    put32(0x424, 0x80000018);
    put32(0x438, 1);
    put32(0x43c, 0x80000030);
    put32(0x450, 0x409);
    put32(0x454, 0x48);
    put32(0x458, 0x470 + TO_RVA);
    put32(0x45c, 178);
    put16(0x470, 178);
    put_wide(0x476, "VS_VERSION_INFO");
    put16(0x4cc, 86);
    put_wide(0x4d2, "StringFileInfo");
    put16(0x4f0, 50);
    put_wide(0x4f6, "040904b0");
    put16(0x508, 26);
    put16(0x50a, 5);
    put_wide(0x50e, "Name");
    put_wide(0x518, "tiny");
}

static void make_image(void)
{
    make_headers();
    make_imports();
    make_exports();
    make_resources();
}

/* --- reading --- */

static void load(bytes data)
{
    struct arena *arena = in.arena ? in.arena : arena_new(16 << 20);
    arena_reset(arena);
    block = (struct block){.data = data};
    budget = (struct budget){.steps = 100000000};
    in = (struct module_input){
        .blocks = &block, .block_count = 1, .arena = arena, .budget = &budget};
    if (!CHECK(module_find(bytes_of("pe"))->load(&in) == 0))
        exit(tap_done());
}

/* The value at a path such as "sections.0.name"; undefined where there is none. */
static struct value at(const char *path)
{
    struct object *object = in.root;
    struct value value = {.type = TYPE_STRUCT, .object = in.root};
    bytes rest = bytes_of(path), word;
    while (bytes_cut(&rest, '.', &word)) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)word.len, (const char *)word.at);
        object = value.object;
        if (value.type == TYPE_STRUCT) {
            int index = field_index(object->members, name);
            if (!CHECK(index >= 0) || object_read(&in, object, (uint32_t)index, &value) != 0)
                return VALUE_NONE;
        } else if (value.type == TYPE_DICT) {
            const struct value *found = dict_find(object, word);
            value = found ? *found : VALUE_NONE;
        } else {
            long index = strtol(name, NULL, 10);
            value = index < object->count ? object->slots[index] : VALUE_NONE;
        }
    }
    return value;
}

static long long number(const char *path)
{
    struct value value = at(path);
    return value.type == TYPE_INT ? value.integer : -4242;
}

static const char *text(const char *path)
{
    static char copy[512];
    struct value value = at(path);
    if (value.type != TYPE_STRING)
        return "(undefined)";
    snprintf(copy, sizeof copy, "%.*s", (int)value.len, (const char *)value.text);
    return copy;
}

#define TEXT(t) value_bytes(bytes_of(t))

/* What a function gives, -4242 for undefined. */
static struct value call(const char *path, const char *letters, struct value a, struct value b)
{
    struct value args[] = {a, b, b}, ret = VALUE_NONE, parent = {0};
    const char *name = strrchr(path, '.');
    char head[64];
    snprintf(head, sizeof head, "%.*s", name ? (int)(name - path) : 0, path);
    parent = name ? at(head) : (struct value){.type = TYPE_STRUCT, .object = in.root};
    in.self = parent.object;
    name = name ? name + 1 : path;
    const struct field *field =
        &parent.object->members[field_index(parent.object->members, name)];
    const struct overload *overload = field->calls;
    while (overload->args && strcmp(overload->args, letters) != 0)
        overload++;
    if (!CHECK(overload->args != NULL) || !CHECK(overload->call(&in, args, &ret) == 0))
        return VALUE_NONE;
    return ret;
}

static long long call_int(const char *path, const char *letters, struct value a, struct value b)
{
    struct value value = call(path, letters, a, b);
    return value.type == TYPE_INT ? value.integer : -4242;
}

/* --- tests --- */

static void reads_headers_and_sections(void)
{
    load((bytes){image, IMAGE_SIZE});
    CHECK_INT(number("is_pe"), 1);
    CHECK_INT(number("machine"), 0x14c);
    CHECK_INT(number("timestamp"), 0x5f000000);
    CHECK_INT(number("image_base"), 0x400000);
    CHECK_INT(number("entry_point"), 0x210);
    CHECK_INT(number("entry_point_raw"), 0x1010);
    CHECK_INT(number("sections.0.raw_data_offset"), 0x200);
    CHECK_INT(number("sections.0.characteristics"), 0x60000020);
    CHECK_STR(text("sections.0.name"), ".text");
    CHECK_STR(text("sections.0.full_name"), ".text");
    CHECK_INT(number("data_directories.1.size"), 60);
    CHECK_INT(at("data_directories").object->count, 16);
    CHECK_INT(number("overlay.offset"), 0x600);
    CHECK_INT(number("overlay.size"), 8);
    CHECK_INT(number("rich_signature.offset"), 0x40);
    CHECK_INT(number("rich_signature.length"), 24);
    CHECK_INT(number("rich_signature.key"), 0xa1b2c3d4);
    CHECK_INT(at("rich_signature.version_data").len, 4);
    CHECK_STR(text("pdb_path"), "c:\\tiny.pdb");
    CHECK_INT(number("MACHINE_AMD64"), 0x8664);
}

static void answers_calls_about_the_image(void)
{
    load((bytes){image, IMAGE_SIZE});
    CHECK_INT(call_int("is_dll", "", VALUE_NONE, VALUE_NONE), 0x2000);
    CHECK_INT(call_int("is_32bit", "", VALUE_NONE, VALUE_NONE), 1);
    CHECK_INT(call_int("is_64bit", "", VALUE_NONE, VALUE_NONE), 0);
    CHECK_INT(call_int("rva_to_offset", "i", VALUE_INT(0x1010), VALUE_NONE), 0x210);
    CHECK_INT(call_int("rva_to_offset", "i", VALUE_INT(0x5000), VALUE_NONE), -4242);
    CHECK_INT(call_int("section_index", "s", TEXT(".text"), VALUE_NONE), 0);
    CHECK_INT(call_int("section_index", "s", TEXT(".tex"), VALUE_NONE), -4242);
    CHECK_INT(call_int("section_index", "i", VALUE_INT(0x5ff), VALUE_NONE), 0);
    CHECK_INT(call_int("section_index", "i", VALUE_INT(0x600), VALUE_NONE), -4242);
    CHECK_INT(call_int("rich_signature.version", "i", VALUE_INT(30729), VALUE_NONE), 7);
    CHECK_INT(call_int("rich_signature.toolid", "ii", VALUE_INT(0x104), VALUE_INT(1)), 0);
    CHECK_INT(call_int("rich_signature.toolid", "i", VALUE_INT(0x104), VALUE_NONE), 7);
}

static void walks_imports(void)
{
    load((bytes){image, IMAGE_SIZE});
    CHECK_INT(number("number_of_imports"), 2);
    CHECK_INT(number("number_of_imported_functions"), 3);
    CHECK_STR(text("import_details.0.library_name"), "KERNEL32.dll");
    CHECK_STR(text("import_details.0.functions.1.name"), "Sleep");
    CHECK_INT(number("import_details.0.functions.1.rva"), 0x244 + TO_RVA);
    CHECK_INT(number("import_details.0.functions.1.ordinal"), -4242);
    CHECK_STR(text("import_details.1.functions.0.name"), "closesocket");
    CHECK_INT(number("import_details.1.functions.0.ordinal"), 3);
    CHECK_INT(number("number_of_delayed_imports"), 1);
    CHECK_STR(text("delayed_import_details.0.functions.0.name"), "MessageBoxA");
    CHECK_INT(call_int("imports", "s", TEXT("kernel32.DLL"), VALUE_NONE), 2);
    CHECK_INT(call_int("imports", "ss", TEXT("kernel32.dll"), TEXT("sleep")), 1);
    CHECK_INT(call_int("imports", "ss", TEXT("user32.dll"), TEXT("MessageBoxA")), 0);
    CHECK_INT(call_int("imports", "is", VALUE_INT(2), TEXT("user32.dll")), 1);
    CHECK_INT(call_int("imports", "si", TEXT("ws2_32.dll"), VALUE_INT(3)), 1);
    CHECK_INT(call_int("imports", "si", TEXT("ws2_32.dll"), VALUE_INT(4)), 0);
    CHECK_INT(call_int("import_rva", "si", TEXT("ws2_32.dll"), VALUE_INT(3)), 0x250 + TO_RVA);
    CHECK_INT(call_int("import_rva", "ss", TEXT("ws2_32.dll"), TEXT("bind")), -4242);
    CHECK_INT(call_int("delayed_import_rva", "ss", TEXT("USER32.dll"), TEXT("messageboxa")),
              0x310 + TO_RVA);
    /* md5sum of kernel32.exitprocess,kernel32.sleep,ws2_32.closesocket */
    struct value hash = call("imphash", "", VALUE_NONE, VALUE_NONE);
    CHECK(hash.type == TYPE_STRING &&
          bytes_is((bytes){hash.text, hash.len}, "e2235514495f78fafaddbdbf5bc227b5"));
}

static void walks_exports(void)
{
    load((bytes){image, IMAGE_SIZE});
    CHECK_INT(number("number_of_exports"), 3);
    CHECK_STR(text("dll_name"), "tiny.dll");
    CHECK_INT(number("export_timestamp"), 0x11223344);
    CHECK_STR(text("export_details.0.name"), "first");
    CHECK_INT(number("export_details.0.offset"), 0x200);
    CHECK_INT(number("export_details.0.ordinal"), 5);
    CHECK_STR(text("export_details.1.name"), "second");
    CHECK_STR(text("export_details.1.forward_name"), "NTDLL.RtlOops");
    CHECK_INT(number("export_details.1.offset"), -4242);
    CHECK_STR(text("export_details.2.name"), "(undefined)");
    CHECK_INT(number("export_details.2.offset"), -4242);
    CHECK_INT(call_int("exports", "s", TEXT("SECOND"), VALUE_NONE), 1);
    CHECK_INT(call_int("exports", "s", TEXT("third"), VALUE_NONE), 0);
    CHECK_INT(call_int("exports_index", "s", TEXT("second"), VALUE_NONE), 1);
    CHECK_INT(call_int("exports_index", "s", TEXT("third"), VALUE_NONE), -4242);
}

static void walks_resources(void)
{
    load((bytes){image, IMAGE_SIZE});
    CHECK_INT(number("number_of_resources"), 1);
    CHECK_INT(number("resources.0.type"), 16);
    CHECK_INT(number("resources.0.id"), 1);
    CHECK_INT(number("resources.0.language"), 0x409);
    CHECK_INT(number("resources.0.offset"), 0x470);
    CHECK_INT(number("number_of_version_infos"), 1);
    CHECK_STR(text("version_info.Name"), "tiny");
    CHECK_STR(text("version_info_list.0.key"), "Name");
    CHECK_INT(call_int("locale", "i", VALUE_INT(0x409), VALUE_NONE), 1);
    CHECK_INT(call_int("language", "i", VALUE_INT(9), VALUE_NONE), 1);
    CHECK_INT(call_int("language", "i", VALUE_INT(7), VALUE_NONE), 0);
}

static void other_files_are_undefined(void)
{
    load(bytes_of("MZ is not enough"));
    CHECK_INT(number("is_pe"), 0);
    CHECK_INT(number("machine"), -4242);
    CHECK_INT(number("number_of_imports"), -4242);
    CHECK_INT(number("is_signed"), -4242);
    CHECK_INT(call_int("is_dll", "", VALUE_NONE, VALUE_NONE), -4242);
    CHECK(call("imphash", "", VALUE_NONE, VALUE_NONE).type == TYPE_UNDEFINED);
    CHECK_INT(object_fill_all(&in, in.root), 0);
}

/* Every shorter copy is read without reaching past its end (ASan sees it) and fills all. */
static void survives_every_cut(void)
{
    bool good = true;
    for (size_t size = 0; size <= IMAGE_SIZE; size++) {
        uint8_t *copy = malloc(size + 1);
        memcpy(copy, image, size);
        arena_reset(in.arena);
        block = (struct block){.data = {copy, size}};
        budget = (struct budget){.steps = 100000000};
        in = (struct module_input){
            .blocks = &block, .block_count = 1, .arena = in.arena, .budget = &budget};
        good = good && module_find(bytes_of("pe"))->load(&in) == 0 &&
               object_fill_all(&in, in.root) == 0;
        free(copy);
    }
    CHECK(good);
    CHECK_INT(budget.hit, LIMIT_NONE);
}

static void a_small_budget_is_a_limit(void)
{
    load((bytes){image, IMAGE_SIZE});
    budget.steps = 40;
    CHECK_INT(object_fill_all(&in, in.root), 0);
    CHECK_INT(budget.hit, LIMIT_STEPS);
}

static bytes read_file(const char *folder, const char *name)
{
    static uint8_t data[65536];
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(data, 1, sizeof data, file) : 0;
    if (file)
        fclose(file);
    return (bytes){data, size};
}

static void verifies_signatures(const char *seeds)
{
    bytes file = read_file(seeds, "signed");
    uint8_t *copy = malloc(file.len + 1);
    memcpy(copy, file.at, file.len);
    load((bytes){copy, file.len});
    CHECK_INT(number("is_signed"), 1);
    CHECK_INT(number("number_of_signatures"), 2);
    CHECK_STR(text("signatures.0.subject"), "/C=XX/O=Candor/CN=Candor test signer");
    CHECK_STR(text("signatures.0.digest_alg"), "sha1");
    CHECK_STR(text("signatures.1.digest_alg"), "sha256");
    CHECK_STR(text("signatures.0.signer_info.program_name"), "tiny");
    CHECK_INT(number("signatures.0.verified"), 1);
    CHECK_INT(number("signatures.1.verified"), 1);
    CHECK_INT(number("signatures.1.number_of_countersignatures"), 1);
    CHECK_INT(number("signatures.1.countersignatures.0.verified"), 1);
    CHECK_INT(number("signatures.1.countersignatures.0.sign_time"), 1600000000);
    long long from = number("signatures.0.not_before");
    CHECK_INT(call_int("signatures.0.valid_on", "i", VALUE_INT(from), VALUE_NONE), 1);
    CHECK_INT(call_int("signatures.0.valid_on", "i", VALUE_INT(from - 1), VALUE_NONE), 0);
    copy[0x600] ^= 1;
    load((bytes){copy, file.len});
    CHECK_INT(number("is_signed"), 0);
    CHECK_INT(number("number_of_signatures"), 2);
    CHECK_INT(number("signatures.0.verified"), 0);
    free(copy);
}

int main(int argc, char **argv)
{
    make_image();
    if (argc == 3 && strcmp(argv[1], "-w") == 0) {
        FILE *file = fopen(argv[2], "wb");
        return !file || fwrite(image, 1, IMAGE_SIZE, file) != IMAGE_SIZE || fclose(file) != 0;
    }
    reads_headers_and_sections();
    answers_calls_about_the_image();
    walks_imports();
    walks_exports();
    walks_resources();
    other_files_are_undefined();
    survives_every_cut();
    a_small_budget_is_a_limit();
    if (argc == 2)
        verifies_signatures(argv[1]);
    arena_free(in.arena);
    return tap_done();
}
