// The codes of a GroupedWeight out of the words of its file. All of a model passes through here when it is loaded, so
// whole words are taken at once; what begins or ends within one goes code by code.
#include <algorithm>

#include "nn/grouped_weight.h"
#include "nn/packed_words.h"

namespace retort {
namespace {

using Tile = GroupedWeight::Tile;

// Byte i = nibble i.
std::uint64_t nibbles(std::uint32_t word) {
  std::uint64_t x = word;
  x = (x | (x << 16)) & 0x0000ffff0000ffffu;
  x = (x | (x << 8)) & 0x00ff00ff00ff00ffu;
  return (x | (x << 4)) & 0x0f0f0f0f0f0f0f0fu;
}

// Exchanges the upper part of each `2 * kBits` bits of a with the lower part of those of b.
template <int kBits>
void exchange(std::uint64_t mask, std::uint64_t& a, std::uint64_t& b) {
  const std::uint64_t changed = ((a >> kBits) ^ b) & mask;
  a ^= changed << kBits;
  b ^= changed;
}

// Byte k of a[i] becomes byte i of a[k].
void transpose(std::array<std::uint64_t, 8>& a) {
  for (const std::size_t i : {0, 1, 2, 3}) exchange<32>(0x00000000ffffffffu, a[i], a[i + 4]);
  for (const std::size_t i : {0, 1, 4, 5}) exchange<16>(0x0000ffff0000ffffu, a[i], a[i + 2]);
  for (const std::size_t i : {0, 2, 4, 6}) exchange<8>(0x00ff00ff00ff00ffu, a[i], a[i + 1]);
}

// Words [columns, rows / 8], eight rows in each. Eight columns of eight rows.
void unpack_awq_block(const GroupedWeight& w, std::int64_t row, std::int64_t column, std::uint8_t* q,
                      std::int64_t stride) {
  const std::int64_t words = w.rows / 8;
  std::array<std::uint64_t, 8> a;
  for (std::size_t c = 0; c < 8; ++c) {
    a[c] = nibbles(element<std::uint32_t>(w.packed, (column + static_cast<std::int64_t>(c)) * words + row / 8));
  }
  transpose(a);
  for (std::size_t r = 0; r < 8; ++r) {
    std::memcpy(q + static_cast<std::int64_t>(r) * stride, &a[static_cast<std::size_t>(kAwqNibble[r])], 8);
  }
}

void unpack_awq(const GroupedWeight& w, const Tile& tile) {
  const std::int64_t words = w.rows / 8;
  const std::int64_t end_row = tile.first_row + tile.rows;
  const bool whole = tile.first_row % 8 == 0 && tile.rows % 8 == 0;
  const std::int64_t blocks_end = whole ? tile.columns / 8 * 8 : 0;
  for (std::int64_t c = 0; c < blocks_end; c += 8) {
    for (std::int64_t r = 0; r < tile.rows; r += 8) {
      unpack_awq_block(w, tile.first_row + r, tile.first_column + c, tile.q + r * tile.stride + c, tile.stride);
    }
  }
  for (std::int64_t c = blocks_end; c < tile.columns; ++c) {
    for (std::int64_t r = tile.first_row; r < end_row; ++r) {
      const auto word = element<std::uint32_t>(w.packed, (tile.first_column + c) * words + r / 8);
      tile.q[(r - tile.first_row) * tile.stride + c] = code_in(word, kAwqNibble[static_cast<std::size_t>(r % 8)], 4);
    }
  }
}

// Words [columns / per_word, rows] (GPTQ) or [rows, ceil(columns / per_word)], consecutive columns in each.
void unpack_words(const GroupedWeight& w, const Tile& tile) {
  const std::int64_t per_word = 32 / w.bits;
  const bool by_columns = w.layout == WeightLayout::kGptq;
  const std::int64_t row_stride = by_columns ? 1 : w.packed.columns();
  const std::int64_t word_stride = by_columns ? w.packed.columns() : 1;
  const std::int64_t end_column = tile.first_column + tile.columns;
  for (std::int64_t j = tile.first_column / per_word; j * per_word < end_column; ++j) {
    const std::int64_t begin = std::max(j * per_word, tile.first_column);
    const std::int64_t end = std::min(j * per_word + per_word, end_column);
    std::uint8_t* q = tile.q + begin - tile.first_column;
    for (std::int64_t r = 0; r < tile.rows; ++r, q += tile.stride) {
      const auto word = element<std::uint32_t>(w.packed, (tile.first_row + r) * row_stride + j * word_stride);
      if (end - begin == 8) {
        const std::uint64_t codes = nibbles(word);
        std::memcpy(q, &codes, 8);
      } else {
        for (std::int64_t c = begin; c < end; ++c) q[c - begin] = code_in(word, c - j * per_word, w.bits);
      }
    }
  }
}

// Signed bytes [rows, columns].
void unpack_bytes(const GroupedWeight& w, const Tile& tile) {
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    const std::byte* row = w.packed.data + (tile.first_row + r) * w.columns + tile.first_column;
    std::uint8_t* q = tile.q + r * tile.stride;
    for (std::int64_t c = 0; c < tile.columns; ++c) q[c] = static_cast<std::uint8_t>(row[c] ^ std::byte{0x80});
  }
}

}  // namespace

void GroupedWeight::codes(const Tile& tile) const {
  if (layout == WeightLayout::kAwq) return unpack_awq(*this, tile);
  if (layout == WeightLayout::kPlainInts) return unpack_bytes(*this, tile);
  unpack_words(*this, tile);
}

}  // namespace retort
