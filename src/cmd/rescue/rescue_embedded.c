/* CANDOR_RESCUE is the path of what candor-rescue-seal wrote; read by rescue_knowledge.c. */
__asm__(".section .rodata\n"
        "    .balign 64\n"
        "    .globl candor_rescue_start, candor_rescue_end\n"
        "    .hidden candor_rescue_start, candor_rescue_end\n"
        "candor_rescue_start:\n"
        "    .incbin \"" CANDOR_RESCUE "\"\n"
        "candor_rescue_end:\n"
        "    .byte 0\n"
        "    .text\n");
