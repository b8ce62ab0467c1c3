/* Files that only one family has, and that hide a key. */
#include "rescue/keys/forest.h"
#include "rescue/keys/gandcrab.h"
#include "rescue/keys/petya.h"
#include "rescue/keys/reading.h"

#include <errno.h>

int reading_family(struct reading *reading, bytes view)
{
    struct key key;
    bytes secret;
    int error = forest_password(view, reading->arena, &secret);
    if (!error)
        return reading_add(
            reading, (struct key){.kind = KEY_TEXT, .secret = secret, .family = "blackbyte"});
    if (error == -ENOENT)
        error = gandcrab_key(view, reading->arena, &key, &reading->said);
    if (!error)
        return reading_add(reading, key);
    if (error == -ENOENT) {
        reading->said.text[0] = 0;
        if (petya_kind(view))
            error = petya_key(view, reading->arena, &secret, &reading->said);
    }
    if (!error)
        return reading_add(reading,
                           (struct key){.kind = KEY_TEXT, .secret = secret, .family = "petya"});
    return error == -ENOMEM ? error : 0;
}
