/* Shortcuts built field by field from [MS-SHLLINK]; what is asked of them is what YARA-X
 * documents and shows in its published results. */
#include "tap.h"
#include "yara/module.h"

#include <stdlib.h>

static uint8_t file[8192];
static size_t size;
static struct module_input in;
static struct block block;
static struct budget budget;

static void put(const void *data, size_t len)
{
    memcpy(file + size, data, len);
    size += len;
}

static void put_int(uint64_t value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        file[size++] = (uint8_t)(i < 8 ? value >> 8 * i : 0);
}

static void put_wide(const char *text)
{
    for (; *text; text++)
        put_int((uint8_t)*text, 2);
}

#define PUT(text) put((text), sizeof(text) - 1)

static void put_header(uint32_t flags)
{
    size = 0;
    put_int(0x4c, 4);
    PUT("\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46");
    put_int(flags, 4);
    put_int(0x20, 4);
    put_int(UINT64_C(116444736000000000), 8); /* 1970 */
    put_int(UINT64_C(128657248370000000), 8);
    put_int(0, 8);
    put_int(7, 4);
    put_int(3, 4);
    put_int(7, 4);
    put_int(0, 12);
}

static const char guid[] = "\xe0\x4f\xd0\x20\xea\x3a\x69\x10\xa2\xd8\x08\x00\x2b\x30\x30\x9d";
static const char guid_text[] = "20d04fe0-3aea-1069-a2d8-08002b30309d";

static void put_item(const char *head, size_t head_len, const void *rest, size_t len)
{
    put_int(2 + head_len + len, 2);
    put(head, head_len);
    put(rest, len);
}

static void load(size_t len)
{
    struct arena *arena = in.arena;
    arena_reset(arena);
    budget = (struct budget){.steps = 1000000};
    /* Of the exact size, for the sanitizers. */
    free((void *)(uintptr_t)block.data.at);
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy)
        exit(2);
    memcpy(copy, file, len);
    block.data = (bytes){copy, len};
    in = (struct module_input){
        .blocks = &block, .block_count = 1, .arena = arena, .budget = &budget};
    if (!CHECK(module_find(bytes_of("lnk"))->load(&in) == 0))
        exit(tap_done());
}

static bool text_is(struct object *self, const char *name, const char *want)
{
    struct value value = object_get(self, name);
    return value.type == TYPE_STRING &&
           bytes_equal((bytes){value.text, value.len}, bytes_of(want));
}

static bool is_undefined(const char *name)
{
    return object_get(in.root, name).type == TYPE_UNDEFINED;
}

static int64_t int_of(struct object *self, const char *name)
{
    struct value value = object_get(self, name);
    return value.type == TYPE_INT || value.type == TYPE_BOOL ? value.integer : -1;
}

static void headers(void)
{
    put_header(0);
    PUT("\0\0\0\0tail");
    load(size);
    CHECK_INT(int_of(in.root, "is_lnk"), 1);
    CHECK_INT(int_of(in.root, "creation_time"), 0);
    CHECK_INT(int_of(in.root, "access_time"), 1221251237);
    CHECK(is_undefined("write_time"));
    CHECK_INT(int_of(in.root, "file_attributes"), 0x20);
    CHECK_INT(int_of(in.root, "file_size"), 7);
    CHECK_INT(int_of(in.root, "icon_index"), 3);
    CHECK_INT(int_of(in.root, "show_command"), 7);
    CHECK_INT(int_of(in.root, "overlay_size"), 4);
    CHECK_INT(int_of(in.root, "overlay_offset"), 80);
    load(80);
    CHECK_INT(int_of(in.root, "overlay_size"), 0);
    CHECK(is_undefined("overlay_offset"));
    load(76);
    CHECK_INT(int_of(in.root, "is_lnk"), 1);
    CHECK(is_undefined("overlay_size"));
    load(75);
    CHECK_INT(int_of(in.root, "is_lnk"), 0);
    CHECK(is_undefined("file_size"));
    file[10] = 1;
    load(76);
    CHECK_INT(int_of(in.root, "is_lnk"), 0);
}

static void put_items(void)
{
    put_item("\x1f\x50", 2, guid, 16);
    put_item("\x2f", 1, "C:\\\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
    put_item("\x2e\0", 2, guid, 16);
    put_item("\x31\0\0\0\0\0\0\0\0\0\0\0", 12, "test\0x", 6);
    put_item("\x36\0\0\0\0\0\0\0\0\0\0\0", 12, "W\0\xe9\0\x3d\xd8\0\xde\0\xd8\0\0", 12);
    put_item("\x42\x01\x02", 3, "\\\\srv", 6);
    put_item("\x00\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22, "\\\0a\0\0\0", 6);
    put_item("\x00\0\0\0\0\0\0\0\0\0", 10, "c.cpl", 6);
    put_item("\x88", 1, "\xaa\xbb", 2);
    put_item("\x70", 1, "", 0);
}

static void id_lists(void)
{
    put_header(1);
    put_int(0, 2);
    put_items();
    file[76] = (uint8_t)(size - 78 + 2);
    PUT("\0\0\0\0\0\0");
    load(size);
    struct object *list = object_member(in.root, "target_id_list"), *item[10];
    if (!CHECK(list->count == 10))
        return;
    for (int i = 0; i < 10; i++)
        item[i] = list->slots[i].object;
    CHECK(int_of(item[0], "item_type") == 0x1f &&
          text_is(item[0], "root_folder_id", guid_text));
    CHECK(int_of(item[1], "item_type") == 0x20 && text_is(item[1], "volume_name", "C:\\"));
    CHECK_INT(object_get(item[1], "data").len, 20);
    CHECK(int_of(item[2], "item_type") == 0x20 && text_is(item[2], "volume_id", guid_text));
    CHECK(int_of(item[3], "item_type") == 0x30 && text_is(item[3], "file_entry_name", "test"));
    CHECK(text_is(item[4], "file_entry_name", "W\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd"));
    CHECK(int_of(item[5], "item_type") == 0x40 &&
          text_is(item[5], "network_location", "\\\\srv"));
    CHECK(int_of(item[6], "item_type") == 0 && text_is(item[6], "cpl_file_path", "\\a"));
    CHECK(text_is(item[7], "cpl_file_path", "c.cpl"));
    CHECK(int_of(item[8], "item_type") == 0x88 && text_is(item[8], "data", "\xaa\xbb"));
    CHECK(int_of(item[9], "item_type") == 0x71 && text_is(item[9], "data", ""));
    CHECK_INT(int_of(in.root, "overlay_size"), 0);
}

static void link_infos(bool wide)
{
    uint32_t header = wide ? 36 : 28, volume = header, path = volume + 24, suffix = path + 12;
    put_header(2);
    put_int(suffix + 12, 4);
    put_int(header, 4);
    put_int(3, 4);
    put_int(volume, 4);
    put_int(path, 4);
    put_int(0, 4);
    put_int(suffix, 4);
    if (wide) {
        put_int(path, 4);
        put_int(suffix, 4);
    }
    put_int(24, 4);
    put_int(5, 4);
    put_int(0xdeadbeef, 4);
    put_int(wide ? 20 : 16, 4);
    if (wide)
        put_int(0, 8); /* the label lies at offset 0: the size, 24 */
    else
        PUT("label\0\0\0");
    if (wide)
        PUT("C\0:\0\\\0x\0\0\0\0\0"
            "y\0\0\0\0\0\0\0\0\0\0\0");
    else
        PUT("C:\\x\0\0\0\0\0\0\0\0"
            "y\0\0\0\0\0\0\0\0\0\0\0");
    put_int(0, 4);
    load(size);
    CHECK_INT(int_of(in.root, "drive_type"), 5);
    CHECK_INT(int_of(in.root, "drive_serial_number"), 0xdeadbeef);
    CHECK(text_is(in.root, "volume_label", wide ? "\x18" : "label"));
    CHECK(text_is(in.root, "local_base_path", "C:\\x"));
    CHECK(text_is(in.root, "common_path_suffix", "y"));
    CHECK_INT(int_of(in.root, "overlay_size"), 0);
}

static void strings(void)
{
    put_header(0xfc);
    static const char *const texts[] = {"nm", ".\\a", NULL, "-x", "icon"};
    for (int i = 0; i < 5; i++) {
        put_int(texts[i] ? strlen(texts[i]) : 300, 2);
        if (texts[i])
            put_wide(texts[i]);
        for (int n = 0; !texts[i] && n < 260; n++)
            put_wide("w"); /* 300 are said, 260 are read */
    }
    put_int(0, 4);
    load(size);
    CHECK(text_is(in.root, "name", "nm") && text_is(in.root, "relative_path", ".\\a"));
    CHECK_INT(object_get(in.root, "working_dir").len, 260);
    CHECK(text_is(in.root, "cmd_line_args", "-x") && text_is(in.root, "icon_location", "icon"));
    CHECK_INT(int_of(in.root, "overlay_size"), 0);

    put_header(0x24);
    PUT("\x02\0hi\x05\0a b c\0\0\0\0");
    load(size);
    CHECK(text_is(in.root, "name", "hi") && text_is(in.root, "cmd_line_args", "a b c"));
    CHECK(is_undefined("working_dir"));
    load(size - 5);
    CHECK(text_is(in.root, "name", "hi") && is_undefined("cmd_line_args"));
    CHECK(is_undefined("overlay_size"));
}

static void trackers(void)
{
    put_header(0);
    PUT("\x0a\0\0\0\x05\0\0\xa0..");
    PUT("\x60\0\0\0\x03\0\0\xa0\x58\0\0\0\x01\0\0\0");
    PUT("chris-xps\0\0\0\0\0\0\0");
    for (int i = 0; i < 4; i++) {
        put(guid, 16);
        file[size - 1] = (uint8_t)i;
    }
    PUT("\0\0\0\0");
    load(size);
    struct object *tracker = object_member(in.root, "tracker_data");
    CHECK_INT(int_of(tracker, "version"), 1);
    CHECK(text_is(tracker, "machine_id", "chris-xps"));
    CHECK(text_is(tracker, "droid_volume_id", "20d04fe0-3aea-1069-a2d8-08002b303000"));
    CHECK(text_is(tracker, "droid_birth_file_id", "20d04fe0-3aea-1069-a2d8-08002b303003"));
    CHECK_INT(int_of(in.root, "overlay_size"), 0);
}

int main(void)
{
    in.arena = arena_new(1 << 20);
    headers();
    id_lists();
    link_infos(false);
    link_infos(true);
    strings();
    trackers();
    free((void *)(uintptr_t)block.data.at);
    arena_free(in.arena);
    return tap_done();
}
