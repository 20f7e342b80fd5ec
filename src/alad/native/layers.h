/* Dense layers of one member: forward, backward, dropout, batch norm, spectral norm, Adam. */
#ifndef ALAD_LAYERS_H
#define ALAD_LAYERS_H

#include <math.h>

#include "product.h"
#include "streams.h"

#define BATCHES 2 /* a pair discriminator with batch norm sees real and fake rows */

/* Packing for the tiles: eight numbers at a time whatever the registers hold, for the transpose is one of 8 x 8. */
typedef float eight __attribute__((vector_size(32), may_alias));
typedef float loose_eight __attribute__((vector_size(32), aligned(4), may_alias));
ALWAYS_INLINE eight load_eight(const float *from) { return *(const loose_eight *)from; }
ALWAYS_INLINE void store_eight(float *to, eight value) { *(loose_eight *)to = value; }

/* Copy scale * weight [inputs, outputs] into panels [outputs / 16][inputs][16], filled up with zeros. */
static void pack(const float *weight, ptrdiff_t inputs, ptrdiff_t outputs, float scale, float *restrict packed) {
  const ptrdiff_t whole = outputs / TILE * TILE, panel = inputs * TILE;
  for (ptrdiff_t i = 0; i < inputs; i++, weight += outputs) {
    float *to = packed + i * TILE;
    for (ptrdiff_t column = 0; column < whole; column += TILE, to += panel) {
      for (int p = 0; p < TILE; p += LANES) store(to + p, load(weight + column + p) * scale);
    }
    if (whole < outputs)
      for (int j = 0; j < TILE; j++) to[j] = j < outputs - whole ? weight[whole + j] * scale : 0.0f;
  }
}

ALWAYS_INLINE void transpose_eight(const float *from, ptrdiff_t stride, float scale, float *to) {
  eight a[8], b[8];
#define PAIR(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) a[i] = load_eight(from + i * stride) * scale;
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    b[i] = PAIR(a[i], a[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    b[i + 1] = PAIR(a[i], a[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {
    a[i] = PAIR(b[i], b[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
    a[i + 1] = PAIR(b[i], b[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    a[i + 2] = PAIR(b[i + 1], b[i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
    a[i + 3] = PAIR(b[i + 1], b[i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    store_eight(to + i * TILE, PAIR(a[i], a[i + 4], 0, 1, 2, 3, 8, 9, 10, 11));
    store_eight(to + (i + 4) * TILE, PAIR(a[i], a[i + 4], 4, 5, 6, 7, 12, 13, 14, 15));
  }
#undef PAIR
}

/* Copy the transpose of scale * weight [inputs, outputs] into panels [inputs / 16][outputs][16], filled up with zeros. */
static void pack_transposed(const float *weight, ptrdiff_t inputs, ptrdiff_t outputs, float scale, float *restrict to) {
  for (ptrdiff_t column = 0; column < inputs; column += TILE, to += outputs * TILE) {
    const float *from = weight + column * outputs;
    ptrdiff_t o = 0;
    if (inputs - column >= TILE)
      for (; o + 8 <= outputs; o += 8) {
        transpose_eight(from + o, outputs, scale, to + o * TILE);
        transpose_eight(from + o + 8 * outputs, outputs, scale, to + o * TILE + 8);
      }
    for (; o < outputs; o++)
      for (int j = 0; j < TILE; j++) to[o * TILE + j] = j < inputs - column ? from[j * outputs + o] * scale : 0.0f;
  }
}

/* Mirrors `Layer` in structures.py. Positions are offsets into a member's flat arrays. */
typedef struct {
  int64_t inputs, outputs, weight, bias, gamma, beta, mean, variance, u;
  int32_t dropout, threshold, batch_norm, spectral;
  float keep, slope;
} Layer;

/* Mirrors `Adam`: one side's optimiser at one update, the bias corrections worked in;
 * rest = 1 - beta, which float32 could not tell exactly. */
typedef struct {
  float beta1, beta2, rest1, rest2, epsilon, rate, root, average;
} Adam;

/* Mirrors `State`: one side's flat arrays, of one member. */
typedef struct {
  float *weights, *average, *moment, *square;
} State;

/* A layer in the workspace. Activations and gradients have `stride` floats a row. */
typedef struct {
  const Layer *shape;
  ptrdiff_t stride;
  float *packed, *packed_back[2]; /* weight; its transpose, for the upper and the lower inputs */
  float *bias, *out;
  float *factor, *d;              /* d out / d sum; d loss / d sum, which takes the factor's place */
  float *hat, *scale;             /* batch norm: normalised sums, 1 / deviation [BATCHES, stride] */
  float *left;                    /* spectral norm: left singular vector [inputs] */
  float inverse;                  /* 1 / largest singular value, or 1 */
  uint64_t *words;
} Node;

static void draw_dropout(Node *node, Random *random, ptrdiff_t rows) {
  if (!node->shape->dropout) return;
  ptrdiff_t count = (rows * node->shape->outputs + 3) / 4; /* four 16-bit words in each */
  Random r = *random;
  for (ptrdiff_t i = 0; i < count; i++) node->words[i] = next_word(&r);
  *random = r;
}

/* In eight partial sums however wide registers are: so all of them give the same bits. */
static float dot(const float *a, const float *b, ptrdiff_t count) {
  eight sums = {0};
  ptrdiff_t i = 0;
  for (; i + 8 <= count; i += 8) sums += *(const loose_eight *)(a + i) * *(const loose_eight *)(b + i);
  float sum = ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
  for (; i < count; i++) sum += a[i] * b[i];
  return sum;
}

static void add_scaled(float *restrict to, const float *restrict from, float scale, ptrdiff_t count) {
#pragma omp simd
  for (ptrdiff_t i = 0; i < count; i++) to[i] += scale * from[i];
}

/* Sum over rows into to[columns]. */
static void sum_rows(const float *d, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t columns, float *to) {
  memset(to, 0, (size_t)columns * sizeof(float));
  for (ptrdiff_t r = 0; r < rows; r++) add_scaled(to, d + r * stride, 1.0f, columns);
}

/* Divide by the length; return that. */
static float normalise(float *vector, ptrdiff_t count) {
  float length = sqrtf(dot(vector, vector, count)), inverse = 1.0f / (length < 1e-12f ? 1e-12f : length);
  for (ptrdiff_t i = 0; i < count; i++) vector[i] *= inverse;
  return length;
}

/* One power iteration from u, which is replaced: left = W u, u = W' left, both normalised; then left' W u = |W' left|. */
static float largest_singular_value(const Layer *layer, const float *weight, float *u, float *left) {
  for (int64_t i = 0; i < layer->inputs; i++) left[i] = dot(weight + i * layer->outputs, u, layer->outputs);
  normalise(left, layer->inputs);
  memset(u, 0, (size_t)layer->outputs * sizeof(float));
  for (int64_t i = 0; i < layer->inputs; i++) add_scaled(u, weight + i * layer->outputs, left[i], layer->outputs);
  return normalise(u, layer->outputs);
}

/* Lay out the weights for the products, divided by their singular value where the layer asks for it. */
static void prepare(Node *node, const float *weights, float *buffers) {
  const Layer *layer = node->shape;
  node->inverse = 1.0f;
  if (layer->spectral)
    node->inverse = 1.0f / largest_singular_value(layer, weights + layer->weight, buffers + layer->u, node->left);
  pack(weights + layer->weight, layer->inputs, layer->outputs, node->inverse, node->packed);
  memcpy(node->bias, weights + layer->bias, (size_t)layer->outputs * sizeof(float));
}

/* The same for the way back to inputs first .. first + count, into part 0 or 1. */
static void prepare_back(Node *node, const float *weights, int part, ptrdiff_t first, ptrdiff_t count) {
  const Layer *layer = node->shape;
  const float *weight = weights + layer->weight + first * layer->outputs;
  pack_transposed(weight, count, layer->outputs, node->inverse, node->packed_back[part]);
}

/* x [., count] W, for the rows first .. first + count of W. */
static Term through(const Node *node, const float *x, ptrdiff_t x_stride, ptrdiff_t first, ptrdiff_t count) {
  return (Term){x, x_stride, node->packed + first * TILE, node->shape->inputs * TILE, TILE, count};
}

/* d W' for all of the layer's outputs. */
static Term back_through(const Node *node, int part, ptrdiff_t row) {
  ptrdiff_t outputs = node->shape->outputs;
  return (Term){node->d + row * node->stride, node->stride, node->packed_back[part], outputs * TILE, TILE, outputs};
}

/* Sums of products without anything done to them, [rows, columns] into out. */
static void plain_product(ptrdiff_t rows, ptrdiff_t columns, Term term, bool add, float *out, ptrdiff_t stride) {
  Epilogue end = {.out = out, .stride = stride, .columns = padded(columns), .plain = true};
  product(rows, columns, false, &term, 1, add ? out : NULL, stride, &end);
}

/* Rows row .. row + rows of a layer: activation(start + terms + bias), with dropout. Dropout words are drawn beforehand. */
static void forward(Node *node, ptrdiff_t row, ptrdiff_t rows, const Term *terms, int count, const float *start,
                    ptrdiff_t start_stride, bool save) {
  const Layer *layer = node->shape;
  ptrdiff_t at = row * node->stride;
  Epilogue end = {.out = node->out + at, .stride = node->stride, .columns = padded(layer->outputs)};
  end.bias = node->bias, end.slope = layer->slope;
  if (layer->dropout) {
    end.words = (const uint16_t *)node->words + row * layer->outputs;
    end.units = layer->outputs, end.threshold = layer->threshold, end.keep = layer->keep;
  }
  if (layer->batch_norm) /* activation and dropout come after it */
    end.out = node->hat + at, end.slope = 1.0f, end.words = NULL;
  else if (save && node->factor)
    end.save_factor = node->factor + at;
  product(rows, layer->outputs, false, terms, count, start, start_stride, &end);
}

/* Batch norm, activation and dropout on the n rows of one batch; `track` moves the running statistics. */
static void normalise_batch(Node *node, const float *weights, float *buffers, int batch, ptrdiff_t n, bool track,
                            float epsilon, float momentum) {
  const Layer *layer = node->shape;
  const ptrdiff_t units = layer->outputs, stride = node->stride;
  float *hat = node->hat + batch * n * stride, *scale = node->scale + batch * stride;
  float mean[units], variance[units];
  sum_rows(hat, stride, n, units, mean);
  memset(variance, 0, sizeof variance);
  for (ptrdiff_t j = 0; j < units; j++) mean[j] /= (float)n;
  for (ptrdiff_t r = 0; r < n; r++)
#pragma omp simd
    for (ptrdiff_t j = 0; j < units; j++) {
      float centred = hat[r * stride + j] - mean[j];
      hat[r * stride + j] = centred;
      variance[j] += centred * centred;
    }
  for (ptrdiff_t j = 0; j < units; j++) {
    variance[j] /= (float)n;
    scale[j] = 1.0f / sqrtf(variance[j] + epsilon);
  }
  if (track)
    for (ptrdiff_t j = 0; j < units; j++) {
      float *running_mean = buffers + layer->mean + j, *running_variance = buffers + layer->variance + j;
      *running_mean += momentum * (mean[j] - *running_mean);
      *running_variance += momentum * (variance[j] - *running_variance);
    }
  const float *gamma = weights + layer->gamma, *beta = weights + layer->beta;
  const float slope = layer->slope;
  for (ptrdiff_t r = 0; r < n; r++) {
    ptrdiff_t row = batch * n + r;
    float *out = node->out + row * stride, *factor = node->factor + row * stride;
#pragma omp simd
    for (ptrdiff_t j = 0; j < units; j++) {
      float normal = hat[r * stride + j] * scale[j], h = beta[j] + normal * gamma[j];
      hat[r * stride + j] = normal;
      factor[j] = h > 0.0f ? 1.0f : slope;
      out[j] = h * factor[j];
    }
    if (layer->dropout)
      for (ptrdiff_t j = 0; j < units; j++) {
        uint16_t word;
        memcpy(&word, (const char *)node->words + 2 * (row * units + j), 2);
        float kept = word >= layer->threshold ? layer->keep : 0.0f;
        factor[j] *= kept, out[j] *= kept;
      }
  }
}

/* Turn node->d of one batch from the gradient by the normalised and scaled sums into that by the sums themselves;
 * add to the gradients of gamma and beta [units] unless these are NULL. */
static void denormalise_batch(Node *node, const float *weights, int batch, ptrdiff_t n, float *gamma_gradient,
                              float *beta_gradient) {
  const Layer *layer = node->shape;
  const ptrdiff_t units = layer->outputs, stride = node->stride;
  const float *gamma = weights + layer->gamma, *scale = node->scale + batch * stride;
  float *d = node->d + batch * n * stride, *hat = node->hat + batch * n * stride;
  float sum[units], product_sum[units];
  sum_rows(d, stride, n, units, sum);
  memset(product_sum, 0, sizeof product_sum);
  for (ptrdiff_t r = 0; r < n; r++)
#pragma omp simd
    for (ptrdiff_t j = 0; j < units; j++) product_sum[j] += d[r * stride + j] * hat[r * stride + j];
  if (gamma_gradient) {
    add_scaled(gamma_gradient, product_sum, 1.0f, units);
    add_scaled(beta_gradient, sum, 1.0f, units);
  }
  for (ptrdiff_t j = 0; j < units; j++) sum[j] /= (float)n, product_sum[j] /= (float)n;
  for (ptrdiff_t r = 0; r < n; r++)
#pragma omp simd
    for (ptrdiff_t j = 0; j < units; j++) {
      float by_normal = d[r * stride + j] - sum[j] - hat[r * stride + j] * product_sum[j];
      d[r * stride + j] = by_normal * gamma[j] * scale[j];
    }
}

/* Gradient by the sums of a layer's predecessor: rows of `before`->d = (d W') * factor. */
static void backward(Node *before, const Node *node, int part, ptrdiff_t row, ptrdiff_t rows) {
  ptrdiff_t at = row * before->stride;
  Term term = back_through(node, part, row);
  ptrdiff_t columns = before->shape->outputs;
  Epilogue end = {.out = before->d + at, .stride = before->stride, .columns = padded(columns), .plain = true};
  end.factor = before->factor ? before->factor + at : NULL;
  product(rows, columns, false, &term, 1, NULL, 0, &end);
}

/* x' d for `count` inputs: into the rows of gradient [count, outputs]. */
static Term outer(const float *x, ptrdiff_t x_stride, const float *d, ptrdiff_t d_stride, ptrdiff_t rows) {
  return (Term){x, x_stride, d, TILE, d_stride, rows};
}

static void weight_gradient(const Node *node, const Term *terms, int count, ptrdiff_t inputs, float *gradient) {
  ptrdiff_t outputs = node->shape->outputs;
  Epilogue end = {.out = gradient, .stride = outputs, .columns = outputs, .plain = true};
  product(inputs, outputs, true, terms, count, NULL, 0, &end);
}

/* With sums x W / s + b and s = left' W u: d/dW = G / s - <G, W> / s^2 left u', where G = x' d. */
static void spectral_gradient(const Node *node, const float *weight, const float *u, float *gradient) {
  const Layer *layer = node->shape;
  const float inverse = node->inverse;
  const float along = dot(gradient, weight, layer->inputs * layer->outputs) * inverse * inverse;
  for (int64_t i = 0; i < layer->inputs; i++) {
    float *row = gradient + i * layer->outputs, back = along * node->left[i];
#pragma omp simd
    for (int64_t j = 0; j < layer->outputs; j++) row[j] = row[j] * inverse - back * u[j];
  }
}

/* Adam (Kingma & Ba 2015) and the moving average, on the weights first .. first + count. */
static void descend(const Adam *adam, const State *state, ptrdiff_t first, ptrdiff_t count, const float *restrict gradient) {
  float *restrict weights = state->weights + first, *restrict average = state->average + first;
  float *restrict moment = state->moment + first, *restrict square = state->square + first;
  const float beta1 = adam->beta1, beta2 = adam->beta2, rest1 = adam->rest1, rest2 = adam->rest2;
  const float rate = adam->rate, root = adam->root, epsilon = adam->epsilon, share = adam->average;
#pragma omp simd
  for (ptrdiff_t i = 0; i < count; i++) {
    float g = gradient[i];
    float m = beta1 * moment[i] + rest1 * g, v = beta2 * square[i] + rest2 * (g * g);
    float w = weights[i] - rate * m / (sqrtf(v) * root + epsilon);
    moment[i] = m, square[i] = v, weights[i] = w;
    average[i] += share * (w - average[i]);
  }
}

/* Gradients of bias (and spectral norm) from node->d, then the update. `gradient` holds weight, bias, gamma, beta. */
static void learn(const Node *node, const Adam *adam, const State *state, const float *buffers, ptrdiff_t rows,
                  float *gradient) {
  const Layer *layer = node->shape;
  const ptrdiff_t outputs = layer->outputs;
  float *bias = gradient + (layer->bias - layer->weight);
  if (layer->batch_norm) /* it takes off whatever the bias adds */
    memset(bias, 0, (size_t)outputs * sizeof(float));
  else
    sum_rows(node->d, node->stride, rows, outputs, bias);
  if (layer->spectral) spectral_gradient(node, state->weights + layer->weight, buffers + layer->u, gradient);
  ptrdiff_t count = layer->inputs * outputs + outputs * (layer->batch_norm ? 3 : 1);
  descend(adam, state, layer->weight, count, gradient);
}

#endif
