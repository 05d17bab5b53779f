// Online softmax (Milakov and Gimelshein, arXiv 1805.02867), one position at a time: whenever a score exceeds the
// maximum so far, what has been summed is scaled down to the new maximum.
#include <cmath>

#include "kernels/ref/ref.h"

namespace retort::ref {

void attention(const AttentionArgs& args) {
  for (std::int64_t h = 0; h < args.heads; ++h) {
    const float* q = args.q + h * args.head_dim;
    float* out = args.out + h * args.head_dim;
    AttentionState& state = args.state[h];
    for (std::int64_t p = 0; p < args.positions; ++p) {
      const float score = args.scale * dot(q, args.k + p * args.kv_stride, args.head_dim);
      if (score > state.max) {
        const float shrink = std::exp(state.max - score);  // 0 at first, when max is -infinity
        state.max = score;
        state.sum *= shrink;
        for (std::int64_t i = 0; i < args.head_dim; ++i) out[i] *= shrink;
      }
      // A score of -infinity weighs nothing, also while there is no maximum yet.
      const float weight = std::isinf(score) && score < 0 ? 0.0f : std::exp(score - state.max);
      state.sum += weight;
      const float* v = args.v + p * args.kv_stride;
      for (std::int64_t i = 0; i < args.head_dim; ++i) out[i] += weight * v[i];
    }
  }
}

}  // namespace retort::ref
