/* installshield — programs and cabinets of InstallShield. */
#pragma once
#include "unpack/unpack.h"

/* Files behind a program, each after its name and size. */
bool installshield_plain_probe(bytes data);
void installshield_plain_open(struct unpack *unpack);
/* The same with a head that names the format. */
void installshield_open(struct unpack *unpack);
void installshield_cabinet_open(struct unpack *unpack);
