#include "nn/grouped_weight.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/float_bits.h"
#include "core/parallel.h"
#include "io/quantized_tensors.h"
#include "nn/packed_words.h"

namespace retort {
namespace {

// Unpacked at a time while dequantizing: 128 rows of AWQ are one cache line of words, and 128 x 128 codes fit L1.
constexpr std::int64_t kTileRows = 128;
constexpr std::int64_t kTileColumns = 128;

float load_float(const TensorView& view, std::int64_t i) {
  if (view.dtype == DType::kF32) return element<float>(view, i);
  const auto bits = element<std::uint16_t>(view, i);
  return view.dtype == DType::kF16 ? f16_to_float(bits) : bf16_to_float(bits);
}

// A stored zero as the file has it, before ZeroPoint::kStoredMinusOne is undone.
int stored_zero(const GroupedWeight& w, std::int64_t row, std::int64_t group) {
  if (w.layout == WeightLayout::kPlainInts) {
    const std::int64_t at = w.scale_row_stride == 0 ? 0 : row * w.group_count + group;
    return element<std::uint8_t>(w.zeros, at) ^ 0x80;
  }
  const std::int64_t per_word = 32 / w.bits;
  // qzeros [groups, rows / per_word]; weight_zero_point [ceil(rows / per_word), groups]
  const std::int64_t at = w.layout == WeightLayout::kPackedInts ? (row / per_word) * w.group_count + group
                                                                : group * (w.rows / per_word) + row / per_word;
  const std::int64_t position =
      w.layout == WeightLayout::kAwq ? kAwqNibble[static_cast<std::size_t>(row % 8)] : row % per_word;
  return code_in(element<std::uint32_t>(w.zeros, at), position, w.bits);
}

// ---- checks of the data ----

bool in_order(const std::vector<std::int32_t>& groups, std::int64_t group_size) {
  for (std::size_t c = 0; c < groups.size(); ++c) {
    if (groups[c] != static_cast<std::int64_t>(c) / group_size) return false;
  }
  return true;
}

// Leaves w.group_of_column empty where the columns lie in order.
Status read_groups(const TensorView& view, const std::string& name, const WeightScheme& scheme, GroupedWeight& w) {
  std::vector<std::int32_t> groups(static_cast<std::size_t>(w.columns));
  std::memcpy(groups.data(), view.data, groups.size() * sizeof(std::int32_t));
  // compressed-tensors writes -1 everywhere where it did not come to fill it.
  if (scheme.layout == WeightLayout::kPackedInts && !scheme.activation_order &&
      std::ranges::all_of(groups, [](std::int32_t group) { return group == -1; })) {
    return {};
  }
  for (std::size_t c = 0; c < groups.size(); ++c) {
    if (groups[c] >= 0 && groups[c] < w.group_count) continue;
    return fail(ErrorCode::kCorrupt, "tensor '{}' gives column {} the group {} but there are {} (0 to {})", name, c,
                groups[c], w.group_count, w.group_count - 1);
  }
  if (in_order(groups, w.group_size)) return {};
  if (!scheme.activation_order) {
    return fail(ErrorCode::kCorrupt,
                "tensor '{}' groups columns in another order than they stand in, but the configuration says that they "
                "are in order (desc_act or actorder is off): one of them is wrong",
                name);
  }
  w.group_of_column = std::move(groups);
  return {};
}

// Symmetric GPTQ stores its one zero all the same: as 2^(bits-1) - 1, or, as some writers do whatever format they
// name, as 2^(bits-1). No other reading of those two is possible, and no other value.
Status check_middle_zeros(const TensorView& zeros, const std::string& name, int bits) {
  const int middle = 1 << (bits - 1);
  const std::int64_t words = zeros.shape.elements();
  for (std::int64_t i = 0; i < words; ++i) {
    const auto word = element<std::uint32_t>(zeros, i);
    for (std::int64_t position = 0; position < 32 / bits; ++position) {
      const int zero = code_in(word, position, bits);
      if (zero == middle || zero == middle - 1) continue;
      return fail(ErrorCode::kCorrupt,
                  "tensor '{}' holds the zero point {} but the quantization is symmetric (sym), so that all must be {} "
                  "or {}: one of them is wrong",
                  name, zero, middle - 1, middle);
    }
  }
  return {};
}

}  // namespace

float GroupedWeight::scale(std::int64_t row, std::int64_t group) const {
  return load_float(scales, row * scale_row_stride + group * scale_group_stride);
}

int GroupedWeight::zero(std::int64_t row, std::int64_t group) const {
  const int middle = 1 << (bits - 1);
  if (zero_point == ZeroPoint::kMiddle) return middle;
  const int stored = stored_zero(*this, row, group);
  return zero_point == ZeroPoint::kStored ? stored : (stored + 1) & ((1 << bits) - 1);
}

void GroupedWeight::dequantize_rows(std::int64_t first_row, std::int64_t count, float* out) const {
  std::array<std::uint8_t, kTileRows * kTileColumns> q;
  std::vector<float> scales_RG(static_cast<std::size_t>(std::min(count, kTileRows) * group_count));
  std::vector<int> zeros_RG(scales_RG.size());
  for (std::int64_t row = 0; row < count; row += kTileRows) {
    const std::int64_t tile_rows = std::min(kTileRows, count - row);
    for (std::int64_t r = 0; r < tile_rows; ++r) {
      for (std::int64_t g = 0; g < group_count; ++g) {
        scales_RG[r * group_count + g] = scale(first_row + row + r, g);
        zeros_RG[r * group_count + g] = zero(first_row + row + r, g);
      }
    }
    for (std::int64_t column = 0; column < columns; column += kTileColumns) {
      const std::int64_t end = std::min(column + kTileColumns, columns);
      codes({first_row + row, tile_rows, column, end - column, q.data(), kTileColumns});
      for (std::int64_t r = 0; r < tile_rows; ++r) {
        const std::uint8_t* q_C = q.data() + r * kTileColumns;  // from `column` on
        float* out_C = out + (row + r) * columns;
        const float* scale_G = scales_RG.data() + r * group_count;
        const int* zero_G = zeros_RG.data() + r * group_count;
        if (!group_of_column.empty()) {
          for (std::int64_t c = column; c < end; ++c) {
            const std::int32_t g = group_of_column[static_cast<std::size_t>(c)];
            out_C[c] = scale_G[g] * static_cast<float>(q_C[c - column] - zero_G[g]);
          }
          continue;
        }
        for (std::int64_t begin = column; begin < end;) {
          const std::int64_t g = begin / group_size;
          const std::int64_t group_end = std::min((g + 1) * group_size, end);
          for (std::int64_t c = begin; c < group_end; ++c) {
            out_C[c] = scale_G[g] * static_cast<float>(q_C[c - column] - zero_G[g]);
          }
          begin = group_end;
        }
      }
    }
  }
}

void dequantize_all(const GroupedWeight& weight, float* out) {
  parallel_for(weight.rows, kTileRows, [&](WorkRange rows) {
    weight.dequantize_rows(rows.begin, rows.end - rows.begin, out + rows.begin * weight.columns);
  });
}

void dequantize_all(const ScaledFp8Weight& weight, float* out) {
  parallel_for(weight.rows, kTileRows, [&](WorkRange rows) {
    for (std::int64_t r = rows.begin; r < rows.end; ++r) weight.dequantize_row(r, out + r * weight.columns);
  });
}

Expected<GroupedWeight> grouped_weight(const Checkpoint& checkpoint, const std::string& module,
                                       const WeightScheme& scheme, const Shape& shape) {
  RETORT_CHECK(scheme.layout != WeightLayout::kFp8, "{} is not of integers", module);
  RETORT_TRY_STATUS(check_quantized_linear(checkpoint, module, scheme, shape, nullptr));
  const auto tensor = [&](std::string_view name) { return checkpoint.find(fmt::format("{}.{}", module, name)); };
  GroupedWeight w;
  w.rows = shape[0];
  w.columns = shape[1];
  w.bits = scheme.bits;
  w.layout = scheme.layout;
  w.group_count = retort::group_count(scheme, w.columns);
  w.group_size = scheme.scale == ScaleBlock::kGroup ? scheme.group_size : w.columns;
  w.zero_point = scheme.zero;
  w.scales = *tensor(scale_tensor(scheme));

  const bool by_columns = scheme.layout == WeightLayout::kAwq || scheme.layout == WeightLayout::kGptq;
  if (scheme.scale != ScaleBlock::kTensor) {
    w.scale_row_stride = by_columns ? 1 : w.group_count;
    w.scale_group_stride = by_columns ? w.rows : 1;
  }
  const std::string zeros_name = by_columns ? "qzeros" : "weight_zero_point";
  w.packed = *tensor(by_columns ? "qweight" : scheme.layout == WeightLayout::kPackedInts ? "weight_packed" : "weight");
  if (scheme.zero != ZeroPoint::kMiddle) {
    w.zeros = *tensor(zeros_name);
  } else if (by_columns) {
    RETORT_TRY_STATUS(check_middle_zeros(*tensor(zeros_name), fmt::format("{}.{}", module, zeros_name), w.bits));
  }
  const std::string_view order = scheme.layout == WeightLayout::kGptq         ? "g_idx"
                                 : scheme.layout == WeightLayout::kPackedInts ? "weight_g_idx"
                                                                              : "";
  if (const TensorView* groups = order.empty() ? nullptr : tensor(order)) {
    RETORT_TRY_STATUS(read_groups(*groups, fmt::format("{}.{}", module, order), scheme, w));
  }
  return w;
}

// ---- FP8 ----

float ScaledFp8Weight::scale(std::int64_t row, std::int64_t column) const {
  const std::int64_t across = (columns + block_columns - 1) / block_columns;
  return load_float(scales, (row / block_rows) * across + column / block_columns);
}

void ScaledFp8Weight::dequantize_row(std::int64_t row, float* out) const {
  for (std::int64_t begin = 0; begin < columns; begin += block_columns) {
    const float s = scale(row, begin);
    for (std::int64_t c = begin; c < std::min(begin + block_columns, columns); ++c) {
      out[c] = f8e4m3_to_float(element<std::uint8_t>(values, row * columns + c)) * s;
    }
  }
}

Expected<ScaledFp8Weight> scaled_fp8_weight(const Checkpoint& checkpoint, const std::string& module,
                                            const WeightScheme& scheme, const Shape& shape) {
  RETORT_CHECK(scheme.layout == WeightLayout::kFp8, "{} is not FP8", module);
  RETORT_TRY_STATUS(check_quantized_linear(checkpoint, module, scheme, shape, nullptr));
  ScaledFp8Weight w{.rows = shape[0], .columns = shape[1], .block_rows = shape[0], .block_columns = shape[1]};
  if (scheme.scale == ScaleBlock::kRow) w.block_rows = 1;
  if (scheme.scale == ScaleBlock::kBlock) {
    w.block_rows = scheme.block_rows;
    w.block_columns = scheme.block_columns;
  }
  w.values = *checkpoint.find(module + ".weight");
  w.scales = *checkpoint.find(fmt::format("{}.{}", module, scale_tensor(scheme)));
  return w;
}

}  // namespace retort
