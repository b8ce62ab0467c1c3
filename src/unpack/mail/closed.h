/* closed — what is recognised and not opened: encrypted mail, and folders of mail programs in
 * formats that nobody here reads. */
#pragma once
#include "unpack/unpack.h"

/* "-----BEGIN PGP MESSAGE-----": RFC 9580. */
void closed_open_pgp(struct unpack *unpack);
/* Outlook's "!BDN" ([MS-PST]), Outlook Express's DBX, Lotus Notes' NSF, UW's MBX. */
void closed_open_folder(struct unpack *unpack);
