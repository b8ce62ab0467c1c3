#include "scan/examine/examine.h"

#include <time.h>

const char *examine_limit_text(enum limit limit)
{
    switch (limit) {
    case LIMIT_NONE:
        return "";
    case LIMIT_STEPS:
        return "it needs too much work";
    case LIMIT_MEMORY:
        return "it needs too much memory";
    case LIMIT_STOPPED:
        return "its time was up";
    case LIMIT_MATCHES:
        return "a pattern matched too often";
    case LIMIT_DATA:
        return "the data given to a module is not what it reads";
    case LIMIT_REGEX:
        return "a regular expression needed too much memory";
    case LIMIT_DAMAGED:
        return "the definitions' hash signatures are damaged";
    }
    return "a limit was reached";
}

int64_t examine_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

size_t examine_name(bytes path)
{
    size_t slash = path.len;
    while (slash && path.at[slash - 1] != '/')
        slash--;
    return path.len - slash;
}
