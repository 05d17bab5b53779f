// Products of bf16 tiles, one number at a time: kernels/tiles.h defines them.
#include "kernels/tiles.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "core/float_bits.h"
#include "kernels/ref/ref.h"

namespace retort::ref {
namespace {

float flush(float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x; }

std::uint16_t round_to_bf16(float x) { return float_to_bf16(flush(x)); }
float rounded(float x) { return bf16_to_float(round_to_bf16(x)); }

// acc plus 32 products of bf16 numbers.
float step(const float* a, const float* b, float acc) {
  float sums[2] = {0, 0};
  for (int k = 0; k < kTileColumns; ++k) sums[k % 2] = flush(std::fma(flush(a[k]), flush(b[k]), sums[k % 2]));
  return flush(flush(acc) + flush(sums[0] + sums[1]));
}
float product(const float* a, const float* b, std::int64_t n, float acc) {
  for (std::int64_t k = 0; k < n; k += kTileColumns) acc = step(a + k, b + k, acc);
  return acc;
}

void tile_rows(const TileRowsArgs& a) {
  const std::int64_t steps = a.out.columns / kTileColumns;
  for (std::int64_t t = a.first_tile * kTileRows; t < a.last_tile * kTileRows; ++t) {
    for (std::int64_t c = 0; c < a.out.columns; ++c) {
      const std::int64_t tile = t / kTileRows * steps + c / kTileColumns;
      a.out.tiles[tile * kTileElements + t % kTileRows * kTileColumns + c % kTileColumns] =
          t < a.out.tokens ? round_to_bf16(a.x[t * a.x_stride + c]) : std::uint16_t{0};
    }
  }
}

template <PackedFormat kFormat>
void tile_matmul(const TileMatmulArgs& a) {
  const std::int64_t columns = a.x.columns;
  const std::int64_t steps = columns / kTileColumns;
  std::vector<float> w(columns);
  std::vector<float> x(columns);
  for (std::int64_t p = 0; p < a.panel_count; ++p) {
    const auto* panel = static_cast<const std::byte*>(a.panels) + p * panel_bytes(kFormat, columns);
    const std::int64_t rows = p + 1 == a.panel_count ? a.last_rows : kPanelRows;
    for (std::int64_t r = 0; r < rows; ++r) {
      unpack_row(kFormat, panel, r, columns, w.data());
      for (float& value : w) value = rounded(value);
      for (std::int64_t t = 0; t < a.x.tokens; ++t) {
        for (std::int64_t c = 0; c < columns; ++c) {
          const std::int64_t tile = t / kTileRows * steps + c / kTileColumns;
          x[c] = bf16_to_float(a.x.tiles[tile * kTileElements + t % kTileRows * kTileColumns + c % kTileColumns]);
        }
        a.y[t * a.y_stride + p * kPanelRows + r] = product(x.data(), w.data(), columns, 0);
      }
    }
  }
}

// x as a sum of bf16. [parts][x]
std::vector<std::vector<float>> parts_of(std::span<const float> x, TileParts parts) {
  std::vector<std::vector<float>> out;
  std::vector<float> rest(x.begin(), x.end());
  for (int part = 0; part < static_cast<int>(parts); ++part) {
    std::vector<float>& here = out.emplace_back(rest);
    for (std::size_t i = 0; i < rest.size(); ++i) {
      here[i] = rounded(rest[i]);
      rest[i] -= here[i];
    }
  }
  return out;
}

// One row over all its blocks.
void attend_row(const TileAttentionArgs& a, const TileAttentionRow& row) {
  const KvBlockLayout& layout = *a.layout;
  const std::int64_t dim = layout.head_dim;
  constexpr auto kPositions = static_cast<int>(kKvBlockPositions);
  const float minus_infinity = -std::numeric_limits<float>::infinity();
  const float unit = tile_attention_unit(layout.type);
  const float code_unit = 1 / (unit * unit);
  std::vector<float> whole_q(row.q, row.q + dim);
  for (float& x : whole_q) x *= unit;
  const auto q = parts_of(whole_q, a.parts);
  std::vector<std::vector<float>> out(q.size(), std::vector<float>(dim, 0.0f));
  std::vector<float> keys(kPositions * dim);
  std::vector<float> values(kPositions * dim);
  std::vector<float> column(kPositions);
  float max = minus_infinity;
  float sum = 0;
  for (std::int64_t i = 0; i < a.block_count; ++i) {
    const std::int64_t start = a.first_position + i * kPositions;
    const std::byte* head = a.blocks[i];
    const auto scale = [&](std::int64_t offset, int p) { return offset == 0 ? 1.0f : load<float>(head + offset, p); };
    float w[kPositions];
    float largest = max;
    const float of_offset =
        layout.k_offset == 0
            ? 0.0f
            : a.scale * offset_score(row.q, reinterpret_cast<const float*>(head + layout.k_offset), dim);
    for (int p = 0; p < kPositions; ++p) {
      w[p] = minus_infinity;
      if (start + p < row.first || start + p >= row.last) continue;
      load_kv_codes(layout, head, p, keys.data() + p * dim, values.data() + p * dim);
      float* key = keys.data() + p * dim;
      for (std::int64_t d = 0; d < dim; ++d) {
        key[d] *= code_unit;
        values[p * dim + d] *= code_unit;
      }
      w[p] = product(q[0].data(), key, dim, 0);
      if (a.parts == TileParts::kTwo) w[p] += product(q[1].data(), key, dim, 0);
      w[p] *= a.scale * unit;
      if (layout.k_scales != 0) {
        w[p] = std::fma(w[p], scale(layout.k_scales, p), of_offset * scale(layout.k_shares, p));
      }
      if (w[p] > largest) largest = w[p];
    }
    const float base = largest > minus_infinity ? largest : 0.0f;
    for (float& x : w) x = exp_polynomial(x - base);
    const float shrink = largest > max ? exp_polynomial(max - largest) : 1.0f;
    max = largest;
    sum = std::fma(sum, shrink, sum_of_block(w));
    for (int p = 0; p < kPositions; ++p) {
      const bool seen = start + p >= row.first && start + p < row.last;
      w[p] = seen ? (layout.v_scales != 0 ? w[p] * (scale(layout.v_scales, p) * unit) : w[p]) : 0.0f;
      if (!seen) std::fill_n(values.data() + p * dim, dim, 0.0f);
    }
    const auto weights = parts_of(w, a.parts);
    for (std::int64_t d = 0; d < dim; ++d) {
      for (int p = 0; p < kPositions; ++p) column[p] = values[p * dim + d];
      for (std::size_t part = 0; part < out.size(); ++part) {
        out[part][d] = product(weights[part].data(), column.data(), kPositions, out[part][d] * shrink);
      }
    }
  }
  const float inverse = 1.0f / sum * unit;
  for (std::int64_t d = 0; d < dim; ++d) {
    row.out[d] = (a.parts == TileParts::kTwo ? out[0][d] + out[1][d] : out[0][d]) * inverse;
  }
}

void tile_attention(const TileAttentionArgs& a) {
  for (std::int64_t r = 0; r < a.row_count; ++r) attend_row(a, a.rows[r]);
}

}  // namespace

void fill_tiles(KernelTable& table) {
  table.tile_rows = tile_rows;
  table.tile_matmul[static_cast<int>(PackedFormat::kP4K)] = tile_matmul<PackedFormat::kP4K>;
  table.tile_matmul[static_cast<int>(PackedFormat::kP5K)] = tile_matmul<PackedFormat::kP5K>;
  table.tile_matmul[static_cast<int>(PackedFormat::kP6K)] = tile_matmul<PackedFormat::kP6K>;
  table.tile_matmul[static_cast<int>(PackedFormat::kP4)] = tile_matmul<PackedFormat::kP4>;
  table.tile_matmul[static_cast<int>(PackedFormat::kP5)] = tile_matmul<PackedFormat::kP5>;
  table.tile_matmul[static_cast<int>(PackedFormat::kP8)] = tile_matmul<PackedFormat::kP8>;
  table.tile_matmul[static_cast<int>(PackedFormat::kP4G32)] = tile_matmul<PackedFormat::kP4G32>;
  table.tile_matmul[static_cast<int>(PackedFormat::kP4G128)] = tile_matmul<PackedFormat::kP4G128>;
  table.tile_matmul[static_cast<int>(PackedFormat::kP8G32)] = tile_matmul<PackedFormat::kP8G32>;
  table.tile_matmul[static_cast<int>(PackedFormat::kP8G128)] = tile_matmul<PackedFormat::kP8G128>;
  table.tile_attention = tile_attention;
}

}  // namespace retort::ref
