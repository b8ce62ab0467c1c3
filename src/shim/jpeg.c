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
    struct jpeg_image image;
    enum jpeg_state state;
    struct jpeg_progress_mgr progress;
};

/* Each scan of a progressive file passes over all of the image, however small it is. */
static void watch_scans(j_common_ptr info)
{
    if (((j_decompress_ptr)(void *)info)->input_scan_number > SCANS_MOST)
        leave(info);
}

static bool find_colours(const struct jpeg_decompress_struct *info, enum jpeg_colours *ret)
{
    switch (info->jpeg_color_space) {
    case JCS_GRAYSCALE:
        *ret = JPEG_GREY;
        return true;
    case JCS_YCbCr:
        *ret = JPEG_YCC;
        return true;
    case JCS_RGB:
        *ret = JPEG_RGB;
        return true;
    case JCS_CMYK:
        *ret = JPEG_INKS;
        return true;
    case JCS_YCCK:
        *ret = JPEG_YCC_INKS;
        return true;
    default:
        return false;
    }
}

/* What the header says. */
static bool describe(struct reading *reading)
{
    const struct jpeg_decompress_struct *info = &reading->info;
    struct jpeg_image *image = &reading->image;
    if (info->num_components > JPEG_PLANES || !find_colours(info, &image->colours))
        return false;
    image->width = info->image_width;
    image->height = info->image_height;
    image->inverted = info->saw_Adobe_marker;
    image->plane_count = (uint32_t)info->num_components;
    for (uint32_t i = 0; i < image->plane_count; i++) {
        const jpeg_component_info *plane = &info->comp_info[i];
        const uint32_t across = (uint32_t)plane->h_samp_factor;
        const uint32_t down = (uint32_t)plane->v_samp_factor;
        image->planes[i] = (struct jpeg_plane){
            .columns = (plane->width_in_blocks + across - 1) / across * across,
            .rows = (plane->height_in_blocks + down - 1) / down * down,
            .across = across,
            .down = down,
        };
    }
    return true;
}

static enum jpeg_state read_blocks(struct reading *reading, void *to,
                                   bool (*begin)(void *to, const struct jpeg_image *image),
                                   void (*take)(void *to, uint32_t plane, uint32_t row,
                                                const uint16_t steps[static JPEG_BLOCK],
                                                const int16_t (*blocks)[JPEG_BLOCK]))
{
    struct jpeg_decompress_struct *info = &reading->info;
    if (jpeg_read_header(info, TRUE) != JPEG_HEADER_OK)
        return JPEG_DAMAGED;
    if (!describe(reading))
        return JPEG_UNKNOWN;
    if (!begin(to, &reading->image))
        return JPEG_DAMAGED;
    jvirt_barray_ptr *arrays = jpeg_read_coefficients(info);
    if (!arrays)
        return JPEG_DAMAGED;
    for (uint32_t i = 0; i < reading->image.plane_count; i++) {
        const JQUANT_TBL *table = info->comp_info[i].quant_table;
        if (!table)
            return JPEG_DAMAGED;
        for (uint32_t row = 0; row < reading->image.planes[i].rows; row++) {
            JBLOCKARRAY blocks =
                info->mem->access_virt_barray((j_common_ptr)info, arrays[i], row, 1, FALSE);
            take(to, i, row, table->quantval, (const int16_t(*)[JPEG_BLOCK])blocks[0]);
        }
    }
    return JPEG_READ;
}

enum jpeg_state jpeg_read(bytes data, void *to,
                          bool (*begin)(void *to, const struct jpeg_image *image),
                          void (*take)(void *to, uint32_t plane, uint32_t row,
                                       const uint16_t steps[static JPEG_BLOCK],
                                       const int16_t (*blocks)[JPEG_BLOCK]))
{
    /* Not on the stack: what is there when the library jumps is not what was there before. */
    struct reading *reading = calloc(1, sizeof *reading);
    if (!reading)
        return JPEG_DAMAGED;
    reading->state = JPEG_DAMAGED;
    reading->progress.progress_monitor = watch_scans;
    reading->info.err = jpeg_std_error(&reading->failure.manager);
    reading->failure.manager.error_exit = leave;
    reading->failure.manager.emit_message = say_nothing;
    reading->failure.manager.output_message = print_nothing;
    if (setjmp(reading->failure.out) == 0) {
        jpeg_create_decompress(&reading->info);
        jpeg_mem_src(&reading->info, data.at, data.len);
        reading->info.progress = &reading->progress;
        reading->state = read_blocks(reading, to, begin, take);
    }
    enum jpeg_state state = reading->state;
    jpeg_destroy_decompress(&reading->info);
    free(reading);
    return state;
}
