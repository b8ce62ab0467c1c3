/* formats — what the files of this folder give to its table (archive.c). */
#pragma once
#include "unpack/unpack.h"

/* streams.c: one compressed file each. */
bool bzip2_probe(bytes data);
bool lz4_probe(bytes data);
bool lzma_probe(bytes data);
bool zstd_probe(bytes data);
void gzip_open(struct unpack *unpack);
void bzip2_open(struct unpack *unpack);
void xz_open(struct unpack *unpack);
void lzma_open(struct unpack *unpack);
void lzip_open(struct unpack *unpack);
void zstd_open(struct unpack *unpack);
void lz4_open(struct unpack *unpack);
void lzop_open(struct unpack *unpack);
/* lzw.c: compress(1). */
void lzw_open(struct unpack *unpack);
/* zip.c: of any slice that has a member at its beginning, or an end of directory. */
void zip_open(struct unpack *unpack);

/* library.c: what libarchive reads. */
bool tar_probe(bytes data);
bool cpio_binary_probe(bytes data);
bool lha_probe(bytes data);
void tar_open(struct unpack *unpack);
void cpio_open(struct unpack *unpack);
void ar_open(struct unpack *unpack);
void lha_open(struct unpack *unpack);
/* sevenzip/sevenzip.c */
void sevenzip_open(struct unpack *unpack);
/* warc.c, rpm.c, xar.c */
void xar_open(struct unpack *unpack);
void warc_open(struct unpack *unpack);
void rpm_open(struct unpack *unpack);

/* microsoft.c: what libmspack reads. */
void cab_open(struct unpack *unpack);
void chm_open(struct unpack *unpack);
void szdd_open(struct unpack *unpack);
void kwaj_open(struct unpack *unpack);
/* arj.c */
bool arj_probe(bytes data);
void arj_open(struct unpack *unpack);
/* rar/rar4.c: 4 and before; rar/rar5.c */
void rar4_open(struct unpack *unpack);
void rar5_open(struct unpack *unpack);
/* volume.c: parts of split files. The number that a name gives one of them, from 1 on; 0: none.
 */
uint64_t volume_number(bytes name);
/* "volume 2 of a split archive"; 0: of unknown number. */
void volume_note(struct unpack *unpack, uint64_t number);
bool volume_probe(bytes name);
void volume_open(struct unpack *unpack);
/* closed.c: recognised only. */
bool arc_probe(bytes data);
void closed_open(struct unpack *unpack);
