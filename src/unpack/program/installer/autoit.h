/* autoit — what the files of the AutoIt reader share. */
#pragma once
#include "unpack/unpack.h"

bool autoit_probe(bytes data);
void autoit_open(struct unpack *unpack);

/* --- autoit_cipher.c: both are exclusive or with a stream of bytes --- */

/* Version 3.2 and before: the Mersenne twister. */
void autoit_decrypt_05(uint8_t *at, size_t size, uint32_t key);
/* Since then: a lagged generator with two taps. */
void autoit_decrypt_06(uint8_t *at, size_t size, uint32_t key);

/* --- autoit_text.c --- */

/* Writes a compiled script as text into the child that is being written. False: return. */
bool autoit_text_put(struct unpack *unpack, bytes tokens) MUST_USE;
