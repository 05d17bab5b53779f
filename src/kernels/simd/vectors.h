// Loops over arrays that do not end with a whole vector. Include after an ISA's vec.h.
#pragma once

#include "kernels/simd/compiler.h"

namespace retort {
namespace {

constexpr float kInfinity = __builtin_inff();

/// Calls body(offset, load, store) for whole vectors and then once for what is left, with loads and stores that stop
/// at the end: one body serves both.
struct WholeVector {
  RETORT_INLINE F load(const float* p) const { return vload(p); }
  RETORT_INLINE void store(float* p, F a) const { vstore(p, a); }
};
struct PartVector {
  std::int64_t n;
  RETORT_INLINE F load(const float* p) const { return vload_first(p, n); }
  RETORT_INLINE void store(float* p, F a) const { vstore_first(p, a, n); }
};
template <typename Body>
RETORT_INLINE void for_vectors(std::int64_t n, const Body& body) {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) body(i, WholeVector{});
  if (i < n) body(i, PartVector{n - i});
}

}  // namespace
}  // namespace retort
