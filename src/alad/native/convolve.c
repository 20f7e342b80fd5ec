/* Convolutions without copies of patches: pixels lie [image, row, column, channel], so that a kernel's row meets an
 * image in one run of numbers, and patches beside each other begin at equal distances. A convolution is a product of
 * as many terms as the kernel has rows, read where the image lies.
 */
#include "product.h"

#define MOST_KERNEL_ROWS 64

/* Pixels in: `in`, from one output to the next below and across, from one kernel row to the next; depth numbers of
 * each. Pixels out: the same distances. weight: panels [columns / 16][terms * depth][16]. */
typedef struct {
  int64_t images, down, across;
  const float *in;
  int64_t in_image, in_down, in_across, in_term;
  int64_t terms, depth;
  const float *weight, *scale, *bias; /* scale, bias [padded columns] or NULL */
  float *out;
  int64_t out_image, out_down, out_across, columns;
  float slope; /* of the activation below zero; 1: linear */
} Pass;

size_t alad_convolve_structure_bytes(void) { return sizeof(Pass); }

/* Tiles of the same columns one after the other: their weights stay near while all images pass by. */
void alad_convolve(const Pass *pass) {
  const ptrdiff_t panel = pass->terms * pass->depth * TILE;
  const bool plain = !pass->scale && !pass->bias && pass->slope == 1.0f;
  Term terms[MOST_KERNEL_ROWS];
  for (ptrdiff_t column = 0, tiles; column < pass->columns; column += tiles * TILE) {
    tiles = next_tiles(pass->columns - column);
    for (ptrdiff_t image = 0; image < pass->images; image++)
      for (ptrdiff_t row = 0; row < pass->down; row++) {
        const float *in = pass->in + image * pass->in_image + row * pass->in_down;
        for (int t = 0; t < pass->terms; t++)
          terms[t] = (Term){in + t * pass->in_term, pass->in_across, pass->weight + t * pass->depth * TILE, panel, TILE,
                            pass->depth};
        Finish end = {.out = pass->out + image * pass->out_image + row * pass->out_down, .stride = pass->out_across,
                      .columns = pass->columns, .plain = plain, .scale = pass->scale, .bias = pass->bias,
                      .slope = pass->slope};
        for (ptrdiff_t at = 0, step; at < pass->across; at += step) {
          step = next_rows(pass->across - at);
          ALAD_MAKE[0][tiles][step](terms, (int)pass->terms, NULL, 0, at, column, &end);
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
          const float *in = pass->in + image * pass->in_image + row * pass->in_down + t * pass->in_term;
          const float *out = pass->out + image * pass->out_image + row * pass->out_down;
          terms[count++] = (Term){in, pass->in_across, out, TILE, pass->out_across, pass->across};
        }
      float *to = weight + t * pass->depth * pass->columns;
      Finish end = {.out = to, .stride = pass->columns, .columns = pass->columns, .plain = true};
      product(pass->depth, pass->columns, true, terms, count, first ? to : NULL, pass->columns, &end);
    }
  }
}

size_t alad_convolve_term_bytes(void) { return sizeof(Term); }
