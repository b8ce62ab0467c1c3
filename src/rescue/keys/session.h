/* session — the key of a session, or a victim's password, that a family sealed for its master
 * key and left on the machine: with the master key, from the police or a leak, it opens that
 * machine's files.
 *
 *     Surtr    PrivateData_ID.surt  PKCS #1 v1.5, the numbers the other way round
 *     Fonix    hrmlog1              OAEP, SHA-1
 *     HardBit  the ID in its note   PKCS #1 v1.5
 *
 * each as base64 in lines, in pieces as long as the master key's modulus, which may be padded
 * each by itself. Facts: github.com/f6-dfir/Ransomware, Surtr/tools/surtr_crypt.py,
 * Fonix/tools/fonix_crypt.py, HardBit/tools/hb4_decrypt_password.py. Secles' own: secles.h. */
#pragma once
#include "rescue/keys/reading.h"

/* Remembers a file that can be sealed so: it waits in the ring for the master key, which may
 * come before or after it. 0 or -ENOMEM. */
int session_wait(struct reading *reading, bytes file);
/* Opens what waits with the RSA keys that are there, and reads what comes out. 0 or -ENOMEM. */
int session_open(struct reading *reading);
