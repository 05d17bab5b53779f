#include "eval/random.h"

#include <numeric>
#include <utility>

#include "engine/philox.h"

namespace retort::eval {

std::uint32_t RandomStream::next() {
  if (drawn_ % 4 == 0) {
    const std::uint64_t block = drawn_ / 4;
    words_ = philox4x32({static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32),
                         static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32)},
                        {static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32)});
  }
  return words_[drawn_++ % 4];
}

std::uint32_t RandomStream::below(std::uint32_t bound) {
  // Of the 2^32 values, the last 2^32 mod bound would favour small remainders: drawn again.
  const std::uint32_t refused = (0U - bound) % bound;
  for (;;) {
    const std::uint32_t word = next();
    if (word >= refused) return word % bound;
  }
}

std::vector<std::size_t> permutation(std::size_t n, RandomStream random) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
  return order;
}

}  // namespace retort::eval
