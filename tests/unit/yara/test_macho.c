/* The macho module on fuzz/seeds/macho (see make_formats.py there for what is in them). */
#include "module_case.h"

static const char *seeds;

static void a_64_bit_file_has_its_entry_point_in_a_command(void)
{
    case_bytes("macho", case_file(seeds, "little64"));
    CHECK_INT(case_int("magic"), 0xcffaedfe);
    CHECK_INT(case_int("cputype"), 0x01000007);
    CHECK_INT(case_int("reserved"), 9);
    CHECK_INT(case_int("number_of_segments"), 2);
    CHECK_STR(case_text("segments[0].segname"), "__PAGEZERO");
    CHECK_STR(case_text("segments[1].sections[1].sectname"), "sixteen_letters_");
    CHECK_INT(case_int("segments[1].sections[0].addr"), 0x1010);
    CHECK_INT(case_int("segments[1].sections[0].reserved3"), 3);
    CHECK_INT(case_int("entry_point"), 0x118);
    CHECK_INT(case_int("stack_size"), 0x4000);
    CHECK_INT(case_int("nfat_arch"), CASE_UNDEFINED);
}

static void a_32_bit_file_has_it_in_the_registers(void)
{
    case_bytes("macho", case_file(seeds, "big32"));
    CHECK_INT(case_int("magic"), 0xfeedface);
    CHECK_INT(case_int("reserved"), CASE_UNDEFINED);
    CHECK_INT(case_int("entry_point"), 0x114);
    CHECK_INT(case_int("segments[1].sections[1].reserved2"), 2);
    CHECK_INT(case_int("segments[1].sections[1].reserved3"), CASE_UNDEFINED);
}

static void fat_files_hold_files(void)
{
    struct value x86_64[2] = {VALUE_INT(0x01000007), VALUE_INT(3)};
    struct value powerpc[2] = {VALUE_INT(18), VALUE_INT(0)};
    case_bytes("macho", case_file(seeds, "fat"));
    CHECK_INT(case_int("magic"), CASE_UNDEFINED);
    CHECK_INT(case_int("fat_magic"), 0xcafebabe);
    CHECK_INT(case_int("nfat_arch"), 3);
    CHECK_INT(case_int("fat_arch[1].offset"), 0x400);
    CHECK_INT(case_int("file[0].cputype"), 7);
    CHECK_STR(case_text("file[1].segments[1].segname"), "__TEXT");
    CHECK_INT(case_value("file[2]").type, TYPE_UNDEFINED); /* lies outside the file */
    CHECK_INT(case_call("file_index_for_arch", "i", x86_64).integer, 1);
    CHECK_INT(case_call("file_index_for_arch", "ii", x86_64).integer, 1);
    CHECK_INT(case_call("entry_point_for_arch", "i", x86_64).integer, 0x400 + 0x118);
    CHECK_INT(case_call("entry_point_for_arch", "ii", x86_64).integer, 0x400 + 0x118);
    x86_64[1] = VALUE_INT(4);
    CHECK_INT(case_call("file_index_for_arch", "ii", x86_64).type, TYPE_UNDEFINED);
    CHECK_INT(case_call("entry_point_for_arch", "i", powerpc).type, TYPE_UNDEFINED);
}

static void commands_end_where_one_makes_no_sense(void)
{
    static uint8_t copy[0x300];
    bytes whole = case_file(seeds, "little64");
    memcpy(copy, whole.at, whole.len);
    copy[32 + 4] = 7; /* size of the first command: less than its own head */
    case_bytes("macho", (bytes){copy, whole.len});
    CHECK_INT(case_int("ncmds"), 3);
    CHECK_INT(case_int("number_of_segments"), 0);
    CHECK_INT(case_int("entry_point"), CASE_UNDEFINED);
}

int main(int argc, char **argv)
{
    seeds = argc > 1 ? argv[1] : ".";
    a_64_bit_file_has_its_entry_point_in_a_command();
    a_32_bit_file_has_it_in_the_registers();
    fat_files_hold_files();
    commands_end_where_one_makes_no_sense();
    return tap_done();
}
