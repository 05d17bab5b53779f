// Attention in bf16 tiles (kernels/tiles.h).
//
// A prompt, one part: for 96 queries of 128 dimensions, a block of 64 positions costs: scores and weighted sums 2 x
// 786,432 products, 3,072 cycles at 512 a cycle; the softmax of 6,144 scores, 384 vectors at some 25 operations, two a
// cycle, 4,800 cycles. So the softmax is what counts, and all rows of a tile share what a block costs.
//
// A generated token, two parts: for 6 queries, 32 products of 12 rows, 384 cycles; their right factors 512 lines at two
// a cycle, 256 cycles; 24 vectors of softmax, some 30 operations each, 360 cycles. So 32 KiB of bf16 in some 1,000
// cycles, where FMAs take 6,144 (simd/attention.h) and memory, at 5 bytes a cycle and core, about as many: only here
// does a neighbour on the core not make attention slower than memory. The next block is fetched meanwhile, into L2:
// into L1 (tried) is slower, and without it the hardware's prefetcher starts anew with every block.
//
// Codes of 8 bits are widened to bf16 for tiles, keys and values to 256 vectors each: of fp8 at 3 operations and a
// store, of int8 at 9. For a generated token that is most of the work; of int8 FMAs take no longer.
#include "kernels/amx/tile.h"
#include "kernels/simd/fetcher.h"
#include "kernels/simd/math.h"
#include "kernels/tables.h"

namespace retort {
namespace {

constexpr int kPositions = static_cast<int>(kKvBlockPositions);
constexpr std::int64_t kPositionTiles = kPositions / kTileRows;     // of scores
constexpr std::int64_t kPositionSteps = kPositions / kTileColumns;  // of weighted sums
constexpr float kMinusInfinity = -__builtin_inff();

std::int64_t at_least(std::int64_t a, std::int64_t b) { return a < b ? b : a; }
std::int64_t at_most(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

/// Where everything stands in the scratch. Rows are padded to 16.
struct Work {
  Work(const TileAttentionArgs& a)
      : dim(a.layout->head_dim),
        parts(static_cast<int>(a.parts)),
        unit(tile_attention_unit(a.layout->type)),
        in_tile(at_most(tile_attention_rows(a.parts), a.row_count)),
        row_tiles((a.row_count + in_tile - 1) / in_tile),
        dim_tiles(dim / kTileRows),
        dim_steps(dim / kTileColumns) {
    std::byte* next = a.scratch;
    const auto take = [&next](std::int64_t bytes) {
      std::byte* here = next;
      next += bytes;
      return here;
    };
    copies = take(kPositions * dim * 2);
    queries = take(row_tiles * dim_steps * kTileBytes);
    sums = take(row_tiles * dim_tiles * kTileBytes);
    scores = take(row_tiles * kPositionTiles * kTileBytes);
    weights = take(row_tiles * kPositionSteps * kTileBytes);
    max = reinterpret_cast<float*>(take(row_tiles * kTileRows * 4));
    total = reinterpret_cast<float*>(take(row_tiles * kTileRows * 4));
  }
  /// Where a part of row `i` of a tile begins, where `columns` tiles lie side by side.
  [[nodiscard]] std::int64_t at(std::int64_t tile, std::int64_t i, int part, std::int64_t columns) const {
    return tile * columns * kTileBytes + (part * in_tile + i) * kTileStride;
  }
  [[nodiscard]] int tile_rows() const { return parts * static_cast<int>(in_tile); }

  std::int64_t dim;
  int parts;
  float unit;
  std::int64_t in_tile;  // rows of a tile, each with its parts: the first parts of all, then the second ones
  std::int64_t row_tiles, dim_tiles, dim_steps;
  // A block's keys, then its values, where these cannot be read in place:
  //   [dim_steps][16 pairs][64 positions][2], [2 steps][dim_tiles][16 pairs of positions][16][2]
  std::byte* copies;
  std::byte* queries;  // [row_tiles][dim_steps] tiles
  std::byte* sums;     // [row_tiles][dim_tiles] tiles, fp32
  std::byte* scores;   // [row_tiles][4] tiles, fp32
  std::byte* weights;  // [row_tiles][2] tiles
  float* max;
  float* total;
};

/// What rounding to bf16 took away.
RETORT_INLINE void take_bf16(__m512i rounded, F& low, F& high) {
  const auto widen = [](__m256i x) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16)); };
  low = vsub(low, widen(_mm512_castsi512_si256(rounded)));
  high = vsub(high, widen(_mm512_extracti64x4_epi64(rounded, 1)));
}

void start_rows(const TileAttentionArgs& a, const Work& work) {
  for (std::int64_t r = 0; r < work.row_tiles * work.in_tile; ++r) {
    for (std::int64_t s = 0; s < work.dim_steps; ++s) {
      F low = vzero();
      F high = vzero();
      if (r < a.row_count) {
        low = vmul(vload(a.rows[r].q + s * kTileColumns), vset(work.unit));
        high = vmul(vload(a.rows[r].q + s * kTileColumns + kTileRows), vset(work.unit));
      }
      for (int part = 0; part < work.parts; ++part) {
        const __m512i rounded = round_to_bf16(low, high);
        _mm512_store_si512(
            work.queries + work.at(r / work.in_tile, r % work.in_tile, part, work.dim_steps) + s * kTileBytes, rounded);
        take_bf16(rounded, low, high);
      }
    }
    work.max[r] = kMinusInfinity;
    work.total[r] = 0;
  }
  for (std::int64_t i = 0; i < work.row_tiles * work.dim_tiles * kTileBytes; i += 64) {
    _mm512_store_ps(work.sums + i, vzero());
  }
}

/// 16 fours of 8-bit codes as bf16: the first two of each side by side, and the last two.
RETORT_INLINE void widen_fours(KvCacheType type, const std::byte* p, __m512i out[2]) {
  if (type == KvCacheType::kInt8) {
    F codes[4];
    split_i8_fours(reinterpret_cast<const std::uint32_t*>(p), codes);
    const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xffff0000));
    RETORT_UNROLL for (int i = 0; i < 2; ++i) {
      const __m512i first = _mm512_srli_epi32(_mm512_castps_si512(codes[2 * i]), 16);
      out[i] = _mm512_or_si512(first, _mm512_and_si512(upper, _mm512_castps_si512(codes[2 * i + 1])));
    }
    return;
  }
  // Bytes to the upper halves of 16 bits, from where exponent and mantissa move to bf16's place.
  const __m512i first = _mm512_broadcast_i32x4(_mm_setr_epi8(-1, 0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13));
  const __m512i codes = _mm512_loadu_si512(p);
  const __m512i kept = _mm512_set1_epi16(static_cast<short>(0x87f0));
  const __m512i second =
      _mm512_broadcast_i32x4(_mm_setr_epi8(-1, 2, -1, 3, -1, 6, -1, 7, -1, 10, -1, 11, -1, 14, -1, 15));
  out[0] = _mm512_and_si512(_mm512_srai_epi16(_mm512_shuffle_epi8(codes, first), 4), kept);
  out[1] = _mm512_and_si512(_mm512_srai_epi16(_mm512_shuffle_epi8(codes, second), 4), kept);
}

/// Keys as tiles: where they are, or of an 8-bit type widened.
const std::byte* keys_of(const TileAttentionArgs& a, const Work& work, const std::byte* head) {
  const KvCacheType type = a.layout->type;
  if (type == KvCacheType::kBf16) return head;
  constexpr std::int64_t kRow = kPositions * 4;  // bytes of a pair of dimensions, and of four codes
  for (std::int64_t d = 0; d < work.dim; d += 4) {
    for (int p = 0; p < kPositions; p += 16) {
      __m512i pairs[2];
      widen_fours(type, head + d / 4 * kRow + p * 4, pairs);
      _mm512_store_si512(work.copies + d / 2 * kRow + p * 4, pairs[0]);
      _mm512_store_si512(work.copies + (d / 2 + 1) * kRow + p * 4, pairs[1]);
    }
  }
  return work.copies;
}

/// Values of a block as tiles of pairs of positions.
struct Values {
  TileOperand tiles;
  bool finite;
};

/// Where they are, if all rows see all of them: then what is not finite may reach them all.
Values values_in_place(const TileAttentionArgs& a, const std::byte* head) {
  const std::int64_t row = a.layout->padded_dim * 4;
  return {.tiles = {.first = head + a.layout->v, .step = kTileRows * row, .row = row, .next_column = kTileStride},
          .finite = true};
}

TileOperand copied_values(const Work& work) {
  return {.first = work.copies, .step = work.dim_tiles * kTileBytes, .next_column = kTileBytes};
}

/// Copied, with zeros where positions are outside [first, last).
Values seen_values(const TileAttentionArgs& a, const Work& work, const std::byte* head, std::int64_t first,
                   std::int64_t last) {
  const std::int64_t row = a.layout->padded_dim * 4;  // bytes of a pair of positions
  const __m512i magnitude = _mm512_set1_epi16(0x7fff);
  __m512i largest = _mm512_setzero_si512();
  for (int p = 0; p < kPositions; p += 2) {
    std::byte* out = work.copies + p / kTileColumns * work.dim_tiles * kTileBytes + p % kTileColumns / 2 * kTileStride;
    const std::byte* v = head + a.layout->v + p / 2 * row;
    const __m512i seen = _mm512_set1_epi32(static_cast<int>((p >= first && p < last ? 0xffffu : 0u) |
                                                            (p + 1 >= first && p + 1 < last ? 0xffff0000u : 0u)));
    for (std::int64_t d = 0; d < work.dim; d += kTileRows) {
      const __m512i kept = _mm512_and_si512(_mm512_load_si512(v + d * 4), seen);
      largest = _mm512_max_epu16(largest, _mm512_and_si512(kept, magnitude));
      _mm512_store_si512(out + d / kTileRows * kTileBytes, kept);
    }
  }
  return {.tiles = copied_values(work), .finite = _mm512_cmpge_epu16_mask(largest, _mm512_set1_epi16(0x7f80)) == 0};
}

/// Of an 8-bit type, widened. Any code is finite, so what is not seen may stay: its weight is 0.
Values widened_values(const TileAttentionArgs& a, const Work& work, const std::byte* head) {
  const std::int64_t row = a.layout->padded_dim * 4;  // bytes of four positions
  for (int p = 0; p < kPositions; p += 4) {
    std::byte* out = work.copies + p / kTileColumns * work.dim_tiles * kTileBytes + p % kTileColumns / 2 * kTileStride;
    const std::byte* v = head + a.layout->v + p / 4 * row;
    for (std::int64_t d = 0; d < work.dim; d += kTileRows) {
      __m512i pairs[2];
      widen_fours(a.layout->type, v + d * 4, pairs);
      _mm512_store_si512(out + d / kTileRows * kTileBytes, pairs[0]);
      _mm512_store_si512(out + d / kTileRows * kTileBytes + kTileStride, pairs[1]);
    }
  }
  return {.tiles = copied_values(work), .finite = true};
}

/// What a row sees of a block: positions [first, last) of it.
struct Seen {
  int first;
  int last;
};
RETORT_INLINE Seen seen_by(const TileAttentionRow& row, std::int64_t start) {
  return {static_cast<int>(at_least(at_most(row.first - start, kPositions), 0)),
          static_cast<int>(at_least(at_most(row.last - start, kPositions), 0))};
}

void score_tile(const Work& work, const std::byte* keys, std::int64_t tile, Fetcher& fetcher) {
  const std::byte* q = work.queries + tile * work.dim_steps * kTileBytes;
  std::byte* scores = work.scores + tile * kPositionTiles * kTileBytes;
  constexpr std::int64_t kKeyRow = kPositions * 4;  // bytes of a pair of dimensions
  for (std::int64_t p = 0; p < kPositionTiles; p += 2) {
    sums_zero<2>();
    tile_products<2>({.first = q, .step = kTileBytes},
                     {.first = keys + p * 64, .step = 16 * kKeyRow, .row = kKeyRow, .next_column = 64}, work.dim_steps,
                     [&] { fetcher.step(); });
    sums_store<2>(scores + p * kTileBytes);
  }
}

/// Scores of row `i` of a tile to weights in bf16, zeros where nothing is seen; its sums so far shrink to the new
/// maximum.
void soften_row(const TileAttentionArgs& a, const Work& work, const std::byte* head, std::int64_t tile, std::int64_t i,
                Seen seen) {
  const std::int64_t r = tile * work.in_tile + i;
  if (seen.first >= seen.last) {
    for (int part = 0; part < work.parts; ++part) {
      std::byte* weights = work.weights + work.at(tile, i, part, kPositionSteps);
      RETORT_UNROLL for (int j = 0; j < kPositionSteps; ++j) {
        _mm512_store_si512(weights + j * kTileBytes, _mm512_setzero_si512());
      }
    }
    return;
  }
  const KvBlockLayout& layout = *a.layout;
  const F scale = vset(a.scale * work.unit);
  F shared = vzero();
  if (layout.k_offset != 0) {
    const auto* offset = reinterpret_cast<const float*>(head + layout.k_offset);
    F sum = vzero();
    for (std::int64_t d = 0; d < work.dim; d += 16) sum = vfma(vload(a.rows[r].q + d), vload(offset + d), sum);
    shared = vset(a.scale * vsum16(&sum));
  }
  const std::byte* scores = work.scores + work.at(tile, i, 0, kPositionTiles);
  F s[kPositionTiles];
  RETORT_UNROLL for (int j = 0; j < kPositionTiles; ++j) {
    s[j] = _mm512_load_ps(scores + j * kTileBytes);
    if (work.parts == 2) s[j] = vadd(s[j], _mm512_load_ps(scores + work.in_tile * kTileStride + j * kTileBytes));
    s[j] = vmul(s[j], scale);
    if (layout.k_scales != 0) {
      const F of_offset = vmul(shared, vload(reinterpret_cast<const float*>(head + layout.k_shares) + 16 * j));
      s[j] = vfma(s[j], vload(reinterpret_cast<const float*>(head + layout.k_scales) + 16 * j), of_offset);
    }
  }
  const bool whole = seen.first == 0 && seen.last == kPositions;
  if (!whole) {
    RETORT_UNROLL for (int j = 0; j < kPositionTiles; ++j) {
      s[j] = vselect_lanes(s[j], vset(kMinusInfinity), seen.first - 16 * j, seen.last - 16 * j);
    }
  }
  // NaN never becomes the maximum: it is the first operand, and the second is what maximum gives then.
  const F before = vset(work.max[r]);
  const F largest = vmax(s[3], vmax(s[2], vmax(s[1], vmax(s[0], before))));
  const float max = _mm512_reduce_max_ps(largest);
  const F base = vset(max > kMinusInfinity ? max : 0.0f);
  F w[kPositionTiles];
  RETORT_UNROLL for (int j = 0; j < kPositionTiles; ++j) w[j] = vexp(vsub(s[j], base));
  const F sum = vadd(vadd(vadd(w[0], w[1]), w[2]), w[3]);
  if (layout.v_scales != 0) {
    RETORT_UNROLL for (int j = 0; j < kPositionTiles; ++j) {
      const F v_scale = vload(reinterpret_cast<const float*>(head + layout.v_scales) + 16 * j);
      w[j] = vmul(w[j], vmul(v_scale, vset(work.unit)));
      if (!whole) w[j] = vselect_lanes(w[j], vzero(), seen.first - 16 * j, seen.last - 16 * j);
    }
  }
  for (int part = 0; part < work.parts; ++part) {
    std::byte* weights = work.weights + work.at(tile, i, part, kPositionSteps);
    RETORT_UNROLL for (int j = 0; j < kPositionSteps; ++j) {
      const __m512i rounded = round_to_bf16(w[2 * j], w[2 * j + 1]);
      _mm512_store_si512(weights + j * kTileBytes, rounded);
      if (part + 1 < work.parts) take_bf16(rounded, w[2 * j], w[2 * j + 1]);
    }
  }
  float shrink = 1.0f;
  if (max > work.max[r]) {
    shrink = _mm512_cvtss_f32(vexp(vset(work.max[r] - max)));
    work.max[r] = max;
    for (int part = 0; part < work.parts; ++part) {
      std::byte* out = work.sums + work.at(tile, i, part, work.dim_tiles);
      for (std::int64_t d = 0; d < work.dim_tiles; ++d, out += kTileBytes) {
        _mm512_store_ps(out, vmul(vset(shrink), _mm512_load_ps(out)));
      }
    }
  }
  work.total[r] = __builtin_fmaf(work.total[r], shrink, vsum16(&sum));
}

void weigh_tile(const Work& work, TileOperand values, std::int64_t tile, Fetcher& fetcher) {
  const std::byte* w = work.weights + tile * kPositionSteps * kTileBytes;
  for (std::int64_t d = 0; d < work.dim_tiles; d += 2) {
    std::byte* sums = work.sums + (tile * work.dim_tiles + d) * kTileBytes;
    sums_load<2>(sums);
    tile_products<2>({.first = w, .step = kTileBytes}, values, kPositionSteps, [&] { fetcher.step(); });
    sums_store<2>(sums);
    values.first += 2 * values.next_column;
  }
}

/// The same for one row, where some of the values are not finite: those that the row does not see must not reach it. A
/// broken model's case, not a fast one.
void weigh_row(const Work& work, std::int64_t tile, std::int64_t i, int part, Seen seen) {
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040u);  // subnormals are zeros, given or made, as in tiles
  const std::byte* weights = work.weights + work.at(tile, i, part, kPositionSteps);
  for (std::int64_t d = 0; d < work.dim_tiles; ++d) {
    std::byte* out = work.sums + work.at(tile, i, part, work.dim_tiles) + d * kTileBytes;
    F acc = _mm512_load_ps(out);
    for (int s = 0; s < kPositionSteps; ++s) {
      F sums[2] = {vzero(), vzero()};
      for (int k = 0; k < kTileColumns; ++k) {
        const int p = s * static_cast<int>(kTileColumns) + k;
        std::uint16_t bits;
        __builtin_memcpy(&bits, weights + s * kTileBytes + 2 * k, sizeof(bits));
        const F w = _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int>(std::uint32_t{bits} << 16)));
        F pair[2];
        split_bf16_pairs(reinterpret_cast<const std::uint32_t*>(work.copies + (s * work.dim_tiles + d) * kTileBytes +
                                                                k / 2 * kTileStride),
                         pair[0], pair[1]);
        const F v = p >= seen.first && p < seen.last ? pair[k % 2] : vzero();
        sums[k % 2] = vfma(w, v, sums[k % 2]);
      }
      acc = vadd(acc, vadd(sums[0], sums[1]));
    }
    _mm512_store_ps(out, acc);
  }
  _mm_setcsr(before);
}

void add_block(const TileAttentionArgs& a, const Work& work, std::int64_t block) {
  const std::byte* head = a.blocks[block];
  const std::int64_t start = a.first_position + block * kPositions;
  const auto seen_in = [&](std::int64_t tile, std::int64_t i) {
    const std::int64_t r = tile * work.in_tile + i;
    return r < a.row_count ? seen_by(a.rows[r], start) : Seen{0, 0};
  };
  // The row tiles that see any of it, and the positions that any of their rows sees, and that all do.
  std::int64_t first_tile = work.row_tiles;
  std::int64_t end_tile = 0;
  std::int64_t first = kPositions;
  std::int64_t last = 0;
  bool whole = true;
  for (std::int64_t tile = 0; tile < work.row_tiles; ++tile) {
    for (std::int64_t i = 0; i < work.in_tile; ++i) {
      const Seen seen = seen_in(tile, i);
      whole = whole && (seen.last - seen.first == kPositions || tile * work.in_tile + i >= a.row_count);
      if (seen.first >= seen.last) continue;
      first_tile = at_most(first_tile, tile);
      end_tile = tile + 1;
      first = at_most(first, seen.first);
      last = at_least(last, seen.last);
    }
  }
  if (first >= last) return;
  const std::byte* keys = keys_of(a, work, head);
  const std::int64_t steps = (end_tile - first_tile) *
                             (kPositionTiles / 2 * work.dim_steps + work.in_tile + work.dim_tiles / 2 * kPositionSteps);
  Fetcher fetcher(block + 1 < a.block_count ? a.blocks[block + 1] : nullptr, a.layout->head_bytes, steps);
  for (std::int64_t tile = first_tile; tile < end_tile; ++tile) score_tile(work, keys, tile, fetcher);
  for (std::int64_t tile = first_tile; tile < end_tile; ++tile) {
    for (std::int64_t i = 0; i < work.in_tile; ++i) {
      fetcher.step();
      soften_row(a, work, head, tile, i, seen_in(tile, i));
    }
  }
  const auto values_of = [&] {
    if (a.layout->type != KvCacheType::kBf16) return widened_values(a, work, head);
    return whole ? values_in_place(a, head) : seen_values(a, work, head, first, last);
  };
  const Values values = values_of();
  for (std::int64_t tile = first_tile; tile < end_tile; ++tile) {
    if (values.finite) {
      weigh_tile(work, values.tiles, tile, fetcher);
      continue;
    }
    for (std::int64_t i = 0; i < work.in_tile; ++i) {
      const Seen seen = seen_in(tile, i);
      if (seen.first >= seen.last) continue;
      for (int part = 0; part < work.parts; ++part) weigh_row(work, tile, i, part, seen);
    }
  }
}

void tile_attention(const TileAttentionArgs& a) {
  const Work work(a);
  const Tiles tiles(64, 16, work.tile_rows());
  start_rows(a, work);
  for (std::int64_t block = 0; block < a.block_count; ++block) add_block(a, work, block);
  for (std::int64_t r = 0; r < a.row_count; ++r) {
    const F inverse = vset(1.0f / work.total[r] * work.unit);
    const std::byte* sums = work.sums + work.at(r / work.in_tile, r % work.in_tile, 0, work.dim_tiles);
    for (std::int64_t d = 0; d < work.dim_tiles; ++d) {
      F sum = _mm512_load_ps(sums + d * kTileBytes);
      if (work.parts == 2) sum = vadd(sum, _mm512_load_ps(sums + work.in_tile * kTileStride + d * kTileBytes));
      vstore(a.rows[r].out + d * kTileRows, vmul(sum, inverse));
    }
  }
}

}  // namespace

void fill_amx_attention(KernelTable& table) { table.tile_attention = tile_attention; }

}  // namespace retort
