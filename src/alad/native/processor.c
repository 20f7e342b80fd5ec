/* The level of an x86-64 processor, by the psABI's numbers: 4 = AVX-512, 3 = AVX2 and FMA; 0 = older, or another kind.
 * A level counts if the processor has all of its instructions and the system keeps their registers. */
#if defined(__x86_64__) || defined(_M_X64)
#include <cpuid.h>

#define BIT(n) (1u << (n))

static unsigned kept_registers(void) {
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

int alad_level(void) {
  /* SSE3, SSSE3, FMA, CX16, SSE4.1, SSE4.2, MOVBE, POPCNT, OSXSAVE, AVX, F16C */
  const unsigned first = BIT(0) | BIT(9) | BIT(12) | BIT(13) | BIT(19) | BIT(20) | BIT(22) | BIT(23) | BIT(27) | BIT(28) |
                         BIT(29);
  const unsigned avx2 = BIT(3) | BIT(5) | BIT(8);                               /* BMI1, AVX2, BMI2 */
  const unsigned avx512 = BIT(16) | BIT(17) | BIT(28) | BIT(30) | BIT(31);      /* F, DQ, CD, BW, VL */
  const unsigned beyond = BIT(0) | BIT(5);                                      /* LAHF, LZCNT */
  const unsigned ymm = 0x6, zmm = 0xe6;
  unsigned a, b, c, d, seventh;
  if (!__get_cpuid(1, &a, &b, &c, &d) || (c & first) != first || (kept_registers() & ymm) != ymm) return 0;
  if (!__get_cpuid_count(7, 0, &a, &seventh, &c, &d) || (seventh & avx2) != avx2) return 0;
  if (!__get_cpuid(0x80000001, &a, &b, &c, &d) || (c & beyond) != beyond) return 0;
  return (seventh & avx512) == avx512 && (kept_registers() & zmm) == zmm ? 4 : 3;
}
#else
int alad_level(void) { return 0; }
#endif
