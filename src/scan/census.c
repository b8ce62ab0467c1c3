#include "scan/census.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { AT_ONCE = 128 };

/* More files are not counted: the line does without totals. */
#define CENSUS_MAX UINT64_C(20000000)

struct census {
    struct scan *scan;
    struct walk_options options;
    struct walk *walk;
    int path; /* the one that is walked next */
};

static bool count_file(void *context, const struct walk_file *file)
{
    struct scan *scan = context;
    struct progress *progress = &scan->progress;
    uint64_t max = scan->options->max_size;
    struct stat st;
    if (walk_stat(file, &st) < 0)
        return true;
    if (!max || (uint64_t)st.st_size <= max)
        atomic_fetch_add(&progress->total_bytes, (uint64_t)st.st_size);
    return atomic_fetch_add(&progress->total_files, 1) < CENSUS_MAX;
}

static void count_skip(void *context, enum walk_skip reason, bytes path, int error)
{
    (void)context, (void)reason, (void)path, (void)error;
}

struct census *census_new(struct scan *scan)
{
    const struct scan_options *options = scan->options;
    struct census *census = NULL;
    if (scan->progress.active && !options->files_from && !options->feed)
        census = calloc(1, sizeof *census);
    if (census) {
        census->scan = scan;
        scan_walk_options(scan, &census->options);
        census->options.file = count_file;
        census->options.skip = count_skip;
    }
    return census;
}

/* The next path. False: there is none. */
static bool begin_path(struct census *census)
{
    const struct scan *scan = census->scan;
    walk_free(census->walk);
    census->walk = NULL;
    if (census->path == scan->options->path_count || scan->stop)
        return false;
    census->walk = walk_new(&census->options, scan->options->paths[census->path++]);
    return census->walk != NULL;
}

bool census_go_on(struct census *census, int64_t ms)
{
    struct progress *progress = &census->scan->progress;
    int64_t end = examine_clock() + ms;
    do
        for (int i = 0; i < AT_ONCE; i++)
            if (!(census->walk && walk_step(census->walk)) && !begin_path(census)) {
                atomic_store(&progress->counted,
                             !census->scan->stop &&
                                 atomic_load(&progress->total_files) <= CENSUS_MAX);
                return false;
            }
    while (examine_clock() < end);
    return true;
}

void census_free(struct census *census)
{
    if (census)
        walk_free(census->walk);
    free(census);
}
