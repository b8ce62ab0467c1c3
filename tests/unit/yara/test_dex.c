/* The dex module on fuzz/seeds/dex: class Hello { static final int answer; String name;
 * static void main(String[]); String getName(); } */
#include "module_case.h"

static const char *seeds;

static struct value text(const char *from)
{
    return VALUE_BYTES(bytes_of(from));
}

/* The regular expression of these tests matches where its text occurs. */
static struct value regex(const char *from)
{
    struct value value = text(from);
    value.type = TYPE_REGEX;
    return value;
}

static void classes_have_fields_and_methods(void)
{
    case_bytes("dex", case_file(seeds, "hello"));
    CHECK_INT(case_value("header.magic").len, 8);
    CHECK_INT(case_value("DEX_FILE_MAGIC_035").len, 8);
    CHECK_INT(case_value("header.signature").len, 20);
    CHECK_INT(case_int("header.file_size"), 824);
    CHECK_INT(case_int("header.string_ids_size"), 18);
    CHECK_INT(case_value("string_ids").object->count, 18);
    CHECK_INT(case_int("map_list.size"), 13);
    CHECK_INT(case_int("map_list.map_item[12].type"), 0x1000);
    CHECK_INT(case_int("class_data_item[0].direct_methods_size"), 2);
    CHECK_INT(case_int("number_of_fields"), 2);
    CHECK_STR(case_text("field[0].name"), "answer");
    CHECK_INT(case_int("field[0].static"), 1);
    CHECK_STR(case_text("field[1].proto"), "Ljava/lang/String;");
    CHECK_INT(case_int("number_of_methods"), 3);
    CHECK_STR(case_text("method[1].name"), "main");
    CHECK_STR(case_text("method[1].proto"), "VL");
    CHECK_INT(case_int("method[1].code_item.insns_size"), 8);
    CHECK_INT(case_value("method[1].code_item.insns").len, 16);
    CHECK_INT(case_int("method[2].virtual"), 1);
}

static void functions_find_methods_and_classes(void)
{
    struct value both[2] = {text("LHello;"), text("getName")};
    struct value wrong[2] = {text("LOther;"), text("getName")};
    struct value patterns[2] = {regex("Hel"), regex("getN")};
    struct value name = text("main"), part = text("mai"), pattern = regex("mai");
    struct value class = text("LHello;"), none = regex("Other");
    case_bytes("dex", case_file(seeds, "hello"));
    CHECK_INT(case_call("has_method", "s", &name).integer, 1);
    CHECK_INT(case_call("has_method", "s", &part).integer, 0);
    CHECK_INT(case_call("has_method", "r", &pattern).integer, 1);
    CHECK_INT(case_call("has_method", "ss", both).integer, 1);
    CHECK_INT(case_call("has_method", "ss", wrong).integer, 0);
    CHECK_INT(case_call("has_method", "rr", patterns).integer, 1);
    CHECK_INT(case_call("has_class", "s", &class).integer, 1);
    CHECK_INT(case_call("has_class", "r", &none).integer, 0);
}

static void nothing_after_a_broken_table_is_read(void)
{
    static uint8_t copy[824];
    struct value name = text("main");
    bytes whole = case_file(seeds, "hello");
    memcpy(copy, whole.at, whole.len);
    copy[80 + 3] = 0x7f; /* number of field_ids */
    case_bytes("dex", (bytes){copy, whole.len});
    CHECK_INT(case_value("proto_ids").object->count, 4);
    CHECK_INT(case_value("field_ids").object->count, 0);
    CHECK_INT(case_value("method_ids").object->count, 0);
    CHECK_INT(case_int("map_list.size"), CASE_UNDEFINED);
    CHECK_INT(case_int("number_of_methods"), CASE_UNDEFINED);
    CHECK_INT(case_call("has_method", "s", &name).type, TYPE_UNDEFINED);
}

int main(int argc, char **argv)
{
    seeds = argc > 1 ? argv[1] : ".";
    classes_have_fields_and_methods();
    functions_find_methods_and_classes();
    nothing_after_a_broken_table_is_read();
    return tap_done();
}
