/* media — pictures that clamscan 1.4 calls broken: it walks their blocks up to the picture's
 * data, and no further. */
#pragma once
#include "alert/alert.h"

/* The first thing that is wrong; ALERTS: nothing is. Each is for data of that type. */
enum alert media_gif(bytes data, struct budget *budget);
enum alert media_png(bytes data, struct budget *budget);
enum alert media_jpeg(bytes data, struct budget *budget);
enum alert media_tiff(bytes data, struct budget *budget);
