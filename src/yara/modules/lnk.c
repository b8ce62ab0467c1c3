/* The lnk module of YARA-X (docs/modules/lnk): Windows shortcuts.
 *
 * [MS-SHLLINK], "Shell Link (.LNK) Binary File Format", little endian throughout:
 *
 *   2.1  header, 76 bytes   0 size = 0x4c   4 CLSID   20 LinkFlags   24 FileAttributes
 *                           28, 36, 44 creation, access, write FILETIME   52 FileSize
 *                           56 IconIndex   60 ShowCommand   64 HotKey, reserved
 *   2.2  LinkTargetIDList   if flag 0: u16 size, then items of u16 size (its own included) and
 *                           data, up to an item of size 0
 *   2.3  LinkInfo           if flag 1: u32 size, u32 header size, u32 flags, offsets of
 * VolumeID, LocalBasePath, CommonNetworkRelativeLink, CommonPathSuffix; from a header size of
 * 36 on, of the two paths in UTF-16 2.4  StringData         for each of flags 2 to 6: u16
 * characters, then these: UTF-16 if flag 7 2.5  ExtraData          blocks of u32 size (its own
 * included), u32 signature, data, up to a size below 4; what follows is an overlay
 *
 * Items of the ID list: Joachim Metz, "Windows Shell Item format". Windows reads at most 260
 * characters of every string but the arguments, whatever their count says, and goes on behind
 * them; malware hides there, so this does too. Sections that are cut off end the reading, and
 * what was read before them stays. */
#include "base/unicode.h"
#include "yara/modules/table.h"

#include <errno.h>
#include <string.h>

enum {
    HEADER_SIZE = 76,
    MAX_STRING = 260,
    HAS_ID_LIST = 1 << 0,
    HAS_LINK_INFO = 1 << 1,
    HAS_NAME = 1 << 2, /* and the four other strings, in order of their bits */
    HAS_ARGUMENTS = 1 << 5,
    IS_UNICODE = 1 << 7,
    INFO_HAS_VOLUME = 1 << 0,
    INFO_HAS_NETWORK = 1 << 1,
};

static const struct field show_command[] = {FIELD_CONST("NORMAL", 1),
                                            FIELD_CONST("MAXIMIZED", 3),
                                            FIELD_CONST("MIN_NO_ACTIVE", 7), FIELD_END},
                          drive_type[] = {FIELD_CONST("UNKNOWN", 0),
                                          FIELD_CONST("NO_ROOT_DIR", 1),
                                          FIELD_CONST("REMOVABLE", 2),
                                          FIELD_CONST("FIXED", 3),
                                          FIELD_CONST("REMOTE", 4),
                                          FIELD_CONST("CDROM", 5),
                                          FIELD_CONST("RAMDISK", 6),
                                          FIELD_END},
                          shell_item_type[] = {FIELD_CONST("CONTROL_PANEL_CPL", 0x00),
                                               FIELD_CONST("CONTROL_PANEL_CATEGORY", 0x01),
                                               FIELD_CONST("ROOT_FOLDER", 0x1f),
                                               FIELD_CONST("VOLUME", 0x20),
                                               FIELD_CONST("FILE_ENTRY", 0x30),
                                               FIELD_CONST("NETWORK_LOCATION", 0x40),
                                               FIELD_CONST("COMPRESSED_FOLDER", 0x52),
                                               FIELD_CONST("URI", 0x61),
                                               FIELD_CONST("CONTROL_PANEL", 0x71),
                                               FIELD_CONST("PRINTERS", 0x72),
                                               FIELD_CONST("COMMON_PLACES_FOLDER", 0x73),
                                               FIELD_CONST("USERS_FILES_FOLDER", 0x74),
                                               FIELD_END},
                          tracker_data[] = {FIELD_INT("version"),
                                            FIELD_STRING("machine_id"),
                                            FIELD_STRING("droid_volume_id"),
                                            FIELD_STRING("droid_file_id"),
                                            FIELD_STRING("droid_birth_volume_id"),
                                            FIELD_STRING("droid_birth_file_id"),
                                            FIELD_END},
                          shell_item[] = {FIELD_INT("item_type"),
                                          FIELD_STRING("data"),
                                          FIELD_STRING("cpl_file_path"),
                                          FIELD_STRING("root_folder_id"),
                                          FIELD_STRING("volume_name"),
                                          FIELD_STRING("volume_id"),
                                          FIELD_STRING("file_entry_name"),
                                          FIELD_STRING("network_location"),
                                          FIELD_END};

static const struct field fields[] = {FIELD_STRUCT("ShowCommand", show_command),
                                      FIELD_STRUCT("DriveType", drive_type),
                                      FIELD_STRUCT("ShellItemType", shell_item_type),
                                      FIELD_CONST("FILE_ATTRIBUTE_READONLY", 0x0001),
                                      FIELD_CONST("FILE_ATTRIBUTE_HIDDEN", 0x0002),
                                      FIELD_CONST("FILE_ATTRIBUTE_SYSTEM", 0x0004),
                                      FIELD_CONST("RESERVED_1", 0x0008),
                                      FIELD_CONST("FILE_ATTRIBUTE_DIRECTORY", 0x0010),
                                      FIELD_CONST("FILE_ATTRIBUTE_ARCHIVE", 0x0020),
                                      FIELD_CONST("RESERVED_2", 0x0040),
                                      FIELD_CONST("FILE_ATTRIBUTE_NORMAL", 0x0080),
                                      FIELD_CONST("FILE_ATTRIBUTE_TEMPORARY", 0x0100),
                                      FIELD_CONST("FILE_ATTRIBUTE_SPARSE_FILE", 0x0200),
                                      FIELD_CONST("FILE_ATTRIBUTE_REPARSE_POINT", 0x0400),
                                      FIELD_CONST("FILE_ATTRIBUTE_COMPRESSED", 0x0800),
                                      FIELD_CONST("FILE_ATTRIBUTE_OFFLINE", 0x1000),
                                      FIELD_CONST("FILE_ATTRIBUTE_NOT_CONTENT_INDEXED", 0x2000),
                                      FIELD_CONST("FILE_ATTRIBUTE_ENCRYPTED", 0x4000),
                                      FIELD_BOOL("is_lnk"),
                                      FIELD_INT("file_attributes"),
                                      FIELD_INT("creation_time"),
                                      FIELD_INT("access_time"),
                                      FIELD_INT("write_time"),
                                      FIELD_INT("file_size"),
                                      FIELD_INT("icon_index"),
                                      FIELD_INT("show_command"),
                                      FIELD_ARRAY_OF("target_id_list", shell_item),
                                      FIELD_INT("drive_type"),
                                      FIELD_INT("drive_serial_number"),
                                      FIELD_STRING("volume_label"),
                                      FIELD_STRING("local_base_path"),
                                      FIELD_STRING("common_path_suffix"),
                                      FIELD_STRING("name"),
                                      FIELD_STRING("relative_path"),
                                      FIELD_STRING("working_dir"),
                                      FIELD_STRING("cmd_line_args"),
                                      FIELD_STRING("icon_location"),
                                      FIELD_STRUCT("tracker_data", tracker_data),
                                      FIELD_INT("overlay_size"),
                                      FIELD_INT("overlay_offset"),
                                      FIELD_END};

struct lnk {
    struct module_input *in;
    struct object *root;
    bytes rest; /* not read yet */
    bool full;  /* the arena is */
};

/* The next `size` bytes; false, and nothing taken, when there are not so many. */
static bool take(bytes *rest, size_t size, bytes *ret)
{
    if (rest->len < size)
        return false;
    *ret = (bytes){rest->at, size};
    *rest = (bytes){rest->at + size, rest->len - size};
    return true;
}

static bool take_le16(bytes *rest, uint16_t *ret)
{
    bytes word;
    if (!take(rest, 2, &word))
        return false;
    *ret = load_le16(word.at);
    return true;
}

/* --- texts --- */

static bytes until_nul(bytes text)
{
    bytes head = {0};
    return bytes_cut(&text, 0, &head) ? head : text;
}

/* UTF-16 up to its NUL or end, as UTF-8; halves of surrogate pairs become U+FFFD. Empty, and
 * lnk->full, when there is no room. */
static bytes utf8_of(struct lnk *lnk, bytes utf16)
{
    size_t units = 0, len = 0;
    while (2 * units + 2 <= utf16.len && load_le16(utf16.at + 2 * units))
        units++;
    uint8_t *text = arena_push_raw(lnk->in->arena, 3 * units);
    lnk->full |= !text;
    if (!text || !budget_charge(lnk->in->budget, units))
        return (bytes){0};
    utf16 = bytes_slice(utf16, 0, 2 * units);
    while (utf16.len)
        len += utf8_put(text + len, utf16_next(&utf16, false));
    return (bytes){text, len};
}

static void set_text(struct object *self, const char *name, bytes text)
{
    if (text.at)
        object_set_text(self, name, text);
}

static void set_nul_text(struct lnk *lnk, struct object *self, const char *name, bytes text,
                         bool unicode)
{
    set_text(self, name, unicode ? utf8_of(lnk, text) : until_nul(text));
}

/* The 16 bytes of a GUID as text. */
static void set_guid(struct lnk *lnk, struct object *self, const char *name, const uint8_t *at)
{
    bytes text =
        arena_printf(lnk->in->arena, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                     load_le32(at), load_le16(at + 4), load_le16(at + 6), at[8], at[9], at[10],
                     at[11], at[12], at[13], at[14], at[15]);
    lnk->full |= !text.at;
    set_text(self, name, text);
}

/* --- header --- */

static void set_time(struct lnk *lnk, const char *name, uint64_t filetime)
{
    /* 100 ns since 1601; 11,644,473,600 s later it is 1970. */
    uint64_t seconds = filetime / 10000000, epoch = UINT64_C(11644473600);
    if (seconds >= epoch)
        object_set_int(lnk->root, name, (int64_t)(seconds - epoch));
}

static void set_int31(struct object *self, const char *name, uint32_t value)
{
    if (value <= INT32_MAX)
        object_set_int(self, name, value);
}

static bool header_read(struct lnk *lnk, uint32_t *ret_flags)
{
    static const uint8_t magic[20] = {0x4c, 0, 0,    0, 0x01, 0x14, 2, 0, 0, 0,
                                      0,    0, 0xc0, 0, 0,    0,    0, 0, 0, 0x46};
    bytes header;
    if (!take(&lnk->rest, HEADER_SIZE, &header) || memcmp(header.at, magic, sizeof magic) != 0)
        return false;
    *ret_flags = load_le32(header.at + 20);
    object_set_int(lnk->root, "file_attributes", load_le32(header.at + 24));
    set_time(lnk, "creation_time", load_le64(header.at + 28));
    set_time(lnk, "access_time", load_le64(header.at + 36));
    set_time(lnk, "write_time", load_le64(header.at + 44));
    object_set_int(lnk->root, "file_size", load_le32(header.at + 52));
    object_set_int(lnk->root, "icon_index", load_le32(header.at + 56));
    set_int31(lnk->root, "show_command", load_le32(header.at + 60));
    return true;
}

/* --- ID list --- */

/* The type constants stand for ranges of class bytes; other classes are their own type. */
static uint8_t item_type_of(uint8_t class)
{
    uint8_t range = class & 0x70;
    if (range >= 0x20 && range <= 0x40)
        return range;
    return class == 0x1e ? 0x1f : class == 0x70 ? 0x71 : class;
}

static void item_read(struct lnk *lnk, struct object *item, bytes data)
{
    uint8_t class = data.at[0];
    object_set_int(item, "item_type", item_type_of(class));
    object_set_text(item, "data", bytes_slice(data, 1, data.len));
    switch (item_type_of(class)) {
    case 0x00:
        /* Two layouts: in the one with UTF-16 this is the high byte of a character. */
        if (data.len > 10 && data.at[10] != 0)
            set_nul_text(lnk, item, "cpl_file_path", bytes_slice(data, 10, data.len), false);
        else if (data.len > 22)
            set_nul_text(lnk, item, "cpl_file_path", bytes_slice(data, 22, data.len), true);
        break;
    case 0x1f:
        if (data.len >= 18)
            set_guid(lnk, item, "root_folder_id", data.at + 2);
        break;
    case 0x20:
        if ((class & 1) && data.len >= 21)
            set_nul_text(lnk, item, "volume_name", bytes_slice(data, 1, 20), false);
        else if (!(class & 1) && data.len >= 18)
            set_guid(lnk, item, "volume_id", data.at + 2);
        break;
    case 0x30:
        if (data.len > 12)
            set_nul_text(lnk, item, "file_entry_name", bytes_slice(data, 12, data.len),
                         class & 4);
        break;
    case 0x40:
        if (data.len > 3)
            set_nul_text(lnk, item, "network_location", bytes_slice(data, 3, data.len), false);
        break;
    }
}

/* Sizes that go past the end are cut: exploits of CVE-2010-2568 have such. */
static bool id_list_read(struct lnk *lnk)
{
    struct object *items = object_member(lnk->root, "target_id_list");
    uint16_t size;
    bytes list, data;
    if (!take_le16(&lnk->rest, &size) ||
        !take(&lnk->rest, size < lnk->rest.len ? size : lnk->rest.len, &list))
        return false;
    while (take_le16(&list, &size) && size != 0 && budget_charge(lnk->in->budget, 64)) {
        size_t len = size >= 2 ? size - 2u : 0;
        if (!take(&list, len < list.len ? len : list.len, &data) || data.len == 0)
            continue;
        struct object *item = array_push(lnk->in->arena, items);
        lnk->full |= !item;
        if (lnk->full)
            return false;
        item_read(lnk, item, data);
    }
    return true;
}

/* --- LinkInfo --- */

/* A text at an offset of a structure; nothing when the offset is outside. */
static void set_text_at(struct lnk *lnk, const char *name, bytes whole, uint32_t at,
                        bool unicode)
{
    if (at < whole.len)
        set_nul_text(lnk, lnk->root, name, bytes_slice(whole, at, whole.len), unicode);
}

static void volume_read(struct lnk *lnk, bytes info, uint32_t at)
{
    bytes volume = bytes_slice(info, at, info.len);
    uint32_t label;
    if (volume.len < 16)
        return;
    uint32_t size = load_le32(volume.at);
    set_int31(lnk->root, "drive_type", load_le32(volume.at + 4));
    object_set_int(lnk->root, "drive_serial_number", load_le32(volume.at + 8));
    label = load_le32(volume.at + 12);
    if (size > volume.len)
        return;
    /* 20: the label is in UTF-16, and its offset comes next. */
    if (label == 20 && bytes_le32(volume, 16, &label))
        set_text_at(lnk, "volume_label", bytes_slice(volume, 0, size), label, true);
    else
        set_text_at(lnk, "volume_label", bytes_slice(volume, 0, size), label, false);
}

static bool link_info_read(struct lnk *lnk)
{
    enum { FLAGS = 8, VOLUME = 12, PATH = 16, SUFFIX = 24, WIDE_PATH = 28, WIDE_SUFFIX = 32 };

    uint32_t size;
    bytes info;
    if (!bytes_le32(lnk->rest, 0, &size) || size < 28 || !take(&lnk->rest, size, &info))
        return false;
    uint32_t header = load_le32(info.at + 4), flags = load_le32(info.at + FLAGS), path = 0,
             suffix = 0;
    if (header >= 36) {
        (void)bytes_le32(info, WIDE_PATH, &path);
        (void)bytes_le32(info, WIDE_SUFFIX, &suffix);
    }
    if (flags & INFO_HAS_VOLUME) {
        volume_read(lnk, info, load_le32(info.at + VOLUME));
        set_text_at(lnk, "local_base_path", info, path ? path : load_le32(info.at + PATH),
                    path);
    }
    if (flags & INFO_HAS_NETWORK)
        set_text_at(lnk, "common_path_suffix", info,
                    suffix ? suffix : load_le32(info.at + SUFFIX), suffix);
    return true;
}

/* --- StringData and ExtraData --- */

static bool strings_read(struct lnk *lnk, uint32_t flags)
{
    static const char *const names[] = {"name", "relative_path", "working_dir", "cmd_line_args",
                                        "icon_location"};
    bool unicode = flags & IS_UNICODE;
    for (uint32_t i = 0; i < COUNT(names); i++) {
        uint32_t flag = (uint32_t)HAS_NAME << i;
        uint16_t count;
        bytes text;
        if (!(flags & flag))
            continue;
        if (!take_le16(&lnk->rest, &count))
            return false;
        if (flag != HAS_ARGUMENTS && count > MAX_STRING)
            count = MAX_STRING;
        if (!take(&lnk->rest, unicode ? 2u * count : count, &text))
            return false;
        set_text(lnk->root, names[i], unicode ? utf8_of(lnk, text) : text);
    }
    return true;
}

/* 2.5.10: u32 length, u32 version, 16 bytes of machine name, then four GUIDs. */
static void tracker_read(struct lnk *lnk, bytes data)
{
    struct object *tracker = object_member(lnk->root, "tracker_data");
    if (data.len < 88)
        return;
    object_set_int(tracker, "version", load_le32(data.at + 4));
    set_text(tracker, "machine_id", until_nul(bytes_slice(data, 8, 16)));
    set_guid(lnk, tracker, "droid_volume_id", data.at + 24);
    set_guid(lnk, tracker, "droid_file_id", data.at + 40);
    set_guid(lnk, tracker, "droid_birth_volume_id", data.at + 56);
    set_guid(lnk, tracker, "droid_birth_file_id", data.at + 72);
}

static bool extra_data_read(struct lnk *lnk)
{
    enum { TRACKER = 0xa0000003 };

    uint32_t size;
    bytes block;
    while (bytes_le32(lnk->rest, 0, &size) && size >= 4) {
        uint32_t signature;
        if (!take(&lnk->rest, size, &block) || !budget_charge(lnk->in->budget, 16))
            return false;
        if (bytes_le32(block, 4, &signature) && signature == TRACKER)
            tracker_read(lnk, bytes_slice(block, 8, block.len));
    }
    return take(&lnk->rest, 4, &block);
}

static void body_read(struct lnk *lnk, uint32_t flags)
{
    if (((flags & HAS_ID_LIST) && !id_list_read(lnk)) ||
        ((flags & HAS_LINK_INFO) && !link_info_read(lnk)) || !strings_read(lnk, flags) ||
        !extra_data_read(lnk))
        return;
    size_t offset = (size_t)(lnk->rest.at - lnk->in->blocks[0].data.at);
    object_set_int(lnk->root, "overlay_size", (int64_t)lnk->rest.len);
    if (lnk->rest.len)
        object_set_int(lnk->root, "overlay_offset", (int64_t)offset);
}

static int load(struct module_input *in)
{
    struct lnk lnk = {.in = in, .root = in->root = object_new(in->arena, fields)};
    uint32_t flags;
    if (!in->root)
        return -ENOMEM;
    if (in->block_count)
        lnk.rest = in->blocks[0].data;
    bool is_lnk = !in->is_process && header_read(&lnk, &flags);
    object_set(in->root, "is_lnk", VALUE_BOOL(is_lnk));
    if (is_lnk)
        body_read(&lnk, flags);
    return lnk.full ? -ENOMEM : 0;
}

const struct module module_lnk = {.name = "lnk", .fields = fields, .load = load};
