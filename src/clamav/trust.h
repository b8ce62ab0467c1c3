/* trust — certificates whose programs are trusted or blocked (.crb), and catalogues of
 * trusted files (.cat). */
#pragma once
#include "clamav/clamav.h"

/* A .crb file begins. */
void trust_begin(struct clamav *clamav);
/* 0 when the line was taken, refused or ignored (and counted); -ENOMEM. */
int trust_line(struct clamav *clamav, bytes line) MUST_USE;
/* A whole .cat file, likewise. */
int trust_file(struct clamav *clamav, bytes file) MUST_USE;
