#include "shim/jpeg.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

enum { SCANS_MOST = 200 };

/* libjpeg ends the program on an error unless it is jumped out of. */
struct failure {
    struct jpeg_error_mgr manager; /* first: it is what the library knows */
    jmp_buf out;
};

_Noreturn static void leave(j_common_ptr info)
{
    longjmp(((struct failure *)(void *)info->err)->out, 1);
}

static void say_nothing(j_common_ptr info, int level)
{
    (void)info;
    (void)level;
}

static void print_nothing(j_common_ptr info)
{
    (void)info;
}

struct reading {
    struct jpeg_decompress_struct info;
    struct failure failure;
    void *to;
    bool (*begin)(void *to, uint32_t width, uint32_t height);
    void (*take)(void *to, const uint8_t *rgb);
    uint8_t *row;
    enum jpeg_state state;
    struct jpeg_progress_mgr progress;
};

/* Four inks to three colours, in place. */
static void mix_inks(uint8_t *row, uint32_t width, bool inverted)
{
    for (uint32_t x = 0; x < width; x++)
        for (uint32_t i = 0; i < 3; i++) {
            uint32_t ink = row[4 * x + i], black = row[4 * x + 3];
            if (!inverted) {
                ink = 255 - ink;
                black = 255 - black;
            }
            row[3 * x + i] = (uint8_t)((ink * black + 127) / 255);
        }
}

/* Each scan of a progressive file passes over all of the image, however small it is. */
static void watch_scans(j_common_ptr info)
{
    if (((j_decompress_ptr)(void *)info)->input_scan_number > SCANS_MOST)
        leave(info);
}

static enum jpeg_state read_rows(struct reading *reading)
{
    struct jpeg_decompress_struct *info = &reading->info;
    if (jpeg_read_header(info, TRUE) != JPEG_HEADER_OK)
        return JPEG_DAMAGED;
    if (info->num_components == 2 || info->num_components > 4)
        return JPEG_UNKNOWN;
    bool inks = info->num_components == 4;
    if (!reading->begin(reading->to, info->image_width, info->image_height))
        return JPEG_DAMAGED;
    info->out_color_space = inks ? JCS_CMYK : JCS_RGB;
    info->dct_method = JDCT_ISLOW;
    if (!jpeg_start_decompress(info))
        return JPEG_DAMAGED;
    reading->row = malloc((size_t)info->output_width * 4);
    while (reading->row && info->output_scanline < info->output_height) {
        JSAMPROW rows[1] = {reading->row};
        if (jpeg_read_scanlines(info, rows, 1) != 1)
            return JPEG_DAMAGED;
        if (inks)
            mix_inks(reading->row, info->output_width, info->saw_Adobe_marker);
        reading->take(reading->to, reading->row);
    }
    return reading->row ? JPEG_READ : JPEG_DAMAGED;
}

enum jpeg_state jpeg_read(bytes data, void *to,
                          bool (*begin)(void *to, uint32_t width, uint32_t height),
                          void (*take)(void *to, const uint8_t *rgb))
{
    /* Not on the stack: what is there when the library jumps is not what was there before. */
    struct reading *reading = calloc(1, sizeof *reading);
    if (!reading)
        return JPEG_DAMAGED;
    reading->state = JPEG_DAMAGED;
    reading->progress.progress_monitor = watch_scans;
    reading->to = to;
    reading->begin = begin;
    reading->take = take;
    reading->info.err = jpeg_std_error(&reading->failure.manager);
    reading->failure.manager.error_exit = leave;
    reading->failure.manager.emit_message = say_nothing;
    reading->failure.manager.output_message = print_nothing;
    if (setjmp(reading->failure.out) == 0) {
        jpeg_create_decompress(&reading->info);
        jpeg_mem_src(&reading->info, data.at, data.len);
        reading->info.progress = &reading->progress;
        reading->state = read_rows(reading);
    }
    enum jpeg_state state = reading->state;
    jpeg_destroy_decompress(&reading->info);
    free(reading->row);
    free(reading);
    return state;
}
