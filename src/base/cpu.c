#include "base/cpu.h"

#include <stdatomic.h>

enum { UNKNOWN = -1 };

static atomic_int chosen = UNKNOWN;

static int detect(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2"))
        return CPU_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
        return CPU_AVX2;
#endif
    return CPU_SCALAR;
}

enum cpu_level cpu_level(void)
{
    int level = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (level == UNKNOWN) {
        level = detect();
        atomic_store_explicit(&chosen, level, memory_order_relaxed);
    }
    return (enum cpu_level)level;
}

void cpu_force(enum cpu_level level)
{
    if (level < cpu_level())
        atomic_store_explicit(&chosen, (int)level, memory_order_relaxed);
}
