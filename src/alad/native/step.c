/* One update of both sides of the adversarial game for one member: the hand-written twin of alad.adversarial.step.GameStep.
 *
 * Same games (those of native_structures.TERMS), same order of random numbers, same arrays, changed in place. What needs no
 * gradient is left out: the discriminators' update sends none to E and G, that of E and G forms none for weights of
 * discriminators, for x, for z, or for constant halves of a pair. No state survives a call, nothing is shared between members.
 */
#include "layers.h"
#include "periods.h"

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#define MOST_LAYERS 64

/* Mirrors `Plan`: what stays from step to step. Depths count layers; an absent discriminator has depth 0.
 *
 * noisy: whether D_xx sees G(E(x~)) instead of G(E(x)), x~ = x + exp(level) noise; E and G then read the level, from
 * `lowest` to `highest`, as one input more, `lowest` for all but x~ and E(x~). denoising: the weight of the mean of (x - G(E(x~)))² in the loss of E
 * and G. periods: how many frequencies of each column E reads the sines and cosines of, which lie at `frequencies`
 * among the weights of E and G. */
typedef struct {
  int64_t batch, width, latent, encoder, generator, xz, xx, zz, noisy, periods, frequencies;
  const Layer *layers; /* E, G, D_xz (x, z, joint ..., logit), D_xx (joint ..., logit), D_zz */
  float norm_epsilon, norm_momentum, lowest, highest, denoising;
} Plan;

/* Mirrors `Member`: where one member's arrays and this step's numbers lie. */
typedef struct {
  State generator, discriminator;
  const Adam *generator_adam, *discriminator_adam;
  float *buffers;
  const float *X;
  int64_t X_stride;
  const int64_t *rows[2]; /* numbers of the rows of both batches */
  const uint32_t *seed;   /* of the step's random numbers */
  float *losses;          /* [2] */
} Member;

typedef struct {
  Node *a, *b; /* branches of D_xz; NULL: the pair goes straight into the joint layers */
  Node *joint, *logit;
  int64_t depth;
} Discriminator;

typedef struct {
  const Plan *plan;
  const Member *member;
  float *samples; /* z [2, batch, latent]; then, of a noisy game, level [2, batch] and noise [2, batch, width] */
  Ziggurat *ziggurat;
  Random random;
  Node nodes[MOST_LAYERS];
  Node *encoder, *generator;
  Discriminator xz, xx, zz;
  ptrdiff_t x_stride, z_stride;
  ptrdiff_t noisy;    /* rows of x~: the batch, or 0 */
  float *x, *z;       /* x~, x, G(z), G(E(x~)) and z, E(x~), E(x), E(G(z)), [batch, .] each: inputs and outputs of E and G
                       * in one; without noise there is no x~, and G(E(x)) in the place of G(E(x~)) */
  float *d_x, *d_z;   /* gradients by the outputs of G and by those of E, in this order */
  float *read, *d_read; /* what E reads, where that is not x: with sines and cosines; gradient by it */
  ptrdiff_t read_stride;
  float *shared;      /* what the real and the fake pairs of a cycle have in common */
  float *logits, *d_logits;
  float *gradient; /* of one layer */
} Game;

/* --- the workspace: taken piece by piece from one block; without a block its size is counted --- */

typedef struct {
  char *block;
  size_t used;
} Arena;

static void *take(Arena *arena, ptrdiff_t bytes) {
  void *piece = arena->block ? arena->block + arena->used : NULL;
  arena->used += ((size_t)bytes + 63) / 64 * 64;
  return piece;
}

static float *take_floats(Arena *arena, ptrdiff_t count) { return take(arena, count * (ptrdiff_t)sizeof(float)); }

/* Weights of discriminators are packed right before use, into `packs`, which they share and which so stay in the cache. */
static void arrange_layer(Arena *arena, Node *node, const Layer *layer, ptrdiff_t rows, float *const *packs) {
  ptrdiff_t outputs = layer->outputs, size = rows * stride_of(outputs);
  bool bent = layer->slope != 1.0f || layer->dropout || layer->batch_norm;
  *node = (Node){.shape = layer, .stride = stride_of(outputs), .inverse = 1.0f};
  node->packed = packs ? packs[0] : take_floats(arena, layer->inputs * padded(outputs));
  node->packed_back[0] = packs ? packs[1] : take_floats(arena, padded(layer->inputs) * outputs);
  node->packed_back[1] = packs ? packs[2] : NULL; /* only discriminators' joint layers have two sides */
  node->bias = take_floats(arena, padded(outputs));
  node->out = take_floats(arena, size);
  node->d = take_floats(arena, size);
  node->factor = bent ? node->d : NULL;
  node->hat = layer->batch_norm ? take_floats(arena, size) : NULL;
  node->scale = layer->batch_norm ? take_floats(arena, BATCHES * node->stride) : NULL;
  node->left = layer->spectral ? take_floats(arena, layer->inputs) : NULL;
  node->words = layer->dropout ? take(arena, rows * outputs * 2 + 64) : NULL;
}

static void arrange_discriminator(Discriminator *discriminator, Node **next, int64_t depth, bool branches) {
  *discriminator = (Discriminator){.depth = depth};
  if (!depth) return;
  if (branches) discriminator->a = (*next)++, discriminator->b = (*next)++;
  discriminator->joint = *next, *next += depth;
  discriminator->logit = (*next)++;
}

static void arrange(Game *game, Arena *arena, const Plan *plan) {
  const ptrdiff_t n = plan->batch;
  const int64_t made_by = plan->encoder + plan->generator; /* layers of E and G */
  Node *next = game->nodes;
  game->plan = plan;
  game->noisy = plan->noisy ? n : 0;
  const ptrdiff_t made = game->noisy + 2 * n; /* rows that E reads: x~, x, G(z) */
  game->encoder = next, next += plan->encoder;
  game->generator = next, next += plan->generator;
  arrange_discriminator(&game->xz, &next, plan->xz, true);
  arrange_discriminator(&game->xx, &next, plan->xx, false);
  arrange_discriminator(&game->zz, &next, plan->zz, false);
  ptrdiff_t widest = 0, largest = 0;
  for (const Layer *layer = plan->layers; layer < plan->layers + (next - game->nodes); layer++) {
    ptrdiff_t size = padded(layer->inputs + 3) * padded(layer->outputs);
    if (stride_of(layer->outputs) > widest) widest = stride_of(layer->outputs);
    if (size > largest) largest = size;
  }
  float *packs[3] = {take_floats(arena, largest), take_floats(arena, largest), take_floats(arena, largest)};
  for (int64_t l = 0; l < next - game->nodes; l++)
    arrange_layer(arena, &game->nodes[l], &plan->layers[l], l < made_by ? made : 2 * n, l < made_by ? NULL : packs);
  game->x_stride = stride_of(plan->width + (plan->noisy != 0)), game->z_stride = stride_of(plan->latent + (plan->noisy != 0));
  game->x = take_floats(arena, (made + n) * game->x_stride), game->z = take_floats(arena, (made + n) * game->z_stride);
  game->d_x = take_floats(arena, 2 * n * game->x_stride), game->d_z = take_floats(arena, made * game->z_stride);
  game->read = game->x, game->read_stride = game->x_stride, game->d_read = NULL;
  if (plan->periods) {
    game->read_stride = stride_of(game->encoder->shape->inputs);
    game->read = take_floats(arena, made * game->read_stride), game->d_read = take_floats(arena, made * game->read_stride);
  }
  game->shared = take_floats(arena, n * widest);
  game->logits = take_floats(arena, 2 * n), game->d_logits = take_floats(arena, 2 * n);
  game->gradient = take_floats(arena, largest);
  game->samples = take_floats(arena, 2 * n * (plan->latent + (plan->noisy ? 1 + plan->width : 0)));
  game->ziggurat = take(arena, sizeof(Ziggurat));
  Node *encoded = game->encoder + plan->encoder - 1, *generated = game->generator + plan->generator - 1;
  encoded->d = game->d_z, generated->d = game->d_x;
  encoded->stride = game->z_stride, generated->stride = game->x_stride;
  if (!arena->block) return;
  encoded->out = game->z + n * game->z_stride, generated->out = game->x + (game->noisy + n) * game->x_stride;
}

/* --- what is drawn --- */

/* All samples of a step; words of dropout come after them, each 64 bits. */
static void draw_samples(Game *game) {
  const Plan *plan = game->plan;
  const int64_t rows = 2 * plan->batch;
  float *z = game->samples, *level = z + rows * plan->latent;
  draw_normals(game->ziggurat, &game->random, rows * plan->latent, z);
  if (!plan->noisy) return;
  for (int64_t r = 0; r < rows; r++) {
    level[r] = next_uniform(&game->random) * (plan->highest - plan->lowest);
    level[r] += plan->lowest;
  }
  draw_normals(game->ziggurat, &game->random, rows * plan->width, level + rows);
}

/* --- forward --- */

/* Levels of a turn, [batch]; and the noise, [batch, width]. */
static const float *levels(const Game *game, int turn) {
  const Plan *plan = game->plan;
  return game->samples + 2 * plan->batch * plan->latent + turn * plan->batch;
}

static const float *noise(const Game *game, int turn) {
  const Plan *plan = game->plan;
  return levels(game, 0) + 2 * plan->batch + turn * plan->batch * plan->width;
}

/* Write levels beside `count` rows of x or z, [batch] or one for all, into the column behind their numbers. */
static void set_levels(float *column, ptrdiff_t stride, ptrdiff_t count, const float *level, float lowest) {
  for (ptrdiff_t r = 0; r < count; r++) column[r * stride] = level ? level[r] : lowest;
}

static void gather(Game *game, int turn) {
  const Plan *plan = game->plan;
  const Member *m = game->member;
  const ptrdiff_t n = plan->batch;
  for (ptrdiff_t r = 0; r < n; r++) {
    const float *x = m->X + m->rows[turn][r] * m->X_stride, *z = game->samples + (turn * n + r) * plan->latent;
    memcpy(game->x + (game->noisy + r) * game->x_stride, x, (size_t)plan->width * sizeof(float));
    memcpy(game->z + r * game->z_stride, z, (size_t)plan->latent * sizeof(float));
    if (!plan->noisy) continue;
    const float sigma = expf(levels(game, turn)[r]), *normal = noise(game, turn) + r * plan->width;
    float *noisy = game->x + r * game->x_stride;
    for (ptrdiff_t j = 0; j < plan->width; j++) noisy[j] = x[j] + sigma * normal[j];
  }
  if (!plan->noisy) return;
  set_levels(game->x + plan->width, game->x_stride, n, levels(game, turn), 0.0f);
  set_levels(game->x + n * game->x_stride + plan->width, game->x_stride, n, NULL, plan->lowest);
  set_levels(game->z + plan->latent, game->z_stride, n, NULL, plan->lowest);
}

static void prepare_generators(Game *game, Node *nodes, int64_t count, bool only_spectral) {
  for (int64_t l = 0; l < count; l++)
    if (nodes[l].shape->spectral || !only_spectral) prepare(&nodes[l], game->member->generator.weights, game->member->buffers);
}

static void prepare_discriminator(Game *game, Node *node) {
  prepare(node, game->member->discriminator.weights, game->member->buffers);
}

/* Rows row .. row + rows through E or G, from `input`. */
static void run_chain(Node *nodes, int64_t count, const float *input, ptrdiff_t stride, ptrdiff_t row, ptrdiff_t rows, bool save) {
  for (int64_t l = 0; l < count; l++) {
    const float *x = l ? nodes[l - 1].out : input;
    ptrdiff_t x_stride = l ? nodes[l - 1].stride : stride;
    Term term = through(&nodes[l], x + row * x_stride, x_stride, 0, nodes[l].shape->inputs);
    forward(&nodes[l], row, rows, &term, 1, NULL, 0, save);
  }
}

/* Rows of x that E reads. */
static ptrdiff_t encoded_rows(const Game *game) { return game->noisy + (game->plan->zz ? 2 : 1) * game->plan->batch; }

/* G(z), then E(x~), E(x) and, for D_zz, E(G(z)), then, for D_xx, G(E(x~)); without noise G(E(x)). */
static void run_generators(Game *game, int turn, bool save) {
  const Plan *plan = game->plan;
  const ptrdiff_t n = plan->batch;
  run_chain(game->generator, plan->generator, game->z, game->z_stride, 0, n, save);
  if (plan->noisy)
    set_levels(game->x + (game->noisy + n) * game->x_stride + plan->width, game->x_stride, n, NULL, plan->lowest);
  if (plan->periods)
    for (ptrdiff_t r = 0; r < encoded_rows(game); r++)
      add_periods(game->x + r * game->x_stride, plan->width + (plan->noisy != 0), plan->width, plan->periods,
                  game->member->generator.weights + plan->frequencies, game->read + r * game->read_stride);
  run_chain(game->encoder, plan->encoder, game->read, game->read_stride, 0, encoded_rows(game), save);
  if (plan->noisy) set_levels(game->z + n * game->z_stride + plan->latent, game->z_stride, n, levels(game, turn), 0.0f);
  if (plan->xx) run_chain(game->generator, plan->generator, game->z, game->z_stride, n, n, save);
}

/* softplus(label * logit), averaged over n logits; its gradient. */
static double side_value(const float *logits, ptrdiff_t n, float label, float *d) {
  double sum = 0.0;
  for (ptrdiff_t r = 0; r < n; r++) {
    float s = label * logits[r], tail = expf(-fabsf(s));
    sum += (s > 0.0f ? s : 0.0f) + log1pf(tail);
    d[r] = label * (s > 0.0f ? 1.0f : tail) / (1.0f + tail) / (float)n;
  }
  return sum / (double)n;
}

/* From the first joint layer's outputs to the loss, and back to the first joint layer's d.
 * The last n of `rows` are fake; `label` is 1 for the discriminators, -1 for E and G. */
static double discriminator_tail(Game *game, const Discriminator *discriminator, ptrdiff_t rows, float label) {
  const ptrdiff_t n = game->plan->batch;
  const float *weights = game->member->discriminator.weights;
  for (int64_t l = 1; l < discriminator->depth; l++) {
    Node *node = &discriminator->joint[l];
    Term term = through(node, node[-1].out, node[-1].stride, 0, node->shape->inputs);
    prepare_discriminator(game, node);
    draw_dropout(node, &game->random, rows);
    forward(node, 0, rows, &term, 1, NULL, 0, true);
  }
  Node *last = &discriminator->joint[discriminator->depth - 1];
  const float *logit_weights = weights + discriminator->logit->shape->weight, bias = weights[discriminator->logit->shape->bias];
  const ptrdiff_t units = last->shape->outputs;
  for (ptrdiff_t r = 0; r < rows; r++) game->logits[r] = dot(last->out + r * last->stride, logit_weights, units) + bias;
  double loss = side_value(game->logits + rows - n, n, label, game->d_logits + rows - n);
  if (rows > n) loss += side_value(game->logits, n, -label, game->d_logits);
  for (ptrdiff_t r = 0; r < rows; r++) {
    float *d = last->d + r * last->stride, d_logit = game->d_logits[r];
    const float *factor = last->factor + r * last->stride;
#pragma omp simd
    for (ptrdiff_t j = 0; j < units; j++) d[j] = d_logit * logit_weights[j] * factor[j];
  }
  for (int64_t l = discriminator->depth - 1; l > 0; l--) {
    prepare_back(&discriminator->joint[l], weights, 0, 0, discriminator->joint[l].shape->inputs);
    backward(&discriminator->joint[l - 1], &discriminator->joint[l], 0, 0, rows);
  }
  return loss;
}

/* --- D_xz on the real pairs (x, E(x)) and the fake ones (G(z), z) --- */

static double discriminate_pairs(Game *game, bool track, float label) {
  const Plan *plan = game->plan;
  const ptrdiff_t n = plan->batch, units = game->xz.a->shape->outputs, other = game->xz.b->shape->outputs;
  Node *a = game->xz.a, *b = game->xz.b, *joint = game->xz.joint;
  const float *weights = game->member->discriminator.weights;
  prepare_discriminator(game, a);
  draw_dropout(a, &game->random, 2 * n);
  Term x = through(a, game->x + game->noisy * game->x_stride, game->x_stride, 0, plan->width);
  forward(a, 0, 2 * n, &x, 1, NULL, 0, true);
  if (a->shape->batch_norm)
    for (int batch = 0; batch < BATCHES; batch++)
      normalise_batch(a, weights, game->member->buffers, batch, n, track, plan->norm_epsilon, plan->norm_momentum);
  prepare_discriminator(game, b);
  draw_dropout(b, &game->random, 2 * n);
  Term encoded = through(b, game->z + (n + game->noisy) * game->z_stride, game->z_stride, 0, plan->latent);
  Term z = through(b, game->z, game->z_stride, 0, plan->latent);
  forward(b, 0, n, &encoded, 1, NULL, 0, true);
  forward(b, n, n, &z, 1, NULL, 0, true);
  prepare_discriminator(game, joint);
  Term both[] = {through(joint, a->out, a->stride, 0, units), through(joint, b->out, b->stride, units, other)};
  draw_dropout(joint, &game->random, 2 * n);
  forward(joint, 0, 2 * n, both, 2, NULL, 0, true);
  return discriminator_tail(game, &game->xz, 2 * n, label);
}

static void learn_layer(Game *game, const Node *node, const Term *terms, int count, ptrdiff_t rows) {
  const Member *m = game->member;
  weight_gradient(node, terms, count, node->shape->inputs, game->gradient);
  learn(node, m->discriminator_adam, &m->discriminator, m->buffers, rows, game->gradient);
}

/* Layers after the first joint one, and the logit. */
static void learn_tail(Game *game, const Discriminator *discriminator, ptrdiff_t rows) {
  const Member *m = game->member;
  const Node *last = &discriminator->joint[discriminator->depth - 1];
  const ptrdiff_t units = last->shape->outputs;
  memset(game->gradient, 0, (size_t)(units + 1) * sizeof(float));
  for (ptrdiff_t r = 0; r < rows; r++) {
    add_scaled(game->gradient, last->out + r * last->stride, game->d_logits[r], units);
    game->gradient[units] += game->d_logits[r];
  }
  descend(m->discriminator_adam, &m->discriminator, discriminator->logit->shape->weight, units + 1, game->gradient);
  for (int64_t l = 1; l < discriminator->depth; l++) {
    const Node *node = &discriminator->joint[l];
    Term term = outer(node[-1].out, node[-1].stride, node->d, node->stride, rows);
    learn_layer(game, node, &term, 1, rows);
  }
}

/* Back into both branches of D_xz: rows of a from a_row on, and the first b_rows of b. */
static void back_into_branches(Game *game, ptrdiff_t a_row, ptrdiff_t b_rows) {
  const ptrdiff_t n = game->plan->batch, units = game->xz.a->shape->outputs;
  Node *a = game->xz.a, *b = game->xz.b, *joint = game->xz.joint;
  const float *weights = game->member->discriminator.weights;
  prepare_back(joint, weights, 0, 0, units);
  prepare_back(joint, weights, 1, units, b->shape->outputs);
  backward(a, joint, 0, a_row, 2 * n - a_row);
  backward(b, joint, 1, 0, b_rows);
}

static void learn_pairs(Game *game) {
  const ptrdiff_t n = game->plan->batch, units = game->xz.a->shape->outputs;
  Node *a = game->xz.a, *b = game->xz.b, *joint = game->xz.joint;
  const Member *m = game->member;
  back_into_branches(game, 0, 2 * n);
  learn_tail(game, &game->xz, 2 * n);
  const ptrdiff_t outputs = joint->shape->outputs;
  Term upper = outer(a->out, a->stride, joint->d, joint->stride, 2 * n);
  Term lower = outer(b->out, b->stride, joint->d, joint->stride, 2 * n);
  weight_gradient(joint, &upper, 1, units, game->gradient);
  weight_gradient(joint, &lower, 1, b->shape->outputs, game->gradient + units * outputs);
  learn(joint, m->discriminator_adam, &m->discriminator, m->buffers, 2 * n, game->gradient);
  if (a->shape->batch_norm) {
    float *gamma = game->gradient + (a->shape->gamma - a->shape->weight);
    memset(gamma, 0, (size_t)(2 * units) * sizeof(float));
    for (int batch = 0; batch < BATCHES; batch++)
      denormalise_batch(a, m->discriminator.weights, batch, n, gamma, gamma + units);
  }
  Term x = outer(game->x + game->noisy * game->x_stride, game->x_stride, a->d, a->stride, 2 * n);
  learn_layer(game, a, &x, 1, 2 * n);
  Term z[] = {outer(game->z + (n + game->noisy) * game->z_stride, game->z_stride, b->d, b->stride, n),
              outer(game->z, game->z_stride, b->d + n * b->stride, b->stride, n)};
  learn_layer(game, b, z, 2, 2 * n);
}

/* Gradients by E(x), from the real pairs, and by G(z), from the fake ones. */
static void pairs_to_generators(Game *game) {
  const Plan *plan = game->plan;
  const ptrdiff_t n = plan->batch;
  Node *a = game->xz.a, *b = game->xz.b;
  const float *weights = game->member->discriminator.weights;
  back_into_branches(game, n, n);
  if (a->shape->batch_norm) denormalise_batch(a, weights, 1, n, NULL, NULL);
  prepare_back(a, weights, 0, 0, plan->width);
  plain_product(n, plan->width, back_through(a, 0, n), false, game->d_x, game->x_stride);
  prepare_back(b, weights, 0, 0, plan->latent);
  plain_product(n, plan->latent, back_through(b, 0, 0), false, game->d_z + game->noisy * game->z_stride, game->z_stride);
}

/* --- D_xx and D_zz on the real pairs (s, s) and the fake ones (s, t), t being s after a cycle; [., count] each --- */

typedef struct {
  const float *s, *t;
  ptrdiff_t stride, count;
} Cycle;

static Cycle x_cycle(const Game *game) {
  const float *x = game->x + game->noisy * game->x_stride;
  return (Cycle){x, x + 2 * game->plan->batch * game->x_stride, game->x_stride, game->plan->width};
}

static Cycle z_cycle(const Game *game) {
  const ptrdiff_t cycled = game->noisy + 2 * game->plan->batch; /* where E(G(z)) begins */
  return (Cycle){game->z, game->z + cycled * game->z_stride, game->z_stride, game->plan->latent};
}

static void learn_cycle(Game *game, const Discriminator *discriminator, Cycle c) {
  const ptrdiff_t n = game->plan->batch, outputs = discriminator->joint->shape->outputs, stride = discriminator->joint->stride;
  Node *joint = discriminator->joint;
  const Member *m = game->member;
  learn_tail(game, discriminator, 2 * n);
  for (ptrdiff_t r = 0; r < n; r++) { /* both pairs have s on the left */
    const float *real = joint->d + r * stride, *fake = joint->d + (n + r) * stride;
    float *sum = game->shared + r * stride;
#pragma omp simd
    for (ptrdiff_t j = 0; j < outputs; j++) sum[j] = real[j] + fake[j];
  }
  Term left = outer(c.s, c.stride, game->shared, stride, n);
  Term right[] = {outer(c.s, c.stride, joint->d, stride, n), outer(c.t, c.stride, joint->d + n * stride, stride, n)};
  weight_gradient(joint, &left, 1, c.count, game->gradient);
  weight_gradient(joint, right, 2, c.count, game->gradient + c.count * outputs);
  learn(joint, m->discriminator_adam, &m->discriminator, m->buffers, 2 * n, game->gradient);
}

static double train_cycle_discriminator(Game *game, const Discriminator *discriminator, Cycle c) {
  const ptrdiff_t n = game->plan->batch;
  Node *joint = discriminator->joint;
  prepare_discriminator(game, joint);
  draw_dropout(joint, &game->random, 2 * n);
  plain_product(n, joint->shape->outputs, through(joint, c.s, c.stride, 0, c.count), false, game->shared, joint->stride);
  Term real = through(joint, c.s, c.stride, c.count, c.count), fake = through(joint, c.t, c.stride, c.count, c.count);
  forward(joint, 0, n, &real, 1, game->shared, joint->stride, true);
  forward(joint, n, n, &fake, 1, game->shared, joint->stride, true);
  double loss = discriminator_tail(game, discriminator, 2 * n, 1.0f);
  learn_cycle(game, discriminator, c);
  return loss;
}

/* Loss of E and G; gradient by t into d_t. */
static double fool_cycle_discriminator(Game *game, const Discriminator *discriminator, Cycle c, float *d_t) {
  const ptrdiff_t n = game->plan->batch;
  Node *joint = discriminator->joint;
  prepare_discriminator(game, joint);
  draw_dropout(joint, &game->random, n);
  Term fake[] = {through(joint, c.s, c.stride, 0, c.count), through(joint, c.t, c.stride, c.count, c.count)};
  forward(joint, 0, n, fake, 2, NULL, 0, true);
  double loss = discriminator_tail(game, discriminator, n, -1.0f);
  prepare_back(joint, game->member->discriminator.weights, 1, c.count, c.count);
  plain_product(n, c.count, back_through(joint, 1, 0), false, d_t, c.stride);
  return loss;
}

/* weight * mean (x - t)², t = G(E(x~)); its gradient is added to d_t. */
static double denoising_loss(const Game *game, float *d_t) {
  const Cycle c = x_cycle(game);
  const float scale = 2.0f * game->plan->denoising / (float)(game->plan->batch * c.count);
  double sum = 0.0;
  for (ptrdiff_t r = 0; r < game->plan->batch; r++) {
    const float *x = c.s + r * c.stride, *t = c.t + r * c.stride;
    float squares = 0.0f, *d = d_t + r * c.stride;
    for (ptrdiff_t j = 0; j < c.count; j++) {
      const float missed = t[j] - x[j];
      squares += missed * missed, d[j] += scale * missed;
    }
    sum += squares;
  }
  return game->plan->denoising * sum / (double)(game->plan->batch * c.count);
}

/* --- the way back of E and G --- */

static void prepare_chain_back(Node *nodes, int64_t count, const float *weights) {
  for (int64_t l = 0; l < count; l++) prepare_back(&nodes[l], weights, 0, 0, nodes[l].shape->inputs);
}

static void chain_back(Node *nodes, int64_t count, ptrdiff_t row, ptrdiff_t rows) {
  for (int64_t l = count - 1; l > 0; l--) backward(&nodes[l - 1], &nodes[l], 0, row, rows);
}

static void learn_chain(Game *game, Node *nodes, int64_t count, const float *input, ptrdiff_t stride, ptrdiff_t rows) {
  const Member *m = game->member;
  for (int64_t l = 0; l < count; l++) {
    Term term = outer(l ? nodes[l - 1].out : input, l ? nodes[l - 1].stride : stride, nodes[l].d, nodes[l].stride, rows);
    weight_gradient(&nodes[l], &term, 1, nodes[l].shape->inputs, game->gradient);
    learn(&nodes[l], m->generator_adam, &m->generator, m->buffers, rows, game->gradient);
  }
}

/* Gradient by what E reads, `d`, back to the columns of one row of x, added to d_x, and to frequencies. */
static void periods_back(const Game *game, ptrdiff_t row, const float *d, float *d_x, float *d_frequencies) {
  const Plan *plan = game->plan;
  const ptrdiff_t kept = plan->width + (plan->noisy != 0), all = plan->width * plan->periods;
  const float *x = game->x + row * game->x_stride, *sines = game->read + row * game->read_stride + kept;
  const float *cosines = sines + all, *d_sines = d + kept, *d_cosines = d_sines + all;
  const float *frequencies = game->member->generator.weights + plan->frequencies;
  const float turn = 6.28318530717958647692f;
  for (ptrdiff_t j = 0; j < plan->width; j++) {
    float by_column = d[j];
    for (ptrdiff_t k = j * plan->periods; k < (j + 1) * plan->periods; k++) {
      const float by_angle = turn * (cosines[k] * d_sines[k] - sines[k] * d_cosines[k]);
      by_column += frequencies[k] * by_angle;
      d_frequencies[k] += x[j] * by_angle;
    }
    if (d_x) d_x[j] += by_column;
  }
}

/* Gradient through the first layer of E to G(z), added to d_x, and, if E reads periods, to their frequencies. */
static void encoder_to_rows(Game *game) {
  const Plan *plan = game->plan;
  const ptrdiff_t n = plan->batch, made = game->noisy + n, rows = encoded_rows(game);
  if (!plan->periods) {
    if (plan->zz) plain_product(n, plan->width, back_through(game->encoder, 0, made), true, game->d_x, game->x_stride);
    return;
  }
  float *d_frequencies = game->gradient;
  const ptrdiff_t count = plan->width * plan->periods;
  plain_product(rows, game->encoder->shape->inputs, back_through(game->encoder, 0, 0), false, game->d_read, game->read_stride);
  memset(d_frequencies, 0, (size_t)count * sizeof(float));
  for (ptrdiff_t r = 0; r < rows; r++)
    periods_back(game, r, game->d_read + r * game->read_stride, r < made ? NULL : game->d_x + (r - made) * game->x_stride,
                 d_frequencies);
  descend(game->member->generator_adam, &game->member->generator, plan->frequencies, count, d_frequencies);
}

/* From d_x and d_z to new weights of E and G: first G(E(x~)), whose gradient E needs, then E, then G(z). */
static void learn_generators(Game *game) {
  const Plan *plan = game->plan;
  const ptrdiff_t n = plan->batch;
  const float *weights = game->member->generator.weights;
  Node *encoder = game->encoder, *generator = game->generator;
  prepare_chain_back(generator, plan->generator, weights);
  prepare_chain_back(encoder, plan->encoder, weights);
  if (plan->xx) {
    chain_back(generator, plan->generator, n, n);
    /* of E(x) there is a gradient by D_xz already, of E(x~) none */
    plain_product(n, plan->latent, back_through(generator, 0, n), !plan->noisy, game->d_z, game->z_stride);
  }
  chain_back(encoder, plan->encoder, 0, encoded_rows(game));
  encoder_to_rows(game);
  chain_back(generator, plan->generator, 0, n);
  learn_chain(game, encoder, plan->encoder, game->read, game->read_stride, encoded_rows(game));
  learn_chain(game, generator, plan->generator, game->z, game->z_stride, plan->xx ? 2 * n : n);
}

/* --- the step --- */

static void train_discriminators(Game *game) {
  const Plan *plan = game->plan;
  const Member *m = game->member;
  gather(game, 0);
  prepare_generators(game, game->generator, plan->generator, false);
  prepare_generators(game, game->encoder, plan->encoder, false);
  run_generators(game, 0, false);
  double loss = discriminate_pairs(game, true, 1.0f);
  learn_pairs(game);
  if (plan->xx) loss += train_cycle_discriminator(game, &game->xx, x_cycle(game));
  if (plan->zz) loss += train_cycle_discriminator(game, &game->zz, z_cycle(game));
  m->losses[0] = (float)loss;
}

static void train_generators(Game *game) {
  const Plan *plan = game->plan;
  const Member *m = game->member;
  const ptrdiff_t n = plan->batch;
  gather(game, 1);
  /* their weights are those of the discriminators' turn; only the singular vectors move on */
  prepare_generators(game, game->generator, plan->generator, true);
  prepare_generators(game, game->encoder, plan->encoder, true);
  run_generators(game, 1, true);
  double loss = discriminate_pairs(game, false, -1.0f);
  pairs_to_generators(game);
  if (plan->xx) loss += fool_cycle_discriminator(game, &game->xx, x_cycle(game), game->d_x + n * game->x_stride);
  if (plan->denoising) loss += denoising_loss(game, game->d_x + n * game->x_stride);
  if (plan->zz) loss += fool_cycle_discriminator(game, &game->zz, z_cycle(game), game->d_z + (game->noisy + n) * game->z_stride);
  learn_generators(game);
  m->losses[1] = (float)loss;
}

int64_t alad_workspace_bytes(const Plan *plan) {
  Game game;
  Arena arena = {NULL, 0};
  arrange(&game, &arena, plan);
  return (int64_t)arena.used;
}

/* So many steps of one member, each with a seed of `words` words. `workspace`: zeroed memory of that size on a 64-byte
 * boundary, for one call at a time. */
void alad_steps(const Plan *plan, const Member *steps, int64_t count, int64_t words, void *workspace) {
  Game game;
  Arena arena = {workspace, 0};
#if defined(__SSE__)
  unsigned int mode = _mm_getcsr();
  _mm_setcsr(mode | 0x8040); /* numbers below 1e-38 are zero: they would be slow, and moments of idle units end there */
#endif
  arrange(&game, &arena, plan);
  if (!game.ziggurat->sure[0]) make_ziggurat(game.ziggurat);
  for (const Member *step = steps; step < steps + count; step++) {
    game.member = step;
    game.random = seeded(step->seed, words);
    draw_samples(&game);
    train_discriminators(&game);
    train_generators(&game);
  }
#if defined(__SSE__)
  _mm_setcsr(mode);
#endif
}

int64_t alad_structure_bytes(int which) {
  const size_t sizes[] = {sizeof(Layer), sizeof(Adam), sizeof(State), sizeof(Plan), sizeof(Member)};
  return (int64_t)sizes[which];
}
