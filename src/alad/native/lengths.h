/* Mahalanobis lengths: centred rows times a triangular matrix, and the root of the sum of squares, which is in double. */
#ifndef ALAD_LENGTHS_H
#define ALAD_LENGTHS_H

#include <math.h>

#include "packed.h"

#define MOST_MEASURED 96 /* rows at a time, at least as many as are scored at once */

/* to = numbers of a row in units of their own, less a mean each. */
ALWAYS_INLINE void centred(const float *from, ptrdiff_t count, double per_unit, const double *mean, float *to) {
  for (ptrdiff_t c = 0; c < count; c++) to[c] = (float)(from[c] * per_unit - mean[c]);
}

/* Lengths of rows x after `unmix`, a linear layer as wide as they are whose output j reads inputs up to j alone: what
 * stands beyond is not multiplied. Squares are exact in double, and each length adds them up in one order. */
static void lengths(const PackedLayer *unmix, const float *x, ptrdiff_t stride, ptrdiff_t rows, double *to) {
  const ptrdiff_t width = unmix->outputs, wide = BESIDE * TILE;
  float made[MOST_MEASURED * BESIDE * TILE] __attribute__((aligned(64)));
  double sums[MOST_MEASURED][TILE] __attribute__((aligned(64)));
  memset(sums, 0, (size_t)rows * sizeof(sums[0]));
  for (ptrdiff_t column = 0; column < width; column += next_tiles(width - column) * TILE) {
    const int tiles = next_tiles(width - column);
    const ptrdiff_t end = column + tiles * TILE < width ? column + tiles * TILE : width;
    Term term = packed_term(unmix, x, stride);
    term.depth = end;
    Epilogue as_is = {.out = made - column, .stride = wide, .columns = padded(width), .plain = true};
    for (ptrdiff_t row = 0, step; row < rows; row += step) {
      step = next_rows(rows - row);
      ALAD_MAKE[0][tiles][step](&term, 1, NULL, 0, row, column, &as_is);
    }
    for (ptrdiff_t at = column; at < end; at += TILE) {
      const ptrdiff_t count = end - at < TILE ? end - at : TILE;
      for (ptrdiff_t r = 0; r < rows; r++) {
        const float *of_row = made + r * wide + (at - column);
        for (ptrdiff_t c = 0; c < count; c++) sums[r][c] += (double)of_row[c] * of_row[c];
      }
    }
  }
  for (ptrdiff_t r = 0; r < rows; r++) {
    double sum = 0;
    for (ptrdiff_t c = 0; c < TILE; c++) sum += sums[r][c];
    to[r] = sqrt(sum);
  }
}

#endif
