#include "cmd/rescue/rescue_triage_report.h"

#include "cmd/rescue/rescue_describe.h"

#include <string.h>

enum { ODD_LEAST = 3, ODD_MOST = 5 };

struct totals {
    uint64_t encrypted, notes, named;
    uint64_t by_rescue[RESCUE_NOT_TODAY + 1]; /* encrypted files */
    uint64_t partial;
};

static enum catalogue_rescue rescue_of(const struct triage *triage, uint16_t family)
{
    const struct catalogue_family *known = knowledge_family(triage->knowledge, family);
    return known ? known->rescue : RESCUE_UNKNOWN;
}

static struct totals sum(const struct triage *triage)
{
    struct totals totals = {.encrypted = triage->encrypted_unknown,
                            .notes = triage->notes_unknown};
    totals.by_rescue[RESCUE_UNKNOWN] = triage->encrypted_unknown;
    for (uint32_t i = 0; i < triage->family.n; i++) {
        const struct triage_family *row = &triage->family.at[i];
        totals.encrypted += row->encrypted;
        totals.notes += row->notes;
        totals.named += row->named;
        totals.partial += row->partial;
        totals.by_rescue[rescue_of(triage, row->family)] += row->encrypted;
    }
    return totals;
}

static bool any_traces(const struct triage *triage)
{
    return triage->family.n || triage->notes_unknown || triage->encrypted_unknown ||
           triage_odd_ending(triage, ODD_LEAST, 0);
}

static void count(struct text *out, uint64_t n, const char *one, const char *many)
{
    text_grouped(out, n);
    text_byte(out, ' ');
    text_word(out, n == 1 ? one : many);
}

/* --- words --- */

static void say_unread(const struct triage *triage, struct text *out)
{
    if (!triage->unread)
        return;
    text_word(out, "  ");
    text_grouped(out, triage->unread);
    text_word(out, " could not be read, and nothing is known of what is there: try it as root "
                   "(sudo).\n");
}

static void say_what(const struct triage *triage, const struct totals *totals, struct text *out)
{
    text_word(out, "WHAT HAPPENED\n  ");
    count(out, triage->files, "file was", "files were");
    text_word(out, " looked at. ");
    if (!any_traces(triage)) {
        text_word(out, "No trace of ransomware that is known was found.\n");
        say_unread(triage, out);
        return;
    }
    count(out, totals->encrypted, "is encrypted", "are encrypted");
    text_word(out, ", ");
    count(out, totals->notes, "is a ransom note", "are ransom notes");
    if (totals->named) {
        text_word(out, ", ");
        count(out, totals->named, "has a name", "have names");
        text_word(out, " like those that ransomware gives");
    }
    text_word(out, ".\n");
    say_unread(triage, out);
}

static void say_family(const struct triage *triage, const struct triage_family *row,
                       struct text *out)
{
    struct text line = {0};
    text_word(out, "\n  ");
    text_visible(out, knowledge_title(triage->knowledge, row->family));
    text_printf(out, " (%.0f %%): ", row->share > 0.99F ? 99 : 100 * (double)row->share);
    count(out, row->encrypted, "encrypted file", "encrypted files");
    text_word(out, ", ");
    count(out, row->notes, "note", "notes");
    if (row->named) {
        text_word(out, ", ");
        count(out, row->named, "name", "names");
    }
    text_byte(out, '\n');
    for (uint32_t i = 0; i < row->best.signals; i++)
        if (row->best.signal[i].family == row->family) {
            text_word(out, "    because ");
            text_visible(out, bytes_of(row->best.signal[i].reason));
            text_byte(out, '\n');
        }
    if (row->linked) {
        text_word(out, "    because ");
        count(out, row->linked, "file is noise and ends", "files are noise and end");
        text_word(out, " in '");
        text_visible(out, row->link);
        text_word(out, "', with which the name of its note begins\n");
    }
    if (rescue_describe_lineage(triage->knowledge, row->family, &line))
        text_printf(out, "    lineage: %.*s\n", (int)line.len, line.at);
    text_free(&line);
    if (row->encrypted && row->partial)
        text_word(out, "    only parts of the files are encrypted\n");
    if (row->decrypted) {
        text_word(out, "    ");
        count(out, row->decrypted, "file bears", "files bear");
        text_word(out, " signs of a decryption that was begun or done\n");
    }
    text_word(out, "    ");
    rescue_describe_advice(triage->knowledge, row->family, out);
    text_word(out, "\n    for example: ");
    if (row->samples)
        text_visible(out, row->sample[0]);
    text_byte(out, '\n');
}

static void say_unknown(const struct triage *triage, struct text *out)
{
    if (triage->notes_unknown) {
        text_word(out, "\n  ");
        count(out, triage->notes_unknown, "ransom note is", "ransom notes are");
        text_word(out, " of a family that is not known here, for example: ");
        text_visible(out, triage->note_sample);
        text_byte(out, '\n');
    }
    for (uint32_t i = 0; i < ODD_MOST; i++) {
        const struct triage_ending *odd = triage_odd_ending(triage, ODD_LEAST, i);
        if (!odd)
            break;
        text_word(out, "\n  ");
        count(out, odd->count, "file is", "files are");
        text_word(out, " noise from the first byte and end in '");
        text_visible(out, odd->text);
        text_word(out, "', which is no usual ending: that is how encrypted files look. "
                       "'candor rescue identify' says of each what it could be.\n");
    }
}

static void say_counts(const struct totals *totals, struct text *out)
{
    static const char *const words[] = {
        [RESCUE_UNKNOWN] = "whether they come back is not known",
        [RESCUE_NOW] = "come back now, without paying",
        [RESCUE_SOME] = "may come back now: it depends on the version",
        [RESCUE_KEY] = "come back with a key",
        [RESCUE_NOT_TODAY] = "do not come back today without the criminals' key"};

    static const enum catalogue_rescue order[] = {RESCUE_NOW, RESCUE_SOME, RESCUE_KEY,
                                                  RESCUE_NOT_TODAY, RESCUE_UNKNOWN};

    if (!totals->encrypted)
        return;
    text_word(out, "\nWHAT COMES BACK\n");
    for (size_t i = 0; i < COUNT(order); i++) {
        if (!totals->by_rescue[order[i]])
            continue;
        text_word(out, "  ");
        count(out, totals->by_rescue[order[i]], "file: ", "files: ");
        text_word(out, words[order[i]]);
        text_byte(out, '\n');
    }
}

static void say_snapshots(const struct rescue_triage_report *report, struct text *out)
{
    const struct snapshots *found = &report->snapshots;
    text_word(out, "\nSNAPSHOTS AND BACKUPS\n");
    if (found->file_system.len) {
        text_word(out, "  The files lie on ");
        text_visible(out, found->file_system);
        text_word(out, ".\n");
    }
    for (uint32_t i = 0; i < found->place.n; i++) {
        const struct snapshot_place *place = &found->place.at[i];
        text_printf(out, "  %s: ", place->kind);
        text_visible(out, place->path);
        if (place->count)
            text_printf(out, " (%u)", place->count);
        text_printf(out, ": %s\n", place->next);
    }
    if (report->triage->shadows) {
        text_word(out, "  ");
        count(out, report->triage->shadows, "disk image has", "disk images have");
        text_word(out, " Windows shadow copies in it: 'vshadowmount' shows them\n");
    }
    if (!found->place.n && !report->triage->shadows)
        text_word(out,
                  "  None were found. Others may have some: your provider, a NAS, a USB disk, "
                  "mail that you sent.\n");
    if (found->root_needed)
        text_word(out,
                  "  Some places may only be looked at by root: run this again as root.\n");
}

static void say_changes(const struct changes *changes, struct text *out)
{
    text_word(out, "\nIS IT STILL GOING ON?\n");
    if (!changes->changed && !changes->writer.n) {
        text_printf(out,
                    "  Nothing changed in %u places that were looked at twice, and nobody has "
                    "a file open there to write.\n",
                    changes->looked);
        return;
    }
    if (changes->changed) {
        text_printf(out,
                    "  YES, or someone works there: %u of %u places changed while they were "
                    "looked at, for example ",
                    changes->changed, changes->looked);
        text_visible(out, changes->sample);
        text_byte(out, '\n');
    }
    for (uint32_t i = 0; i < changes->writer.n; i++) {
        const struct change_writer *writer = &changes->writer.at[i];
        text_printf(out, "  process %d (", writer->pid);
        text_visible(out, bytes_of(writer->name));
        text_word(out, ") has open to write: ");
        text_visible(out, bytes_of(writer->file));
        text_byte(out, '\n');
    }
}

struct steps {
    struct text *out;
    int n;
};

static void step(struct steps *steps, const char *text)
{
    text_printf(steps->out, "  %d. %s\n", ++steps->n, text);
}

static void say_steps(const struct rescue_triage_report *report, const struct totals *totals,
                      struct text *out)
{
    struct steps steps = {out, 0};
    const struct triage *triage = report->triage;
    text_word(out, "\nWHAT TO DO FIRST\n");
    if (report->changes.changed || report->changes.writer.n)
        step(&steps,
             "If that is not you: pull the network cable. Do not switch off: the key may be "
             "in memory. Stop the process (kill -STOP PID), or suspend the machine.");
    if (!any_traces(triage)) {
        step(&steps, triage->unread ? "Run this again where all can be read, or as root."
                                    : "Nothing here needs to be rescued. If files do not open, "
                                      "run this on the folder where they lie.");
        return;
    }
    step(&steps,
         "If it is not done yet: take this machine off the network, and unplug backup disks. "
         "What is not encrypted then stays so.");
    step(&steps,
         "Keep everything: the encrypted files, the notes, and what is beside them. Copy the "
         "disk before you try anything (ddrescue), and work on the copy.");
    if (report->snapshots.place.n || triage->shadows)
        step(&steps,
             "Look at the snapshots and backups above before anything else: files that come "
             "back from there need no key. Copy them out, do not roll back.");
    if (totals->by_rescue[RESCUE_NOW] + totals->by_rescue[RESCUE_SOME])
        step(&steps, "candor rescue decrypt --dry-run PATH: says what would come back now.");
    if (totals->by_rescue[RESCUE_KEY] + totals->by_rescue[RESCUE_SOME])
        step(&steps,
             "Tell the police and ask whether they have keys of this family. With one: candor "
             "rescue decrypt PATH --key FILE.");
    if (totals->partial || totals->by_rescue[RESCUE_NOT_TODAY] ||
        totals->by_rescue[RESCUE_UNKNOWN])
        step(&steps, "candor rescue salvage --output DIR FILE: gives back what survives in a "
                     "file that is only "
                     "partly encrypted, as large ones often are.");
    if (report->parked[0])
        step(&steps,
             "candor rescue recheck, from time to time: says when newer definitions bring a "
             "key or a format for this case.");
    step(&steps,
         "Change passwords from another, clean machine, and find out how they came in before "
         "you restore.");
}

void rescue_triage_report_text(const struct rescue_triage_report *report, struct text *out)
{
    struct totals totals = sum(report->triage);
    say_what(report->triage, &totals, out);
    for (uint32_t i = 0; i < report->triage->family.n; i++)
        say_family(report->triage, &report->triage->family.at[i], out);
    say_unknown(report->triage, out);
    say_counts(&totals, out);
    say_snapshots(report, out);
    say_changes(&report->changes, out);
    say_steps(report, &totals, out);
    if (report->parked[0])
        text_printf(out, "\nThe case is recorded in %s\n", report->parked);
}

/* --- JSON --- */

static void json_families(const struct triage *triage, struct text *out)
{
    text_word(out, ",\"families\":[");
    for (uint32_t i = 0; i < triage->family.n; i++) {
        const struct triage_family *row = &triage->family.at[i];
        text_word(out, i ? ",{\"family\":" : "{\"family\":");
        text_json(out, knowledge_name(triage->knowledge, row->family));
        text_printf(out,
                    ",\"encrypted\":%llu,\"notes\":%llu,\"named\":%llu,\"partial\":%llu,"
                    "\"decrypted\":%llu,\"linked\":%llu,\"bytes\":%llu,\"share\":%.3f,"
                    "\"rescue\":\"%s\"",
                    (unsigned long long)row->encrypted, (unsigned long long)row->notes,
                    (unsigned long long)row->named, (unsigned long long)row->partial,
                    (unsigned long long)row->decrypted, (unsigned long long)row->linked,
                    (unsigned long long)row->bytes_encrypted, (double)row->share,
                    catalogue_rescue_word(rescue_of(triage, row->family)));
        text_word(out, ",\"sample\":");
        text_json(out, row->samples ? row->sample[0] : (bytes){0});
        text_word(out, ",\"best\":{");
        rescue_describe_json(triage->knowledge, &row->best, out);
        text_word(out, "}}");
    }
    text_byte(out, ']');
}

static void json_snapshots(const struct snapshots *found, struct text *out)
{
    text_word(out, ",\"file_system\":");
    text_json(out, found->file_system);
    text_printf(out, ",\"root_needed\":%s,\"snapshots\":[",
                found->root_needed ? "true" : "false");
    for (uint32_t i = 0; i < found->place.n; i++) {
        text_printf(out, "%s{\"kind\":\"%s\",\"count\":%u,\"path\":", i ? "," : "",
                    found->place.at[i].kind, found->place.at[i].count);
        text_json(out, found->place.at[i].path);
        text_byte(out, '}');
    }
    text_byte(out, ']');
}

static void json_changes(const struct changes *changes, struct text *out)
{
    text_printf(out, ",\"looked_twice\":%u,\"changed\":%u,\"writers\":[", changes->looked,
                changes->changed);
    for (uint32_t i = 0; i < changes->writer.n; i++) {
        text_printf(out, "%s{\"pid\":%d,\"name\":", i ? "," : "", changes->writer.at[i].pid);
        text_json(out, bytes_of(changes->writer.at[i].name));
        text_word(out, ",\"file\":");
        text_json(out, bytes_of(changes->writer.at[i].file));
        text_byte(out, '}');
    }
    text_byte(out, ']');
}

void rescue_triage_report_json(const struct rescue_triage_report *report, struct text *out)
{
    const struct triage *triage = report->triage;
    struct totals totals = sum(triage);
    text_printf(out,
                "{\"files\":%llu,\"unread\":%llu,\"encrypted\":%llu,\"notes\":%llu,"
                "\"named\":%llu,\"notes_unknown\":%llu,\"encrypted_unknown\":%llu,"
                "\"noise\":%llu,\"shadow_images\":%llu,\"rescue\":{",
                (unsigned long long)triage->files, (unsigned long long)triage->unread,
                (unsigned long long)totals.encrypted, (unsigned long long)totals.notes,
                (unsigned long long)totals.named, (unsigned long long)triage->notes_unknown,
                (unsigned long long)triage->encrypted_unknown,
                (unsigned long long)triage->noise, (unsigned long long)triage->shadows);
    for (int i = RESCUE_UNKNOWN; i <= RESCUE_NOT_TODAY; i++)
        text_printf(out, "%s\"%s\":%llu", i ? "," : "",
                    catalogue_rescue_word((enum catalogue_rescue)i),
                    (unsigned long long)totals.by_rescue[i]);
    text_byte(out, '}');
    json_families(triage, out);
    json_snapshots(&report->snapshots, out);
    json_changes(&report->changes, out);
    text_word(out, ",\"recorded\":");
    text_json(out, bytes_of(report->parked));
    text_word(out, "}\n");
}
