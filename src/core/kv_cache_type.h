// What keys and values can be stored as.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace retort {

/// Ordered by size. The 8-bit types have a scale per token and head.
enum class KvCacheType : std::uint8_t { kF32, kBf16, kFp8E4m3, kInt8 };
inline constexpr std::array kKvCacheTypes = {KvCacheType::kF32, KvCacheType::kBf16, KvCacheType::kFp8E4m3,
                                             KvCacheType::kInt8};
/// "f32", "bf16", "fp8_e4m3", "int8": as --kv-cache-dtype spells them.
constexpr std::string_view to_string(KvCacheType type) {
  switch (type) {
    case KvCacheType::kF32:
      return "f32";
    case KvCacheType::kBf16:
      return "bf16";
    case KvCacheType::kFp8E4m3:
      return "fp8_e4m3";
    case KvCacheType::kInt8:
      return "int8";
  }
  return "?";
}

}  // namespace retort
