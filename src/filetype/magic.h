/* magic — types that fixed bytes at fixed places tell. */
#pragma once
#include "filetype/filetype.h"

/* FILETYPE_ANY when no magic number is there. */
enum filetype magic_of(bytes data);
