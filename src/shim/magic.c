#include "shim/magic.h"

#include <magic.h>
#include <pthread.h>

/* A cookie belongs to one thread and lives as long as it: the database takes 10 ms to load. */
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool has_key;

static void cookie_close(void *cookie)
{
    magic_close(cookie);
}

static void key_create(void)
{
    has_key = pthread_key_create(&key, cookie_close) == 0;
}

static magic_t cookie_open(void)
{
    if (pthread_once(&once, key_create) != 0 || !has_key)
        return NULL;
    magic_t cookie = pthread_getspecific(key);
    if (cookie)
        return cookie;
    cookie = magic_open(MAGIC_NONE);
    if (!cookie)
        return NULL;
    if (magic_load(cookie, NULL) != 0 || pthread_setspecific(key, cookie) != 0) {
        magic_close(cookie);
        return NULL;
    }
    return cookie;
}

bytes magic_describe(bytes object, bool mime, struct arena *arena)
{
    magic_t cookie = cookie_open();
    if (!cookie || magic_setflags(cookie, mime ? MAGIC_MIME_TYPE : MAGIC_NONE) != 0)
        return (bytes){0};
    const char *text = magic_buffer(cookie, object.at, object.len);
    return text ? arena_copy(arena, bytes_of(text)) : (bytes){0};
}

bool magic_known(void)
{
    return true;
}
