#include "kernels/kv_block.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/float_bits.h"

namespace retort {
namespace {

constexpr std::int64_t kPositions = kKvBlockPositions;
constexpr float kLargestFp8 = 448.0f;
constexpr float kLargestInt8 = 127.0f;
constexpr float kLeast = 0x1p-100f;  // below it a row counts as zeros

std::int64_t element_bytes(KvCacheType type) {
  switch (type) {
    case KvCacheType::kF32:
      return 4;
    case KvCacheType::kBf16:
      return 2;
    default:
      return 1;
  }
}

std::int64_t round_up(std::int64_t n, std::int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

// The scale that brings the largest magnitude among the n values x(i) to `largest`.
template <typename Values>
float row_scale(const Values& x, std::int64_t n, float largest) {
  std::uint32_t bits = 0;
  for (std::int64_t i = 0; i < n; ++i) bits = std::max(bits, std::bit_cast<std::uint32_t>(x(i)) & 0x7fffffffu);
  const auto max = std::bit_cast<float>(bits);
  if (!std::isfinite(max)) return std::numeric_limits<float>::quiet_NaN();
  return max < kLeast ? 0.0f : max / largest;
}

std::uint8_t encode(KvCacheType type, float scaled) {
  if (type == KvCacheType::kFp8E4m3) return float_to_f8e4m3(scaled);
  return static_cast<std::uint8_t>(static_cast<std::int8_t>(std::nearbyint(scaled)));
}
float decode(KvCacheType type, std::byte code) {
  const auto bits = std::to_integer<std::uint8_t>(code);
  return type == KvCacheType::kFp8E4m3 ? f8e4m3_to_float(bits) : static_cast<float>(static_cast<std::int8_t>(bits));
}

// Element `d` of a row, x(d), goes to out[d * stride].
template <typename Values>
void store_codes(KvCacheType type, const Values& x, std::int64_t n, std::byte* out, std::int64_t stride, float* scale) {
  *scale = row_scale(x, n, type == KvCacheType::kFp8E4m3 ? kLargestFp8 : kLargestInt8);
  const bool usable = *scale > 0;
  const float inverse = usable ? 1.0f / *scale : 0.0f;
  for (std::int64_t d = 0; d < n; ++d) {
    out[d * stride] = std::byte{usable ? encode(type, x(d) * inverse) : std::uint8_t{0}};
  }
}

template <typename T>
T* at(std::byte* head, std::int64_t offset) {
  return reinterpret_cast<T*>(head + offset);
}
template <typename T>
const T* at(const std::byte* head, std::int64_t offset) {
  return reinterpret_cast<const T*>(head + offset);
}

// Of bf16: keys have pairs of dimensions side by side, values pairs of positions.
std::int64_t key_index(std::int64_t d, std::int64_t position) { return d / 2 * 2 * kPositions + 2 * position + d % 2; }
std::int64_t value_index(const KvBlockLayout& layout, std::int64_t d, std::int64_t position) {
  return (position / 2 * layout.padded_dim + d) * 2 + position % 2;
}

}  // namespace

KvBlockLayout kv_block_layout(KvCacheType type, std::int64_t head_dim) {
  const std::int64_t bytes = element_bytes(type);
  KvBlockLayout layout{.type = type, .head_dim = head_dim, .padded_dim = round_up(head_dim, 16)};
  layout.v = round_up(head_dim * kPositions * bytes, 64);
  const std::int64_t end = layout.v + layout.padded_dim * kPositions * bytes;
  if (bytes != 1) {
    layout.head_bytes = round_up(end, 64);
    return layout;
  }
  layout.k_scales = end;
  layout.v_scales = layout.k_scales + kPositions * 4;
  layout.k_shares = layout.v_scales + kPositions * 4;
  layout.k_offset = layout.k_shares + kPositions * 4;
  layout.head_bytes = round_up(layout.k_offset + layout.padded_dim * 4, 64);
  return layout;
}

void store_kv_offset(const KvBlockLayout& layout, std::byte* head, const float* offset) {
  if (layout.k_offset == 0) return;
  auto* out = at<float>(head, layout.k_offset);
  std::copy_n(offset, layout.head_dim, out);
  std::fill(out + layout.head_dim, out + layout.padded_dim, 0.0f);
}

void store_kv(const KvBlockLayout& layout, std::byte* head, std::int64_t position, const float* k, const float* v) {
  const std::int64_t dim = layout.head_dim;
  switch (layout.type) {
    case KvCacheType::kF32: {
      float* keys = at<float>(head, 0);
      for (std::int64_t d = 0; d < dim; ++d) keys[d * kPositions + position] = k[d];
      std::copy_n(v, dim, at<float>(head, layout.v) + position * layout.padded_dim);
      return;
    }
    case KvCacheType::kBf16: {
      auto* keys = at<std::uint16_t>(head, 0);
      auto* values = at<std::uint16_t>(head, layout.v);
      for (std::int64_t d = 0; d < dim; ++d) keys[key_index(d, position)] = float_to_bf16(k[d]);
      for (std::int64_t d = 0; d < dim; ++d) values[value_index(layout, d, position)] = float_to_bf16(v[d]);
      return;
    }
    default: {
      const float* offset = at<float>(head, layout.k_offset);
      const auto whole = [&](std::int64_t d) { return k[d]; };
      const auto rest = [&](std::int64_t d) { return k[d] - offset[d]; };
      // NaN is no smaller than anything, so it stays in what is stored.
      const bool shares = row_scale(rest, dim, 1) < row_scale(whole, dim, 1);
      at<float>(head, layout.k_shares)[position] = shares ? 1.0f : 0.0f;
      float* scale = at<float>(head, layout.k_scales) + position;
      if (shares) {
        store_codes(layout.type, rest, dim, head + position, kPositions, scale);
      } else {
        store_codes(layout.type, whole, dim, head + position, kPositions, scale);
      }
      store_codes(
          layout.type, [&](std::int64_t d) { return v[d]; }, dim, head + layout.v + position * layout.padded_dim, 1,
          at<float>(head, layout.v_scales) + position);
    }
      return;
  }
}

void load_kv_codes(const KvBlockLayout& layout, const std::byte* head, std::int64_t position, float* k, float* v) {
  for (std::int64_t d = 0; d < layout.head_dim; ++d) {
    const std::int64_t v_index = position * layout.padded_dim + d;
    switch (layout.type) {
      case KvCacheType::kF32:
        k[d] = at<float>(head, 0)[d * kPositions + position];
        v[d] = at<float>(head, layout.v)[v_index];
        break;
      case KvCacheType::kBf16:
        k[d] = bf16_to_float(at<std::uint16_t>(head, 0)[key_index(d, position)]);
        v[d] = bf16_to_float(at<std::uint16_t>(head, layout.v)[value_index(layout, d, position)]);
        break;
      default:
        k[d] = decode(layout.type, head[d * kPositions + position]);
        v[d] = decode(layout.type, head[layout.v + v_index]);
        break;
    }
  }
}

void load_kv(const KvBlockLayout& layout, const std::byte* head, std::int64_t position, float* k, float* v) {
  load_kv_codes(layout, head, position, k, v);
  if (layout.k_scales == 0) return;
  for (std::int64_t d = 0; d < layout.head_dim; ++d) {
    k[d] = k[d] * at<float>(head, layout.k_scales)[position] +
           at<float>(head, layout.k_shares)[position] * at<float>(head, layout.k_offset)[d];
    v[d] *= at<float>(head, layout.v_scales)[position];
  }
}

void merge_attention(AttentionSum& into, const AttentionSum& later, std::int64_t n) {
  const float max = std::max(into.max, later.max);
  // Where nothing was seen yet the maximum is -infinity, and its share is nothing.
  const float a = into.max == max ? 1.0f : std::exp(into.max - max);
  const float b = later.max == max ? 1.0f : std::exp(later.max - max);
  for (std::int64_t i = 0; i < n; ++i) into.out[i] = into.out[i] * a + later.out[i] * b;
  into.sum = into.sum * a + later.sum * b;
  into.max = max;
}

}  // namespace retort
