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

std::uint8_t encode_fp8(float x) {
  constexpr float kLeastNormal = 0x1p-6f;
  const float magnitude = std::abs(x);
  if (magnitude >= kLeastNormal) return float_to_f8e4m3(x);
  return float_to_f8e4m3(std::copysign(magnitude > kLeastNormal / 2 ? kLeastNormal : 0.0f, x));
}
std::uint8_t encode(KvCacheType type, float scaled) {
  if (type == KvCacheType::kFp8E4m3) return encode_fp8(scaled);
  return static_cast<std::uint8_t>(static_cast<std::int8_t>(std::nearbyint(scaled)));
}
float decode(KvCacheType type, std::byte code) {
  const auto bits = std::to_integer<std::uint8_t>(code);
  return type == KvCacheType::kFp8E4m3 ? f8e4m3_to_float(bits) : static_cast<float>(static_cast<std::int8_t>(bits));
}

// Element `d` of a row, x(d), goes to out[index(d)].
template <typename Values, typename Index>
void store_codes(KvCacheType type, const Values& x, std::int64_t n, std::byte* out, const Index& index, float* scale) {
  *scale = row_scale(x, n, type == KvCacheType::kFp8E4m3 ? kLargestFp8 : kLargestInt8);
  const bool usable = *scale > 0;
  const float inverse = usable ? 1.0f / *scale : 0.0f;
  for (std::int64_t d = 0; d < n; ++d) {
    out[index(d)] = std::byte{usable ? encode(type, x(d) * inverse) : std::uint8_t{0}};
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

// Of a type of which kTogether elements make 32 bits.
template <std::int64_t kTogether>
std::int64_t key_index(std::int64_t d, std::int64_t position) {
  return (d / kTogether * kPositions + position) * kTogether + d % kTogether;
}
template <std::int64_t kTogether>
std::int64_t value_index(const KvBlockLayout& layout, std::int64_t d, std::int64_t position) {
  return (position / kTogether * layout.padded_dim + d) * kTogether + position % kTogether;
}

void store_codes_of(const KvBlockLayout& layout, std::byte* head, std::int64_t position, const float* k,
                    const float* v) {
  const std::int64_t dim = layout.head_dim;
  const float* offset = at<float>(head, layout.k_offset);
  const auto whole = [&](std::int64_t d) { return d < dim ? k[d] : 0.0f; };
  const auto rest = [&](std::int64_t d) { return d < dim ? k[d] - offset[d] : 0.0f; };
  // NaN is no smaller than anything, so it stays in what is stored.
  const bool shares = row_scale(rest, dim, 1) < row_scale(whole, dim, 1);
  at<float>(head, layout.k_shares)[position] = shares ? 1.0f : 0.0f;
  const auto store_keys = [&](const auto& keys) {
    store_codes(
        layout.type, keys, round_up(dim, 4), head, [&](std::int64_t d) { return key_index<4>(d, position); },
        at<float>(head, layout.k_scales) + position);
  };
  if (shares) {
    store_keys(rest);
  } else {
    store_keys(whole);
  }
  store_codes(
      layout.type, [&](std::int64_t d) { return v[d]; }, dim, head + layout.v,
      [&](std::int64_t d) { return value_index<4>(layout, d, position); }, at<float>(head, layout.v_scales) + position);
}

}  // namespace

KvBlockLayout kv_block_layout(KvCacheType type, std::int64_t head_dim) {
  const std::int64_t bytes = element_bytes(type);
  KvBlockLayout layout{.type = type, .head_dim = head_dim, .padded_dim = round_up(head_dim, 16)};
  layout.v = round_up(head_dim * bytes, 4) * kPositions;
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
      auto* keys = at<float>(head, 0);
      auto* values = at<float>(head, layout.v);
      for (std::int64_t d = 0; d < dim; ++d) keys[key_index<1>(d, position)] = k[d];
      for (std::int64_t d = 0; d < dim; ++d) values[value_index<1>(layout, d, position)] = v[d];
      return;
    }
    case KvCacheType::kBf16: {
      auto* keys = at<std::uint16_t>(head, 0);
      auto* values = at<std::uint16_t>(head, layout.v);
      for (std::int64_t d = 0; d < dim; ++d) keys[key_index<2>(d, position)] = float_to_bf16(k[d]);
      for (std::int64_t d = 0; d < dim; ++d) values[value_index<2>(layout, d, position)] = float_to_bf16(v[d]);
      return;
    }
    default:
      return store_codes_of(layout, head, position, k, v);
  }
}

void load_kv_codes(const KvBlockLayout& layout, const std::byte* head, std::int64_t position, float* k, float* v) {
  for (std::int64_t d = 0; d < layout.head_dim; ++d) {
    switch (layout.type) {
      case KvCacheType::kF32:
        k[d] = at<float>(head, 0)[key_index<1>(d, position)];
        v[d] = at<float>(head, layout.v)[value_index<1>(layout, d, position)];
        break;
      case KvCacheType::kBf16:
        k[d] = bf16_to_float(at<std::uint16_t>(head, 0)[key_index<2>(d, position)]);
        v[d] = bf16_to_float(at<std::uint16_t>(head, layout.v)[value_index<2>(layout, d, position)]);
        break;
      default:
        k[d] = decode(layout.type, head[key_index<4>(d, position)]);
        v[d] = decode(layout.type, head[layout.v + value_index<4>(layout, d, position)]);
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
