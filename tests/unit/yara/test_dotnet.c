/* The dotnet module on fuzz/seeds/dotnet (see make_formats.py there for what is in it). */
#include "module_case.h"

static const char *seeds;

static void tables_become_fields(void)
{
    case_bytes("dotnet", case_file(seeds, "library"));
    CHECK_INT(case_int("is_dotnet"), 1);
    CHECK_STR(case_text("version"), "v4.0.30319");
    CHECK_STR(case_text("module_name"), "Seed.dll");
    CHECK_INT(case_int("number_of_streams"), 5);
    CHECK_STR(case_text("streams[4].name"), "#Blob");
    CHECK_STR(case_text("guids[0]"), "04030201-0605-0807-090a-0b0c0d0e0f10");
    CHECK_STR(case_text("assembly.name"), "Seed");
    CHECK_STR(case_text("assembly.culture"), "en");
    CHECK_INT(case_int("assembly.version.revision_number"), 4);
    CHECK_STR(case_text("assembly_refs[0].name"), "mscorlib");
    CHECK_INT(case_value("assembly_refs[0].public_key_or_token").len, 8);
    CHECK_STR(case_text("modulerefs[0]"), "native.dll");
    CHECK_STR(case_text("typelib"), "0102");
    CHECK_STR(case_text("resources[0].name"), "picture");
    CHECK_INT(case_int("resources[0].length"), 6);
    CHECK_INT(case_int("number_of_constants"), 1);
    CHECK_INT(case_value("constants[0]").len, 8);
    CHECK_INT(case_int("number_of_user_strings"), 2);
    CHECK_INT(case_value("user_strings[0]").len, 10);
    CHECK_INT(case_int("field_offsets[0]"), 0x210);
}

static void classes_have_names_bases_and_methods(void)
{
    case_bytes("dotnet", case_file(seeds, "library"));
    CHECK_INT(case_int("number_of_classes"), 4);
    CHECK_STR(case_text("classes[0].fullname"), "Seed.Fruit");
    CHECK_STR(case_text("classes[0].base_types[0]"), "System.Object");
    CHECK_STR(case_text("classes[0].base_types[1]"), "Seed.IBox");
    CHECK_STR(case_text("classes[0].methods[0].return_type"), "Seed.Fruit");
    CHECK_STR(case_text("classes[0].methods[0].parameters[0].name"), "count");
    CHECK_STR(case_text("classes[0].methods[0].parameters[0].type"), "int");
    CHECK_INT(case_int("classes[0].methods[0].static"), 1);
    CHECK_STR(case_text("classes[0].methods[1].return_type"), "(undefined)");
    CHECK_STR(case_text("classes[1].name"), "Basket");
    CHECK_STR(case_text("classes[1].generic_parameters[0]"), "T");
    CHECK_STR(case_text("classes[1].base_types[0]"), "Seed.Basket<string>");
    CHECK_STR(case_text("classes[1].methods[0].return_type"), "U[]");
    CHECK_STR(case_text("classes[1].methods[0].parameters[0].type"), "Seed.Basket<T>");
    CHECK_STR(case_text("classes[1].methods[1].return_type"), "string[1...3,]");
    CHECK_STR(case_text("classes[1].methods[1].parameters[0].name"), "P_0");
    CHECK_STR(case_text("classes[1].methods[1].parameters[0].type"),
              "Ptr<ref FnPtr<void(double)>>");
    CHECK_STR(case_text("classes[2].type"), "interface");
    CHECK_INT(case_int("classes[2].number_of_methods"), 0); /* its only one is broken */
    CHECK_STR(case_text("classes[3].fullname"), "Seed.Basket.Inner");
    CHECK_STR(case_text("classes[3].visibility"), "private");
}

static void other_files_are_not_dotnet(void)
{
    static uint8_t copy[4096];
    bytes whole = case_file(seeds, "library");
    memcpy(copy, whole.at, whole.len);
    copy[0x200] = 71; /* size of the CLI header */
    case_bytes("dotnet", (bytes){copy, whole.len});
    CHECK_INT(case_int("is_dotnet"), 0);
    CHECK_INT(case_int("number_of_streams"), CASE_UNDEFINED);
    CHECK_INT(case_value("classes").object->count, 0);
    case_bytes("dotnet", bytes_of("MZ, but no PE file"));
    CHECK_INT(case_int("is_dotnet"), CASE_UNDEFINED);
}

static void a_small_budget_is_reported(void)
{
    case_bytes("dotnet", case_file(seeds, "library"));
    case_budget.steps = 60;
    case_int("number_of_classes");
    CHECK_INT(case_budget.hit, LIMIT_STEPS);
}

int main(int argc, char **argv)
{
    seeds = argc > 1 ? argv[1] : ".";
    tables_become_fields();
    classes_have_names_bases_and_methods();
    other_files_are_not_dotnet();
    a_small_budget_is_reported();
    return tap_done();
}
