/* families — what the families' files here offer to others: their rows, and how some make keys
 * of what a search finds. */
#pragma once
#include "rescue/format.h"

extern const struct format format_akira;
extern const struct format format_akiralinux;
extern const struct format format_alphv;
extern const struct format format_babuk_esxi;
extern const struct format format_babuk_nas;
extern const struct format format_babuk_windows;
extern const struct format format_blackbasta;
extern const struct format format_blackbyte;
extern const struct format format_chaos;
extern const struct format format_conti;
extern const struct format format_deadbolt;
extern const struct format format_dmalocker;
extern const struct format format_echoraix;
extern const struct format format_enmity;
extern const struct format format_fonix;
extern const struct format format_gandcrab;
extern const struct format format_goodmorning;
extern const struct format format_hardbit;
extern const struct format format_hive;
extern const struct format format_hsharada;
extern const struct format format_hunters;
extern const struct format format_inc;
extern const struct format format_linuxencoder1;
extern const struct format format_linuxencoder3;
extern const struct format format_lockbit3;
extern const struct format format_lokilocker;
extern const struct format format_magniber;
extern const struct format format_mammon;
extern const struct format format_maze;
extern const struct format format_medusalocker3;
extern const struct format format_megazord;
extern const struct format format_mimic;
extern const struct format format_moneymessage;
extern const struct format format_nemucod;
extern const struct format format_onyx2;
extern const struct format format_original;
extern const struct format format_phobos;
extern const struct format format_play;
extern const struct format format_princess;
extern const struct format format_prometheus;
extern const struct format format_proton;
extern const struct format format_proxima;
extern const struct format format_qilin;
extern const struct format format_rcru64;
extern const struct format format_shinra;
extern const struct format format_sojusz;
extern const struct format format_solidbit;
extern const struct format format_stop;
extern const struct format format_surtr;
extern const struct format format_teslacrypt2;
extern const struct format format_teslacrypt3;
extern const struct format format_teslarvng;
extern const struct format format_trinity;
extern const struct format format_zeppelin;

/* The key that Prometheus makes of a seed, |seed| of .NET's Random. */
void prometheus_key(uint32_t seed, uint8_t ret[32]);
/* The next key and IV of Linux.Encoder 1 out of musl's rand; the last byte of the IV is
 * replaced in the file. */
void linuxencoder1_next(uint64_t *state, uint8_t key[16], uint8_t iv[16]);
/* Its IV in a file; false: no such file. */
bool linuxencoder1_iv(const struct source *source, uint8_t ret[16]);
/* The next key of DMA Locker, version 1 or 2, out of Microsoft C's rand. */
void dmalocker_next(unsigned version, uint32_t *state, uint8_t ret[32]);
/* The AES key that Princess makes of the first `len` bytes of its text in UTF-16. */
bool princess_key(bytes text, size_t len, uint8_t ret[16]);
/* The text that Princess draws for a seed. */
void princess_text(uint32_t seed, uint8_t ret[32]);

enum { CHAOS_LETTERS = 69 };

/* The characters that Chaos and its kin choose from. */
void chaos_letters(uint8_t ret[CHAOS_LETTERS]);
/* The characters that Chaos and its kin draw `len` of for a seed. */
void chaos_text(uint32_t seed, uint8_t *ret, size_t len);
/* The CRC-32 of Proxima and Babuk: most significant bit first, begun with ones. */
uint32_t proxima_checksum(const uint8_t *data, size_t len);
