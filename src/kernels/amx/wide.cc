// Activations of 12 bits (kernels/wide.h): how they are rounded, and which of two ways multiplies them.
#include "kernels/avx512/int8.h"
// (int8.h first: simd/packed_formats.h is written in its terms)
#include "kernels/amx/wide_few.h"
#include "kernels/amx/wide_tiles.h"
#include "kernels/tables.h"

namespace retort {
namespace {

template <typename Format>
void wide_matmul(const WideMatmulArgs& a) {
  switch (a.x.tokens) {
    case 1:
      return wide_few<Format, 1>(a);
    case 2:
      return wide_few<Format, 2>(a);
    case 3:
      return wide_few<Format, 3>(a);
    case 4:
      return wide_few<Format, 4>(a);
    default:
      return wide_tiles<Format>(a);
  }
}

/// Columns of 256 from x, for token t of a tile.
void widen_record(const float* x, const WideTile& tile, std::int64_t record, std::int64_t t) {
  constexpr auto kMost = static_cast<float>(kWideMost);
  const I magnitude = iset(0x7fffffff);
  I largest = _mm512_setzero_si512();
  for (int i = 0; i < 16; ++i) largest = _mm512_max_epi32(largest, iand(_mm512_loadu_si512(x + 16 * i), magnitude));
  const std::int32_t bits = _mm512_reduce_max_epi32(largest);
  constexpr std::int32_t kInfinityBits = 0x7f800000;
  constexpr std::int32_t kLeastBits = (127 - 100) << 23;  // 2^-100
  const bool zeros = bits >= kInfinityBits || bits < kLeastBits;
  float max;
  __builtin_memcpy(&max, &bits, sizeof(max));
  const F inverse = vset(zeros ? 0.0f : kMost / max);
  const float scale = bits >= kInfinityBits ? __builtin_nanf("") : zeros ? 0.0f : max / kMost;
  tile.scale(record)[t] = scale;
  std::int32_t sums[kWideOffsets];
  for (int i = 0; i < kWideOffsets; ++i) {
    I n = _mm512_setzero_si512();
    if (!zeros) n = _mm512_cvtps_epi32(vmul(vload(x + 16 * i), inverse));
    const I high = _mm512_srai_epi32(iadd(n, iset(8)), 4);
    const I low = isub(n, ishift_left<4>(high));
    const std::int64_t step = record * kSteps + i / 4;
    const auto store = [&](int plane, I values) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(tile.step(step, plane, t) + 16 * (i % 4)),
                       _mm512_cvtepi32_epi8(values));
    };
    store(0, high);
    store(1, low);
    sums[i] = _mm512_reduce_add_epi32(n);
    tile.offset(record, i)[t] = -32 * sums[i];
  }
  for (int i = 0; i < kWidePairs; ++i) {
    const std::int32_t first = (sums[4 * i] + sums[4 * i + 1] + 1) >> 1;
    const std::int32_t second = (sums[4 * i + 2] + sums[4 * i + 3] + 1) >> 1;
    tile.pair(record, i)[t] = static_cast<std::int32_t>((static_cast<std::uint32_t>(first) & 0xffffu) |
                                                        static_cast<std::uint32_t>(second) << 16);
  }
}

void wide_rows(const WideRowsArgs& a) {
  for (std::int64_t t = 0; t < a.out.tokens; ++t) {
    const WideTile tile = wide_tile(a.out, t / kWideTokens);
    for (std::int64_t r = a.first_record; r < a.last_record; ++r) {
      widen_record(a.x + t * a.x_stride + r * kWideColumns, tile, r, t % kWideTokens);
    }
  }
}

}  // namespace

void fill_amx_wide(KernelTable& table) {
  table.wide_rows = wide_rows;
  table.wide_matmul[static_cast<int>(PackedFormat::kP4K)] = wide_matmul<P4K>;
  table.wide_matmul[static_cast<int>(PackedFormat::kP5K)] = wide_matmul<P5K>;
  table.wide_matmul[static_cast<int>(PackedFormat::kP6K)] = wide_matmul<P6K>;
}

}  // namespace retort
