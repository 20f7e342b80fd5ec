/* What streams.h draws, for `test_streams.py`. */
#include "streams.h"

void draw(const uint32_t *words, int64_t count, float *uniform, float *normal, int64_t n, uint64_t *state) {
  Ziggurat ziggurat;
  Random random = seeded(words, count);
  make_ziggurat(&ziggurat);
  for (int64_t i = 0; i < n; i++) uniform[i] = next_uniform(&random);
  draw_normals(&ziggurat, &random, n, normal);
  state[0] = random.a, state[1] = random.b, state[2] = random.c, state[3] = random.counter;
}
