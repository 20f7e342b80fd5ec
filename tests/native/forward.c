/* A pass through four layers of drawn weights, for 101 drawn rows, then the lengths of 90 of them after a triangular
 * layer: the bits of each result, in hexadecimal. */
#include <stdio.h>
#include <stdlib.h>
#include "lengths.h"
int64_t alad_forward_workspace_bytes(const PackedLayer *, int64_t);
void alad_forward(const PackedLayer *, int64_t, const float *, int64_t, float *, void *);
static uint32_t state = 1;
static float draw(void) { state = state * 1664525u + 1013904223u; return (float)(int32_t)state / 2147483648.0f; }
static void *room(size_t n) { void *p = aligned_alloc(64, (n + 127) / 64 * 64); memset(p, 0, (n + 127) / 64 * 64); return p; }
int main(void) {
  const int64_t widths[] = {121, 64, 37, 121, 1};
  PackedLayer layers[4];
  for (int l = 0; l < 4; l++) {
    int64_t in = widths[l], out = widths[l + 1], wide = padded(out);
    float *w = room(in * wide * 4), *b = room(wide * 4);
    for (int64_t i = 0; i < in; i++) for (int64_t o = 0; o < out; o++) w[(o / 16) * in * 16 + i * 16 + o % 16] = draw();
    for (int64_t o = 0; o < out; o++) b[o] = draw();
    layers[l] = (PackedLayer){in, out, w, NULL, b, l == 3 ? 1.0f : 0.2f};
  }
  const int rows = 101;
  float *x = room(rows * 121 * 4), *y = room(rows * 4);
  for (int i = 0; i < rows * 121; i++) x[i] = draw();
  alad_forward(layers, 4, x, rows, y, room(alad_forward_workspace_bytes(layers, 4)));
  for (int i = 0; i < rows; i++) { uint32_t u; memcpy(&u, y + i, 4); printf("%08x\n", u); }
  const int64_t wide = padded(121);
  float *w = room(121 * wide * 4);
  for (int64_t o = 0; o < 121; o++) for (int64_t i = 0; i <= o; i++) w[(o / 16) * 121 * 16 + i * 16 + o % 16] = draw();
  const PackedLayer unmix = {121, 121, w, NULL, NULL, 1.0f};
  double found[90];
  lengths(&unmix, x, 121, 90, found);
  for (int i = 0; i < 90; i++) { uint64_t u; memcpy(&u, found + i, 8); printf("%016llx\n", (unsigned long long)u); }
}
