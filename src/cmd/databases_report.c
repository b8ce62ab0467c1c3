#include "cmd/databases_report.h"

#include "scan/text.h"

#include <errno.h>

enum { KIND_WIDTH = 30, EXTENSIONS_WIDTH = 22, NUMBER_WIDTH = 12 };

static void put_text(struct text *out, FILE *to)
{
    if (out->len)
        fwrite(out->at, 1, out->len, to);
    text_free(out);
}

/* A number with its commas, to the right. */
static void put_number(struct text *out, uint64_t number)
{
    struct text one = {0};
    text_grouped(&one, number);
    text_printf(out, "%*.*s", NUMBER_WIDTH, (int)one.len, one.at ? one.at : "");
    text_free(&one);
}

static void put_row(struct text *out, const char *kind, const char *extensions,
                    const struct clamav_count *count)
{
    text_printf(out, "%-*s%-*s", KIND_WIDTH, kind, EXTENSIONS_WIDTH, extensions);
    put_number(out, count->read);
    put_number(out, count->ignored);
    put_number(out, count->refused);
    text_byte(out, '\n');
}

struct clamav_count databases_report_sum(const struct definitions_clamav *found)
{
    struct clamav_count sum = {0};
    for (size_t i = 0; i < CLAMAV_KINDS; i++) {
        if (i == CLAMAV_OTHER)
            continue;
        sum.read += found->counts[i].read;
        sum.ignored += found->counts[i].ignored;
        sum.refused += found->counts[i].refused;
    }
    return sum;
}

static void put_reasons(struct text *out, const struct definitions_clamav *found)
{
    uint64_t told = 0;
    for (uint32_t i = 0; i < found->reason_count; i++) {
        const struct clamav_reason *reason = &found->reasons[i];
        told += reason->count;
        text_printf(out, "  %s: ", clamav_kind_text(reason->kind));
        text_visible(out, bytes_of(reason->text));
        text_word(out, ": ");
        text_grouped(out, reason->count);
        text_printf(out, "%s in ", reason->count == 1 ? "," : ", first");
        text_visible(out, bytes_of(reason->file));
        if (reason->line)
            text_printf(out, " line %u", reason->line);
        text_byte(out, '\n');
    }
    uint64_t all = databases_report_sum(found).refused;
    if (all > told) {
        text_word(out, "  other reasons: ");
        text_grouped(out, all - told);
        text_byte(out, '\n');
    }
}

void databases_report_table(const struct definitions_clamav *found, FILE *to)
{
    struct text out = {0};
    const struct clamav_count sum = databases_report_sum(found);
    text_printf(&out, "%-*s%-*s%*s%*s%*s\n", KIND_WIDTH, "ClamAV signatures", EXTENSIONS_WIDTH,
                "", NUMBER_WIDTH, "read", NUMBER_WIDTH, "left out", NUMBER_WIDTH, "refused");
    for (int i = 0; i < CLAMAV_KINDS; i++) {
        enum clamav_kind kind = (enum clamav_kind)i;
        const struct clamav_count *count = &found->counts[i];
        if (kind != CLAMAV_OTHER && (count->read || count->ignored || count->refused))
            put_row(&out, clamav_kind_text(kind), clamav_kind_extensions(kind), count);
    }
    put_row(&out, "all", "", &sum);
    if (sum.refused) {
        text_word(&out, "refused:\n");
        put_reasons(&out, found);
    }
    put_text(&out, to);
}

void databases_report_containers(const struct definitions_clamav *found, FILE *to)
{
    struct text out = {0};
    for (uint32_t i = 0; i < found->container_count && i < DEFINITIONS_CONTAINERS; i++) {
        const struct definitions_container *container = &found->containers[i];
        const struct container_facts *facts = &container->facts;
        text_visible(&out, bytes_of(container->name));
        text_printf(&out, ": version %u of ", facts->version);
        text_visible(&out, bytes_of(facts->time));
        text_word(&out, container->older ? ", left out: there is a newer one\n"
                        : facts->external == CONTAINER_GOOD ? ", signed (.sign)\n"
                        : !container->official              ? ", not signed\n"
                        : facts->legacy == CONTAINER_GOOD
                            ? ", signed (MD5 and RSA-1024: weak; list of files: RSA-2048)\n"
                            : ", signed (list of files: RSA-2048)\n");
    }
    put_text(&out, to);
}

static const char *verdict(uint8_t check, const char *absent)
{
    return check == CONTAINER_GOOD ? "good" : check == CONTAINER_WRONG ? "WRONG" : absent;
}

void databases_report_container(const struct definitions_container *container, FILE *to)
{
    const struct container_facts *facts = &container->facts;
    struct text out = {0};
    text_visible(&out, bytes_of(container->name));
    text_word(&out, "\n  made        ");
    text_visible(&out, bytes_of(facts->time));
    text_word(&out, " by ");
    text_visible(&out, bytes_of(facts->builder));
    text_printf(&out, "\n  version     %u, for ClamAV's functionality level %u\n  signatures  ",
                facts->version, facts->level);
    text_grouped(&out, facts->signatures);
    text_printf(&out, "\n  content     %u file%s, ", facts->files,
                facts->files == 1 ? "" : "s");
    text_size(&out, facts->size);
    text_word(&out, facts->packed ? " unpacked\n" : ", not compressed\n");
    text_printf(&out, "  MD5         %s\n", verdict(facts->md5, "none"));
    text_printf(&out, "  signature   %s%s\n", verdict(facts->legacy, "none"),
                facts->legacy == CONTAINER_GOOD
                    ? ": RSA of 1024 bits over the MD5, which is weak"
                    : "");
    text_printf(&out, "  list        %s%s\n", verdict(facts->list, "not signed"),
                facts->list == CONTAINER_GOOD
                    ? ": RSA of 2048 bits over the SHA-256 of each file"
                    : "");
    text_printf(&out, "  .sign file  %s",
                verdict(facts->external, "not checked: it or --certs is missing"));
    if (facts->signer[0]) {
        text_word(&out, ": by ");
        text_visible(&out, bytes_of(facts->signer));
    }
    text_printf(&out, "\n  ClamAV's    %s\n", container->official ? "yes" : "not shown");
    put_text(&out, to);
}

void databases_report_failures(const struct definitions_clamav *found)
{
    struct text out = {0};
    for (uint32_t i = 0; i < found->failed && i < DEFINITIONS_FAILURES; i++) {
        text_word(&out, "candor: ");
        text_visible(&out, bytes_of(found->failures[i].text));
        text_byte(&out, '\n');
    }
    if (found->failed > DEFINITIONS_FAILURES)
        text_printf(&out, "candor: %u more databases could not be read\n",
                    found->failed - DEFINITIONS_FAILURES);
    put_text(&out, stderr);
}
