#include "cmd/rescue/rescue_describe.h"

#include <string.h>

const char *rescue_describe_kind(uint32_t kind)
{
    static const char *const words[] = {"nothing", "a ransom note", "an encrypted file",
                                        "a file whose name is like those of ransomware"};
    return words[kind];
}

static const char *kind_word(uint32_t kind)
{
    static const char *const words[] = {"nothing", "note", "encrypted", "named"};
    return words[kind];
}

static const char *signal_word(uint32_t kind)
{
    static const char *const words[] = {"words",     "address",   "vanity",
                                        "brand",     "note-name", "extension",
                                        "file-name", "marker",    "format"};
    return words[kind];
}

bool rescue_describe_lineage(const struct knowledge *knowledge, uint32_t family,
                             struct text *out)
{
    const struct catalogue_family *known = knowledge_family(knowledge, family);
    for (uint16_t i = 0; known && i < known->lineage_count; i++) {
        int of = catalogue_family(&knowledge->catalogue, known->lineage[i].family);
        text_word(out, i ? ", " : "");
        text_visible(out, known->lineage[i].how);
        text_byte(out, ' ');
        text_visible(out, of < 0 || (uint32_t)of == family
                              ? known->lineage[i].family
                              : knowledge_title(knowledge, (uint32_t)of));
    }
    return known && known->lineage_count;
}

void rescue_describe_advice(const struct knowledge *knowledge, uint32_t family,
                            struct text *out)
{
    static const char *const sentences[] = {
        [RESCUE_UNKNOWN] = "whether files come back is not known",
        [RESCUE_NOW] = "files come back without paying",
        [RESCUE_SOME] = "some files, or those of some versions, come back without paying",
        [RESCUE_KEY] = "files come back with the key, from the police or whoever has it",
        [RESCUE_NOT_TODAY] = "no way without the criminals' key is known here"};
    const struct catalogue_family *known = knowledge_family(knowledge, family);
    text_word(out, sentences[known ? known->rescue : RESCUE_UNKNOWN]);
    if (known && known->advice.len) {
        text_word(out, ". ");
        text_visible(out, known->advice);
    }
    if (!known)
        return;
    text_word(out, known->told_by.len ? " (" : " (as of ");
    if (known->told_by.len) {
        text_visible(out, known->told_by);
        text_word(out, ", looked up ");
    }
    text_visible(out, known->checked);
    text_byte(out, ')');
}

static void reasons(const struct sighting *sighting, uint32_t family, struct text *out)
{
    for (uint32_t i = 0; i < sighting->signals; i++)
        if (sighting->signal[i].family == family) {
            text_word(out, "      ");
            text_visible(out, bytes_of(sighting->signal[i].reason));
            text_byte(out, '\n');
        }
}

static void percent(float share, struct text *out)
{
    text_printf(out, "%.0f %%", share > 0.99F ? 99 : 100 * (double)share);
}

/* A name or an extension alone makes no file an encrypted one. */
static bool is_sure(const struct sighting *sighting)
{
    return sighting->kind != IDENTITY_NOTHING && sighting->guesses &&
           sighting->guess[0].share >= IDENTIFY_SURE;
}

void rescue_describe_text(const struct knowledge *knowledge, const struct sighting *sighting,
                          struct text *out)
{
    bool sure = is_sure(sighting);
    text_printf(out, "  %s", rescue_describe_kind(sighting->kind));
    if (sighting->kind == IDENTITY_NOTHING) {
        text_word(out, sighting->guesses ? " certain; it could be\n" : "\n");
        for (uint32_t i = 0; i < sighting->guesses && i < 4; i++) {
            text_word(out, "    ");
            text_visible(out, knowledge_title(knowledge, sighting->guess[i].family));
            text_byte(out, '\n');
            reasons(sighting, sighting->guess[i].family, out);
        }
        return;
    }
    bool format = sighting->format >= 0 && sighting->fit == FIT_IS;
    if (!sure && format)
        text_printf(out, ": %s", formats[sighting->format]->title);
    else
        text_word(out, sure ? "" : ", of a family that is not known for certain");
    text_byte(out, '\n');
    for (uint32_t i = 0; i < sighting->guesses; i++) {
        uint32_t family = sighting->guess[i].family;
        if (i && (sure || sighting->guess[i].share < 0.05F || i > 2))
            break;
        text_word(out, i || !sure ? "    perhaps " : "    ");
        text_visible(out, knowledge_title(knowledge, family));
        text_word(out, " (");
        percent(sighting->guess[i].share, out);
        text_word(out, ")");
        if (i == 0 && sighting->variant[0])
            text_printf(out, ", version %s", sighting->variant);
        text_word(out, "\n");
        reasons(sighting, family, out);
        if (i || !sure)
            continue;
        struct text line = {0};
        if (rescue_describe_lineage(knowledge, family, &line))
            text_printf(out, "      lineage: %.*s\n", (int)line.len, line.at);
        text_free(&line);
        text_word(out, "    ");
        rescue_describe_advice(knowledge, family, out);
        text_byte(out, '\n');
    }
    if (sighting->partial)
        text_word(out, "    only parts of it are encrypted: see 'candor rescue salvage'\n");
    if (sighting->decrypted)
        text_word(out, "    it bears signs of a decryption that was begun or done\n");
}

static void json_guess(const struct knowledge *knowledge, const struct sighting *sighting,
                       const struct guess *guess, struct text *out)
{
    const struct catalogue_family *known = knowledge_family(knowledge, guess->family);
    bool first = true;
    text_word(out, "{\"family\":");
    text_json(out, knowledge_name(knowledge, guess->family));
    text_word(out, ",\"title\":");
    text_json(out, knowledge_title(knowledge, guess->family));
    text_printf(out, ",\"share\":%.3f,\"rescue\":\"%s\",\"lineage\":[", (double)guess->share,
                catalogue_rescue_word(known ? known->rescue : RESCUE_UNKNOWN));
    for (uint16_t i = 0; known && i < known->lineage_count; i++) {
        text_word(out, i ? ",{\"family\":" : "{\"family\":");
        text_json(out, known->lineage[i].family);
        text_word(out, ",\"how\":");
        text_json(out, known->lineage[i].how);
        text_byte(out, '}');
    }
    text_word(out, "],\"checked\":");
    text_json(out, known ? known->checked : (bytes){0});
    text_word(out, ",\"told_by\":");
    text_json(out, known ? known->told_by : (bytes){0});
    text_word(out, ",\"reasons\":[");
    for (uint32_t i = 0; i < sighting->signals; i++) {
        if (sighting->signal[i].family != guess->family)
            continue;
        text_printf(out, "%s{\"signal\":\"%s\",\"weight\":%.2f,\"text\":", first ? "" : ",",
                    signal_word(sighting->signal[i].kind), (double)sighting->signal[i].weight);
        text_json(out, bytes_of(sighting->signal[i].reason));
        text_byte(out, '}');
        first = false;
    }
    text_word(out, "]}");
}

void rescue_describe_json(const struct knowledge *knowledge, const struct sighting *sighting,
                          struct text *out)
{
    text_printf(out, "\"kind\":\"%s\",\"note_odds\":%.2f,\"sure\":%s,\"families\":[",
                kind_word(sighting->kind), (double)sighting->note,
                is_sure(sighting) ? "true" : "false");
    for (uint32_t i = 0; i < sighting->guesses; i++) {
        text_word(out, i ? "," : "");
        json_guess(knowledge, sighting, &sighting->guess[i], out);
    }
    text_word(out, "],\"format\":");
    if (sighting->format < 0)
        text_word(out, "null");
    else
        text_printf(out, "{\"name\":\"%s\",\"certain\":%s,\"partial\":%s}",
                    formats[sighting->format]->family,
                    sighting->fit == FIT_IS ? "true" : "false",
                    sighting->partial ? "true" : "false");
}
