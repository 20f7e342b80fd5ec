/* Matrix products for small dense layers: tiles of 16 columns and up to 6 or 12 rows, in registers.
 *
 * Plain C with vector extensions: a tile's columns are one AVX-512 register or two of AVX2, and several smaller ones
 * elsewhere. Each sum runs over its terms in the order that is written, so all of them give the same bits.
 * Matrices of activations are row-major; `stride_of` pads a row to whole tiles and to an odd number of cache lines, so
 * that a column of tiles spreads over all cache sets. Padded columns may hold anything finite or not: no result that is
 * read depends on them.
 */
#ifndef ALAD_PRODUCT_H
#define ALAD_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TILE 16 /* columns of a tile */
#ifdef __AVX512F__
#define LANES 16 /* numbers in a register */
#define ROWS 12  /* rows of a tile, at most */
#define BESIDE 2 /* tiles made at a time, beside each other: what is read of a row serves both */
#else
#define LANES 8
#define ROWS 6
#define BESIDE 1
#endif
#define PARTS (TILE / LANES)

typedef float some __attribute__((vector_size(4 * LANES), may_alias)); /* a register full of numbers */
typedef float loose_some __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t some_bits __attribute__((vector_size(4 * LANES), may_alias));
typedef uint16_t loose_words __attribute__((vector_size(2 * LANES), aligned(2), may_alias));

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE ptrdiff_t padded(ptrdiff_t columns) { return (columns + TILE - 1) / TILE * TILE; }

ALWAYS_INLINE ptrdiff_t stride_of(ptrdiff_t columns) {
  ptrdiff_t stride = padded(columns);
  return stride / TILE % 2 ? stride : stride + TILE;
}

ALWAYS_INLINE some load(const float *from) { return *(const loose_some *)from; }
ALWAYS_INLINE void store(float *to, some value) { *(loose_some *)to = value; }
ALWAYS_INLINE some either(some_bits condition, some yes, some no) {
  return (some)(((some_bits)yes & condition) | ((some_bits)no & ~condition));
}

/* One term of a sum of products: a [rows, depth] (or its transpose, read by column) times b [depth, columns].
 * Tile t of b starts at b + t * panel, its rows lie b_stride apart. */
typedef struct {
  const float *a;
  ptrdiff_t a_stride;
  const float *b;
  ptrdiff_t panel, b_stride, depth;
} Term;

/* What becomes of the sums: scale, bias, activation and dropout (forward), a factor (backward), or nothing (`plain`). */
typedef struct {
  float *out;
  ptrdiff_t stride;
  ptrdiff_t columns;     /* from here on nothing is written; whole tiles but for weights' gradients and convolutions */
  bool plain;
  const float *scale;    /* [padded columns] or NULL */
  const float *bias;     /* [padded columns] or NULL */
  const float *mask;     /* of dropout, after the activation, same stride as out; or NULL */
  const float *factor;   /* out = sum * factor, same stride as out, which it may be; or NULL */
  float *save_factor;    /* d out / d sum for the way back, same stride; or NULL */
  const uint16_t *words; /* dropout keeps a unit where its word >= threshold; or NULL */
  ptrdiff_t units;       /* words in a row */
  int32_t threshold;
  float keep;            /* 1 / (1 - rate) */
  float slope;           /* of the activation below zero; 1: linear */
} Epilogue;

/* What makes `rows` rows of one tile or of two beside each other, out of so many terms, from `start` (may be NULL), at
 * row and column. */
typedef void MakeTile(const Term *, int, const float *, ptrdiff_t, ptrdiff_t, ptrdiff_t, const Epilogue *);

extern MakeTile *const ALAD_MAKE[2][BESIDE + 1][ROWS + 1]; /* [a read by column?][tiles][rows] */

/* Rows of the next tile: few rows use the machine badly, so what is left but for a small rest is split evenly. */
ALWAYS_INLINE int next_rows(ptrdiff_t left) {
  if (left >= ROWS + 2 * ROWS / 3 || left == ROWS) return ROWS;
  return left < ROWS ? (int)left : (int)((left + 1) / 2);
}

/* Tiles of the next columns. */
ALWAYS_INLINE int next_tiles(ptrdiff_t left) { return left > (BESIDE - 1) * TILE ? BESIDE : 1; }

/* out [rows, columns] = what `end` makes of start + the sum of the terms. */
static void product(ptrdiff_t rows, ptrdiff_t columns, bool by_column, const Term *terms, int count, const float *start,
                    ptrdiff_t start_stride, const Epilogue *end) {
  for (ptrdiff_t column = 0, tiles; column < columns; column += tiles * TILE) {
    tiles = next_tiles(columns - column);
    for (ptrdiff_t row = 0, step; row < rows; row += step) {
      step = next_rows(rows - row);
      ALAD_MAKE[by_column][tiles][step](terms, count, start, start_stride, row, column, end);
    }
  }
}

#endif
