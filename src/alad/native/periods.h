/* Sines and cosines of columns beside them: x -> x, sin(2 pi c x), cos(2 pi c x), each column with frequencies c of its own.
 *
 * In double up to the sines, as a row far away has an angle of many turns, and by one polynomial, so that any machine and
 * any number of lanes gives the same bits.
 */
#ifndef ALAD_PERIODS_H
#define ALAD_PERIODS_H

#include <math.h>

#include "product.h"

/* sin and cos of 2 pi turns. Half the angle lies in [-pi / 2, pi / 2], where the series is exact to 1e-11. */
ALWAYS_INLINE void sine_and_cosine(double turns, float *sine, float *cosine) {
  const double h = (turns - rint(turns)) * 3.14159265358979323846, q = h * h;
  const double s = h * (1 + q * (-1.0 / 6 + q * (1.0 / 120 + q * (-1.0 / 5040 + q * (1.0 / 362880 + q * (-1.0 / 39916800
                   + q * (1.0 / 6227020800 + q * (-1.0 / 1307674368000))))))));
  const double c = 1 + q * (-1.0 / 2 + q * (1.0 / 24 + q * (-1.0 / 720 + q * (1.0 / 40320 + q * (-1.0 / 3628800
                   + q * (1.0 / 479001600 + q * (-1.0 / 87178291200 + q * (1.0 / 20922789888000))))))));
  *sine = (float)(2 * s * c), *cosine = (float)(1 - 2 * s * s);
}

#define ANGLES 256 /* at a time: all columns' frequencies make one run of numbers, long enough to fill registers */

/* One row: `kept` numbers of x as they are, then the sines and the cosines of its first `columns`, `count` of each. */
static void add_periods(const float *x, ptrdiff_t kept, ptrdiff_t columns, ptrdiff_t count, const float *frequencies, float *to) {
  const ptrdiff_t all = columns * count;
  float *sines = to + kept, *cosines = sines + all;
  double turns[ANGLES];
  memcpy(to, x, (size_t)kept * sizeof(float));
  for (ptrdiff_t from = 0, column = 0, turn = 0; from < all; from += ANGLES) {
    const ptrdiff_t these = all - from < ANGLES ? all - from : ANGLES;
    for (ptrdiff_t i = 0; i < these; i++) {
      turns[i] = (double)x[column] * frequencies[from + i];
      if (++turn == count) turn = 0, column++;
    }
#pragma omp simd
    for (ptrdiff_t i = 0; i < these; i++) sine_and_cosine(turns[i], sines + from + i, cosines + from + i);
  }
}

#endif
