/* The sealed definitions of this build, mapped with the program's read-only data. */
    .section .rodata
    .balign 64
    .globl candor_embedded_start, candor_embedded_end
    .hidden candor_embedded_start, candor_embedded_end
candor_embedded_start:
    .incbin CANDOR_EMBEDDED
candor_embedded_end:
    .byte 0
    .section .note.GNU-stack, "", @progbits
