#include "cmd/embedded.h"

/* CANDOR_EMBEDDED is the path of the ruleset that candor-seal made of definitions/. */
__asm__(".section .rodata\n"
        "    .balign 64\n"
        "candor_embedded_start:\n"
        "    .incbin \"" CANDOR_EMBEDDED "\"\n"
        "candor_embedded_end:\n"
        "    .byte 0\n"
        "    .text\n");

extern const uint8_t candor_embedded_start[] __attribute__((visibility("hidden")));
extern const uint8_t candor_embedded_end[] __attribute__((visibility("hidden")));

bytes embedded_definitions(void)
{
    return (bytes){candor_embedded_start,
                   (size_t)(candor_embedded_end - candor_embedded_start)};
}
