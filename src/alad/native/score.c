/* The way of rows through trained networks: E, G and the discriminator whose features score, of all members.
 *
 * With f(varied, kept) the features of a pair, both f(x, .) and f(x', .) share what `kept` gives to the first common
 * layer: it is computed once and both sums start from it. So the two are equal to the last bit where x' = x. Rows share
 * nothing but the weights, and every sum over columns runs in the same order for each of them: what a row gets does not
 * depend on the others, on its place among them, or on how many there are.
 */
#include "lengths.h"
#include "periods.h"

#define MOST_ROWS MOST_MEASURED /* at once: weights are read once for so many, and their activations stay near */

/* Mirrors `Whitening`: of f(x, x) - f(x, x'), f(x, x) and E(x), side by side, one over each part's unit, the mean of each
 * number [width], and the triangular layer after which lengths are measured. */
typedef struct {
  double per_unit[3];
  const double *mean;
  PackedLayer unmix;
} Whitening;

/* Mirrors `Way`: how many layers each part has, and the layers of all parts one after the other. The last of `kept` is
 * its share of the first common layer, linear and without bias; the first of `joint` the share of `varied`, with the
 * bias. `kept` reads E(x) if kept_reads_code, else x; `varied` reads x, then x'. The logit's layer comes last.
 * E reads, beside each of so many columns, the sines and cosines of `periods` frequencies [columns, periods], if any. */
typedef struct {
  int64_t encoder, generator, kept, varied, joint, kept_reads_code, columns, periods;
  const float *frequencies;
  const PackedLayer *layers;
  const Whitening *whitening; /* NULL where no length is learnt */
} Way;

/* Mirrors `Rows`: x [count, width], and results, NULL where not wanted: code [members, count, latent], reconstruction
 * [members, count, width], features of the pair with x and with x', and the former less the latter [members, count,
 * features], logit of the pair with x', and the Mahalanobis length of all parts [members, count] each. */
typedef struct {
  const float *x;
  int64_t count;
  float *code, *reconstruction, *real, *fake, *gap, *logit;
  double *joint;
} Rows;

/* Some rows of activations. */
typedef struct {
  const float *at;
  ptrdiff_t stride;
} Block;

typedef struct {
  ptrdiff_t rows;
  float *code, *reconstruction, *shared, *read, *beside;
  float *spare[2]; /* a layer reads one and writes the other */
  int turn;
} Work;

/* Through one layer, whose sums begin with `start` if there is one, into `to` or a spare place. */
static Block layer_of(Work *work, const PackedLayer *layer, Block in, Block start, float *to) {
  if (!to) to = work->spare[work->turn ^= 1];
  const ptrdiff_t stride = stride_of(layer->outputs);
  Term term = packed_term(layer, in.at, in.stride);
  Epilogue end = packed_epilogue(layer, to, stride);
  product(work->rows, layer->outputs, false, &term, 1, start.at, start.stride, &end);
  return (Block){to, stride};
}

/* Through `count` layers, the last of which writes into `to`. */
static Block chain(Work *work, const PackedLayer *layers, int64_t count, Block in, float *to) {
  for (int64_t l = 0; l < count; l++) in = layer_of(work, layers + l, in, (Block){0}, l == count - 1 ? to : NULL);
  return in;
}

static Block features(Work *work, const Way *way, const PackedLayer *varied, Block in, Block shared) {
  const PackedLayer *joint = varied + way->varied;
  in = chain(work, varied, way->varied, in, NULL);
  in = layer_of(work, joint, in, shared, NULL);
  return chain(work, joint + 1, way->joint - 1, in, NULL);
}

static float *place(float *results, ptrdiff_t row, ptrdiff_t columns) {
  return results ? results + row * columns : NULL;
}

static void keep(const Work *work, Block from, ptrdiff_t columns, float *to) {
  if (to) hand_out(from.at, from.stride, columns, work->rows, to);
}

static void subtract(const Work *work, Block from, ptrdiff_t columns, float *to) {
  if (to)
    for (ptrdiff_t r = 0; r < work->rows; r++)
#pragma omp simd
      for (ptrdiff_t c = 0; c < columns; c++) to[r * columns + c] -= from.at[r * from.stride + c];
}

/* Keep the features of x: those that differ from them by what is missed come later. */
static void measure_real(const Work *work, const Whitening *by, Block real, ptrdiff_t seen) {
  const ptrdiff_t stride = stride_of(by->unmix.inputs);
  for (ptrdiff_t r = 0; r < work->rows; r++) {
    float *beside = work->beside + r * stride;
    memcpy(beside, real.at + r * real.stride, (size_t)seen * sizeof(float));
    centred(beside, seen, by->per_unit[1], by->mean + seen, beside + seen);
  }
}

static void measure(const Work *work, const Whitening *by, Block fake, ptrdiff_t seen, Block code, double *to) {
  const ptrdiff_t stride = stride_of(by->unmix.inputs);
  for (ptrdiff_t r = 0; r < work->rows; r++) {
    float *beside = work->beside + r * stride;
    const float *of_row = fake.at + r * fake.stride;
    for (ptrdiff_t c = 0; c < seen; c++) beside[c] -= of_row[c];
    centred(beside, seen, by->per_unit[0], by->mean, beside);
    centred(code.at + r * code.stride, by->unmix.inputs - 2 * seen, by->per_unit[2], by->mean + 2 * seen, beside + 2 * seen);
  }
  lengths(&by->unmix, work->beside, stride, work->rows, to);
}

/* The rows from `row` on; `at` is where the first of them stands in the results. */
static void score_rows(Work *work, const Way *way, const Rows *rows, ptrdiff_t row, ptrdiff_t at) {
  const PackedLayer *encoder = way->layers, *generator = encoder + way->encoder, *kept = generator + way->generator;
  const PackedLayer *varied = kept + way->kept, *joint = varied + way->varied, *logit = joint + way->joint;
  const ptrdiff_t width = way->columns, seen = logit->inputs;
  Block x = {rows->x + row * width, width}, read = x;
  if (way->periods) {
    read = (Block){work->read, stride_of(encoder->inputs)};
    for (ptrdiff_t r = 0; r < work->rows; r++)
      add_periods(x.at + r * width, width, width, way->periods, way->frequencies, work->read + r * read.stride);
  }
  Block code = chain(work, encoder, way->encoder, read, work->code);
  Block reconstruction = chain(work, generator, way->generator, code, work->reconstruction);
  keep(work, code, generator->inputs, place(rows->code, at, generator->inputs));
  keep(work, reconstruction, width, place(rows->reconstruction, at, width));
  const bool only_real = !rows->fake && !rows->gap && !rows->logit && !rows->joint;
  if (only_real && !rows->real) return;
  Block shared = chain(work, kept, way->kept, way->kept_reads_code ? code : x, work->shared);
  if (rows->real || rows->gap || rows->joint) {
    Block real = features(work, way, varied, x, shared);
    keep(work, real, seen, place(rows->real, at, seen));
    keep(work, real, seen, place(rows->gap, at, seen));
    if (rows->joint) measure_real(work, way->whitening, real, seen);
  }
  if (only_real) return;
  Block fake = features(work, way, varied, reconstruction, shared);
  keep(work, fake, seen, place(rows->fake, at, seen));
  subtract(work, fake, seen, place(rows->gap, at, seen));
  if (rows->joint) measure(work, way->whitening, fake, seen, code, rows->joint + at);
  if (rows->logit) keep(work, layer_of(work, logit, fake, (Block){0}, NULL), 1, rows->logit + at);
}

/* --- one chain of layers --- */

static ptrdiff_t widest_of(const PackedLayer *layers, int64_t count) {
  ptrdiff_t most = 0;
  for (int64_t l = 0; l < count; l++) {
    const ptrdiff_t stride = stride_of(layers[l].outputs);
    if (stride > most) most = stride;
  }
  return most;
}

int64_t alad_forward_workspace_bytes(const PackedLayer *layers, int64_t depth) {
  return 2 * MOST_ROWS * widest_of(layers, depth) * (ptrdiff_t)sizeof(float);
}

/* Rows x [count, inputs] through `depth` layers into out [count, outputs of the last]. `workspace`: as for alad_score. */
void alad_forward(const PackedLayer *layers, int64_t depth, const float *x, int64_t count, float *out,
                  float *workspace) {
  const ptrdiff_t inputs = layers->inputs, outputs = layers[depth - 1].outputs;
  Work work = {.spare = {workspace, workspace + MOST_ROWS * widest_of(layers, depth)}};
  for (ptrdiff_t row = 0; row < count; row += MOST_ROWS) {
    work.rows = count - row < MOST_ROWS ? count - row : MOST_ROWS;
    Block last = chain(&work, layers, depth, (Block){x + row * inputs, inputs}, NULL);
    keep(&work, last, outputs, out + row * outputs);
  }
}

/* --- all rows, all members --- */

static ptrdiff_t widest(const Way *way) {
  return widest_of(way->layers, way->encoder + way->generator + way->kept + way->varied + way->joint + 1);
}

static ptrdiff_t read_by(const Way *way) { return way->periods ? stride_of(way->layers->inputs) : 0; }

static ptrdiff_t beside_of(const Way *way) { return way->whitening ? stride_of(way->whitening->unmix.inputs) : 0; }

int64_t alad_score_workspace_bytes(const Way *way) {
  return MOST_ROWS * (5 * widest(way) + read_by(way) + beside_of(way)) * (ptrdiff_t)sizeof(float);
}

/* The rows first .. first + count of all, for each member. `workspace`: memory of that size on a 64-byte boundary, for
 * this call alone. */
void alad_score(const Way *ways, int64_t members, const Rows *rows, int64_t first, int64_t count, float *workspace) {
  const ptrdiff_t blocks = (count + MOST_ROWS - 1) / MOST_ROWS, size = MOST_ROWS * widest(ways);
  Work work = {.code = workspace, .reconstruction = workspace + size, .shared = workspace + 2 * size,
               .spare = {workspace + 3 * size, workspace + 4 * size}, .read = workspace + 5 * size,
               .beside = workspace + 5 * size + MOST_ROWS * read_by(ways)};
  for (int64_t member = 0; member < members; member++)
    for (ptrdiff_t block = 0; block < blocks; block++) { /* of sizes that differ by a tile at most */
      const ptrdiff_t tiles = (count + ROWS - 1) / ROWS, from = tiles * block / blocks * ROWS;
      const ptrdiff_t to = block == blocks - 1 ? count : tiles * (block + 1) / blocks * ROWS;
      work.rows = to - from;
      score_rows(&work, ways + member, rows, first + from, member * rows->count + first + from);
    }
}

int64_t alad_score_structure_bytes(int which) {
  const size_t sizes[] = {sizeof(PackedLayer), sizeof(Way), sizeof(Rows), sizeof(Whitening)};
  return (int64_t)sizes[which];
}
