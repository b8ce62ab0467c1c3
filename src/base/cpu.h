/* cpu — which vector instructions this run uses. Found out once; CANDOR_CPU=scalar|avx2|avx512
 * (read by programs, passed in through cpu_force) lowers it for tests. */
#pragma once

enum cpu_level { CPU_SCALAR, CPU_AVX2, CPU_AVX512 };

enum cpu_level cpu_level(void);
/* Lowers (never raises) the level. Call before threads start. */
void cpu_force(enum cpu_level level);
