#include "text/hash.h"

#include <random>

namespace retort {

std::uint64_t hash_key() {
  static const std::uint64_t key = [] {
    std::random_device device;
    return static_cast<std::uint64_t>(device()) << 32 | device();
  }();
  return key;
}

}  // namespace retort
