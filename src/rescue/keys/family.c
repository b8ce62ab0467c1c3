/* Files that only one family has, and that hide a key; and the times that keys of Akira for
 * Linux were drawn at (formats/akiralinux.c), as somebody wrote them down:
 *
 *     t1=TIME t2=TIME t3=TIME t4=TIME percent=NUMBER
 *
 * TIME in nanoseconds since 1970, decimal; t1 and t2, which come together, and the percentage
 * may be missing; any white space between. */
#include "rescue/keys/forest.h"
#include "rescue/keys/gandcrab.h"
#include "rescue/keys/petya.h"
#include "rescue/keys/reading.h"

#include <errno.h>
#include <string.h>

enum { TIMES_MOST = 256, TIME_DIGITS = 19 };

/* Bit of the word's name; 0: no word of these. */
static unsigned time_word(bytes word)
{
    static const char *const names[] = {"t1=", "t2=", "t3=", "t4=", "percent="};
    for (unsigned i = 0; i < COUNT(names); i++) {
        size_t len = strlen(names[i]);
        if (!bytes_same(bytes_slice(word, 0, len), bytes_of(names[i])))
            continue;
        for (size_t k = len; k < word.len; k++)
            if (word.at[k] < '0' || word.at[k] > '9')
                return 0;
        return word.len > len && word.len <= len + TIME_DIGITS ? 1U << i : 0;
    }
    return 0;
}

/* The words in one line. -ENOENT: the view is something else. */
static int times_of(bytes view, struct arena *arena, bytes *ret)
{
    uint8_t *line = view.len && view.len <= TIMES_MOST ? arena_push(arena, view.len) : NULL;
    unsigned seen = 0;
    bytes rest, word;
    if (!line)
        return view.len && view.len <= TIMES_MOST ? -ENOMEM : -ENOENT;
    for (size_t i = 0; i < view.len; i++)
        line[i] = view.at[i] <= ' ' ? ' ' : view.at[i];
    rest = *ret = (bytes){.at = line, .len = view.len};
    while (bytes_cut(&rest, ' ', &word)) {
        unsigned bit = time_word(word);
        if (word.len && (!bit || seen & bit))
            return -ENOENT;
        seen |= bit;
    }
    bool outer = (seen & 0xc) == 0xc, inner = (seen & 3) == 0 || (seen & 3) == 3;
    return outer && inner ? 0 : -ENOENT;
}

int reading_family(struct reading *reading, bytes view)
{
    struct key key;
    bytes secret;
    int error = times_of(view, reading->arena, &secret);
    if (!error)
        return reading_add(
            reading, (struct key){.kind = KEY_TEXT, .secret = secret, .family = "akira-linux"});
    if (error == -ENOENT)
        error = forest_password(view, reading->arena, &secret);
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
