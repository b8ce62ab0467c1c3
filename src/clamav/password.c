#include "clamav/password.h"

#include "clamav/ignore.h"
#include "filetype/filetype.h"

#include <errno.h>

/* docs.clamav.net, "Passwords for archive files":
 *
 *     name;attributes;storage;password
 *
 * Attributes are those of logical signatures, of which Engine and Container count here: ZIP,
 * RAR or ANY. Storage is 0 for a password as it stands, 1 for hexadecimal digits. */

enum { FIELDS = 4, PASSWORD_MAX = 256 };

/* What the attributes ask for. */
struct wanted {
    enum filetype container;
    bool fits; /* this level */
    const char *fault;
};

static struct wanted read_attributes(const struct clamav *clamav, bytes text)
{
    struct wanted wanted = {.fits = true};
    bytes rest = text, one, name;
    while (rest.len && bytes_cut(&rest, ',', &one)) {
        bytes value = one, min, max;
        bytes_cut(&value, ':', &name);
        if (bytes_is(name, "Container")) {
            wanted.container = filetype_named(value);
            if (wanted.container != FILETYPE_ANY && wanted.container != FILETYPE_ZIP &&
                wanted.container != FILETYPE_RAR)
                wanted.fault = "passwords are for zip, rar or any";
        } else if (bytes_is(name, "Engine")) {
            bool valid;
            bytes_cut(&value, '-', &min);
            max = value;
            wanted.fits = clamav_level_fits(clamav, min, max, &valid);
            if (!valid)
                wanted.fault = "a level is no number";
        } else if (!bytes_is(name, "Target")) {
            wanted.fault = "an attribute is unknown";
        }
    }
    return wanted;
}

int password_line(struct clamav *clamav, bytes line)
{
    bytes rest = line, field[FIELDS] = {{0}};
    uint8_t plain[PASSWORD_MAX / 2];
    size_t n = 0;
    while (n < FIELDS - 1 && bytes_cut(&rest, ';', &field[n]))
        n++;
    field[FIELDS - 1] = rest;
    if (n < FIELDS - 1 || !rest.at) {
        clamav_refuse(clamav, CLAMAV_PASSWORD, "too few fields");
        return 0;
    }
    if (ignore_has(clamav, CLAMAV_PASSWORD, field[0]))
        return 0;
    struct wanted wanted = read_attributes(clamav, field[1]);
    bool hex = bytes_is(field[2], "1");
    if (wanted.fault)
        clamav_refuse(clamav, CLAMAV_PASSWORD, "%s", wanted.fault);
    else if (!wanted.fits)
        clamav_leave_out(clamav, CLAMAV_PASSWORD);
    else if (!hex && !bytes_is(field[2], "0"))
        clamav_refuse(clamav, CLAMAV_PASSWORD, "such storage is unknown");
    else if (rest.len > PASSWORD_MAX || (hex && !bytes_unhex(rest, plain)))
        clamav_refuse(clamav, CLAMAV_PASSWORD, "the password is malformed or too long");
    else {
        struct draft *draft = clamav->draft;
        bytes password = hex ? (bytes){plain, rest.len / 2} : rest;
        struct ruleset_password *row = vec_push(draft->arena, &draft->passwords);
        uint32_t text = draft_text(draft, password);
        if (!row || text == DRAFT_FULL)
            return -ENOMEM;
        *row = (struct ruleset_password){
            .text = text, .length = (uint32_t)password.len, .filetype = wanted.container};
        clamav->counts[CLAMAV_PASSWORD].read++;
    }
    return 0;
}
