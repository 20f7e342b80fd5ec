/* AnoGAN's search for the codes of some rows: the hand-written twin of alad.anogan.search.
 *
 * The networks stay as they are, so their weights come packed and only z has a gradient. Rows share nothing but the weights,
 * and every sum over columns runs in the same order for each of them: what a row gets does not depend on the others, on
 * its place among them, or on how many there are.
 */
#include <math.h>

#include "packed.h"

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

/* Mirrors `Search`: G's layers, then those of D up to its features. Update t is
 * z -= rates[t] * moment / (sqrt(square) * roots[t] + epsilon); rest = 1 - beta, which float32 could not tell exactly. */
typedef struct {
  int64_t generator, discriminator, steps;
  const PackedLayer *layers;
  const float *start, *rates, *roots; /* [latent], [steps], [steps] */
  float beta1, beta2, rest1, rest2, epsilon;
  float residual, discrimination; /* what the two terms weigh in the loss */
} Search;

/* Mirrors `Rows`: x [count, width] with `stride` floats a row; results z [count, latent], G(z) [count, width]
 * and the two terms [count]. */
typedef struct {
  const float *x;
  int64_t stride, count;
  float *z, *generated;
  double *residual, *discrimination;
} Rows;

/* A layer in the workspace; `d` holds d out / d sum until d loss / d sum takes its place. */
typedef struct {
  const PackedLayer *shape;
  ptrdiff_t stride;
  float *out, *d;
} Node;

typedef struct {
  const Search *search;
  const Rows *rows;
  Node *first, *generated, *features; /* the first layer, the last of G and the last of D */
  ptrdiff_t z_stride;
  float *z, *gradient, *moment, *square;
  float *x, *f; /* the rows, and their features */
} Descent;

static ptrdiff_t floats_in(ptrdiff_t count, ptrdiff_t columns) { return count * stride_of(columns); }

static float *take(float **memory, ptrdiff_t count) {
  float *piece = *memory;
  *memory += count;
  return piece;
}

static void arrange(Descent *descent, const Search *search, const Rows *rows, Node *nodes, float *memory) {
  const ptrdiff_t count = rows->count, layers = search->generator + search->discriminator;
  for (ptrdiff_t l = 0; l < layers; l++) {
    const PackedLayer *layer = &search->layers[l];
    float *out = take(&memory, floats_in(count, layer->outputs)), *d = take(&memory, floats_in(count, layer->outputs));
    nodes[l] = (Node){layer, stride_of(layer->outputs), out, d};
  }
  const ptrdiff_t latent = nodes->shape->inputs;
  *descent = (Descent){search, rows, nodes, nodes + search->generator - 1, nodes + layers - 1, stride_of(latent)};
  descent->z = take(&memory, floats_in(count, latent)), descent->gradient = take(&memory, floats_in(count, latent));
  descent->moment = take(&memory, floats_in(count, latent)), descent->square = take(&memory, floats_in(count, latent));
  descent->x = take(&memory, floats_in(count, descent->generated->shape->outputs));
  descent->f = take(&memory, floats_in(count, descent->features->shape->outputs));
}

/* --- forward and backward through one layer --- */

static void forward(const Descent *descent, const Node *node, const float *input, ptrdiff_t stride, bool save) {
  const PackedLayer *layer = node->shape;
  Term term = packed_term(layer, input, stride);
  Epilogue end = packed_epilogue(layer, node->out, node->stride);
  end.save_factor = save && layer->slope != 1.0f ? node->d : NULL;
  product(descent->rows->count, layer->outputs, false, &term, 1, NULL, 0, &end);
}

/* From node->d to the gradient by its inputs, `to`, which may start from what is there and may hold the factor of the
 * layer before. */
static void backward(const Descent *descent, const Node *node, float *to, ptrdiff_t stride, bool add, bool factor) {
  const PackedLayer *layer = node->shape;
  Term term = {node->d, node->stride, layer->packed_back, layer->outputs * TILE, TILE, layer->outputs};
  Epilogue end = {.out = to, .stride = stride, .columns = padded(layer->inputs), .plain = true};
  end.factor = factor ? to : NULL;
  product(descent->rows->count, layer->inputs, false, &term, 1, add ? to : NULL, stride, &end);
}

/* --- one step --- */

/* All layers from `node` on. */
static void run(const Descent *descent, const Node *node, const float *input, ptrdiff_t stride, bool save) {
  for (; node <= descent->features; input = node->out, stride = node->stride, node++)
    forward(descent, node, input, stride, save);
}

/* weight * sign(a - b), times what `to` holds if `factor`: gradient of weight * |a - b| by the sums that a comes from. */
static void signs(const Node *node, const float *b, ptrdiff_t count, float weight, bool factor) {
  const ptrdiff_t columns = padded(node->shape->outputs);
  for (ptrdiff_t r = 0; r < count; r++) {
    const float *at = node->out + r * node->stride, *other = b + r * node->stride;
    float *to = node->d + r * node->stride;
#pragma omp simd
    for (ptrdiff_t j = 0; j < columns; j++) {
      float gap = at[j] - other[j];
      float sign = (gap > 0.0f ? weight : 0.0f) - (gap < 0.0f ? weight : 0.0f);
      to[j] = factor ? to[j] * sign : sign;
    }
  }
}

static void find_gradient(const Descent *descent) {
  const Search *search = descent->search;
  const ptrdiff_t count = descent->rows->count;
  Node *generated = descent->generated;
  signs(descent->features, descent->f, count, search->discrimination, true);
  signs(generated, descent->x, count, search->residual, false);
  for (Node *node = descent->features; node > generated + 1; node--)
    backward(descent, node, node[-1].d, node[-1].stride, false, true);
  backward(descent, generated + 1, generated->d, generated->stride, true, false);
  for (Node *node = generated; node > descent->first; node--)
    backward(descent, node, node[-1].d, node[-1].stride, false, true);
  backward(descent, descent->first, descent->gradient, descent->z_stride, false, false);
}

/* Adam (Kingma & Ba 2015) on z; what is padded has no gradient and stays 0. */
static void descend(const Descent *descent, int64_t step) {
  const Search *search = descent->search;
  const ptrdiff_t columns = padded(descent->first->shape->inputs);
  const float beta1 = search->beta1, beta2 = search->beta2, rest1 = search->rest1, rest2 = search->rest2;
  const float rate = search->rates[step], root = search->roots[step], epsilon = search->epsilon;
  for (ptrdiff_t r = 0; r < descent->rows->count; r++) {
    const ptrdiff_t at = r * descent->z_stride;
    float *z = descent->z + at, *moment = descent->moment + at, *square = descent->square + at;
    const float *gradient = descent->gradient + at;
#pragma omp simd
    for (ptrdiff_t j = 0; j < columns; j++) {
      float g = gradient[j], m = beta1 * moment[j] + rest1 * g, v = beta2 * square[j] + rest2 * (g * g);
      moment[j] = m, square[j] = v;
      z[j] -= rate * m / (sqrtf(v) * root + epsilon);
    }
  }
}

/* --- start and end --- */

/* The workspace is zeroed: z and x are 0 where they are padded, Adam's moments everywhere. */
static void begin(const Descent *descent) {
  const Rows *rows = descent->rows;
  const size_t width = (size_t)descent->generated->shape->outputs, latent = (size_t)descent->first->shape->inputs;
  const ptrdiff_t x_stride = descent->generated->stride;
  for (ptrdiff_t r = 0; r < rows->count; r++) {
    memcpy(descent->x + r * x_stride, rows->x + r * rows->stride, width * sizeof(float));
    memcpy(descent->z + r * descent->z_stride, descent->search->start, latent * sizeof(float));
  }
  run(descent, descent->generated + 1, descent->x, x_stride, false);
  memcpy(descent->f, descent->features->out, (size_t)(rows->count * descent->features->stride) * sizeof(float));
}

/* sum_j |a_j - b_j| of every row. */
static void distances(const Node *node, const float *b, ptrdiff_t count, double *to) {
  for (ptrdiff_t r = 0; r < count; r++) {
    const float *at = node->out + r * node->stride, *other = b + r * node->stride;
    to[r] = 0.0;
    for (ptrdiff_t j = 0; j < node->shape->outputs; j++) to[r] += fabs((double)at[j] - (double)other[j]);
  }
}

static void end(const Descent *descent) {
  const Rows *rows = descent->rows;
  const Node *generated = descent->generated;
  distances(descent->generated, descent->x, rows->count, rows->residual);
  distances(descent->features, descent->f, rows->count, rows->discrimination);
  hand_out(descent->z, descent->z_stride, descent->first->shape->inputs, rows->count, rows->z);
  hand_out(generated->out, generated->stride, generated->shape->outputs, rows->count, rows->generated);
}

int64_t alad_search_workspace_bytes(const Search *search, int64_t count) {
  const int64_t layers = search->generator + search->discriminator;
  ptrdiff_t floats = 4 * floats_in(count, search->layers[0].inputs);
  for (int64_t l = 0; l < layers; l++) floats += 2 * floats_in(count, search->layers[l].outputs);
  floats += floats_in(count, search->layers[search->generator - 1].outputs);
  floats += floats_in(count, search->layers[layers - 1].outputs);
  return floats * (ptrdiff_t)sizeof(float);
}

/* `workspace`: zeroed memory of that size on a 64-byte boundary, for this call alone. */
void alad_search(const Search *search, const Rows *rows, void *workspace) {
  Node nodes[search->generator + search->discriminator];
  Descent descent;
#if defined(__SSE__)
  unsigned int mode = _mm_getcsr();
  _mm_setcsr(mode | 0x8040); /* numbers below 1e-38 are zero: they would be slow */
#endif
  arrange(&descent, search, rows, nodes, workspace);
  begin(&descent);
  for (int64_t step = 0; step < search->steps; step++) {
    run(&descent, descent.first, descent.z, descent.z_stride, true);
    find_gradient(&descent);
    descend(&descent, step);
  }
  run(&descent, descent.first, descent.z, descent.z_stride, false);
  end(&descent);
#if defined(__SSE__)
  _mm_setcsr(mode);
#endif
}

int64_t alad_search_structure_bytes(int which) {
  const size_t sizes[] = {sizeof(PackedLayer), sizeof(Search), sizeof(Rows)};
  return (int64_t)sizes[which];
}
