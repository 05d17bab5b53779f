// The packed formats (kernels/packed.h) as vectors: codes and scales of a group. Include after an ISA's int8.h.
#pragma once

#include "kernels/kernels.h"
#include "kernels/simd/compiler.h"

namespace retort {
namespace {

/// The 8 vectors of one half of a group's codes.
template <int kBits>
RETORT_INLINE void load_codes(const std::uint8_t* group, int half, I* w) {
  const std::uint8_t* p = group + 4 * kLanes * half;
  if constexpr (kBits == 8) {
    RETORT_UNROLL for (int v = 0; v < 8; ++v) w[v] = iload(p + 64 * v);
    return;
  }
  const I low = iset_bytes(15);
  RETORT_UNROLL for (int i = 0; i < 4; ++i) {
    const I q = iload(p + 64 * i);
    w[2 * i] = iand(q, low);
    w[2 * i + 1] = iand(ishift_right<4>(q), low);
  }
  // The upper bits of a byte move to bits 4 and 5; what crosses into a neighbouring byte is masked away.
  if constexpr (kBits == 5) {
    const I bit = iset_bytes(16);
    const I q = iload(p + 256);
    w[0] = ior(w[0], iand(ishift_left<4>(q), bit));
    w[1] = ior(w[1], iand(ishift_left<3>(q), bit));
    w[2] = ior(w[2], iand(ishift_left<2>(q), bit));
    w[3] = ior(w[3], iand(ishift_left<1>(q), bit));
    w[4] = ior(w[4], iand(q, bit));
    w[5] = ior(w[5], iand(ishift_right<1>(q), bit));
    w[6] = ior(w[6], iand(ishift_right<2>(q), bit));
    w[7] = ior(w[7], iand(ishift_right<3>(q), bit));
  }
  if constexpr (kBits == 6) {
    const I bits = iset_bytes(0x30);
    RETORT_UNROLL for (int h = 0; h < 2; ++h) {
      const I q = iload(p + 256 + 64 * h);
      I* out = w + 4 * h;
      out[0] = ior(out[0], iand(ishift_left<4>(q), bits));
      out[1] = ior(out[1], iand(ishift_left<2>(q), bits));
      out[2] = ior(out[2], iand(q, bits));
      out[3] = ior(out[3], iand(ishift_right<2>(q), bits));
    }
  }
}

// Each format: where its parts stand in a record, what a group holds once loaded, and how it adds to the sums of tokens
// whose activations and sides stand side by side.

/// P4K, P5K.
template <int kCodeBits, int kGroupBytes>
struct SuperMin {
  static constexpr std::int64_t kRecordGroups = 8;
  static constexpr std::int64_t kRecordBytes = 320 + 8 * kGroupBytes;
  static constexpr int kBits = kCodeBits;
  RETORT_INLINE static const std::uint8_t* codes(const std::uint8_t* record, std::int64_t g) {
    return record + 320 + g * kGroupBytes;
  }
  /// [s 16][m 16]
  RETORT_INLINE static const std::uint8_t* scales(const std::uint8_t* record, std::int64_t g) {
    return record + 64 + 32 * g;
  }
  struct Group {
    I w[8];
    Factor scale;
    F d;
    F minus_min;
  };
  RETORT_INLINE static void load(const std::uint8_t* record, std::int64_t g, int half, Group& out) {
    load_codes<kBits>(codes(record, g), half, out.w);
    const std::uint8_t* at = scales(record, g) + kLanes * half;
    out.scale = factors_u8(at);
    out.d = vload_f16(record + 2 * kLanes * half);
    out.minus_min = vsub(vzero(), vmul(vload_f16(record + 32 + 2 * kLanes * half), float_u8(at + 16)));
  }
  template <int kTokens>
  RETORT_INLINE static void add(const Group& group, const std::int8_t* x, const ActivationGroup* side, F* acc) {
    F sums[kTokens];
    scaled_dot<kCodeBits, kTokens>(group.w, x, side, group.scale, sums);
    RETORT_UNROLL for (int t = 0; t < kTokens; ++t) {
      const F scaled = vfma(sums[t], vmul(group.d, vset(side[t].scale)), acc[t]);
      acc[t] = vfma(group.minus_min, vset(side[t].sum), scaled);
    }
  }
};
using P4K = SuperMin<4, 256>;
using P5K = SuperMin<5, 320>;

struct P6K {
  static constexpr std::int64_t kRecordGroups = 8;
  static constexpr std::int64_t kRecordBytes = 3360;
  static constexpr int kBits = 6;
  RETORT_INLINE static const std::uint8_t* codes(const std::uint8_t* record, std::int64_t g) {
    return record + 288 + g * 384;
  }
  /// [s of columns 0 to 15, 16][s of the others, 16]
  RETORT_INLINE static const std::uint8_t* scales(const std::uint8_t* record, std::int64_t g) {
    return record + 32 + 32 * g;
  }
  struct Group {
    I w[8];
    Factor scales[2];
    F d;
  };
  RETORT_INLINE static void load(const std::uint8_t* record, std::int64_t g, int half, Group& out) {
    load_codes<kBits>(codes(record, g), half, out.w);
    const std::uint8_t* at = scales(record, g) + kLanes * half;
    out.scales[0] = factors_i8(at);
    out.scales[1] = factors_i8(at + 16);
    out.d = vload_f16(record + 2 * kLanes * half);
  }
  template <int kTokens>
  RETORT_INLINE static void add(const Group& group, const std::int8_t* x, const ActivationGroup* side, F* acc) {
    F sums[kTokens];
    scaled_dot_minus32<kTokens>(group.w, x, side, group.scales, sums);
    RETORT_UNROLL for (int t = 0; t < kTokens; ++t) {
      acc[t] = vfma(sums[t], vmul(group.d, vset(side[t].scale)), acc[t]);
    }
  }
};

/// P4, P5, P8: one fp16 scale; codes minus 2^kOffsetBits, or signed bytes as they are.
template <int kCodeBits, int kOffsetBits, int kBytes>
struct Direct {
  static constexpr std::int64_t kRecordGroups = 1;
  static constexpr std::int64_t kRecordBytes = kBytes;
  static constexpr int kBits = kCodeBits;
  RETORT_INLINE static const std::uint8_t* codes(const std::uint8_t* record, std::int64_t) { return record + 32; }
  struct Group {
    I w[8];
    F d;
  };
  RETORT_INLINE static void load(const std::uint8_t* record, std::int64_t, int half, Group& out) {
    load_codes<kBits>(codes(record, 0), half, out.w);
    out.d = vload_f16(record + 2 * kLanes * half);
  }
  template <int kTokens>
  RETORT_INLINE static void add(const Group& group, const std::int8_t* x, const ActivationGroup* side, F* acc) {
    I sums[kTokens];
    dot<kCodeBits, kTokens>(group.w, x, side, sums);
    RETORT_UNROLL for (int t = 0; t < kTokens; ++t) {
      if constexpr (kOffsetBits != 0) sums[t] = isub(sums[t], iset(side[t].isum << kOffsetBits));
      acc[t] = vfma(to_float(sums[t]), vmul(group.d, vset(side[t].scale)), acc[t]);
    }
  }
};
using P4 = Direct<4, 3, 288>;
using P5 = Direct<5, 4, 352>;
using P8 = Direct<8, 0, 544>;

/// P4G32, P4G128, P8G32, P8G128: an fp32 scale and a zero of each row for kGroups groups; bytes are signed.
template <int kCodeBits, int kGroups>
struct Grouped {
  static constexpr std::int64_t kGroupBytes = 64 * kCodeBits;
  static constexpr std::int64_t kRecordGroups = kGroups;
  static constexpr std::int64_t kRecordBytes = 80 + kGroups * kGroupBytes;
  static constexpr int kBits = kCodeBits;
  RETORT_INLINE static const std::uint8_t* codes(const std::uint8_t* record, std::int64_t g) {
    return record + 80 + g * kGroupBytes;
  }
  RETORT_INLINE static F scales(const std::uint8_t* record, int half) {
    return vload(reinterpret_cast<const float*>(record) + kLanes * half);
  }
  RETORT_INLINE static I zeros(const std::uint8_t* record, int half) {
    const std::uint8_t* at = record + 64 + kLanes * half;
    return kCodeBits == 8 ? ints_i8(at) : ints_u8(at);
  }
  struct Group {
    I w[8];
    I zero;
    F d;
  };
  RETORT_INLINE static void load(const std::uint8_t* record, std::int64_t g, int half, Group& out) {
    load_codes<kBits>(codes(record, g), half, out.w);
    out.zero = as_factor(zeros(record, half));
    out.d = scales(record, half);
  }
  template <int kTokens>
  RETORT_INLINE static void add(const Group& group, const std::int8_t* x, const ActivationGroup* side, F* acc) {
    I sums[kTokens];
    dot<kCodeBits, kTokens>(group.w, x, side, sums);
    RETORT_UNROLL for (int t = 0; t < kTokens; ++t) {
      const I sum = isub(sums[t], times_sum(group.zero, side[t].isum));
      acc[t] = vfma(to_float(sum), vmul(group.d, vset(side[t].scale)), acc[t]);
    }
  }
};
using P4G32 = Grouped<4, 1>;
using P4G128 = Grouped<4, 4>;
using P8G32 = Grouped<8, 1>;
using P8G128 = Grouped<8, 4>;

/// Asks for what lies 4 KiB (some 400 ns at 10 GB/s a thread) behind group g of a panel, as many bytes as a group has.
/// Asking for a whole record of groups at once made one token's product slower by a fifth to a third.
template <typename Format>
RETORT_INLINE void fetch_ahead(const std::uint8_t* panel, std::int64_t g) {
  constexpr std::int64_t kBytes = (Format::kRecordBytes + Format::kRecordGroups - 1) / Format::kRecordGroups;
  const std::uint8_t* ahead = panel + g * kBytes + 4096;
  for (std::int64_t i = 0; i < kBytes; i += 64) __builtin_prefetch(ahead + i, 0, 3);
}

}  // namespace
}  // namespace retort
