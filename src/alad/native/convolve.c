/* Convolutions without copies of patches: pixels lie [image, row, column, channel], so that a kernel's row meets an
 * image in one run of numbers, and patches beside each other begin at equal distances. A convolution is a product of
 * as many terms as the kernel has rows, read where the image lies. Calls do one of `shares` parts of their work, number
 * `share`; the caller has the threads.
 */
#include "product.h"

#define MOST_KERNEL_ROWS 64

/* Pixels in: `rows` of them an image, one `in_row` below the other. Output row r is made of the kernel's rows t at
 * first + step * r + t, as far as they are there: those above and below are zeros and add nothing. Across, outputs begin
 * in_across apart, and every number of a patch's row, `depth` of them, is there. weight: panels
 * [columns / 16][terms * depth][16]. Pixels out: the same distances. */
typedef struct {
  int64_t images, down, across;
  const float *in;
  int64_t in_image, in_row, in_across;
  int64_t first, step, rows;
  int64_t terms, depth;
  const float *weight, *scale, *bias; /* scale, bias [padded columns] or NULL */
  float *out;
  const float *mask; /* of dropout, as out; or NULL */
  int64_t out_image, out_down, out_across, columns;
  float slope; /* of the activation below zero; 1: linear */
} Pass;

size_t alad_convolve_structure_bytes(void) { return sizeof(Pass); }

/* Where the kernel's row t meets an image's pixels for output row `row`; NULL if outside. */
ALWAYS_INLINE const float *met(const Pass *pass, ptrdiff_t image, ptrdiff_t row, ptrdiff_t t) {
  const ptrdiff_t at = pass->first + pass->step * row + t;
  return at < 0 || at >= pass->rows ? NULL : pass->in + image * pass->in_image + at * pass->in_row;
}

ALWAYS_INLINE ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

/* Outputs [first, last) of one row of an image, in the columns of some tiles beside each other. */
static void some_outputs(const Pass *pass, ptrdiff_t image, ptrdiff_t row, ptrdiff_t first, ptrdiff_t last,
                         ptrdiff_t column) {
  const ptrdiff_t panel = pass->terms * pass->depth * TILE, tiles = next_tiles(pass->columns - column);
  const ptrdiff_t out = image * pass->out_image + row * pass->out_down;
  Term terms[MOST_KERNEL_ROWS];
  int count = 0;
  for (ptrdiff_t t = 0; t < pass->terms; t++) {
    const float *in = met(pass, image, row, t);
    if (in) terms[count++] = (Term){in, pass->in_across, pass->weight + t * pass->depth * TILE, panel, TILE, pass->depth};
  }
  const Epilogue end = {.out = pass->out + out, .stride = pass->out_across, .columns = pass->columns,
                      .plain = !pass->scale && !pass->bias && !pass->mask && pass->slope == 1.0f,
                      .scale = pass->scale, .bias = pass->bias, .slope = pass->slope,
                      .mask = pass->mask ? pass->mask + out : NULL};
  for (ptrdiff_t at = first, step; at < last; at += step) {
    step = next_rows(last - at);
    ALAD_MAKE[0][tiles][step](terms, count, NULL, 0, at, column, &end);
  }
}

/* Rows of images are shared out, and parts of rows where there are few. Tiles of the same columns come one after the
 * other: their weights stay near while a share's rows pass by. */
void alad_convolve(const Pass *pass, int64_t share, int64_t shares) {
  const ptrdiff_t rows = pass->images * pass->down;
  if (rows == 0 || pass->across == 0) return;
  const ptrdiff_t part = (pass->across + shares - 1) / shares;
  const ptrdiff_t wide = rows >= shares ? pass->across : (part + ROWS - 1) / ROWS * ROWS;
  const ptrdiff_t parts = (pass->across + wide - 1) / wide, pieces = rows * parts;
  for (ptrdiff_t column = 0; column < pass->columns; column += next_tiles(pass->columns - column) * TILE)
    for (ptrdiff_t piece = share * pieces / shares; piece < (share + 1) * pieces / shares; piece++) {
      const ptrdiff_t row = piece / parts, first = piece % parts * wide;
      some_outputs(pass, row / pass->down, row % pass->down, first, least(first + wide, pass->across), column);
    }
}

/* The gradient of the weights [terms * depth, columns], whole tiles of columns: the sum over all pixels of depth numbers
 * in times the numbers out, so many images at once. Work lies in `terms`, a space of each share's own. */
void alad_convolve_weight(const Pass *pass, float *weight, int64_t images_at_once, Term *terms, int64_t share,
                          int64_t shares) {
  const ptrdiff_t wide = BESIDE * TILE, groups = (pass->columns + wide - 1) / wide;
  for (ptrdiff_t piece = share; piece < pass->terms * groups; piece += shares) {
    const ptrdiff_t t = piece / groups, column = piece % groups * wide, tiles = next_tiles(pass->columns - column);
    float *to = weight + t * pass->depth * pass->columns;
    const Epilogue end = {.out = to, .stride = pass->columns, .columns = pass->columns, .plain = true};
    for (ptrdiff_t first = 0; first < pass->images; first += images_at_once) {
      int count = 0;
      for (ptrdiff_t image = first; image < least(first + images_at_once, pass->images); image++)
        for (ptrdiff_t row = 0; row < pass->down; row++) {
          const float *in = met(pass, image, row, t);
          const float *out = pass->out + image * pass->out_image + row * pass->out_down;
          if (in) terms[count++] = (Term){in, pass->in_across, out, TILE, pass->out_across, pass->across};
        }
      for (ptrdiff_t row = 0, step; row < pass->depth; row += step) {
        step = next_rows(pass->depth - row);
        ALAD_MAKE[1][tiles][step](terms, count, first ? to : NULL, pass->columns, row, column, &end);
      }
    }
  }
}

/* The way back through scale, bias, activation and mask for [images][rows][columns], y what they gave (NULL if linear):
 * `out`, the gradient by the sums (scale, mask: NULL = 1), and each image's gradient by the bias, `partial`
 * [images][columns], the sum over its rows before scaling. */
void alad_epilogue_back(const float *dy, const float *y, const float *mask, const float *scale, float slope, float *out,
                        int64_t images, int64_t rows, int64_t columns, float *partial, int64_t share, int64_t shares) {
  for (int64_t image = share * images / shares; image < (share + 1) * images / shares; image++) {
    float *own = partial + image * columns;
    memset(own, 0, (size_t)columns * sizeof(float));
    for (int64_t row = 0; row < rows; row++) {
      const int64_t at = (image * rows + row) * columns;
#pragma omp simd
      for (int64_t c = 0; c < columns; c++) {
        float g = mask ? dy[at + c] * mask[at + c] : dy[at + c];
        if (y) g = y[at + c] > 0.0f ? g : g * slope;
        own[c] += g;
        out[at + c] = scale ? g * scale[c] : g;
      }
    }
  }
}

/* The sums over all rows [columns], from the first to the last. */
void alad_column_sums(const float *from, int64_t rows, int64_t columns, float *sums) {
  memset(sums, 0, (size_t)columns * sizeof(float));
  for (int64_t row = 0; row < rows; row++)
    for (int64_t c = 0; c < columns; c++) sums[c] += from[row * columns + c];
}

size_t alad_convolve_term_bytes(void) { return sizeof(Term); }

/* Rows of `run` numbers, each with so many zeros before and after it. */
void alad_border(const float *from, float *to, int64_t rows, int64_t run, int64_t before, int64_t after,
                 int64_t share, int64_t shares) {
  for (int64_t row = share * rows / shares; row < (share + 1) * rows / shares; row++) {
    float *here = to + row * (before + run + after);
    memset(here, 0, (size_t)before * sizeof(float));
    memcpy(here + before, from + row * run, (size_t)run * sizeof(float));
    memset(here + before + run, 0, (size_t)after * sizeof(float));
  }
}

/* A block [rows, columns] of numbers so far apart, from its place on in panels [.. / 16][all_rows][16]. */
void alad_to_panels(const float *from, int64_t row_stride, int64_t column_stride, int64_t rows, int64_t columns,
                    float *panels, int64_t all_rows, int64_t first_row, int64_t first_column) {
  for (int64_t at = 0, run; at < columns; at += run) {
    const int64_t column = first_column + at, lane = column % TILE;
    run = TILE - lane < columns - at ? TILE - lane : columns - at;
    float *to = panels + (column / TILE * all_rows + first_row) * TILE + lane;
    const float *here = from + at * column_stride;
    for (int64_t row = 0; row < rows; row++, here += row_stride, to += TILE)
      for (int64_t c = 0; c < run; c++) to[c] = here[c * column_stride];
  }
}
