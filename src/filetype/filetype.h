/* filetype — what an object is, in ClamAV's terms: its CL_TYPE_ names (docs.clamav.net,
 * "File Types") and the target of signatures that they belong to.
 *
 * Signatures ask for the type of the object (Target, HandlerType) and of what it lies in
 * (Container, Intermediates). */
#pragma once
#include "base/base.h"
#include "filetype/target.h"

enum filetype {
    FILETYPE_ANY, /* 0: unknown; in a signature: any */
    FILETYPE_TEXT_ASCII,
    FILETYPE_TEXT_UTF8,
    FILETYPE_TEXT_UTF16LE,
    FILETYPE_TEXT_UTF16BE,
    FILETYPE_BINARY_DATA,
    FILETYPE_ERROR,
    FILETYPE_MSEXE,
    FILETYPE_ELF,
    FILETYPE_MACHO,
    FILETYPE_MACHO_UNIBIN,
    FILETYPE_POSIX_TAR,
    FILETYPE_OLD_TAR,
    FILETYPE_CPIO_OLD,
    FILETYPE_CPIO_ODC,
    FILETYPE_CPIO_NEWC,
    FILETYPE_CPIO_CRC,
    FILETYPE_GZ,
    FILETYPE_ZIP,
    FILETYPE_BZ,
    FILETYPE_RAR,
    FILETYPE_ARJ,
    FILETYPE_MSSZDD,
    FILETYPE_MSOLE2,
    FILETYPE_MSCAB,
    FILETYPE_MSCHM,
    FILETYPE_SIS,
    FILETYPE_SCRENC,
    FILETYPE_GRAPHICS,
    FILETYPE_GIF,
    FILETYPE_PNG,
    FILETYPE_JPEG,
    FILETYPE_TIFF,
    FILETYPE_RIFF,
    FILETYPE_BINHEX,
    FILETYPE_TNEF,
    FILETYPE_CRYPTFF,
    FILETYPE_PDF,
    FILETYPE_UUENCODED,
    FILETYPE_HTML_UTF16,
    FILETYPE_SCRIPT,
    FILETYPE_RTF,
    FILETYPE_SEVENZ,
    FILETYPE_SWF,
    FILETYPE_JAVA,
    FILETYPE_XAR,
    FILETYPE_XZ,
    FILETYPE_OOXML_WORD,
    FILETYPE_OOXML_PPT,
    FILETYPE_OOXML_XL,
    FILETYPE_OOXML_HWP,
    FILETYPE_XDP,
    FILETYPE_XML_WORD,
    FILETYPE_XML_XL,
    FILETYPE_XML_HWP,
    FILETYPE_HWP3,
    FILETYPE_HWPOLE2,
    FILETYPE_MHTML,
    FILETYPE_LNK,
    FILETYPE_EGG,
    FILETYPE_GPT,
    FILETYPE_APM,
    FILETYPE_MBR,
    FILETYPE_ISO9660,
    FILETYPE_DMG,
    FILETYPE_UDF,
    FILETYPE_ONENOTE,
    FILETYPE_ALZ,
    FILETYPE_LHA_LZH,
    FILETYPE_PYTHON_COMPILED,
    FILETYPE_AI_MODEL,
    FILETYPE_HTML,
    FILETYPE_MAIL,
    FILETYPE_SFX,
    FILETYPE_ZIPSFX,
    FILETYPE_RARSFX,
    FILETYPE_SEVENZSFX,
    FILETYPE_CABSFX,
    FILETYPE_ARJSFX,
    FILETYPE_EGGSFX,
    FILETYPE_NULSFT,
    FILETYPE_AUTOIT,
    FILETYPE_ISHIELD_MSI,
    FILETYPE_INTERNAL,
    FILETYPE_OTHER,
    FILETYPE_IGNORED,
    FILETYPE_PS,
    FILETYPE_PART_ANY,
    FILETYPE_PART_HFSPLUS,
    FILETYPES,
};

/* The number of "CL_TYPE_ZIP"; FILETYPES when there is none of that name. */
enum filetype filetype_named(bytes name);
/* "CL_TYPE_ZIP". */
const char *filetype_name(enum filetype type);
/* What it is by its first KiB, the size and, for ZIP, the names of members: the type with which
 * ClamAV begins to look at an object. Reads no more than that: tens of nanoseconds for what has
 * a magic number, about a microsecond for the rest. */
enum filetype filetype_of(bytes data);
/* What an object that began as `type` has turned into once ClamAV has read all of it: a text
 * with tags or a mail's header further down, an image that begins with empty sectors. This is
 * the type that members see around them. Reads all of a text, fixed places of others. */
enum filetype filetype_read(bytes data, enum filetype type);
/* The same by a table out of .ftm files (types.h); NULL: by the built-in one. */
struct types;
enum filetype filetype_of_by(struct types *types, bytes data);
enum filetype filetype_read_by(struct types *types, bytes data, enum filetype type);
/* The target of signatures about objects of a type: TARGET_OTHER for unknown data, TARGET_ANY
 * for the many types that no target is about. Text and HTML have their targets as views only
 * (unpack/normal): their own bytes are TARGET_ANY. */
enum target filetype_target(enum filetype type);
