#include "scan/profile.h"

#define MB ((uint64_t)1 << 20)
#define GB ((uint64_t)1 << 30)

const struct profile profile_table[] = {
    {"mail",
     "quick answers about what strangers send",
     {.depth = 16, .members = 10000, .bytes = 1 * GB, .one = 256 * MB, .passwords = 16},
     512 * MB,
     60 * 1000},
    {"server",
     "files, uploads, whole disks",
     {.depth = 32, .members = 200000, .bytes = 16 * GB, .one = 1 * GB, .passwords = 16},
     2 * GB,
     600 * 1000},
    {"deep",
     "one suspicious thing, whatever it takes",
     {.depth = 64, .members = 5000000, .bytes = 256 * GB, .one = 8 * GB, .passwords = 32},
     16 * GB,
     7200 * 1000},
    {0}};

const char *const profile_passwords[] = {
    "infected", "virus",     "malware",   "password", "1234", "12345",  "123456",
    "infect",   "dangerous", "password1", "pass",     "test", "abc123", NULL};

uint32_t profile_add_passwords(const struct definitions *sets, int set_count, uint32_t count,
                               bytes ret[PROFILE_PASSWORDS])
{
    for (int i = 0; i < set_count; i++) {
        const struct ruleset *set = &sets[i].set;
        for (uint32_t k = 0; k < set->password_count && count < PROFILE_PASSWORDS; k++)
            ret[count++] =
                (bytes){set->texts.at + set->passwords[k].text, set->passwords[k].length};
    }
    for (size_t i = 0; profile_passwords[i] && count < PROFILE_PASSWORDS; i++)
        ret[count++] = bytes_of(profile_passwords[i]);
    return count;
}
