/* Target: what is reported without signatures. The first byte chooses the type. Property: the
 * same twice, of kinds that belong to the type, and nothing that was not asked for. */
#include "alert/alert.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct kind {
    enum filetype begun, read;
    enum alert first, last;
} kinds[] = {
    {FILETYPE_TEXT_ASCII, FILETYPE_TEXT_ASCII, ALERT_CARDS, ALERT_INSURANCES},
    {FILETYPE_MSEXE, FILETYPE_MSEXE, ALERT_PROGRAM, ALERT_PROGRAM},
    {FILETYPE_ELF, FILETYPE_ELF, ALERT_PROGRAM, ALERT_PROGRAM},
    {FILETYPE_MACHO, FILETYPE_MACHO, ALERT_PROGRAM, ALERT_PROGRAM},
    {FILETYPE_MACHO_UNIBIN, FILETYPE_MACHO_UNIBIN, ALERT_PROGRAM, ALERT_PROGRAM},
    {FILETYPE_GIF, FILETYPE_GIF, ALERT_GIF_SCREEN, ALERT_GIF_LABEL},
    {FILETYPE_PNG, FILETYPE_PNG, ALERT_PNG_LENGTH, ALERT_PNG_CRC},
    {FILETYPE_JPEG, FILETYPE_JPEG, ALERT_JPEG_SPURIOUS, ALERT_JPEG_DTT},
    {FILETYPE_TIFF, FILETYPE_TIFF, ALERT_TIFF_FIRST, ALERT_TIFF_ORDER},
    {FILETYPE_BINARY_DATA, FILETYPE_MBR, ALERT_MBR, ALERT_MBR},
    {FILETYPE_GPT, FILETYPE_GPT, ALERT_GPT, ALERT_GPT},
    {FILETYPE_APM, FILETYPE_APM, ALERT_APM, ALERT_APM},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct alert_options nothing = {.most_partitions = 50};
    struct alert_options all = {true, true, true, true, false, true, true, 1, 1, 50};
    if (!size)
        return 0;
    const struct kind *kind = &kinds[data[0] % COUNT(kinds)];
    bytes object = {data + 1, size - 1};
    struct budget one = {.steps = 1 << 22}, two = one;
    uint64_t found = alert_check(&all, object, kind->begun, kind->read, &one);
    if (found != alert_check(&all, object, kind->begun, kind->read, &two) ||
        alert_check(&nothing, object, kind->begun, kind->read, &two))
        abort();
    for (uint32_t i = 0; i < ALERTS; i++)
        if (found >> i & 1 && (i < (uint32_t)kind->first || i > (uint32_t)kind->last))
            abort();
    all.least_cards = all.least_ssns = 1000000;
    if (alert_check(&all, object, kind->begun, kind->read, &two) & ~found)
        abort();
    return 0;
}
