/* again — families whose stream begins anew in each run. */
#pragma once
#include "rescue/salvage/map/map.h"

/* A known pattern of short runs whose bytes are strange to all the others: learned from what it
 * leaves plain, what it calls ciphertext looks random, and runs half a stride away do not.
 * Where each run was XORed with the same stream (Black Basta), ciphertext repeats, and is no
 * stranger in a model that learned from it, too. Uses the map's model; the map has nothing else
 * yet. False: there is none. */
bool map_again(struct map *map, struct pattern *ret);
