/* A dense layer whose weights no longer change: they come packed for the products, once and for all. */
#ifndef ALAD_PACKED_H
#define ALAD_PACKED_H

#include "product.h"

/* Mirrors `PackedLayer`: weight and its transpose (NULL where there is no way back) as `pack` lays them out,
 * bias [padded outputs] or NULL. */
typedef struct {
  int64_t inputs, outputs;
  const float *packed, *packed_back, *bias;
  float slope; /* of the activation below zero; 1: linear */
} PackedLayer;

/* What gives the sums of some rows of input, `stride` floats each, by the layer's weights. */
ALWAYS_INLINE Term packed_term(const PackedLayer *layer, const float *input, ptrdiff_t stride) {
  return (Term){input, stride, layer->packed, layer->inputs * TILE, TILE, layer->inputs};
}

ALWAYS_INLINE Epilogue packed_epilogue(const PackedLayer *layer, float *out, ptrdiff_t stride) {
  return (Epilogue){.out = out, .stride = stride, .columns = padded(layer->outputs), .bias = layer->bias,
                  .slope = layer->slope};
}

/* Copy rows without what is padded. */
ALWAYS_INLINE void hand_out(const float *from, ptrdiff_t stride, ptrdiff_t columns, ptrdiff_t count, float *to) {
  for (ptrdiff_t r = 0; r < count; r++) memcpy(to + r * columns, from + r * stride, (size_t)columns * sizeof(float));
}

#endif
