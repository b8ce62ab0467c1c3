#include "clamav/container.h"

#include "clamav/dsig.h"
#include "clamav/gzip.h"
#include "shim/detached.h"
#include "shim/digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { FIELDS = 9, BLOCK = 512, MEMBERS_MAX = 4096, SHA256 = 32, MD5 = 16 };

/* Of a file in it. */
#define MEMBER_MAX ((uint64_t)2 << 30)

struct container_listed {
    bytes name;
    uint64_t size;
    uint8_t sha256[SHA256];
};

/* --- the header --- */

static void keep_text(bytes text, char *ret, size_t room)
{
    size_t n = text.len < room ? text.len : room - 1;
    for (size_t i = 0; i < n; i++)
        ret[i] = (char)(text.at[i] < ' ' || text.at[i] > '~' ? '?' : text.at[i]);
    ret[n] = 0;
}

static bytes trim(bytes line)
{
    while (line.len && strchr(" \r\n", line.at[line.len - 1]))
        line.len--;
    return line;
}

/* Cuts a header line; the last field may be missing. */
static bool cut_header(bytes line, bytes field[FIELDS])
{
    bytes rest = trim(line);
    size_t n = 0;
    while (n < FIELDS && bytes_cut(&rest, ':', &field[n]))
        n++;
    return n >= FIELDS - 1 && !rest.len && bytes_is(field[0], "ClamAV-VDB");
}

static bool read_header(bytes line, struct container_facts *facts, bytes *ret_md5,
                        bytes *ret_dsig)
{
    bytes field[FIELDS] = {{0}};
    uint64_t version, signatures, level, seconds = 0;
    if (!cut_header(line, field) || !bytes_decimal(field[2], UINT32_MAX - 1, &version) ||
        !bytes_decimal(field[3], UINT32_MAX, &signatures) ||
        !bytes_decimal(field[4], UINT32_MAX, &level) ||
        (field[8].len && !bytes_decimal(field[8], INT64_MAX, &seconds)))
        return false;
    keep_text(field[1], facts->time, sizeof facts->time);
    keep_text(field[7], facts->builder, sizeof facts->builder);
    facts->version = (uint32_t)version;
    facts->signatures = (uint32_t)signatures;
    facts->level = (uint32_t)level;
    facts->seconds = seconds;
    *ret_md5 = field[5];
    *ret_dsig = field[6];
    return true;
}

uint32_t container_version(bytes head)
{
    struct container_facts facts;
    bytes md5, dsig;
    return read_header(bytes_slice(head, 0, CONTAINER_HEADER), &facts, &md5, &dsig)
               ? facts.version
               : UINT32_MAX;
}

static uint8_t verdict(bool good)
{
    return good ? CONTAINER_GOOD : CONTAINER_WRONG;
}

int container_open(bytes name, bytes file, struct container *ret, struct why *why)
{
    struct container made = {.name = name};
    uint8_t said[MD5], is[DIGEST_MAX];
    bytes md5, dsig;
    if (file.len < CONTAINER_HEADER ||
        !read_header(bytes_slice(file, 0, CONTAINER_HEADER), &made.facts, &md5, &dsig))
        return fail(why, EBADMSG, "it does not begin with the header of a container");
    made.body = bytes_slice(file, CONTAINER_HEADER, file.len);
    made.facts.packed =
        made.body.len >= 2 && made.body.at[0] == 0x1f && made.body.at[1] == 0x8b;
    if (md5.len == 2 * sizeof said && bytes_unhex(md5, said)) {
        if (!digest_parts(DIGEST_MD5, &made.body, 1, is))
            return fail(why, ENOMEM, "out of memory");
        made.facts.md5 = verdict(memcmp(said, is, MD5) == 0);
        if (dsig.len > 1)
            made.facts.legacy =
                verdict(made.facts.md5 == CONTAINER_GOOD && dsig_signs_md5(dsig, is));
    } else if (!bytes_is(md5, "X")) {
        made.facts.md5 = CONTAINER_WRONG;
    }
    *ret = made;
    return 0;
}

void container_check_external(struct container *container, bytes file, bytes sign,
                              bytes certificates)
{
    struct container_facts *facts = &container->facts;
    bytes rest = sign, line, field[3];
    if (!certificates.len || !bytes_cut(&rest, '\n', &line) ||
        !bytes_is(trim(line), "#clamsign-1.0"))
        return;
    while (facts->external != CONTAINER_GOOD && bytes_cut(&rest, '\n', &line)) {
        bytes parts = trim(line);
        if (!bytes_cut(&parts, ':', &field[0]) || !bytes_cut(&parts, ':', &field[1]) ||
            !bytes_cut(&parts, ':', &field[2]) || !bytes_is(field[2], "pkcs7-pem"))
            continue;
        facts->external = verdict(
            detached_verify(parts, file, certificates, facts->signer, sizeof facts->signer));
    }
}

/* --- the archive --- */

/* Octal, ended by a space or NUL (POSIX.1-1988, ustar). */
static bool read_octal(bytes text, uint64_t *ret)
{
    uint64_t value = 0;
    size_t i = 0;
    while (i < text.len && text.at[i] == ' ')
        i++;
    for (; i < text.len && text.at[i] >= '0' && text.at[i] <= '7'; i++)
        value = value * 8 + text.at[i] - '0';
    *ret = value;
    return i == text.len || text.at[i] == ' ' || !text.at[i];
}

/* A member's name and text, without a look at the list. */
static int read_member(struct container *container, struct container_member *ret,
                       struct why *why)
{
    bytes head = bytes_slice(container->archive, container->at, BLOCK);
    uint64_t size;
    if (head.len < BLOCK || !head.at[0])
        return 0;
    bytes name = bytes_slice(head, 0, 100);
    const uint8_t *end = memchr(name.at, 0, name.len);
    if (end)
        name.len = (size_t)(end - name.at);
    if (memchr(name.at, '/', name.len) || (head.at[156] && head.at[156] != '0'))
        return fail(why, EBADMSG, "its archive holds more than plain files");
    if (!read_octal(bytes_slice(head, 124, 12), &size) ||
        !bytes_has(container->archive, container->at + BLOCK, size))
        return fail(why, EBADMSG, "its archive is cut short");
    if (++container->members > MEMBERS_MAX)
        return fail(why, EBADMSG, "its archive holds more than %d files", MEMBERS_MAX);
    *ret = (struct container_member){
        .name = name, .text = bytes_slice(container->archive, container->at + BLOCK, size)};
    container->at += BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
    return 1;
}

/* --- the list --- */

static bool ends_with(bytes name, const char *ending)
{
    bytes text = bytes_of(ending);
    return name.len >= text.len &&
           bytes_same(bytes_slice(name, name.len - text.len, text.len), text);
}

static bool read_row(bytes line, struct container_listed *ret)
{
    bytes rest = trim(line), name, size, hash;
    *ret = (struct container_listed){0};
    if (!bytes_cut(&rest, ':', &name) || !bytes_cut(&rest, ':', &size) ||
        !bytes_cut(&rest, ':', &hash) || rest.len)
        return false;
    ret->name = name;
    return bytes_decimal(size, MEMBER_MAX, &ret->size) && hash.len == 2 * sizeof ret->sha256 &&
           bytes_unhex(hash, ret->sha256);
}

static int read_first(const struct container *container, bytes line, struct why *why)
{
    struct container_facts facts = {0};
    const struct container_facts *said = &container->facts;
    bytes md5, dsig;
    if (!read_header(line, &facts, &md5, &dsig) || facts.version != said->version ||
        facts.signatures != said->signatures || facts.level != said->level ||
        facts.seconds != said->seconds)
        return fail(why, EBADMSG, "its header is not what its list of files says");
    return 0;
}

/* Everything before the line DSIG is signed. */
static void check_list(struct container *container, bytes text, bytes from_dsig)
{
    uint8_t sha256[DIGEST_MAX];
    bytes head = {text.at, (size_t)(from_dsig.at - text.at)};
    bytes signature = trim(bytes_slice(from_dsig, 5, from_dsig.len));
    container->facts.list = verdict(digest_parts(DIGEST_SHA256, &head, 1, sha256) &&
                                    dsig_signs(DSIG_INFO, signature, sha256));
}

static int read_list(struct container *container, bytes text, struct arena *arena,
                     struct why *why)
{
    bytes rest = text, line;
    VEC(struct container_listed) rows = {0};
    int error = bytes_cut(&rest, '\n', &line) ? read_first(container, line, why)
                                              : fail(why, EBADMSG, "its list is empty");
    while (!error && bytes_cut(&rest, '\n', &line)) {
        if (bytes_is(bytes_slice(line, 0, 5), "DSIG:")) {
            check_list(container, text, line);
            break;
        }
        if (!trim(line).len)
            continue;
        struct container_listed *row = rows.n < MEMBERS_MAX ? vec_push(arena, &rows) : NULL;
        if (!row)
            return fail(why, ENOMEM, "its list is too long");
        if (!read_row(line, row))
            error = fail(why, EBADMSG, "its list of files is malformed");
    }
    container->listed = rows.at;
    container->listed_count = container->facts.files = rows.n;
    return error;
}

int container_unpack(struct container *container, struct arena *arena, struct why *why)
{
    struct container_member member = {0};
    int found, error = 0;
    if (container->facts.packed)
        error = gzip_inflate(container->body, arena, &container->archive, why);
    else
        container->archive = container->body;
    if (error)
        return error;
    container->facts.size = container->archive.len;
    container->at = 0;
    container->members = 0;
    while ((found = read_member(container, &member, why)) > 0)
        if (ends_with(member.name, ".info"))
            break;
    if (found < 0)
        return found;
    if (!found)
        return fail(why, EBADMSG, "it holds no list of its files");
    error = read_list(container, member.text, arena, why);
    container->at = 0;
    container->members = 0;
    return error;
}

static bool is_listed(const struct container *container, const struct container_member *member)
{
    uint8_t sha256[DIGEST_MAX];
    for (uint32_t i = 0; i < container->listed_count; i++) {
        const struct container_listed *row = &container->listed[i];
        if (bytes_equal(row->name, member->name))
            return row->size == member->text.len &&
                   digest_parts(DIGEST_SHA256, &member->text, 1, sha256) &&
                   memcmp(sha256, row->sha256, SHA256) == 0;
    }
    return false;
}

int container_next(struct container *container, struct container_member *ret, struct why *why)
{
    int found = read_member(container, ret, why);
    if (found > 0)
        ret->listed = is_listed(container, ret);
    return found;
}

bool container_is_official(const struct container *container)
{
    const struct container_facts *facts = &container->facts;
    if (ends_with(container->name, ".cvd"))
        return facts->md5 == CONTAINER_GOOD && facts->list == CONTAINER_GOOD &&
               (facts->legacy == CONTAINER_GOOD || facts->external == CONTAINER_GOOD);
    return ends_with(container->name, ".cld") && facts->list == CONTAINER_GOOD;
}
