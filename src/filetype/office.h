/* office — which kind of document a ZIP is. */
#pragma once
#include "filetype/filetype.h"

/* FILETYPE_OOXML_... or FILETYPE_ZIP, for data that begins like a ZIP. */
enum filetype office_of(bytes data);
