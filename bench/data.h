// Numbers for benchmarks to work on, and rates.
#pragma once

#include <benchmark/benchmark.h>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "core/pages.h"
#include "kernels/packed.h"

namespace retort::bench {

inline std::vector<float> random_floats(std::int64_t n) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> out(n);
  for (float& x : out) x = normal(random);
  return out;
}

/// Random bits with every fp16 (so every scale too) of a sane exponent: no infinities, NaN or subnormals, which would
/// be a different speed on some processors.
inline std::vector<char> random_weights(std::uint64_t bytes) {
  std::mt19937 random(2);
  std::vector<char> out(bytes + 1);
  for (std::uint64_t i = 0; i + 2 <= bytes; i += 2) {
    const auto bits = static_cast<std::uint16_t>((random() & 0x8bffu) | 0x2000u);
    std::memcpy(&out[i], &bits, 2);
  }
  return out;
}

/// `count` panels of a packed format, all the same, in huge pages; none where memory is short.
inline std::optional<Pages> random_panels(PackedFormat format, std::int64_t count, std::int64_t columns) {
  const std::int64_t bytes = panel_bytes(format, columns);
  auto pages = Pages::allocate(static_cast<std::size_t>(count * bytes) + 64);
  if (!pages) return std::nullopt;
  const std::vector<char> panel = random_weights(static_cast<std::uint64_t>(bytes));
  for (std::int64_t p = 0; p < count; ++p) std::memcpy(pages->data() + p * bytes, panel.data(), panel.size() - 1);
  return std::move(*pages);
}

inline benchmark::Counter rate(double per_iteration) {
  return {per_iteration * 1e-9, benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000};
}

}  // namespace retort::bench
