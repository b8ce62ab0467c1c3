/* sighting — what was found out about one file, without pointers: as a sealed worker sends it.
 */
#pragma once
#include "rescue/identify/identify.h"

enum { SIGHTING_SIGNALS = 14, SIGHTING_REASON = 160, SIGHTING_GUESSES = 5 };

struct sighting {
    uint32_t kind; /* enum identity_kind */
    float note, noise;
    uint32_t guesses, signals, shadows;
    struct guess guess[SIGHTING_GUESSES];

    struct {
        uint32_t kind, family;
        float weight;
        char reason[SIGHTING_REASON];
    } signal[SIGHTING_SIGNALS]; /* of the guesses, the weightiest first */

    int32_t format; /* place in `formats`, -1: none */
    uint32_t fit;
    bool partial, decrypted;
    char variant[80];
    int32_t error; /* -E...: the file could not be read */
    char why[200];
};

void sighting_of(const struct identity *identity, struct sighting *ret);
/* Whether one that came from another process is in bounds; its texts become harmless. */
bool sighting_sound(const struct knowledge *knowledge, struct sighting *sighting);
