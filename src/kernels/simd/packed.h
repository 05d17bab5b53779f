// Products of packed weights and int8 activations (kernels/packed.h). Include after an ISA's int8.h and simd/quantize.h.
//
// A group of a panel is unpacked into 8 vectors, which then serve all tokens of a tile. What a token costs per group
// and vector of rows, on AVX2 with 4-bit codes: 8 broadcasts of four activations, 8 VPMADDUBSW, 7 VPADDW, 1 VPMADDWD,
// conversion, scale, FMA (and one more for the minimum): some 20 vector operations for 256 products, so on a core
// that begins four a cycle at most 50 products a cycle, against 16 of fp32 FMAs.
//
// One to four tokens (decoding) keep their sums in registers and stream the panels once, prefetching. More go through
// tiles of up to 64 tokens by blocks of 64 groups: 64 x 64 x 52 bytes of activations, 213 KB, stay in L2 while the
// panels of all rows pass; the sums wait in y between blocks, which moves no bit.
#pragma once

#include "kernels/kernels.h"
#include "kernels/simd/compiler.h"

namespace retort {
namespace {

constexpr std::int64_t kBlockGroups = 64;
/// How far ahead of the panels a decode asks for memory: some 250 ns at 9 GB/s a thread.
constexpr std::int64_t kPrefetchBytes = 2304;

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

// Each format: where its parts stand in a record, what a group holds once loaded, and how it adds to a token's sum.

/// P4K, P5K.
template <int kCodeBits, int kGroupBytes>
struct SuperMin {
  static constexpr std::int64_t kRecordGroups = 8;
  static constexpr std::int64_t kRecordBytes = 320 + 8 * kGroupBytes;
  struct Group {
    I w[8];
    I scale;
    F d;
    F minus_min;
  };
  RETORT_INLINE static void load(const std::uint8_t* record, std::int64_t g, int half, Group& out) {
    load_codes<kCodeBits>(record + 320 + g * kGroupBytes, half, out.w);
    const std::uint8_t* scales = record + 64 + 32 * g + kLanes * half;
    out.scale = scales_u8(scales);
    out.d = vload_f16(record + 2 * kLanes * half);
    out.minus_min = vsub(vzero(), vmul(vload_f16(record + 32 + 2 * kLanes * half), float_u8(scales + 16)));
  }
  RETORT_INLINE static F add(const Group& group, const std::int8_t* x, const ActivationGroup& side, F acc) {
    const F sum = to_float(dot<kCodeBits, 8>(group.w, x, side, group.scale));
    return vfma(group.minus_min, vset(side.sum), vfma(sum, vmul(group.d, vset(side.scale)), acc));
  }
};
using P4K = SuperMin<4, 256>;
using P5K = SuperMin<5, 320>;

struct P6K {
  static constexpr std::int64_t kRecordGroups = 8;
  static constexpr std::int64_t kRecordBytes = 3360;
  struct Group {
    I w[8];
    I scale[2];
    F d;
  };
  RETORT_INLINE static void load(const std::uint8_t* record, std::int64_t g, int half, Group& out) {
    load_codes<6>(record + 288 + g * 384, half, out.w);
    const std::uint8_t* scales = record + 32 + 32 * g + kLanes * half;
    out.scale[0] = scales_i8(scales);
    out.scale[1] = scales_i8(scales + 16);
    out.d = vload_f16(record + 2 * kLanes * half);
  }
  RETORT_INLINE static F add(const Group& group, const std::int8_t* x, const ActivationGroup& side, F acc) {
    const I sum = iadd(dot_minus32<0>(group.w, x, side, group.scale[0]), dot_minus32<1>(group.w, x, side, group.scale[1]));
    return vfma(to_float(sum), vmul(group.d, vset(side.scale)), acc);
  }
};

/// P4, P5, P8: one fp16 scale; codes minus 2^kOffsetBits, or signed bytes as they are.
template <int kCodeBits, int kOffsetBits, int kBytes>
struct Direct {
  static constexpr std::int64_t kRecordGroups = 1;
  static constexpr std::int64_t kRecordBytes = kBytes;
  struct Group {
    I w[8];
    F d;
  };
  RETORT_INLINE static void load(const std::uint8_t* record, std::int64_t, int half, Group& out) {
    load_codes<kCodeBits>(record + 32, half, out.w);
    out.d = vload_f16(record + 2 * kLanes * half);
  }
  RETORT_INLINE static F add(const Group& group, const std::int8_t* x, const ActivationGroup& side, F acc) {
    I sum = dot<kCodeBits, 8>(group.w, x, side, scale_one());
    if constexpr (kOffsetBits != 0) sum = isub(sum, iset(side.isum << kOffsetBits));
    return vfma(to_float(sum), vmul(group.d, vset(side.scale)), acc);
  }
};
using P4 = Direct<4, 3, 288>;
using P5 = Direct<5, 4, 352>;
using P8 = Direct<8, 0, 544>;

template <typename Format>
RETORT_INLINE void prefetch_record(const std::uint8_t* record) {
  for (std::int64_t i = 0; i < Format::kRecordBytes; i += 64) {
    __builtin_prefetch(record + kPrefetchBytes + i, 0, 3);
  }
}

/// Row r of a panel's 16 sums; those beyond `rows` are not written.
RETORT_INLINE void store_rows(float* y, const F* sums, std::int64_t rows) {
  RETORT_UNROLL for (int h = 0; h < kHalves; ++h) {
    const std::int64_t left = rows - h * kLanes;
    if (left >= kLanes) {
      vstore(y + h * kLanes, sums[h]);
    } else if (left > 0) {
      vstore_first(y + h * kLanes, sums[h], left);
    }
  }
}

template <typename Format, int kTokens>
void packed_few(const PackedMatmulArgs& a) {
  const std::int64_t records = a.x.columns / (kGroupColumns * Format::kRecordGroups);
  const auto* record = static_cast<const std::uint8_t*>(a.panels);
  for (std::int64_t p = 0; p < a.panel_count; ++p) {
    F sums[kTokens][kHalves];
    RETORT_UNROLL for (int t = 0; t < kTokens; ++t) {
      RETORT_UNROLL for (int h = 0; h < kHalves; ++h) sums[t][h] = vzero();
    }
    const std::int8_t* x = a.x.codes;
    const ActivationGroup* side = a.x.side;
    for (std::int64_t i = 0; i < records; ++i, record += Format::kRecordBytes) {
      prefetch_record<Format>(record);
      for (std::int64_t g = 0; g < Format::kRecordGroups; ++g, x += kTokens * kGroupColumns, side += kTokens) {
        RETORT_UNROLL for (int h = 0; h < kHalves; ++h) {
          typename Format::Group group;
          Format::load(record, g, h, group);
          RETORT_UNROLL for (int t = 0; t < kTokens; ++t) {
            sums[t][h] = Format::add(group, x + t * kGroupColumns, side[t], sums[t][h]);
          }
        }
      }
    }
    const std::int64_t rows = p + 1 == a.panel_count ? a.last_rows : kPanelRows;
    RETORT_UNROLL for (int t = 0; t < kTokens; ++t) store_rows(a.y + t * a.y_stride + p * kPanelRows, sums[t], rows);
  }
}

/// One tile of n tokens that begins at token `first`.
template <typename Format>
void packed_tile(const PackedMatmulArgs& a, std::int64_t first, std::int64_t n) {
  const std::int64_t groups = a.x.columns / kGroupColumns;
  const std::int64_t bytes = groups / Format::kRecordGroups * Format::kRecordBytes;
  alignas(64) float sums[kTokenTile][kPanelRows];
  for (std::int64_t begin = 0; begin < groups; begin += kBlockGroups) {
    const std::int64_t end = begin + kBlockGroups < groups ? begin + kBlockGroups : groups;
    for (std::int64_t p = 0; p < a.panel_count; ++p) {
      const std::int64_t rows = p + 1 == a.panel_count ? a.last_rows : kPanelRows;
      float* y = a.y + first * a.y_stride + p * kPanelRows;
      for (std::int64_t t = 0; t < n; ++t) {
        for (std::int64_t r = 0; r < kPanelRows; ++r) sums[t][r] = begin == 0 || r >= rows ? 0.0f : y[t * a.y_stride + r];
      }
      const auto* panel = static_cast<const std::uint8_t*>(a.panels) + p * bytes;
      for (std::int64_t g = begin; g < end; ++g) {
        const std::uint8_t* record = panel + g / Format::kRecordGroups * Format::kRecordBytes;
        const std::int8_t* x = a.x.codes + (first * groups + g * n) * kGroupColumns;
        const ActivationGroup* side = a.x.side + first * groups + g * n;
        for (int h = 0; h < kHalves; ++h) {
          typename Format::Group group;
          Format::load(record, g % Format::kRecordGroups, h, group);
          for (std::int64_t t = 0; t < n; ++t) {
            float* sum = sums[t] + h * kLanes;
            vstore(sum, Format::add(group, x + t * kGroupColumns, side[t], vload(sum)));
          }
        }
      }
      for (std::int64_t t = 0; t < n; ++t) {
        for (std::int64_t r = 0; r < rows; ++r) y[t * a.y_stride + r] = sums[t][r];
      }
    }
  }
}

template <typename Format>
void packed_matmul(const PackedMatmulArgs& a) {
  switch (a.x.tokens) {
    case 1:
      return packed_few<Format, 1>(a);
    case 2:
      return packed_few<Format, 2>(a);
    case 3:
      return packed_few<Format, 3>(a);
    case 4:
      return packed_few<Format, 4>(a);
    default:
      break;
  }
  for (std::int64_t first = 0; first < a.x.tokens; first += kTokenTile) {
    const std::int64_t left = a.x.tokens - first;
    packed_tile<Format>(a, first, left < kTokenTile ? left : kTokenTile);
  }
}

void set_packed(KernelTable& table) {
  table.quantize_rows = quantize_rows;
  table.packed_matmul[static_cast<int>(PackedFormat::kP4K)] = packed_matmul<P4K>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP5K)] = packed_matmul<P5K>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP6K)] = packed_matmul<P6K>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP4)] = packed_matmul<P4>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP5)] = packed_matmul<P5>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP8)] = packed_matmul<P8>;
}

}  // namespace
}  // namespace retort
