#include "cmd/definitions_report.h"

#include "scan/text.h"

#include <errno.h>

static void print_source(struct text *out, const struct yara_message *message)
{
    bytes line = message->source_line;
    uint32_t column = message->column ? message->column - 1 : 0;
    /* A line of a packed rule file can be very long: shows the part around the fault. */
    size_t from = column > 60 ? column - 60 : 0;
    bytes shown = bytes_slice(line, from, 100);
    if (!line.len)
        return;
    text_printf(out, "%6u | ", message->line);
    /* One for one, so that the mark below stands where it should. */
    for (size_t i = 0; i < shown.len; i++)
        text_byte(out, (char)(shown.at[i] < ' ' || shown.at[i] == 0x7f ? ' ' : shown.at[i]));
    text_word(out, "\n       | ");
    for (size_t i = from; i < column && i - from < shown.len; i++)
        text_byte(out, (shown.at[i - from] & 0xc0) == 0x80 ? 0 : ' ');
    text_byte(out, '^');
    for (uint32_t i = 1; i < message->length && column - from + i < shown.len; i++)
        text_byte(out, '~');
    text_byte(out, '\n');
}

void definitions_report_message(void *context, const struct yara_message *message)
{
    struct definitions_report *report = context;
    bool is_error = message->severity == YARA_ERROR;
    uint32_t *count = is_error ? &report->errors : &report->warnings;
    struct text out = {0};
    ++*count;
    if (report->max_errors && report->errors + report->warnings > report->max_errors)
        return;
    if (report->program)
        text_printf(&out, "%s: ", report->program);
    text_visible(&out, message->file);
    text_printf(&out, ":%u:%u: ", message->line, message->column);
    if (report->color)
        text_word(&out, is_error ? "\033[1;31m" : "\033[1;33m");
    text_word(&out, is_error ? "error" : "warning");
    if (report->color)
        text_word(&out, "\033[0m");
    text_word(&out, ": ");
    text_visible(&out, bytes_of(message->text));
    if (message->rule.len) {
        text_word(&out, " (rule ");
        text_visible(&out, message->rule);
        text_byte(&out, ')');
    }
    text_byte(&out, '\n');
    if (report->source)
        print_source(&out, message);
    if (text_write(&out, 2) < 0)
        report->max_errors = 1;
    text_free(&out);
}

void definitions_report_end(const struct definitions_report *report)
{
    uint32_t all = report->errors + report->warnings;
    if (report->max_errors && all > report->max_errors)
        fprintf(stderr, "%s: %u more faults in the rules (candor defs check shows them all)\n",
                report->program ? report->program : "candor", all - report->max_errors);
}

int definitions_report_parse(const struct option_list *list, struct external *ret,
                             uint32_t room, uint32_t *ret_count, struct why *why)
{
    *ret_count = 0;
    for (int i = 0; i < list->n; i++) {
        if (*ret_count == room)
            return fail(why, E2BIG, "more than %u variables are defined", room);
        if (!external_parse(list->at[i], &ret[*ret_count]) || !ret[*ret_count].name.len)
            return fail(why, EINVAL, "'-d' takes VAR=VALUE, not '%s'", list->at[i]);
        ++*ret_count;
    }
    return 0;
}

uint32_t definitions_report_externals(const struct external *user, uint32_t user_count,
                                      struct external *ret, uint32_t room)
{
    static const char *const names[] = {"filename", "filepath", "extension", "filetype",
                                        "owner"};
    uint32_t count = 0;
    for (size_t i = 0; i < COUNT(names) && count < room; i++)
        ret[count++] = (struct external){
            .name = bytes_of(names[i]), .type = TYPE_STRING, .text = bytes_of("")};
    for (uint32_t i = 0; i < user_count && count < room; i++)
        ret[count++] = user[i];
    return count;
}
