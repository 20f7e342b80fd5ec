/* Numbers of a table brought to one scale by a shift and a unit of each column: the twin, bit for bit, of what
 * `NumberCodes` does in NumPy, in one pass. */
#include <stdint.h>

static inline double limited(double x, double limit) { return x < -limit ? -limit : x > limit ? limit : x; }

/* to [rows, stride] = limited((limited(x) - shift) / unit), for x [rows, columns] without holes. */
void alad_scale(const double *x, int64_t rows, int64_t columns, const double *shift, const double *unit, double most,
                double limit, float *to, int64_t stride) {
  for (int64_t r = 0; r < rows; r++, x += columns, to += stride)
#pragma omp simd
    for (int64_t c = 0; c < columns; c++) to[c] = (float)limited((limited(x[c], most) - shift[c]) / unit[c], limit);
}
