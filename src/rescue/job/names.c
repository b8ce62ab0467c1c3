#include "rescue/job/names.h"

#include "scan/text.h"

#include <stdio.h>
#include <string.h>

/* Extensions of people's files: a name that ends in one was not given another. */
static const char people[] = " jpg jpeg png gif bmp tif tiff webp heic raw cr2 nef arw dng pdf "
                             "doc docx xls xlsx ppt pptx "
                             "odt ods odp rtf txt csv md zip 7z rar gz bz2 xz tar iso mp3 wav "
                             "flac ogg m4a mp4 mov avi mkv "
                             "wmv eml msg pst ost mbox html htm xml json sql db sqlite mdb "
                             "accdb vmdk vhd vhdx vdi qcow2 "
                             "img psd ai svg dwg py c h cpp java js php exe dll ";

static bool is_peoples(bytes extension)
{
    char word[16];
    if (!extension.len || extension.len > sizeof word - 3)
        return false;
    word[0] = ' ';
    for (size_t i = 0; i < extension.len; i++)
        word[1 + i] = (char)ascii_lower(extension.at[i]);
    memcpy(word + 1 + extension.len, " ", 2);
    return strstr(people, word) != NULL;
}

static bool is_good(bytes name)
{
    if (!name.len || name.len >= NAMES_MAX || bytes_is(name, ".") || bytes_is(name, ".."))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!name.at[i] || name.at[i] == '/')
            return false;
    return true;
}

/* Without folders, those of Windows too. */
static bytes last_part(bytes path)
{
    size_t at = path.len;
    while (at && path.at[at - 1] != '/' && path.at[at - 1] != '\\')
        at--;
    return bytes_slice(path, at, path.len);
}

/* The last point outside of brackets, 0: there is none behind the first byte. */
static size_t last_point(bytes name)
{
    size_t at = name.len, depth = 0;
    while (at-- > 1) {
        depth += name.at[at] == ']';
        depth -= name.at[at] == '[' && depth;
        if (name.at[at] == '.' && !depth)
            return at;
    }
    return 0;
}

static bool begins(bytes view, const char *word)
{
    return bytes_same(bytes_slice(view, 0, strlen(word)), bytes_of(word));
}

/* ".id[BADC0C0A-0000].[mail]", ".id-ABCDEF01", ".[mail]": the victim's number, an address. */
static bool is_mark(bytes extension)
{
    return extension.len &&
           (extension.at[0] == '[' || begins(extension, "id[") || begins(extension, "id-") ||
            begins(extension, "email-") || bytes_find(extension, bytes_of("@"), 0) != SIZE_MAX);
}

/* "[mail][id]" before a name. */
static bytes without_front(bytes name)
{
    for (unsigned i = 0; i < 2 && name.len && name.at[0] == '['; i++) {
        size_t end = bytes_find(name, bytes_of("]"), 0);
        if (end == SIZE_MAX || end + 1 >= name.len)
            break;
        name = bytes_slice(name, end + 1, name.len);
    }
    return name;
}

static bytes without_end(bytes name)
{
    size_t point = last_point(name);
    if (!point || is_peoples(bytes_slice(name, point + 1, name.len)))
        return name;
    name.len = point;
    while ((point = last_point(name)) && is_mark(bytes_slice(name, point + 1, name.len)))
        name.len = point;
    return name;
}

void names_original(bytes found, bytes told, char ret[NAMES_MAX])
{
    bytes name = last_part(told);
    if (!is_good(name)) {
        name = without_end(found);
        if (name.len != found.len)
            name = without_front(name);
    }
    if (!is_good(name))
        name = is_good(found) ? found : bytes_of("recovered");
    memcpy(ret, name.at, name.len);
    ret[name.len] = 0;
}

bool names_other(const char *name, unsigned number, char ret[NAMES_MAX])
{
    size_t point = last_point(bytes_of(name));
    int stem = (int)(point ? point : strlen(name)), n;
    if (number < 2)
        n = snprintf(ret, NAMES_MAX, "%.*s (recovered)%s", stem, name, name + stem);
    else
        n = snprintf(ret, NAMES_MAX, "%.*s (recovered %u)%s", stem, name, number, name + stem);
    return n > 0 && n < NAMES_MAX;
}

/* A device of DOS, with whatever ending. */
static bool is_device(const char *name)
{
    static const char *const devices[] = {"con", "prn", "aux", "nul"};
    char stem[5] = "";
    size_t len = strcspn(name, ".");
    for (size_t i = 0; i < len && i < sizeof stem - 1; i++)
        stem[i] = (char)ascii_lower((uint8_t)name[i]);
    for (size_t i = 0; i < COUNT(devices); i++)
        if (len == 3 && !strcmp(stem, devices[i]))
            return true;
    return len == 4 && (!memcmp(stem, "com", 3) || !memcmp(stem, "lpt", 3)) && stem[3] >= '1' &&
           stem[3] <= '9';
}

bool names_tame(const char *name, char ret[NAMES_MAX])
{
    bool text = text_is_utf8(bytes_of(name));
    size_t at = is_device(name), len = strlen(name);
    if (!len || len + at >= NAMES_MAX)
        return false;
    ret[0] = '_';
    for (size_t i = 0; i <= len; i++)
        ret[at + i] = (name[i] > 0 && name[i] < 0x20) || name[i] == 0x7f ||
                              (name[i] && strchr("<>:\"/\\|?*", name[i])) ||
                              (!text && (uint8_t)name[i] >= 0x80)
                          ? '_'
                          : name[i];
    for (size_t i = at + len; i-- > 0 && (ret[i] == '.' || ret[i] == ' ');)
        ret[i] = '_';
    return strcmp(ret, name) != 0;
}
