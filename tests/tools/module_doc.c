/* module_doc — docs/modules.md, written from the modules' tables so that it cannot disagree
 * with them. */
#include "yara/module.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *about;
} modules[] = {
    {"console",
     "Prints while rules are evaluated. `candor yara` writes each line to its output, "
     "as `yara` does."},
    {"cuckoo",
     "Asks the JSON report of a sandbox run that is handed in with `-x cuckoo=FILE`. "
     "Without a report every answer is 0. Regular expressions must match at least one "
     "character."},
    {"dex", "Dalvik executables: Android's classes.dex."},
    {"dotnet", ".NET metadata of PE files."},
    {"elf", "ELF executables, libraries and core files, and the processes they become. "
            "`telfhash()` is undefined where a file has too few symbols for one."},
    {"hash",
     "Checksums and digests, in lower-case hex, of a range (offset, length) of the object "
     "or of a text. The same range is computed once for an object, however many rules "
     "ask. Undefined where a range begins outside the object or, in a process, crosses a "
     "gap."},
    {"lnk",
     "Windows shortcuts, as in YARA-X. Texts are UTF-8, or the bytes of the file where it "
     "does not use Unicode."},
    {"macho", "Mach-O files of macOS and iOS, fat ones included."},
    {"magic",
     "What libmagic, the library of file(1), says. Undefined for processes, empty files "
     "and in builds without libmagic (`-Dmagic=disabled`)."},
    {"math", "Statistics over a range (offset, length) of the object, the whole object, or a "
             "text. As in YARA, bytes of a text count as signed in everything but `entropy`, "
             "and `min` and `max` compare unsigned."},
    {"pe", "PE files: Windows executables, libraries and drivers."},
    {"string", "Texts. `to_int` reads what C's strtoll reads; anything else is undefined."},
    {"time", "The time of the scan, in seconds since 1970."},
    {"vt", "What VirusTotal knows about a file. Livehunt rules compile; everything but the "
           "constants is undefined here."},
};

static const char *type_name(enum value_type type)
{
    switch (type) {
    case TYPE_BOOL:
        return "boolean";
    case TYPE_INT:
        return "integer";
    case TYPE_FLOAT:
        return "float";
    case TYPE_STRING:
        return "string";
    case TYPE_STRUCT:
        return "structure";
    default:
        return "?";
    }
}

static const char *letter_name(char letter)
{
    switch (letter) {
    case 'i':
        return "integer";
    case 's':
        return "string";
    case 'f':
        return "float";
    case 'b':
        return "boolean";
    default:
        return "regexp";
    }
}

static bool is_enumeration(const struct field *members)
{
    for (const struct field *field = members; field->name; field++)
        if (!field->constant && !(field->type == TYPE_STRUCT && is_enumeration(field->members)))
            return false;
    return true;
}

static void print_calls(const char *path, const struct field *field)
{
    for (const struct overload *call = field->calls; call->args; call++) {
        printf("| `%s%s(", path, field->name);
        for (const char *letter = call->args; *letter; letter++)
            printf("%s%s", letter == call->args ? "" : ", ", letter_name(*letter));
        printf(")` | %s |\n", letter_name(call->ret));
    }
}

static void print_fields(const char *path, const struct field *field)
{
    for (; field->name; field++) {
        char below[256];
        const char *index = field->type == TYPE_ARRAY ? "[i]" : "[\"key\"]";
        switch (field->type) {
        case TYPE_FUNCTION:
            print_calls(path, field);
            break;
        case TYPE_STRUCT:
            snprintf(below, sizeof below, "%s%s.", path, field->name);
            if (!is_enumeration(field->members))
                print_fields(below, field->members);
            break;
        case TYPE_ARRAY:
        case TYPE_DICT:
            snprintf(below, sizeof below, "%s%s%s.", path, field->name, index);
            if (field->item == TYPE_STRUCT)
                print_fields(below, field->members);
            else
                printf("| `%s%s%s` | %s |\n", path, field->name, index, type_name(field->item));
            break;
        default:
            if (!field->constant)
                printf("| `%s%s` | %s |\n", path, field->name, type_name(field->type));
        }
    }
}

static void print_constants(const char *path, const struct field *field, bool *first)
{
    for (; field->name; field++) {
        char below[256];
        if (field->constant && field->text)
            printf("%s`%s%s` = \"%s\"", *first ? "\nConstants: " : ", ", path, field->name,
                   field->text);
        else if (field->constant)
            printf("%s`%s%s` = %" PRId64, *first ? "\nConstants: " : ", ", path, field->name,
                   field->integer);
        *first = *first && !field->constant;
        if (field->type == TYPE_STRUCT) {
            snprintf(below, sizeof below, "%s%s.", path, field->name);
            print_constants(below, field->members, first);
        }
    }
}

static int print_module(const struct module *module)
{
    size_t i = 0;
    while (i < COUNT(modules) && strcmp(modules[i].name, module->name) != 0)
        i++;
    if (i == COUNT(modules)) {
        fprintf(stderr, "module_doc: say what '%s' is about\n", module->name);
        return 1;
    }
    printf("\n## %s\n\n%s\n\n", module->name, modules[i].about);
    bool first = true;
    printf("| field or function | type |\n| --- | --- |\n");
    print_fields("", module->fields);
    print_constants("", module->fields, &first);
    printf("%s", first ? "" : "\n");
    return 0;
}

int main(void)
{
    int missing = 0;
    printf(
        "# Modules\n\n"
        "What rules can `import`. This page is written from the tables that conditions are "
        "checked against, by\n`tests/tools/module_doc`; a test fails when it is not up to "
        "date.\n\n"
        "A field is *undefined* when the object does not have it: a comparison with it is not "
        "true, and `defined` tells.\nA module is asked only when a condition reads it, once "
        "for an object, and costly fields only when they are read.\n\n");
    for (const struct module *const *row = module_table; *row; row++)
        printf("%s[%s](#%s)", row == module_table ? "" : " · ", (*row)->name, (*row)->name);
    printf("\n");
    for (const struct module *const *row = module_table; *row; row++)
        missing += print_module(*row);
    return missing != 0;
}
