/* MD5 in lanes against libcrypto's, in each variant: things of every length side by side, the
 * last bytes of each where the readable memory ends. */
#include "base/cpu.h"
#include "match/hash/md5_lanes.h"
#include "random.h"
#include "shim/digest.h"
#include "tap.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { SIZE = 1 << 16, JOBS = 70, ROUNDS = 40 };

static uint32_t count_wrong(struct md5_job *jobs, uint32_t n)
{
    uint32_t wrong = 0;
    md5_lanes(jobs, n);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t want[DIGEST_MAX];
        wrong += !digest_parts(DIGEST_MD5, &jobs[i].data, 1, want) ||
                 memcmp(want, jobs[i].digest, 16) != 0;
    }
    return wrong;
}

/* Streams come and go, and those that are left over go on later. */
static uint32_t come_and_go(const uint8_t *end)
{
    static struct md5_job jobs[300];
    struct md5_job *done[MD5_LANES];
    struct md5_lanes lanes;
    uint32_t wrong = 0, finished = 0, count;
    md5_lanes_begin(&lanes);
    for (uint32_t i = 0; i < COUNT(jobs);) {
        uint32_t len = random_below(random_below(20) ? 3000 : SIZE);
        jobs[i].data = (bytes){end - len, len};
        i += md5_lanes_add(&lanes, &jobs[i]);
        bool full = lanes.busy == lanes.width;
        if (full || random_below(10) == 0)
            finished += md5_lanes_run(&lanes, full || random_below(2), done);
    }
    while ((count = md5_lanes_run(&lanes, random_below(2), done)))
        finished += count;
    for (uint32_t i = 0; i < COUNT(jobs); i++) {
        uint8_t want[DIGEST_MAX];
        wrong += !digest_parts(DIGEST_MD5, &jobs[i].data, 1, want) ||
                 memcmp(want, jobs[i].digest, 16) != 0;
    }
    return wrong + (finished != COUNT(jobs));
}

static uint32_t race(const uint8_t *end)
{
    static struct md5_job jobs[300];
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < 300; i++)
        jobs[i].data = (bytes){end - i, i};
    wrong += count_wrong(jobs, 300);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t n = round % 20 ? random_below(JOBS) : round / 20;
        for (uint32_t i = 0; i < n; i++) {
            uint32_t len = random_below(random_below(3) ? 300 : SIZE);
            jobs[i].data =
                (bytes){end - len - (random_below(2) ? 0 : random_below(SIZE - len)), len};
        }
        wrong += count_wrong(jobs, n);
    }
    return wrong;
}

int main(void)
{
    static const char *const names[] = {"scalar", "avx2", "avx512"};
    size_t page = 4096;
    uint8_t *memory =
        mmap(NULL, SIZE + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + SIZE, page, PROT_NONE) < 0)
        return 1;
    for (size_t i = 0; i < SIZE; i++)
        memory[i] = (uint8_t)random_below(256);
    for (int level = CPU_AVX512; level >= CPU_SCALAR; level--) {
        cpu_force((enum cpu_level)level);
        if ((int)cpu_level() != level) {
            tap_skip(names[level], "this processor does not have it");
            continue;
        }
        uint32_t wrong = race(memory + SIZE) + come_and_go(memory + SIZE);
        if (!CHECK(wrong == 0))
            printf("# %s: %u wrong\n", names[level], wrong);
    }
    return tap_done();
}
