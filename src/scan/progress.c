#include "scan/progress.h"

#include "scan/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void progress_start(struct progress *progress, int64_t now_ms)
{
    const char *term = getenv("TERM");
    progress->active = isatty(2) && term && strcmp(term, "dumb") != 0;
    progress->started_ms = now_ms;
    atomic_flag_clear(&progress->busy);
}

void progress_at(struct progress *progress, bytes path)
{
    if (!progress->active || atomic_flag_test_and_set(&progress->busy))
        return;
    progress->path_len = path.len < PROGRESS_PATH ? path.len : PROGRESS_PATH;
    memcpy(progress->path, path.at + (path.len - progress->path_len), progress->path_len);
    atomic_flag_clear(&progress->busy);
}

static size_t terminal_width(void)
{
    struct winsize size;
    return ioctl(2, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

static void add_eta(struct text *line, uint64_t left_ms)
{
    uint64_t s = left_ms / 1000 + 1;
    if (s >= 3600)
        text_printf(line, ", %llu h %02llu min left", (unsigned long long)s / 3600,
                    (unsigned long long)s / 60 % 60);
    else if (s >= 60)
        text_printf(line, ", %llu min %02llu s left", (unsigned long long)s / 60,
                    (unsigned long long)s % 60);
    else
        text_printf(line, ", %llu s left", (unsigned long long)s);
}

static void add_figures(struct text *line, struct progress *progress, int64_t now_ms)
{
    uint64_t files = atomic_load(&progress->files), done = atomic_load(&progress->bytes);
    uint64_t total = atomic_load(&progress->total_bytes);
    uint64_t all = atomic_load(&progress->total_files);
    double ms = (double)(now_ms - progress->started_ms) + 1;
    bool counted = atomic_load(&progress->counted);
    if (counted && total > done)
        text_printf(line, "%2llu %%  ", (unsigned long long)(done * 100 / total));
    text_grouped(line, files);
    if (counted && all > files) {
        text_word(line, " of ");
        text_grouped(line, all);
    }
    text_printf(line, " files, %.0f files/s, ", (double)files * 1000 / ms);
    text_size(line, (uint64_t)((double)done * 1000 / ms));
    text_word(line, "/s");
    if (counted && total > done && done)
        add_eta(line, (uint64_t)(ms * (double)(total - done) / (double)done));
}

/* The end of the path is what tells files apart: cuts at the front, at whole characters. */
static void add_path(struct text *line, struct progress *progress, size_t room)
{
    struct text path = {0};
    if (atomic_flag_test_and_set(&progress->busy))
        return;
    text_visible(&path, (bytes){(const uint8_t *)progress->path, progress->path_len});
    atomic_flag_clear(&progress->busy);
    size_t from = path.len > room ? path.len - room + 3 : 0;
    while (from && from < path.len && ((uint8_t)path.at[from] & 0xc0) == 0x80)
        from++;
    text_word(line, from ? "..." : "");
    if (path.len > from)
        text_add(line, path.at + from, path.len - from);
    text_free(&path);
}

void progress_draw(struct progress *progress, int64_t now_ms)
{
    if (!progress->active)
        return;
    struct text line = {0};
    size_t width = terminal_width();
    text_word(&line, "\r\033[K");
    size_t start = line.len;
    add_figures(&line, progress, now_ms);
    if (line.len - start + 16 < width) {
        text_word(&line, "  ");
        add_path(&line, progress, width - (line.len - start) - 1);
    } else if (line.len - start >= width) {
        line.len = start + width - 1;
    }
    progress->drawn = true;
    progress->drawn_ms = now_ms;
    if (text_write(&line, 2) < 0)
        progress->active = false;
    text_free(&line);
}

void progress_hide(struct progress *progress)
{
    if (!progress->drawn)
        return;
    progress->drawn = false;
    if (write(2, "\r\033[K", 4) < 0)
        progress->active = false;
}
