#include "scan/examine/examine_state.h"

#include "scan/shortname.h"
#include "shim/digest.h"
#include "unpack/normal/normal.h"

#include <stdio.h>
#include <string.h>

/* Work of an object's views. */
#define VIEW_STEPS      (UINT64_C(1) << 26)
#define VIEW_STEPS_BYTE 256

/* The absolute path of the file, as the rules expect it, and of what is in it, as if containers
 * were folders. */
static bytes full_path(struct examiner *examiner, const struct reply_object *object)
{
    const struct reply_object *chain[REPLY_OBJECT_DEPTH];
    size_t depth = 0, len;
    for (; object->up && depth < REPLY_OBJECT_DEPTH; object = object->up)
        chain[depth++] = object;
    while (object->up)
        object = object->up;
    const char *text = (const char *)object->name.at;
    bool absolute = object->name.len && text[0] == '/';
    if (absolute && !depth)
        return object->name;
    if (strncmp(text, "./", 2) == 0)
        text += 2;
    int n = snprintf(examiner->path, sizeof examiner->path, "%s%s%s",
                     absolute ? "" : examiner->cwd, absolute ? "" : "/", text);
    if (n < 0 || (size_t)n >= sizeof examiner->path)
        return object->name;
    for (len = (size_t)n; depth; depth--) {
        bytes name = chain[depth - 1]->name;
        if (len + 1 + name.len > sizeof examiner->path)
            break;
        examiner->path[len++] = '/';
        memcpy(examiner->path + len, name.at, name.len);
        len += name.len;
    }
    return (bytes){(const uint8_t *)examiner->path, len};
}

/* ".exe" of "Setup.EXE"; "" where there is none. */
static bytes extension_of(struct examiner *examiner, bytes name)
{
    size_t dot = name.len;
    while (dot && name.at[dot - 1] != '.')
        dot--;
    if (dot < 2 || name.len - dot + 1 > sizeof examiner->extension)
        return bytes_of("");
    size_t len = name.len - dot + 1;
    for (size_t i = 0; i < len; i++)
        examiner->extension[i] = (char)ascii_lower(name.at[dot - 1 + i]);
    return (bytes){(const uint8_t *)examiner->extension, len};
}

static void set_text(struct scanner *scanner, const char *name, bytes text)
{
    scanner_set(scanner, bytes_of(name), value_bytes(text));
}

static void describe(struct examiner *examiner, int set, const struct reply_object *object)
{
    struct scanner *scanner = examiner->scanners[set];
    uint32_t wanted = examiner->wanted[set];
    size_t slash = object->name.len;
    if (!wanted)
        return;
    while (slash && object->name.at[slash - 1] != '/')
        slash--;
    bytes name = bytes_slice(object->name, slash, object->name.len);
    if (wanted & FACTS_FILENAME)
        set_text(scanner, "filename", name);
    if (wanted & FACTS_FILEPATH)
        set_text(scanner, "filepath", full_path(examiner, object));
    if (wanted & FACTS_EXTENSION)
        set_text(scanner, "extension", extension_of(examiner, name));
    if (wanted & FACTS_FILETYPE)
        set_text(scanner, "filetype", bytes_of(shortname_of(object->data)));
    if (wanted & FACTS_OWNER)
        set_text(scanner, "owner", examiner->owner);
}

static void write_patterns(struct examiner *examiner, int number, uint32_t rule_number,
                           bytes data)
{
    const struct examine_options *options = &examiner->options;
    const struct ruleset *set = &options->sets[number].set;
    if (rule_number >= set->rule_count)
        return; /* a hash signature */
    const struct ruleset_rule *rule = &set->rules[rule_number];
    for (uint32_t i = 0; i < rule->pattern_count && options->matches; i++) {
        uint32_t pattern = rule->pattern_start + i;
        const struct matches *matches =
            set->patterns[pattern].flags & PATTERN_PRIVATE
                ? NULL
                : scanner_matches(examiner->scanners[number], pattern);
        if (!matches || !matches->list.n)
            continue;
        reply_pattern(&examiner->reply, pattern, matches->list.n);
        for (uint32_t k = 0; k < matches->list.n && k < options->matches; k++) {
            const struct match *match = &matches->list.at[k];
            uint32_t len =
                match->length < options->match_bytes ? match->length : options->match_bytes;
            reply_match(&examiner->reply, match->offset, match->length, match->xor_key,
                        bytes_slice(data, match->offset, len));
        }
    }
}

void examine_object_digest(struct examiner *examiner, const struct reply_object *object)
{
    uint8_t sha256[REPLY_SHA256];
    if (digest_parts(DIGEST_SHA256, &object->data, 1, sha256))
        reply_digest(&examiner->reply, object, sha256);
}

/* What was found in an object or a view of it is written down once. */
static bool is_new(struct examiner *examiner, uint32_t set, uint32_t rule)
{
    for (uint32_t i = 0; i < examiner->found_count; i++)
        if (examiner->found[i].set == set && examiner->found[i].rule == rule)
            return false;
    if (examiner->found_count < COUNT(examiner->found))
        examiner->found[examiner->found_count++] = (struct found){set, rule};
    return true;
}

/* What a signature says of an object that another one trusts, or whose maker is trusted
 * (`vouched`), or of what is in it. */
static bool is_mistake(const struct examiner *examiner, uint32_t set_number, uint32_t rule,
                       const struct reply_object *object, bool vouched)
{
    const struct ruleset *set = &examiner->options.sets[set_number].set;
    uint32_t flags = rule < set->rule_count ? set->rules[rule].flags : RULE_SIGNATURE;
    return flags & RULE_SIGNATURE &&
           ((object->trusted >> set_number & 1) || (vouched && !(flags & RULE_SIGNER)));
}

void examine_object_scan(struct examiner *examiner, struct reply_object *object, bytes data,
                         uint32_t targets)
{
    bool vouched = look_vouches(&examiner->look, data);
    if (object->up)
        object->trusted |= object->up->trusted;
    examiner->block = (struct block){.data = data};
    examiner->object = (struct object_input){.blocks = &examiner->block,
                                             .block_count = 1,
                                             .targets = targets,
                                             .types = examiner->types,
                                             .type_count = examiner->type_count,
                                             .member = examiner->member,
                                             .look = look_of(&examiner->look, data),
                                             .url_fault = examiner->url_fault,
                                             .now = examiner->options.now};
    for (int i = 0; i < examiner->options.set_count; i++) {
        struct verdict verdict = {0};
        describe(examiner, i, object);
        if (scanner_scan(examiner->scanners[i], &examiner->object, &verdict) < 0)
            examiner->limits = "memory was out";
        object->trusted |= (uint32_t)verdict.trusted << i;
        for (uint32_t k = 0; k < verdict.finding_count; k++) {
            uint32_t rule = verdict.findings[k].rule;
            if (is_mistake(examiner, (uint32_t)i, rule, object, vouched) ||
                !is_new(examiner, (uint32_t)i, rule))
                continue;
            reply_finding(&examiner->reply, object, (uint32_t)i, rule);
            write_patterns(examiner, i, rule, data);
        }
        if (verdict.limit == LIMIT_STOPPED)
            examiner->stopped = true;
        else if (verdict.limit != LIMIT_NONE && !examiner->limits)
            examiner->limits = examine_limit_text(verdict.limit);
    }
    if (vouched)
        object->trusted = UINT32_MAX;
}

static bool take_view(void *to, bytes view, uint32_t targets)
{
    struct examiner *examiner = to;
    examine_object_scan(examiner, examiner->viewed, view, targets);
    return !examiner->stopped;
}

/* What signatures see of texts and pages besides their bytes. */
static void scan_views(struct examiner *examiner, struct reply_object *object,
                       enum filetype type)
{
    struct budget budget = {.steps = VIEW_STEPS + (uint64_t)object->data.len * VIEW_STEPS_BYTE,
                            .stop = &examiner->control->stop};
    const struct normal normal = {.wanted = examiner->targets,
                                  .region = &examiner->region,
                                  .arena = examiner->run.arena,
                                  .budget = &budget,
                                  .to = examiner,
                                  .take = take_view};
    examiner->viewed = object;
    if (!normal_views(&normal, object->data, type) && !examiner->limits)
        examiner->limits = "its normalised text is not all examined";
}

/* A signature asked for it to be looked at as another type, as if that lay in this object:
 * ClamAV's HandlerType. */
static void scan_again(struct examiner *examiner, struct reply_object *object)
{
    enum filetype type = examiner->look.type;
    if (examiner->type_count < FACTS_DEPTH)
        examiner->types[examiner->type_count++] = object->type;
    examine_object_scan(examiner, object, object->data,
                        facts_targets(type) & ~TARGET_BIT(TARGET_RULES));
    if (!examiner->stopped)
        scan_views(examiner, object, type);
}

/* Signatures about the links of a mail's texts: an object without bytes. */
static void scan_urls(struct examiner *examiner, struct reply_object *object)
{
    enum url_fault faults[URL_FAULTS];
    bool limit;
    if (!object->letter || !examiner->urls.phishing || object->data.len > URLS_MOST ||
        !examiner->type_count || examiner->types[examiner->type_count - 1] != FILETYPE_MAIL)
        return;
    uint32_t count = urls_check(&examiner->urls, object->data, examiner->run.arena,
                                &examiner->control->stop, faults, &limit);
    if (limit && !examiner->limits)
        examiner->limits = "its links are not all compared";
    for (uint32_t i = 0; i < count; i++) {
        examiner->url_fault = faults[i];
        examine_object_scan(examiner, object, (bytes){0}, TARGET_BIT(TARGET_LINK));
    }
    examiner->url_fault = URL_FINE;
}

bool examine_object_match(struct examiner *examiner, struct reply_object *object)
{
    uint64_t findings = examiner->reply.findings;
    uint32_t targets = 0;
    examiner->limits = NULL;
    examiner->found_count = 0;
    if (examiner->later)
        hash_later_next(examiner->later);
    if (examiner->targets || examiner->options.alerts) {
        enum filetype type = filetype_of_by(examiner->table, object->data);
        targets = facts_targets(type);
        look_begin(&examiner->look, object->data, type, examiner->run.arena,
                   &examiner->control->stop);
        object->type = (uint16_t)filetype_read_by(examiner->table, object->data, type);
        alerts_say(examiner->options.alerts, &examiner->reply, object, type,
                   &examiner->control->stop);
        examiner->type_count = facts_around(examiner->file, object->up, examiner->types);
        if (object->derived)
            targets = facts_derived(targets, examiner->types, examiner->type_count);
    }
    examine_object_scan(examiner, object, object->data, targets);
    if (examiner->targets && !examiner->stopped && !object->derived)
        scan_views(examiner, object, (enum filetype)object->type);
    if (!examiner->stopped && look_again(&examiner->look))
        scan_again(examiner, object);
    if (!examiner->stopped)
        scan_urls(examiner, object);
    if (examiner->options.digests && object->up && examiner->reply.findings > findings)
        examine_object_digest(examiner, object);
    if (!examiner->limits)
        examiner->limits = look_fault(&examiner->look);
    if (examiner->limits)
        reply_gap(&examiner->reply, object, GAP_LIMIT, bytes_of(""), examiner->limits);
    examiner->look.data = (bytes){0};
    return !examiner->stopped;
}
