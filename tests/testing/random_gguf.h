// A whole small model in GGUF whose matrices are block-quantized, each in another type: what runs packed.
#pragma once

#include <cstdint>
#include <filesystem>

namespace retort::testing {

struct RandomGguf {
  std::uint32_t seed = 1;
  std::int64_t layers = 2;
  std::int64_t context = 4096;
  /// One weight of this layer's down_proj has a scale that is infinite; -1: none.
  std::int64_t broken_layer = -1;
};
/// Hidden size 256, 8 heads of 32 over 2, intermediate 512, a vocabulary of 96. False if it cannot be written.
bool write_random_gguf(const std::filesystem::path& file, const RandomGguf& model = {});

}  // namespace retort::testing
