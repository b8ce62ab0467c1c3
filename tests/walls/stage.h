/* stage — what the ways out are tried on: files, sockets, another process. */
#pragma once
#include "ways.h"

/* Sets everything up below a folder of its own; ends the program when it cannot. */
void stage_set(struct stage *stage);
/* For each try: somebody connects to the inherited socket. */
void stage_knock(const struct stage *stage);
/* Ends the other process, removes the folder. */
void stage_strike(struct stage *stage);
