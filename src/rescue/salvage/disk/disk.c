/* Disk images: flat (VMDK -flat, raw, fixed VHD), qcow2, VMDK, VHD, VHDX; partitions; the files
 * in ext2 to 4, NTFS, FAT and the other file systems that src/unpack/image reads.
 *
 * What is lost at the head of the image is put back from its copies first (mend.c), in a
 * private mapping. Then the readers hand out files; which bytes of the image each is made of is
 * known, so it is known whether ciphertext is among them. */
#include "rescue/salvage/disk/carve.h"
#include "rescue/salvage/disk/mend.h"
#include "rescue/salvage/disk/torn.h"
#include "unpack/unpack.h"

#include <string.h>
#include <sys/mman.h>

enum {
    DEPTH = 4,
    MEMBERS = 1 << 24,
    PLACES_MOST = 1 << 18,
    HOLES_MOST = 1 << 20,
    KEEP_MOST = 32 << 20,
    TABLES_MOST = 64 << 20,
    PAGE = 4096,
    ZEROS = 64, /* at the begin of a file: lost, as blanked ciphertext is */
};

#define LARGEST ((uint64_t)2 << 30)

struct disk {
    struct salvage *salvage;
    struct unpack_run run;
    bytes folder;
    struct mend mend;
    VEC(struct window_place) places; /* of the file that is being put together */
};

static bool is_in(bytes whole, bytes part)
{
    return part.at >= whole.at && part.at + part.len <= whole.at + whole.len;
}

/* Pieces come in order, so that places are sorted. True: what is seen through a window is put
 * together when it is looked at, and not before. */
static bool copied(void *to, size_t at, bytes data)
{
    struct disk *disk = to;
    struct window_place *last = disk->places.n ? &disk->places.at[disk->places.n - 1] : NULL;
    if (at == 0)
        disk->places.n = 0;
    if (!is_in(disk->salvage->file, data))
        return false;
    uint64_t outer = (uint64_t)(data.at - disk->salvage->file.at);
    if (disk->places.n && last->at + last->len == at && last->outer + last->len == outer) {
        last->len += data.len;
        return disk->salvage->window != NULL;
    }
    struct window_place *place =
        disk->places.n < PLACES_MOST ? vec_push(disk->salvage->arena, &disk->places) : NULL;
    if (!place)
        return false;
    *place = (struct window_place){at, outer, data.len};
    return disk->salvage->window != NULL;
}

static bool is_file_system(const char *format)
{
    static const char *const names[] = {"fat",  "exfat", "ext",      "hfs",      "iso",
                                        "udf",  "ntfs",  "qcow2",    "vmdk",     "vhd",
                                        "vhdx", "vdi",   "vmdk-esx", "squashfs", "xfs"};
    for (size_t i = 0; i < COUNT(names); i++)
        if (strcmp(format, names[i]) == 0)
            return true;
    return false;
}

static bool stage(void *to, uint32_t stage)
{
    const char *name = unpack_stage_name(stage);
    (void)to;
    return !stage || is_file_system(name) || strcmp(name, "mbr") == 0 ||
           strcmp(name, "gpt") == 0 || strcmp(name, "apple-map") == 0;
}

static void gap(void *to, const struct unpack *parent, bytes member, enum gap kind,
                const char *text)
{
    (void)to, (void)parent, (void)member, (void)kind, (void)text;
}

/* A file whose name is lost is named after what it holds, so that its reader is found. */
static bytes name_orphan(struct salvage *salvage, bytes name, bytes data)
{
    static const struct {
        const char *begin, *extension;
    } kinds[] = {{"%PDF-", "pdf"},
                 {"\x89PNG\r\n", "png"},
                 {"PK\3\4", "zip"},
                 {"\xff\xd8\xff", "jpg"},
                 {"SQLite format 3", "sqlite"}};

    const char *extension = NULL;
    if (bytes_find(name, bytes_of("orphans/file-"), 0) == SIZE_MAX || data.len < ZEROS)
        return name;
    for (size_t i = 0; i < COUNT(kinds) && !extension; i++)
        if (memcmp(data.at, kinds[i].begin, strlen(kinds[i].begin)) == 0)
            extension = kinds[i].extension;
    bool lost = true;
    for (size_t i = 0; i < ZEROS && lost; i++)
        lost = data.at[i] == 0;
    if (!extension && lost && budget_charge(salvage->budget, data.len / 4))
        extension = torn_kind(data);
    bytes named = extension && strcmp(extension, "bin") != 0
                      ? arena_printf(salvage->arena, "%.*s.%s", (int)name.len,
                                     (const char *)name.at, extension)
                      : name;
    return named.at ? named : name;
}

/* A file whose bytes are scattered: its map from the places of its bytes. */
static bool give_scattered(struct disk *disk, bytes name, bytes data)
{
    struct salvage *salvage = disk->salvage;
    struct arena_mark mark = arena_mark(salvage->arena);
    if (salvage->window)
        data = window_gather(salvage->window, data, disk->places.at, disk->places.n);
    if (!data.at)
        return true;
    name = name_orphan(salvage, name, data);
    struct salvage inner = {
        .file = data, .name = name, .places = disk->places.at, .place_count = disk->places.n};
    VEC(struct map_range) holes = {0};
    bool more = true;
    for (uint32_t i = 0; i < disk->places.n; i++) {
        const struct window_place *place = &disk->places.at[i];
        uint64_t end = place->outer + place->len;
        for (uint64_t from = place->outer; from < end;) {
            uint64_t plain = map_plain_end(&salvage->map, from, end);
            uint64_t next = map_plain_next(&salvage->map, plain, end);
            struct map_range *hole =
                next > plain && holes.n < HOLES_MOST ? vec_push(salvage->arena, &holes) : NULL;
            if (next > plain && !hole) {
                /* More than can be kept: nothing is said of what comes behind. */
                holes.at[holes.n - 1].to = data.len;
                i = disk->places.n;
                break;
            }
            if (hole)
                *hole = (struct map_range){place->at + plain - place->outer,
                                           place->at + next - place->outer};
            from = next;
        }
    }
    if (map_given(&inner.map, data, holes.at, holes.n, salvage->arena, salvage->budget) == 0 &&
        inner.map.total < data.len)
        more = salvage_child_of(salvage, &inner);
    arena_pop(salvage->arena, mark);
    return more;
}

/* What was put together is zeros again: the region stays clean, and needs memory for one file
 * at a time. */
static void forget(struct disk *disk, bytes data)
{
    const struct region *region = disk->salvage->region;
    size_t from = (size_t)(data.at - region->at), to = from + data.len;
    size_t first = (from + PAGE - 1) / PAGE * PAGE, last = to / PAGE * PAGE;
    disk->places.n = 0;
    if (!disk->run.clean)
        return;
    if (first >= last) {
        memset(region->at + from, 0, data.len);
        return;
    }
    memset(region->at + from, 0, first - from);
    memset(region->at + last, 0, to - last);
    (void)madvise(region->at + first, last - first, MADV_DONTNEED);
}

/* Whether it is a guess that some of these bytes follow what was before. */
static bool is_guessed(const struct mend *mend, uint64_t from, uint64_t len)
{
    uint32_t low = 0, high = mend->guessed.n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (mend->guessed.at[middle].to <= from)
            low = middle + 1;
        else
            high = middle;
    }
    return low < mend->guessed.n && mend->guessed.at[low].from < from + len;
}

static bool child(void *to, const struct unpack *parent, const struct unpack_child *found)
{
    struct disk *disk = to;
    struct salvage *salvage = disk->salvage;
    bool view = is_in(salvage->file, found->data);
    if (salvage->budget->steps == 0)
        return false;
    if (!is_file_system(parent->format->name)) {
        unpack_object(&disk->run, parent, found->name, found->data);
        return !salvage->stopped;
    }
    if (found->name.len && found->name.at[0] == '[') /* boot code and the like */
        return true;
    struct arena_mark mark = arena_mark(salvage->arena);
    bytes inside = parent->depth ? parent->name : bytes_of("");
    bytes name = arena_printf(salvage->arena, "%.*s/%.*s%s%.*s", (int)disk->folder.len,
                              disk->folder.at, (int)inside.len, inside.at,
                              inside.len ? "/" : "", (int)found->name.len, found->name.at);
    bool more = true;
    if (name.at && view) {
        uint64_t from = (uint64_t)(found->data.at - salvage->file.at);
        salvage->guessed = is_guessed(&disk->mend, from, found->data.len);
        more = salvage_child(salvage, name_orphan(salvage, name, found->data), from,
                             from + found->data.len);
    } else if (name.at) {
        for (uint32_t i = 0; i < disk->places.n && !salvage->guessed; i++)
            salvage->guessed =
                is_guessed(&disk->mend, disk->places.at[i].outer, disk->places.at[i].len);
        more = give_scattered(disk, name, found->data);
        forget(disk, found->data);
    }
    salvage->guessed = false;
    arena_pop(salvage->arena, mark);
    return more && !salvage->stopped;
}

int disk_fits(struct salvage *salvage)
{
    static const char *const names[] = {"vmdk", "vhd", "vhdx", "qcow2", "img",
                                        "raw",  "dd",  "vdi",  "avhdx", "qcow"};
    if (salvage->depth)
        return 0;
    for (size_t i = 0; i < COUNT(names); i++)
        if (salvage_named(salvage, names[i]))
            return 99;
    return mend_looks_like_disk(salvage) ? 75 : 0;
}

static void open_volume(struct disk *disk, const struct mend_volume *volume)
{
    bytes file = disk->salvage->file;
    uint64_t left = file.len - volume->from;
    unpack_object(&disk->run, NULL, bytes_of(""),
                  bytes_slice(file, (size_t)volume->from,
                              (size_t)(volume->size < left ? volume->size : left)));
}

void disk_give(struct salvage *salvage)
{
    if (!salvage_solve(salvage))
        return;
    struct disk disk = {
        .salvage = salvage,
        .folder = salvage_name(salvage, "files"),
        .mend = {.salvage = salvage},
        .run = {
            .limits = {.depth = DEPTH, .members = MEMBERS, .bytes = UINT64_MAX, .one = LARGEST},
            .budget = salvage->budget,
            .arena = arena_new(TABLES_MOST),
            .region = salvage->region,
            .files_only = true,
            .copied = copied,
            .clean = salvage->window != NULL,
            .sink = {.child = child, .gap = gap, .stage = stage}}};
    struct mend *mend = &disk.mend;
    struct salvage_given given = {{0}};
    salvage->keep = arena_new(KEEP_MOST);
    salvage->given = salvage->keep ? &given : NULL;
    disk.run.sink.to = &disk;
    if (!salvage->region || !disk.run.arena) {
        salvage->stopped = true;
        arena_free(disk.run.arena);
        salvage->keep = arena_free(salvage->keep);
        return;
    }
    mend_disk(mend);
    if (mend->container) {
        unpack_object(&disk.run, NULL, bytes_of(""), salvage->file);
    } else {
        for (uint32_t i = 0; i < mend->volumes.n && !salvage->stopped; i++)
            open_volume(&disk, &mend->volumes.at[i]);
        if (!mend->volumes.n)
            unpack_object(&disk.run, NULL, bytes_of(""), salvage->file);
    }
    arena_free(disk.run.arena);
    if (salvage->given && !salvage->stopped)
        carve_give(salvage, disk.folder);
    salvage->given = NULL;
    salvage->keep = arena_free(salvage->keep);
}
