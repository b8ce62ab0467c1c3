#include "rescue/identify/sighting.h"

#include "sandbox/channel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void copy_text(char *to, size_t room, bytes from)
{
    size_t len = from.len < room - 1 ? from.len : room - 1;
    if (len)
        memcpy(to, from.at, len);
    to[len] = 0;
}

static bool is_guessed(const struct sighting *sighting, uint32_t family)
{
    for (uint32_t i = 0; i < sighting->guesses; i++)
        if (sighting->guess[i].family == family)
            return true;
    return false;
}

/* Index of the weightiest signal that was not taken yet, of families that are guessed. */
static uint32_t next_signal(const struct identity *identity, const struct sighting *sighting,
                            const bool *taken)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < identity->signal.n; i++)
        if (!taken[i] && is_guessed(sighting, identity->signal.at[i].family) &&
            (best == UINT32_MAX ||
             identity->signal.at[i].weight > identity->signal.at[best].weight))
            best = i;
    return best;
}

static void take_signals(const struct identity *identity, struct sighting *ret)
{
    enum { MOST = 4096 };

    bool taken[MOST] = {false};
    if (identity->signal.n > MOST)
        return;
    while (ret->signals < SIGHTING_SIGNALS) {
        uint32_t best = next_signal(identity, ret, taken);
        if (best == UINT32_MAX)
            return;
        const struct signal *from = &identity->signal.at[best];
        taken[best] = true;
        ret->signal[ret->signals].kind = from->kind;
        ret->signal[ret->signals].family = from->family;
        ret->signal[ret->signals].weight = from->weight;
        copy_text(ret->signal[ret->signals++].reason, SIGHTING_REASON, from->reason);
    }
}

void sighting_of(const struct identity *identity, struct sighting *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->kind = identity->kind;
    ret->note = identity->note;
    ret->noise = identity->noise;
    ret->shadows = identity->shadows;
    ret->format = -1;
    while (ret->guesses < identity->guesses && ret->guesses < SIGHTING_GUESSES) {
        ret->guess[ret->guesses] = identity->guess[ret->guesses];
        ret->guesses++;
    }
    take_signals(identity, ret);
    for (int32_t i = 0; identity->format && formats[i]; i++)
        if (formats[i] == identity->format)
            ret->format = i;
    if (ret->format < 0)
        return;
    ret->fit = identity->fit.fit;
    ret->partial = identity->fit.partial;
    ret->decrypted = identity->fit.decrypted;
    if (identity->fit.variant)
        copy_text(ret->variant, sizeof ret->variant, bytes_of(identity->fit.variant));
}

bool sighting_sound(const struct knowledge *knowledge, struct sighting *sighting)
{
    int32_t rows = 0;
    while (formats[rows])
        rows++;
    if (sighting->kind > IDENTITY_NAMED || sighting->guesses > SIGHTING_GUESSES ||
        sighting->signals > SIGHTING_SIGNALS || sighting->format < -1 ||
        sighting->format >= rows || sighting->fit > FIT_IS || sighting->error > 0)
        return false;
    for (uint32_t i = 0; i < sighting->guesses; i++)
        if (sighting->guess[i].family >= knowledge->families ||
            !isfinite(sighting->guess[i].weight) || !isfinite(sighting->guess[i].share))
            return false;
    for (uint32_t i = 0; i < sighting->signals; i++) {
        if (sighting->signal[i].kind >= SIGNAL_KINDS ||
            sighting->signal[i].family >= knowledge->families ||
            !isfinite(sighting->signal[i].weight))
            return false;
        channel_tame(sighting->signal[i].reason, SIGHTING_REASON);
    }
    channel_tame(sighting->variant, sizeof sighting->variant);
    channel_tame(sighting->why, sizeof sighting->why);
    return isfinite(sighting->note) && isfinite(sighting->noise);
}
