/* The tiles of `product.h`: for each number of rows a function whose sums stay in registers. */
#include "product.h"

ALWAYS_INLINE some kept(const uint16_t *words, int32_t threshold, some value) {
  some_bits word = __builtin_convertvector(*(const loose_words *)words, some_bits);
  return (some)((some_bits)value & (word >= threshold));
}

ALWAYS_INLINE void epilogue_forward(const Epilogue *f, some sum, ptrdiff_t row, ptrdiff_t column) {
  ptrdiff_t at = row * f->stride + column;
  if (f->scale) sum *= load(f->scale + column);
  if (f->bias) sum += load(f->bias + column);
  some slope = (some){0} + 1.0f;
  if (f->slope != 1.0f) slope = either(sum > 0.0f, slope, (some){0} + f->slope);
  if (f->words) slope = kept(f->words + row * f->units + column, f->threshold, slope * f->keep);
  sum *= slope;
  if (f->mask) sum *= load(f->mask + at);
  store(f->out + at, sum);
  if (f->save_factor) store(f->save_factor + at, slope);
}

/* The whole life of one tile, or of two beside each other. `start` may be NULL. */
ALWAYS_INLINE void make_tile(const int rows, const int tiles, const bool by_column, const Term *terms, int count,
                             const float *start, ptrdiff_t start_stride, ptrdiff_t row, ptrdiff_t column,
                             const Epilogue *end) {
#define ALL_PARTS \
  _Pragma("GCC unroll 12") for (int r = 0; r < rows; r++) _Pragma("GCC unroll 2") for (int p = 0; p < parts; p++)
  const int parts = tiles * PARTS;
  some sum[ROWS][BESIDE * PARTS];
  ALL_PARTS sum[r][p] = start ? load(start + (row + r) * start_stride + column + p * LANES) : (some){0};
  for (int t = 0; t < count; t++) {
    const Term *term = &terms[t];
    const float *b = term->b + column / TILE * term->panel;
    const float *a = by_column ? term->a + row : term->a + row * term->a_stride;
    const ptrdiff_t b_stride = term->b_stride, a_stride = term->a_stride, depth = term->depth;
    const ptrdiff_t next = tiles == 1 ? LANES : term->panel; /* from part to part: a tile of two, or two of one */
#pragma GCC unroll 2
    for (ptrdiff_t k = 0; k < depth; k++) {
      some line[BESIDE * PARTS];
#pragma GCC unroll 2
      for (int p = 0; p < parts; p++) line[p] = load(b + p * next);
      ALL_PARTS sum[r][p] += line[p] * (by_column ? a[r] : a[r * a_stride]);
      a += by_column ? a_stride : 1;
      b += b_stride;
    }
  }
  const ptrdiff_t left = end->columns - column;
  float *out = end->out + row * end->stride + column;
  if (left < tiles * TILE) { /* by way of whole tiles; no factors and no words of dropout here */
    float edge[ROWS][BESIDE * TILE];
    const Epilogue here = {.out = edge[0] - column, .stride = BESIDE * TILE, .scale = end->scale, .bias = end->bias,
                         .slope = end->slope};
    if (end->plain) ALL_PARTS store(edge[r] + p * LANES, sum[r][p]);
    else ALL_PARTS epilogue_forward(&here, sum[r][p], r, column + p * LANES);
    for (int r = 0; r < rows; r++) {
      const ptrdiff_t at = (row + r) * end->stride + column;
      for (ptrdiff_t c = 0; c < left && end->mask; c++) edge[r][c] *= end->mask[at + c];
      memcpy(end->out + at, edge[r], (size_t)left * sizeof(float));
    }
  } else if (end->factor) {
    const float *factor = end->factor + row * end->stride + column;
    ALL_PARTS store(out + r * end->stride + p * LANES, sum[r][p] * load(factor + r * end->stride + p * LANES));
  } else if (end->plain) {
    ALL_PARTS store(out + r * end->stride + p * LANES, sum[r][p]);
  } else {
    ALL_PARTS epilogue_forward(end, sum[r][p], row + r, column + p * LANES);
  }
#undef ALL_PARTS
}

#define MAKE_TILE(rows, tiles, by)                                                                              \
  static void tile_##rows##_##tiles##_##by(const Term *terms, int count, const float *start, ptrdiff_t stride,    \
                                           ptrdiff_t row, ptrdiff_t column, const Epilogue *end) {                  \
    make_tile(rows, tiles, by, terms, count, start, stride, row, column, end);                                     \
  }
#define MAKE_SIX(tiles, by)                                                            \
  MAKE_TILE(1, tiles, by) MAKE_TILE(2, tiles, by) MAKE_TILE(3, tiles, by)                \
  MAKE_TILE(4, tiles, by) MAKE_TILE(5, tiles, by) MAKE_TILE(6, tiles, by)
#define NAME_SIX(tiles, by)                                                             \
  tile_1_##tiles##_##by, tile_2_##tiles##_##by, tile_3_##tiles##_##by, tile_4_##tiles##_##by, \
      tile_5_##tiles##_##by, tile_6_##tiles##_##by
MAKE_SIX(1, 0) MAKE_SIX(1, 1)
#ifdef __AVX512F__
#define MAKE_SIX_MORE(tiles, by)                                                       \
  MAKE_TILE(7, tiles, by) MAKE_TILE(8, tiles, by) MAKE_TILE(9, tiles, by)                \
  MAKE_TILE(10, tiles, by) MAKE_TILE(11, tiles, by) MAKE_TILE(12, tiles, by)
#define NAME_TWELVE(tiles, by)                                                             \
  NAME_SIX(tiles, by), tile_7_##tiles##_##by, tile_8_##tiles##_##by, tile_9_##tiles##_##by, \
      tile_10_##tiles##_##by, tile_11_##tiles##_##by, tile_12_##tiles##_##by
MAKE_SIX_MORE(1, 0) MAKE_SIX_MORE(1, 1)
MAKE_SIX(2, 0) MAKE_SIX(2, 1) MAKE_SIX_MORE(2, 0) MAKE_SIX_MORE(2, 1)
MakeTile *const ALAD_MAKE[2][BESIDE + 1][ROWS + 1] = {{{0}, {0, NAME_TWELVE(1, 0)}, {0, NAME_TWELVE(2, 0)}},
                                                        {{0}, {0, NAME_TWELVE(1, 1)}, {0, NAME_TWELVE(2, 1)}}};
#else
MakeTile *const ALAD_MAKE[2][BESIDE + 1][ROWS + 1] = {{{0}, {0, NAME_SIX(1, 0)}}, {{0}, {0, NAME_SIX(1, 1)}}};
#endif
