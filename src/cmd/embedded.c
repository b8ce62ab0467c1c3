#include "cmd/embedded.h"

#include <stdlib.h>

/* CANDOR_EMBEDDED is the path of the masked ruleset that candor-seal made of definitions/. */
__asm__(".section .rodata\n"
        "    .balign 64\n"
        "candor_embedded_start:\n"
        "    .incbin \"" CANDOR_EMBEDDED "\"\n"
        "candor_embedded_end:\n"
        "    .byte 0\n"
        "    .text\n");

extern const uint8_t candor_embedded_start[] __attribute__((visibility("hidden")));
extern const uint8_t candor_embedded_end[] __attribute__((visibility("hidden")));

static uint8_t *unmasked;

bytes embedded_definitions(void)
{
    size_t size = (size_t)(candor_embedded_end - candor_embedded_start);
    if (!unmasked) {
        unmasked = aligned_alloc(64, (size + 63) / 64 * 64);
        if (!unmasked)
            return (bytes){NULL, 0};
        embedded_mask(candor_embedded_start, unmasked, size);
    }
    return (bytes){unmasked, size};
}
