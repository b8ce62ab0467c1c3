#include "rescue/triage/snapshots.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTRIES_MOST = 100000 };

struct finding {
    struct arena *arena;
    struct snapshots *ret;
    bool failed;
};

/* How many directories are in one; 0 where there is none or it may not be read. */
static uint32_t count_directories(struct finding *finding, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        finding->ret->root_needed |= errno == EACCES || errno == EPERM;
        return 0;
    }
    DIR *directory = fdopendir(fd);
    uint32_t count = 0, looked = 0;
    if (!directory) {
        close(fd);
        return 0;
    }
    for (struct dirent *entry; looked < ENTRIES_MOST && (entry = readdir(directory));
         looked++) {
        struct stat facts;
        if (entry->d_name[0] != '.' &&
            fstatat(fd, entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISDIR(facts.st_mode))
            count++;
    }
    closedir(directory);
    return count;
}

static void add(struct finding *finding, const char *kind, const char *path, uint32_t count,
                const char *next)
{
    for (uint32_t i = 0; i < finding->ret->place.n; i++)
        if (bytes_is(finding->ret->place.at[i].path, path))
            return;
    struct snapshot_place *place = vec_push(finding->arena, &finding->ret->place);
    bytes copy = arena_copy(finding->arena, bytes_of(path));
    finding->failed |= !place || !copy.at;
    if (!finding->failed)
        *place = (struct snapshot_place){kind, copy, count, next};
}

static bool exists(const char *path)
{
    struct stat facts;
    return lstat(path, &facts) == 0;
}

/* Folders below a mount point or a directory that make snapshots and backups of it. */
static void look_below(struct finding *finding, const char *root)
{
    static const struct {
        const char *below, *kind, *next;
    } rows[] = {
        {".zfs/snapshot", "ZFS", "copy files out of it: it cannot be written to"},
        {".snapshots", "Snapper", "copy files out of N/snapshot below it: they are read-only"},
        {"@snapshots", "Snapper", "copy files out of N/snapshot below it"},
        {"timeshift/snapshots", "Timeshift", "copy files out of NAME/localhost below it"},
        {"timeshift-btrfs/snapshots", "Timeshift", "copy files out of it"},
        {"btrbk_snapshots", "btrfs", "copy files out of it"},
    };

    char path[PATH_MAX];
    for (size_t i = 0; i < COUNT(rows); i++) {
        snprintf(path, sizeof path, "%s/%s", strcmp(root, "/") ? root : "", rows[i].below);
        uint32_t count = count_directories(finding, path);
        if (count)
            add(finding, rows[i].kind, path, count, rows[i].next);
    }
}

static void look_for_repository(struct finding *finding, const char *path)
{
    char part[PATH_MAX];
    char head[64] = "";
    snprintf(part, sizeof part, "%s/README", path);
    int fd = open(part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0) {
        if (read(fd, head, sizeof head - 1) > 0 && strstr(head, "Borg Backup repository"))
            add(finding, "backup", path, 0, "a borg repository: 'borg list', 'borg extract'");
        close(fd);
    }
    snprintf(part, sizeof part, "%s/snapshots", path);
    uint32_t restic = exists(part);
    snprintf(part, sizeof part, "%s/keys", path);
    restic += exists(part);
    snprintf(part, sizeof part, "%s/index", path);
    restic += exists(part);
    if (restic == 3)
        add(finding, "backup", path, 0,
            "a restic repository: 'restic snapshots', 'restic restore'");
}

/* A directory and what lies in it. */
static void look_for_backups(struct finding *finding, const char *root)
{
    static const char *const words[] = {"backup",   "backups",   "borg",
                                        "restic",   "Backup",    "Backups",
                                        "deja-dup", "duplicity", "rsnapshot"};
    char path[PATH_MAX];
    for (size_t i = 0; i < COUNT(words); i++) {
        snprintf(path, sizeof path, "%s/%s", strcmp(root, "/") ? root : "", words[i]);
        if (!exists(path))
            continue;
        uint32_t before = finding->ret->place.n;
        look_for_repository(finding, path);
        if (finding->ret->place.n == before)
            add(finding, "backup", path, count_directories(finding, path),
                "a folder with the name of a backup: look whether its files are older and "
                "whole");
    }
}

/* --- mounts --- */

/* Octal escapes of mountinfo become bytes. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] && from[3]) {
            *to++ = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
            from += 3;
        } else {
            *to++ = *from;
        }
    }
    *to = 0;
}

static bool lies_in(const char *path, const char *mount)
{
    size_t len = strlen(mount);
    return strcmp(mount, "/") == 0 ||
           (strncmp(path, mount, len) == 0 && (path[len] == '/' || !path[len]));
}

static void take_mount(struct finding *finding, const char *mount, const char *type,
                       const char *path, size_t *longest)
{
    bool disk = strcmp(type, "btrfs") == 0 || strcmp(type, "zfs") == 0 ||
                strcmp(type, "ext4") == 0 || strcmp(type, "xfs") == 0 ||
                strncmp(type, "ntfs", 4) == 0 || strncmp(type, "fuse", 4) == 0 ||
                strncmp(type, "nfs", 3) == 0 || strcmp(type, "cifs") == 0;
    if (disk)
        look_below(finding, mount);
    if (disk && strcmp(mount, "/") != 0)
        look_for_repository(finding, mount);
    if (lies_in(path, mount) && strlen(mount) >= *longest) {
        *longest = strlen(mount);
        finding->ret->file_system = arena_copy(finding->arena, bytes_of(type));
    }
}

static void look_at_mounts(struct finding *finding, const char *path)
{
    FILE *in = fopen("/proc/self/mountinfo", "re");
    char line[2 * PATH_MAX], mount[PATH_MAX], type[64];
    size_t longest = 0;
    while (in && fgets(line, sizeof line, in)) {
        const char *dash = strstr(line, " - ");
        if (sscanf(line, "%*s %*s %*s %*s %4095s", mount) != 1 || !dash ||
            sscanf(dash, " - %63s", type) != 1)
            continue;
        unescape(mount);
        take_mount(finding, mount, type, path, &longest);
    }
    if (in)
        fclose(in);
}

/* Snapshots of LVM, thin or not, have device-mapper devices of their own while they are active;
 * what was done to volumes stands in /etc/lvm/archive. */
static void look_at_lvm(struct finding *finding)
{
    DIR *block = opendir("/sys/class/block");
    for (struct dirent *entry; block && (entry = readdir(block));) {
        char path[512], uuid[256] = "";
        if (strncmp(entry->d_name, "dm-", 3) != 0)
            continue;
        snprintf(path, sizeof path, "/sys/class/block/%s/dm/uuid", entry->d_name);
        FILE *in = fopen(path, "re");
        if (in && fgets(uuid, sizeof uuid, in) && strncmp(uuid, "LVM-", 4) == 0 &&
            strstr(uuid, "-cow")) {
            snprintf(path, sizeof path, "/dev/%s", entry->d_name);
            add(finding, "LVM", path, 1, "'lvs' names the snapshot: mount it read-only");
        }
        if (in)
            fclose(in);
    }
    if (block)
        closedir(block);
}

int snapshots_find(const char *path, struct arena *arena, struct snapshots *ret,
                   struct why *why)
{
    struct finding finding = {.arena = arena, .ret = ret};
    char *real = realpath(path, NULL);
    look_at_mounts(&finding, real ? real : path);
    /* The directory itself and those above it. */
    for (char *at = real; at && *at;) {
        look_below(&finding, at);
        look_for_backups(&finding, at);
        char *slash = strrchr(at, '/');
        if (!slash || slash == at)
            break;
        *slash = 0;
    }
    free(real);
    look_below(&finding, "/run");
    look_for_backups(&finding, "/");
    look_for_backups(&finding, "/var");
    look_at_lvm(&finding);
    return finding.failed ? fail(why, ENOMEM, "out of memory") : 0;
}
