#include "clamav/clamav.h"

#include "clamav/icon.h"
#include "clamav/ignore.h"
#include "clamav/member.h"
#include "clamav/password.h"
#include "clamav/trust.h"
#include "clamav/type.h"
#include "clamav/url.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Signatures ask for the functionality level of ClamAV they need; ours is that of 1.4. */
enum { LEVEL = 216 };

/* One signature's intermediate results. */
#define SCRATCH ((size_t)256 << 20)

struct extension {
    const char *text;
    enum clamav_kind kind;
    bool pua;   /* read only when signatures of possibly unwanted applications are asked for */
    bool whole; /* not read line by line */
};

/* The first that fits the end of a name decides: so does ClamAV. */
static const struct extension extensions[] = {
    {".hdb", CLAMAV_HASH, false, false},        {".hsb", CLAMAV_HASH, false, false},
    {".hdu", CLAMAV_HASH, true, false},         {".hsu", CLAMAV_HASH, true, false},
    {".mdb", CLAMAV_SECTION, false, false},     {".msb", CLAMAV_SECTION, false, false},
    {".mdu", CLAMAV_SECTION, true, false},      {".msu", CLAMAV_SECTION, true, false},
    {".imp", CLAMAV_IMPORTS, false, false},     {".ndb", CLAMAV_BODY, false, false},
    {".ndu", CLAMAV_BODY, true, false},         {".sdb", CLAMAV_BODY, false, false},
    {".db", CLAMAV_BODY, false, false},         {".ldb", CLAMAV_LOGICAL, false, false},
    {".ldu", CLAMAV_LOGICAL, true, false},      {".cdb", CLAMAV_CONTAINER, false, false},
    {".zmd", CLAMAV_METADATA, false, false},    {".rmd", CLAMAV_METADATA, false, false},
    {".crb", CLAMAV_CERTIFICATE, false, false}, {".cat", CLAMAV_CERTIFICATE, false, true},
    {".ftm", CLAMAV_FILETYPE, false, false},    {".fp", CLAMAV_TRUSTED, false, false},
    {".sfp", CLAMAV_TRUSTED, false, false},     {".ign", CLAMAV_IGNORED, false, false},
    {".ign2", CLAMAV_IGNORED, false, false},    {".idb", CLAMAV_ICON, false, false},
    {".pdb", CLAMAV_PHISHING, false, false},    {".wdb", CLAMAV_PHISHING, false, false},
    {".gdb", CLAMAV_PHISHING, false, false},    {".pwdb", CLAMAV_PASSWORD, false, false},
    {".yar", CLAMAV_YARA, false, true},         {".yara", CLAMAV_YARA, false, true},
    {".cbc", CLAMAV_BYTECODE, false, true},     {".info", CLAMAV_OTHER, false, true},
    {".cfg", CLAMAV_OTHER, false, true},        {".ioc", CLAMAV_OTHER, false, true},
};

static const struct {
    const char *extensions, *text;
} kinds[CLAMAV_KINDS] = {
    [CLAMAV_HASH] = {".hdb .hsb .hdu .hsu", "hashes of files"},
    [CLAMAV_SECTION] = {".mdb .msb .mdu .msu", "hashes of sections"},
    [CLAMAV_IMPORTS] = {".imp", "hashes of import tables"},
    [CLAMAV_BODY] = {".ndb .ndu .db .sdb", "bodies"},
    [CLAMAV_LOGICAL] = {".ldb .ldu", "logical signatures"},
    [CLAMAV_CONTAINER] = {".cdb", "members of containers"},
    [CLAMAV_METADATA] = {".zmd .rmd", "members of zip and rar"},
    [CLAMAV_CERTIFICATE] = {".crb .cat", "certificates and catalogues"},
    [CLAMAV_FILETYPE] = {".ftm", "types of files"},
    [CLAMAV_TRUSTED] = {".fp .sfp", "trusted files"},
    [CLAMAV_IGNORED] = {".ign .ign2", "names to leave out"},
    [CLAMAV_ICON] = {".idb", "icons"},
    [CLAMAV_PHISHING] = {".pdb .wdb .gdb", "phishing addresses"},
    [CLAMAV_PASSWORD] = {".pwdb", "customary passwords"},
    [CLAMAV_YARA] = {".yar .yara", "YARA rules"},
    [CLAMAV_BYTECODE] = {".cbc", "bytecode"},
    [CLAMAV_OTHER] = {".info .cfg", "other files"},
};

const char *clamav_kind_extensions(enum clamav_kind kind)
{
    return kinds[kind].extensions;
}

const char *clamav_kind_text(enum clamav_kind kind)
{
    return kinds[kind].text;
}

static const struct extension *find_extension(bytes name)
{
    for (size_t i = 0; i < COUNT(extensions); i++) {
        bytes text = bytes_of(extensions[i].text);
        if (name.len >= text.len &&
            bytes_same(bytes_slice(name, name.len - text.len, text.len), text))
            return &extensions[i];
    }
    return NULL;
}

enum clamav_kind clamav_kind_of(bytes file_name)
{
    const struct extension *extension = find_extension(file_name);
    return extension ? extension->kind : CLAMAV_KINDS;
}

struct clamav *clamav_new(struct draft *draft, const struct clamav_options *options)
{
    struct clamav *clamav = PUSH(draft->arena, struct clamav);
    struct arena *scratch = clamav ? arena_new(SCRATCH) : NULL;
    if (!scratch)
        return NULL;
    clamav->draft = draft;
    clamav->options = *options;
    if (!clamav->options.level)
        clamav->options.level = LEVEL;
    clamav->scratch = scratch;
    return clamav;
}

struct clamav *clamav_free(struct clamav *clamav)
{
    if (clamav)
        clamav->scratch = arena_free(clamav->scratch);
    return NULL;
}

void clamav_refuse(struct clamav *clamav, enum clamav_kind kind, const char *fmt, ...)
{
    char text[CLAMAV_REASON] = {0};
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    clamav->counts[kind].refused++;
    for (uint32_t i = 0; i < clamav->reason_count; i++) {
        struct clamav_reason *reason = &clamav->reasons[i];
        if (reason->kind == kind && strcmp(reason->text, text) == 0) {
            reason->count++;
            return;
        }
    }
    if (clamav->reason_count == CLAMAV_REASONS)
        return;
    struct clamav_reason *reason = &clamav->reasons[clamav->reason_count++];
    *reason = (struct clamav_reason){.kind = kind, .line = clamav->line, .count = 1};
    memcpy(reason->text, text, sizeof text);
    snprintf(reason->file, sizeof reason->file, "%.*s", (int)(clamav->file.len & 0xffff),
             clamav->file.len ? (const char *)clamav->file.at : "");
}

void clamav_leave_out(struct clamav *clamav, enum clamav_kind kind)
{
    clamav->counts[kind].ignored++;
}

bytes clamav_label(struct clamav *clamav, bytes name)
{
    return clamav->official ? arena_copy(clamav->scratch, name)
                            : arena_printf(clamav->scratch, "%.*s.UNOFFICIAL", (int)name.len,
                                           (const char *)name.at);
}

/* Digits only; what is larger than any level counts as such. */
static bool read_level(bytes text, uint32_t *ret)
{
    uint32_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        if (value < 1000000)
            value = value * 10 + text.at[i] - '0';
    }
    *ret = value;
    return text.len > 0;
}

bool clamav_level_fits(const struct clamav *clamav, bytes min, bytes max, bool *ret_valid)
{
    uint32_t low = 0, high = UINT32_MAX;
    *ret_valid = (!min.len || read_level(min, &low)) && (!max.len || read_level(max, &high));
    return *ret_valid && clamav->options.level >= low && clamav->options.level <= high;
}

bool clamav_is_hash(enum clamav_kind kind)
{
    return kind == CLAMAV_HASH || kind == CLAMAV_SECTION || kind == CLAMAV_IMPORTS ||
           kind == CLAMAV_TRUSTED;
}

bool clamav_part_has(enum clamav_part part, enum clamav_kind kind)
{
    return part == CLAMAV_ALL || kind == CLAMAV_IGNORED ||
           clamav_is_hash(kind) == (part == CLAMAV_HASHES);
}

static int read_line(struct clamav *clamav, bytes line)
{
    switch (clamav->kind) {
    case CLAMAV_HASH:
    case CLAMAV_SECTION:
    case CLAMAV_IMPORTS:
    case CLAMAV_TRUSTED:
        return clamav_hash_line(clamav, clamav->kind, line);
    case CLAMAV_BODY:
        return bytes_same(bytes_slice(clamav->file, clamav->file.len - 3, 3), bytes_of(".db"))
                   ? clamav_old_line(clamav, line)
                   : clamav_body_line(clamav, line);
    case CLAMAV_LOGICAL:
        return clamav_logical_line(clamav, line);
    case CLAMAV_IGNORED:
        return ignore_line(clamav, line);
    case CLAMAV_CONTAINER:
        return member_line(clamav, line);
    case CLAMAV_METADATA:
        return member_old_line(clamav, line);
    case CLAMAV_FILETYPE:
        return type_line(clamav, line);
    case CLAMAV_PHISHING:
        return url_line(clamav, line);
    case CLAMAV_ICON:
        return icon_line(clamav, line);
    case CLAMAV_CERTIFICATE:
        return trust_line(clamav, line);
    case CLAMAV_PASSWORD:
        return password_line(clamav, line);
    default:
        return 0;
    }
}

int clamav_begin(struct clamav *clamav, bytes file_name, bool official, struct why *why)
{
    const struct extension *extension = find_extension(file_name);
    clamav->file = arena_copy(clamav->draft->arena, file_name);
    clamav->line = 0;
    clamav->source = UINT32_MAX;
    clamav->official = official;
    clamav->kind = extension ? extension->kind : CLAMAV_OTHER;
    clamav->pua = extension && extension->pua;
    if (!clamav_part_has(clamav->options.part, clamav->kind)) {
        clamav->kind = CLAMAV_OTHER;
        return 0;
    }
    /* Hash signatures have sources of their own. */
    clamav->name_space = 0;
    if (!clamav_is_hash(clamav->kind))
        clamav->name_space = draft_namespace(clamav->draft, file_name);
    if (!clamav->file.at || clamav->name_space == DRAFT_FULL)
        return fail(why, ENOMEM, "out of memory");
    if (clamav->kind == CLAMAV_OTHER)
        clamav->counts[CLAMAV_OTHER].ignored++;
    else if (clamav->kind == CLAMAV_BYTECODE && !clamav->options.bytecode_quiet)
        clamav_refuse(clamav, CLAMAV_BYTECODE,
                      "a program: definitions have no power but to match");
    else if (clamav->kind == CLAMAV_ICON)
        icon_begin(clamav);
    else if (clamav->kind == CLAMAV_CERTIFICATE)
        trust_begin(clamav);
    if (!extension || extension->whole)
        clamav->kind = CLAMAV_OTHER;
    return 0;
}

/* True for lines that hold no signature. */
static bool is_empty(bytes line)
{
    return !line.len || line.at[0] == '#';
}

int clamav_lines(struct clamav *clamav, bytes text, struct why *why)
{
    bytes rest = text, line;
    if (clamav->kind == CLAMAV_OTHER)
        return 0;
    while (bytes_cut(&rest, '\n', &line)) {
        if (!rest.at && !line.len)
            break;
        clamav->line++;
        while (line.len && line.at[line.len - 1] == '\r')
            line.len--;
        if (is_empty(line))
            continue;
        if (clamav->pua && !clamav->options.pua) {
            clamav_leave_out(clamav, clamav->kind);
            continue;
        }
        clamav->text = line;
        struct arena_mark mark = arena_mark(clamav->scratch);
        int error = read_line(clamav, line);
        arena_pop(clamav->scratch, mark);
        if (error || clamav->draft->full)
            return fail(why, ENOMEM, "'%.*s' needs too much memory", (int)clamav->file.len,
                        (const char *)clamav->file.at);
    }
    return 0;
}

int clamav_read(struct clamav *clamav, bytes file_name, bytes text, bool official,
                struct why *why)
{
    int error = clamav_begin(clamav, file_name, official, why);
    return error ? error : clamav_lines(clamav, text, why);
}
