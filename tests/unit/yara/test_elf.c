/* The elf module on fuzz/seeds/elf (see make_formats.py there for what is in them). The values
 * of import_md5 and telfhash are those of yara 4.5.8. */
#include "module_case.h"

static const char *seeds;

static void check_executable(void)
{
    CHECK_INT(case_int("type"), 2);
    CHECK_INT(case_int("number_of_sections"), 6);
    CHECK_INT(case_int("number_of_segments"), 2);
    CHECK_STR(case_text("sections[1].name"), ".text");
    CHECK_STR(case_text("sections[5].name"), ".shstrtab");
    CHECK_INT(case_int("sections[1].address"), 0x400100);
    CHECK_INT(case_int("sections[6].type"), CASE_UNDEFINED);
    CHECK_INT(case_int("segments[1].type"), 2);
    CHECK_INT(case_int("segments[0].virtual_address"), 0x400100);
    CHECK_INT(case_int("segments[0].alignment"), 4096);
    CHECK_INT(case_int("entry_point"), case_int("sections[1].offset") + 4);
    CHECK_INT(case_int("dynamic_section_entries"), 3);
    CHECK_INT(case_int("dynamic[1].type"), 14);
    CHECK_INT(case_int("dynamic[1].val"), 5);
    CHECK_INT(case_int("symtab_entries"), 2);
    CHECK_STR(case_text("symtab[1].name"), "local");
    CHECK_INT(case_int("dynsym_entries"), 44);
    CHECK_STR(case_text("dynsym[2].name"), "Close");
    CHECK_INT(case_int("dynsym[2].bind"), 2);
    CHECK_INT(case_int("dynsym[3].shndx"), 1);
    CHECK_STR(case_text_of(case_call("import_md5", "", NULL)),
              "e556a4bfea31aa39cd2dbc08771b03ce");
    CHECK_STR(case_text_of(case_call("telfhash", "", NULL)),
              "T107F09DCD3C157954411329B3129F733E01746360A4511C1E19492FD04C3930F55D7D6C");
}

static void both_classes_and_byte_orders_are_read(void)
{
    case_bytes("elf", case_file(seeds, "little64"));
    CHECK_INT(case_int("machine"), 62);
    check_executable();
    case_bytes("elf", case_file(seeds, "big32"));
    CHECK_INT(case_int("machine"), 20);
    check_executable();
}

static void a_process_has_its_entry_point_at_its_base(void)
{
    case_input.is_process = true;
    case_bytes("elf", case_file(seeds, "little64"));
    CHECK_INT(case_int("entry_point"), 0x10000 + 0x400104);
    case_input.is_process = false;
}

static void other_files_leave_everything_undefined(void)
{
    case_bytes("elf", bytes_of("\x7f"
                               "ELF\x02\x01\x01 but far too short for a header"));
    CHECK_INT(case_int("type"), CASE_UNDEFINED);
    CHECK_INT(case_int("ET_DYN"), 3);
    CHECK_INT(case_value("sections").object->count, 0);
    CHECK_STR(case_text_of(case_call("telfhash", "", NULL)), "(undefined)");
}

static void tables_that_are_cut_off_are_not_read(void)
{
    bytes whole = case_file(seeds, "little64");
    case_bytes("elf", bytes_slice(whole, 0, whole.len - 1));
    CHECK_INT(case_int("number_of_sections"), 6);
    CHECK_INT(case_value("sections").object->count, 0);
    CHECK_INT(case_int("dynsym_entries"), CASE_UNDEFINED);
    CHECK_INT(case_int("segments[0].type"), 1);
}

int main(int argc, char **argv)
{
    seeds = argc > 1 ? argv[1] : ".";
    both_classes_and_byte_orders_are_read();
    a_process_has_its_entry_point_at_its_base();
    other_files_leave_everything_undefined();
    tables_that_are_cut_off_are_not_read();
    return tap_done();
}
