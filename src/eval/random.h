// Random numbers of the evaluation: the same on every machine, compiler and run, for they are a function of a seed and
// a stream alone (the engine's Philox).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace retort::eval {

/// One sequence of numbers. Cheap to make; copies go on from where the original stood.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::uint64_t stream) : seed_(seed), stream_(stream) {}

  std::uint32_t next();
  /// Uniform in [0, bound), without the bias of a remainder. `bound` > 0.
  std::uint32_t below(std::uint32_t bound);

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t drawn_ = 0;
  std::array<std::uint32_t, 4> words_{};  // Philox gives four at a time
};

/// 0 .. n-1 in random order, every order as likely (Fisher and Yates, from the back).
std::vector<std::size_t> permutation(std::size_t n, RandomStream random);

}  // namespace retort::eval
