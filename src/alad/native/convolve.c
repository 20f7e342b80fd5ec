/* Convolutions without copies of patches: pixels lie [image, row, column, channel], so that a kernel's row meets an
 * image in one run of numbers, and patches beside each other begin at equal distances. A convolution is a product of
 * as many terms as the kernel has rows, read where the image lies.
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

/* Tiles of the same columns one after the other: their weights stay near while all images pass by. */
void alad_convolve(const Pass *pass) {
  const ptrdiff_t panel = pass->terms * pass->depth * TILE;
  const bool plain = !pass->scale && !pass->bias && !pass->mask && pass->slope == 1.0f;
  Term terms[MOST_KERNEL_ROWS];
  for (ptrdiff_t column = 0, tiles; column < pass->columns; column += tiles * TILE) {
    tiles = next_tiles(pass->columns - column);
    for (ptrdiff_t image = 0; image < pass->images; image++)
      for (ptrdiff_t row = 0; row < pass->down; row++) {
        int count = 0;
        for (ptrdiff_t t = 0; t < pass->terms; t++) {
          const float *in = met(pass, image, row, t);
          if (in) terms[count++] = (Term){in, pass->in_across, pass->weight + t * pass->depth * TILE, panel, TILE,
                                          pass->depth};
        }
        const ptrdiff_t out = image * pass->out_image + row * pass->out_down;
        Finish end = {.out = pass->out + out, .stride = pass->out_across, .columns = pass->columns, .plain = plain,
                      .scale = pass->scale, .bias = pass->bias, .slope = pass->slope,
                      .mask = pass->mask ? pass->mask + out : NULL};
        for (ptrdiff_t at = 0, step; at < pass->across; at += step) {
          step = next_rows(pass->across - at);
          ALAD_MAKE[0][tiles][step](terms, count, NULL, 0, at, column, &end);
        }
      }
  }
}

/* The gradient of the weights, a kernel row at a time: weight [terms * depth, columns], whole tiles of columns, becomes
 * the sum over all pixels of depth numbers in times the numbers out. */
void alad_convolve_weight(const Pass *pass, float *weight, int64_t images_at_once, Term *terms) {
  for (ptrdiff_t first = 0; first < pass->images; first += images_at_once) {
    const ptrdiff_t last = first + images_at_once < pass->images ? first + images_at_once : pass->images;
    for (ptrdiff_t t = 0; t < pass->terms; t++) {
      int count = 0;
      for (ptrdiff_t image = first; image < last; image++)
        for (ptrdiff_t row = 0; row < pass->down; row++) {
          const float *in = met(pass, image, row, t);
          const float *out = pass->out + image * pass->out_image + row * pass->out_down;
          if (in) terms[count++] = (Term){in, pass->in_across, out, TILE, pass->out_across, pass->across};
        }
      float *to = weight + t * pass->depth * pass->columns;
      Finish end = {.out = to, .stride = pass->columns, .columns = pass->columns, .plain = true};
      product(pass->depth, pass->columns, true, terms, count, first ? to : NULL, pass->columns, &end);
    }
  }
}

/* The way back through scale, bias, activation and mask for [images][rows][columns], y what they gave (NULL if linear):
 * `out`, the gradient by the sums (scale, mask: NULL = 1), and by the bias, if asked for, the sum over all rows before
 * scaling, image by image. */
void alad_finish_back(const float *dy, const float *y, const float *mask, const float *scale, float slope, float *out,
                      float *bias, int64_t images, int64_t rows, int64_t columns, float *partial) {
  if (bias) memset(bias, 0, (size_t)columns * sizeof(float));
  for (int64_t image = 0; image < images; image++) {
    memset(partial, 0, (size_t)columns * sizeof(float));
    for (int64_t row = 0; row < rows; row++) {
      const int64_t at = (image * rows + row) * columns;
#pragma omp simd
      for (int64_t c = 0; c < columns; c++) {
        float g = mask ? dy[at + c] * mask[at + c] : dy[at + c];
        if (y) g = y[at + c] > 0.0f ? g : g * slope;
        partial[c] += g;
        out[at + c] = scale ? g * scale[c] : g;
      }
    }
    if (bias)
      for (int64_t c = 0; c < columns; c++) bias[c] += partial[c];
  }
}

size_t alad_convolve_term_bytes(void) { return sizeof(Term); }

/* Rows of `run` numbers, each with so many zeros before and after it. */
void alad_border(const float *from, float *to, int64_t rows, int64_t run, int64_t before, int64_t after) {
  for (int64_t row = 0; row < rows; row++, from += run) {
    memset(to, 0, (size_t)before * sizeof(float));
    memcpy(to + before, from, (size_t)run * sizeof(float));
    memset(to + before + run, 0, (size_t)after * sizeof(float));
    to += before + run + after;
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
