/* Random numbers, bit for bit those of NumPy's Generator(SFC64(SeedSequence(...))) in float32.
 *
 * Words: SFC64 (Chris Doty-Humphrey), seeded by a pool of four words that each word of the seed is mixed into (after
 * Melissa O'Neill's seed_seq_fe). Normal numbers: the ziggurat of Marsaglia and Tsang 2000, of 256 strips.
 */
#ifndef ALAD_STREAMS_H
#define ALAD_STREAMS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct {
  uint64_t a, b, c, counter;
  uint32_t half; /* of the last word, if there is one left: what takes 32 bits takes the lower half first */
  bool halved;
} Random;

static inline uint64_t next_word(Random *r) {
  uint64_t word = r->a + r->b + r->counter++;
  r->a = r->b ^ (r->b >> 11);
  r->b = r->c + (r->c << 3);
  r->c = ((r->c << 24) | (r->c >> 40)) + word;
  return word;
}

#define POOL 4

static inline uint32_t hashed(uint32_t word, uint32_t *key, uint32_t factor) {
  word ^= *key;
  *key *= factor;
  word *= *key;
  return word ^ (word >> 16);
}

static inline void mix(uint32_t *into, uint32_t word) {
  const uint32_t mixed = 0xca01f9ddu * *into - 0x4973f715u * word;
  *into = mixed ^ (mixed >> 16);
}

/* The stream of a seed of `count` words, POOL at least. */
static Random seeded(const uint32_t *words, int64_t count) {
  const uint32_t in = 0x931e8875u, out = 0x58f38dedu;
  uint32_t pool[POOL], key = 0x43b0d7e5u;
  for (int i = 0; i < POOL; i++) pool[i] = hashed(words[i], &key, in);
  for (int from = 0; from < POOL; from++)
    for (int to = 0; to < POOL; to++)
      if (to != from) mix(&pool[to], hashed(pool[from], &key, in));
  for (int64_t i = POOL; i < count; i++)
    for (int to = 0; to < POOL; to++) mix(&pool[to], hashed(words[i], &key, in));
  uint64_t state[3] = {0};
  key = 0x8b51f9ddu;
  for (int i = 0; i < 6; i++) state[i / 2] |= (uint64_t)hashed(pool[i % POOL], &key, out) << 32 * (i % 2);
  Random random = {state[0], state[1], state[2], 1, 0, false};
  for (int i = 0; i < 12; i++) next_word(&random);
  return random;
}

static inline uint32_t next_half(Random *r) {
  if (r->halved) {
    r->halved = false;
    return r->half;
  }
  const uint64_t word = next_word(r);
  r->half = (uint32_t)(word >> 32), r->halved = true;
  return (uint32_t)word;
}

/* From 0 to below 1. */
static inline float next_uniform(Random *r) { return (float)(next_half(r) >> 8) * 0x1p-24f; }

#define STRIPS 256
#define STEPS 0x1p23  /* a place within a strip has 23 bits */
#define TAIL 3.6541528853610087963519472518 /* where the tail begins, beside strip 0 */

/* For each strip: its width as a step, how many steps are surely below the curve, and the curve's height at its end. */
typedef struct {
  float width[STRIPS], height[STRIPS];
  uint32_t sure[STRIPS];
} Ziggurat;

static void make_ziggurat(Ziggurat *z) {
  double end = TAIL, height = exp(-0.5 * end * end);
  const double area = end * height + sqrt(0.5 * 3.14159265358979323846) * erfc(end * sqrt(0.5)); /* of each strip */
  z->width[0] = (float)(area / height / STEPS), z->width[STRIPS - 1] = (float)(end / STEPS);
  z->height[0] = 1.0f, z->height[STRIPS - 1] = (float)height;
  z->sure[0] = (uint32_t)(end * height / area * STEPS), z->sure[1] = 0;
  for (int i = STRIPS - 2; i > 0; i--) {
    const double wider = end;
    end = sqrt(-2.0 * log(area / wider + height));
    height = exp(-0.5 * end * end);
    z->width[i] = (float)(end / STEPS), z->height[i] = (float)height;
    z->sure[i + 1] = (uint32_t)(end / wider * STEPS);
  }
}

/* Beyond the ends of strips, once in 140 numbers: the number, or NaN, after which another word is drawn. */
static float at_edge(const Ziggurat *z, Random *r, uint32_t strip, uint32_t place, float x) {
  if (strip > 0) {
    const float low = z->height[strip];
    return (z->height[strip - 1] - low) * next_uniform(r) + low < exp(-0.5 * x * x) ? x : NAN;
  }
  for (;;) {
    const float beyond = -(float)(1.0 / TAIL) * log1pf(-next_uniform(r)), other = -log1pf(-next_uniform(r));
    if (other + other > beyond * beyond) return place >> 8 & 1 ? -((float)TAIL + beyond) : (float)TAIL + beyond;
  }
}

static void draw_normals(const Ziggurat *z, Random *random, int64_t count, float *to) {
  Random r = *random;
  for (int64_t i = 0; i < count;) {
    const uint32_t half = next_half(&r), strip = half & 0xff, place = half >> 9;
    const float size = (float)place * z->width[strip], signs[2] = {size, -size};
    to[i] = signs[half >> 8 & 1];
    if (__builtin_expect(place >= z->sure[strip], 0)) to[i] = at_edge(z, &r, strip, place, to[i]);
    i += to[i] == to[i];
  }
  *random = r;
}

#endif
