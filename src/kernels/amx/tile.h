// Tile registers. Every instruction is written as assembler that says it reads and writes memory: GCC 12's own
// intrinsics do not say so, and stores that only a tile would have read were optimised away.
//
// Registers 0 to 3 are sums: 2 tiles of rows by 2 tiles of columns; 4 and 5 the left factors, 6 and 7 the right ones.
// So 4 loads of 1 KiB (32 cycles at two lines each) feed 4 products (64 cycles), where 1 by 1 would need 2 loads for
// each.
#pragma once

#include "kernels/avx512/vec.h"
#include "kernels/tiles.h"

namespace retort {
namespace {

constexpr std::int64_t kTileBytes = 1024;
constexpr std::int64_t kTileStride = 64;  // bytes between the rows of a tile that lies alone

/// Tile registers for as long as it lives: sums of `left_rows` by 64 bytes; left factors of `left_rows` by
/// `left_bytes`, right ones of `right_rows` by 64 bytes. A product takes as many cycles as it has left rows. A thread's
/// tiles take 8 KiB of its state, saved with it by the system only while they are in use.
class Tiles {
 public:
  explicit Tiles(int left_bytes = 64, int right_rows = 16, int left_rows = 16) {
    struct alignas(64) Configuration {
      std::uint8_t palette = 1;
      std::uint8_t start_row = 0;
      std::uint8_t reserved[14] = {};
      std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    };
    static_assert(sizeof(Configuration) == 64);
    Configuration configuration;
    configuration.row_bytes[4] = configuration.row_bytes[5] = static_cast<std::uint16_t>(left_bytes);
    for (int i = 0; i < 6; ++i) configuration.rows[i] = static_cast<std::uint8_t>(left_rows);
    configuration.rows[6] = configuration.rows[7] = static_cast<std::uint8_t>(right_rows);
    __asm__ volatile("ldtilecfg %0" : : "m"(configuration) : "memory");
  }
  ~Tiles() { __asm__ volatile("tilerelease" : : : "memory"); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
};

template <int kTile>
RETORT_INLINE void tile_zero() {
  __asm__ volatile("tilezero %%tmm%c0" : : "i"(kTile));
}
template <int kTile>
RETORT_INLINE void tile_load(const void* p, std::int64_t stride) {
  __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(p), "r"(stride), "i"(kTile) : "memory");
}
/// The same for what is read once and should not drive out of L1 what is read again.
template <int kTile>
RETORT_INLINE void tile_stream(const void* p, std::int64_t stride) {
  __asm__ volatile("tileloaddt1 (%0,%1,1), %%tmm%c2" : : "r"(p), "r"(stride), "i"(kTile) : "memory");
}
template <int kTile>
RETORT_INLINE void tile_store(void* p, std::int64_t stride) {
  __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(p), "r"(stride), "i"(kTile) : "memory");
}
/// Tile kSum += tile kLeft times tile kRight.
template <int kSum, int kLeft, int kRight>
RETORT_INLINE void tile_product() {
  __asm__ volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSum), "i"(kLeft), "i"(kRight));
}

/// The same of signed bytes, into 32 bits.
template <int kSum, int kLeft, int kRight>
RETORT_INLINE void tile_integer_product() {
  __asm__ volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSum), "i"(kLeft), "i"(kRight));
}

/// The same where the right factor's bytes are unsigned.
template <int kSum, int kLeft, int kRight>
RETORT_INLINE void tile_product_with_unsigned() {
  __asm__ volatile("tdpbsud %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSum), "i"(kLeft), "i"(kRight));
}

/// What a product of several tiles reads: `steps` tiles from each pointer, strides in bytes.
struct TileOperand {
  const std::byte* first;   ///< of tile row (or column) 0
  const std::byte* second;  ///< of tile row (or column) 1
  std::int64_t step;        ///< from one step's tile to the next
  std::int64_t row;         ///< from one row of a tile to the next
};

/// The sums in registers plus `steps` products: kRows by kColumns tiles. The left factors stream past.
template <int kRows, int kColumns>
RETORT_INLINE void tile_products(TileOperand left, TileOperand right, std::int64_t steps) {
  for (std::int64_t s = 0; s < steps; ++s) {
    tile_load<6>(right.first, right.row);
    tile_stream<4>(left.first, left.row);
    tile_product<0, 4, 6>();
    if constexpr (kColumns == 2) {
      tile_load<7>(right.second, right.row);
      tile_product<1, 4, 7>();
      right.second += right.step;
    }
    if constexpr (kRows == 2) {
      tile_stream<5>(left.second, left.row);
      tile_product<2, 5, 6>();
      if constexpr (kColumns == 2) tile_product<3, 5, 7>();
      left.second += left.step;
    }
    left.first += left.step;
    right.first += right.step;
  }
}

/// Sums [2 tile rows][2 tile columns], each alone.
template <int kRows, int kColumns>
RETORT_INLINE void sums_zero() {
  tile_zero<0>();
  if constexpr (kColumns == 2) tile_zero<1>();
  if constexpr (kRows == 2) tile_zero<2>();
  if constexpr (kRows == 2 && kColumns == 2) tile_zero<3>();
}
template <int kRows, int kColumns>
RETORT_INLINE void sums_load(const std::byte* first, const std::byte* second) {
  tile_stream<0>(first, kTileStride);
  if constexpr (kColumns == 2) tile_stream<1>(first + kTileBytes, kTileStride);
  if constexpr (kRows == 2) tile_stream<2>(second, kTileStride);
  if constexpr (kRows == 2 && kColumns == 2) tile_stream<3>(second + kTileBytes, kTileStride);
}
template <int kRows, int kColumns>
RETORT_INLINE void sums_store(std::byte* first, std::byte* second) {
  tile_store<0>(first, kTileStride);
  if constexpr (kColumns == 2) tile_store<1>(first + kTileBytes, kTileStride);
  if constexpr (kRows == 2) tile_store<2>(second, kTileStride);
  if constexpr (kRows == 2 && kColumns == 2) tile_store<3>(second + kTileBytes, kTileStride);
}

/// 32 fp32 rounded to bf16: `low` in lanes 0 to 15.
RETORT_INLINE __m512i round_to_bf16(F low, F high) { return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low)); }

}  // namespace
}  // namespace retort
