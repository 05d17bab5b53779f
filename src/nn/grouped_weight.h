// Quantized weights of a Hugging Face checkpoint, whichever scheme packed them: codes, scales and zeros of one matrix.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/tensor.h"
#include "io/checkpoint.h"
#include "io/quantization_config.h"

namespace retort {

/// W [rows, columns] (rows are outputs) as every integer scheme means it:
///
///   W[r, c] = scale(r, g) * (code(r, c) - zero(r, g)),   g = group(c)
///
/// with unsigned codes below 2^bits. Signed formats come with 2^(bits-1) added to codes and zeros alike, which leaves
/// the difference as it was. Columns are in the order of the input, also where they were grouped in another
/// (desc_act, actorder): then `group_of_column` says each one's group, and the columns of a group lie apart.
///
/// A view: the tensors stay where the file has them, unaligned as they may be, and the checkpoint must outlive it.
/// Immutable and thread-safe.
struct GroupedWeight {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  int bits = 4;                  ///< 4 or 8
  std::int64_t group_size = 0;   ///< columns that share a scale where they lie together; `columns` for one per row
  std::int64_t group_count = 1;  ///< groups of a row
  /// [columns], each from 0 to group_count - 1, or empty: column / group_size.
  std::vector<std::int32_t> group_of_column;

  WeightLayout layout = WeightLayout::kAwq;
  TensorView packed;  ///< the codes
  TensorView scales;  ///< F32, F16 or BF16; scale(r, g) lies at r * scale_row_stride + g * scale_group_stride
  TensorView zeros;   ///< null where every zero is 2^(bits-1)
  std::int64_t scale_row_stride = 0;
  std::int64_t scale_group_stride = 0;
  ZeroPoint zero_point = ZeroPoint::kMiddle;

  [[nodiscard]] std::int64_t group(std::int64_t column) const {
    return group_of_column.empty() ? column / group_size : group_of_column[static_cast<std::size_t>(column)];
  }

  /// q[0..columns) = the codes of a row.
  void codes(std::int64_t row, std::uint8_t* q) const { codes(row, 1, q); }
  /// q [count, columns] = the codes of `count` rows from `first_row` on. Layouts that lie column by column (AWQ, GPTQ)
  /// are transposed in tiles: sixteen rows at once cost little more than one.
  void codes(std::int64_t first_row, std::int64_t count, std::uint8_t* q) const {
    codes({first_row, count, 0, columns, q, columns});
  }
  /// The codes of some rows and columns: q[(r - first_row) * stride + (c - first_column)].
  struct Tile {
    std::int64_t first_row, rows, first_column, columns;
    std::uint8_t* q;
    std::int64_t stride;
  };
  void codes(const Tile& tile) const;

  /// Exactly what the file has: every F16 and BF16 is an fp32. NaN and infinities are passed on, as in plain weights.
  [[nodiscard]] float scale(std::int64_t row, std::int64_t group) const;
  /// 0 to 2^bits - 1.
  [[nodiscard]] int zero(std::int64_t row, std::int64_t group) const;

  /// Of the tensors in the file that it is read from.
  [[nodiscard]] std::uint64_t bytes() const { return packed.bytes + scales.bytes + zeros.bytes; }

  /// out [columns] = a row of W. The difference of codes is exact, and so is its product with a scale of F16 or BF16
  /// (11 + 9 bits of 24); with a scale of F32 it is rounded once.
  void dequantize_row(std::int64_t row, float* out) const { dequantize_rows(row, 1, out); }
  /// out [count, columns]
  void dequantize_rows(std::int64_t first_row, std::int64_t count, float* out) const;
};

/// The weight of Linear `module` with the shape [rows, columns], under an integer scheme. Checks again what
/// Checkpoint::check_tensors checks, so that nothing depends on the order of calls, and then what stands in the data:
/// kCorrupt for a group index out of range, one that contradicts the configuration, or a zero point that a symmetric
/// scheme cannot have.
Expected<GroupedWeight> grouped_weight(const Checkpoint& checkpoint, const std::string& module,
                                       const WeightScheme& scheme, const Shape& shape);

/// W [rows, columns] of F8_E4M3 with scales for blocks: W[r, c] = value(r, c) * scale(r / block_rows, c /
/// block_columns). A view likewise.
struct ScaledFp8Weight {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t block_rows = 0;     ///< `rows` for a whole column of blocks, 1 for a scale per row
  std::int64_t block_columns = 0;  ///< `columns` where a row has one scale
  TensorView values;               ///< F8_E4M3 [rows, columns]
  TensorView scales;               ///< F32, F16 or BF16 [ceil(rows / block_rows), ceil(columns / block_columns)]

  [[nodiscard]] float scale(std::int64_t row, std::int64_t column) const;
  /// out [columns] = a row of W. A value has 4 bits: its product with a scale of F16 or BF16 is exact, with one of F32
  /// rounded once.
  void dequantize_row(std::int64_t row, float* out) const;
};
Expected<ScaledFp8Weight> scaled_fp8_weight(const Checkpoint& checkpoint, const std::string& module,
                                            const WeightScheme& scheme, const Shape& shape);

/// out [rows, columns] = W, on all threads.
void dequantize_all(const GroupedWeight& weight, float* out);
void dequantize_all(const ScaledFp8Weight& weight, float* out);

}  // namespace retort
