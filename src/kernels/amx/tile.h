// Tile registers. Every instruction is written as assembler that says it reads and writes memory: GCC 12's own
// intrinsics do not say so, and stores that only a tile would have read were optimised away.
//
// Four of the eight registers are used (wide_tiles.h: six): 0 and 1 are sums, 4 is the left factor, 6 the right one. So
// 3 loads of 1 KiB (24 cycles at two lines each) feed 2 products (32 cycles). With all eight, 4 loads would feed 4
// products, which is no faster while a thread has the core for itself, and takes twice as long while another one (a
// neighbour's hyperthread, mostly) has the core's other half: as if a load waited until there is a free register to
// rename its target to, and both threads shared these. Measured, ns for each product with its loads:
//
//   registers            8 (2 x 2)   7 (2 x 2)   6 (4 x 1)   4 (2 x 1)   3 (1 x 1)
//   alone                7.0         7.0         7.0         7.0         7.5
//   beside a neighbour   25 to 29    20          18          14          14
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

/// A factor of several products: distances in bytes.
struct TileOperand {
  const std::byte* first;
  std::int64_t step;               ///< from one product's tile to the next one's
  std::int64_t row = kTileStride;  ///< from one row of a tile to the next
  std::int64_t next_column = 0;    ///< of a right factor: from one tile column to the other
};

/// The sums in registers plus `steps` products of one tile of rows by kColumns tiles of columns. The left factors
/// stream past. `meanwhile` is called once a step.
template <int kColumns, typename Meanwhile>
RETORT_INLINE void tile_products(TileOperand left, TileOperand right, std::int64_t steps, Meanwhile meanwhile) {
  for (std::int64_t s = 0; s < steps; ++s) {
    meanwhile();
    tile_stream<4>(left.first, left.row);
    tile_load<6>(right.first, right.row);
    tile_product<0, 4, 6>();
    if constexpr (kColumns == 2) {
      tile_load<6>(right.first + right.next_column, right.row);
      tile_product<1, 4, 6>();
    }
    left.first += left.step;
    right.first += right.step;
  }
}

template <int kColumns>
RETORT_INLINE void tile_products(TileOperand left, TileOperand right, std::int64_t steps) {
  tile_products<kColumns>(left, right, steps, [] {});
}

/// Sums [tile columns], one behind the other.
template <int kColumns>
RETORT_INLINE void sums_zero() {
  tile_zero<0>();
  if constexpr (kColumns == 2) tile_zero<1>();
}
template <int kColumns>
RETORT_INLINE void sums_load(const std::byte* sums) {
  tile_stream<0>(sums, kTileStride);
  if constexpr (kColumns == 2) tile_stream<1>(sums + kTileBytes, kTileStride);
}
template <int kColumns>
RETORT_INLINE void sums_store(std::byte* sums) {
  tile_store<0>(sums, kTileStride);
  if constexpr (kColumns == 2) tile_store<1>(sums + kTileBytes, kTileStride);
}

/// 32 fp32 rounded to bf16: `low` in lanes 0 to 15.
RETORT_INLINE __m512i round_to_bf16(F low, F high) { return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low)); }

}  // namespace
}  // namespace retort
