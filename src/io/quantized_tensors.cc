#include "io/quantized_tensors.h"

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <vector>

namespace retort {
namespace {

enum class Presence { kRequired, kOptional };

// One tensor of a quantized Linear.
struct StoredTensor {
  std::string_view name;  // within the module
  Presence presence;
  std::vector<DType> dtypes;
  std::vector<Shape> shapes;  // any of them
};

const std::initializer_list<DType> kFloats = {DType::kF32, DType::kF16, DType::kBF16};

std::int64_t ceil_divide(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// Codes in an int32.
std::int64_t codes_per_word(const WeightScheme& scheme) { return 32 / scheme.bits; }

// [rows, columns] is the shape of the weight.
struct Describer {
  const WeightScheme& scheme;
  std::int64_t rows;
  std::int64_t columns;
  std::vector<StoredTensor> tensors;

  void add(std::string_view name, Presence presence, std::vector<DType> dtypes, std::vector<Shape> shapes) {
    tensors.push_back({name, presence, std::move(dtypes), std::move(shapes)});
  }

  // Scales go [groups, rows].
  void packed_along_rows_or_columns() {
    const std::int64_t groups = group_count(scheme, columns);
    const std::int64_t per_word = codes_per_word(scheme);
    const bool awq = scheme.layout == WeightLayout::kAwq;
    add("qweight", Presence::kRequired, {DType::kI32},
        {awq ? Shape{columns, rows / per_word} : Shape{columns / per_word, rows}});
    add("qzeros", Presence::kRequired, {DType::kI32}, {Shape{groups, rows / per_word}});
    add("scales", Presence::kRequired, kFloats, {Shape{groups, rows}});
    if (!awq) {
      add("g_idx", scheme.activation_order ? Presence::kRequired : Presence::kOptional, {DType::kI32},
          {Shape{columns}});
    }
    // AutoGPTQ writes a bias of zeros for each Linear, also where the network has none.
    add("bias", Presence::kOptional, kFloats, {Shape{rows}});
  }

  void scales_of_rows(std::string_view name) {
    std::vector<Shape> shapes;
    switch (scheme.scale) {
      case ScaleBlock::kTensor:
        shapes = {Shape{1}, Shape{}, Shape{1, 1}};
        break;
      case ScaleBlock::kRow:
        shapes = {Shape{rows, 1}, Shape{rows}};
        break;
      case ScaleBlock::kGroup:
        shapes = {Shape{rows, group_count(scheme, columns)}};
        break;
      case ScaleBlock::kBlock:
        shapes = {Shape{ceil_divide(rows, scheme.block_rows), ceil_divide(columns, scheme.block_columns)}};
        break;
    }
    add(name, Presence::kRequired, kFloats, std::move(shapes));
  }

  void compressed_tensors() {
    const bool packed = scheme.layout == WeightLayout::kPackedInts;
    const std::int64_t groups = group_count(scheme, columns);
    if (packed) {
      const std::int64_t per_word = codes_per_word(scheme);
      add("weight_packed", Presence::kRequired, {DType::kI32}, {Shape{rows, ceil_divide(columns, per_word)}});
      add("weight_shape", Presence::kRequired, {DType::kI64, DType::kI32}, {Shape{2}});
      add("weight_g_idx", scheme.activation_order ? Presence::kRequired : Presence::kOptional, {DType::kI32},
          {Shape{columns}});
      if (scheme.zero == ZeroPoint::kStored) {
        add("weight_zero_point", Presence::kRequired, {DType::kI32}, {Shape{ceil_divide(rows, per_word), groups}});
      }
    } else {
      add("weight", Presence::kRequired, {scheme.layout == WeightLayout::kFp8 ? DType::kF8E4M3 : DType::kI8},
          {Shape{rows, columns}});
      if (scheme.zero == ZeroPoint::kStored) {
        std::vector<Shape> shapes = {Shape{rows, groups}};
        if (scheme.scale == ScaleBlock::kTensor) shapes = {Shape{1}, Shape{}, Shape{1, 1}};
        add("weight_zero_point", Presence::kRequired, {DType::kI8}, std::move(shapes));
      }
    }
    scales_of_rows(scale_tensor(scheme));
    // What a static scheme scales activations with: they are fp32 here.
    add("input_scale", Presence::kOptional, kFloats, {Shape{1}, Shape{}, Shape{1, 1}});
    add("input_zero_point", Presence::kOptional, {DType::kI8, DType::kI32, DType::kF8E4M3},
        {Shape{1}, Shape{}, Shape{1, 1}});
  }
};

Status check_divisible(std::string_view module, std::string_view what, std::int64_t size, std::int64_t divisor,
                       std::string_view why) {
  if (size % divisor == 0) return {};
  return fail(ErrorCode::kUnsupported, "'{}' has {} {} but the scheme needs a multiple of {}: {}", module, size, what,
              divisor, why);
}

Status check_fits(std::string_view module, const WeightScheme& scheme, std::int64_t rows, std::int64_t columns) {
  if (scheme.scale == ScaleBlock::kGroup) {
    RETORT_TRY_STATUS(check_divisible(module, "columns", columns, scheme.group_size, "its group_size"));
  }
  if (scheme.layout == WeightLayout::kAwq || scheme.layout == WeightLayout::kGptq) {
    RETORT_TRY_STATUS(check_divisible(module, "rows", rows, codes_per_word(scheme), "codes in an int32"));
  }
  if (scheme.layout == WeightLayout::kGptq) {
    RETORT_TRY_STATUS(check_divisible(module, "columns", columns, codes_per_word(scheme), "codes in an int32"));
  }
  return {};
}

std::vector<StoredTensor> stored_tensors(const WeightScheme& scheme, std::int64_t rows, std::int64_t columns) {
  Describer describer{scheme, rows, columns, {}};
  if (scheme.layout == WeightLayout::kAwq || scheme.layout == WeightLayout::kGptq) {
    describer.packed_along_rows_or_columns();
  } else {
    describer.compressed_tensors();
  }
  return std::move(describer.tensors);
}

std::string any_of(const std::vector<Shape>& shapes) {
  std::string text;
  for (const Shape& shape : shapes) text += (text.empty() ? "" : " or ") + to_string(shape);
  return text;
}

std::string any_of(const std::vector<DType>& dtypes) {
  std::string text;
  for (const DType dtype : dtypes) text += (text.empty() ? "" : " or ") + std::string(to_string(dtype));
  return text;
}

Status check_stored(const StoredTensor& expected, const std::string& name, const TensorView& found) {
  if (std::ranges::find(expected.shapes, found.shape) == expected.shapes.end()) {
    return fail(ErrorCode::kCorrupt, "tensor '{}' has shape {} but the configuration implies {}", name,
                to_string(found.shape), any_of(expected.shapes));
  }
  if (std::ranges::find(expected.dtypes, found.dtype) == expected.dtypes.end()) {
    return fail(ErrorCode::kUnsupported, "tensor '{}' is {} but the quantization has it as {}", name,
                to_string(found.dtype), any_of(expected.dtypes));
  }
  return check_has_data(found, name);
}

std::int64_t integer_at(const TensorView& view, std::size_t i) {
  if (view.dtype == DType::kI32) {
    std::int32_t value = 0;
    std::memcpy(&value, view.data + i * sizeof value, sizeof value);
    return value;
  }
  std::int64_t value = 0;
  std::memcpy(&value, view.data + i * sizeof value, sizeof value);
  return value;
}

Status check_weight_shape(const std::string& name, const TensorView& view, const Shape& shape) {
  const std::int64_t rows = integer_at(view, 0);
  const std::int64_t columns = integer_at(view, 1);
  if (rows == shape[0] && columns == shape[1]) return {};
  return fail(ErrorCode::kCorrupt, "tensor '{}' says [{}, {}] but the configuration implies {}", name, rows, columns,
              to_string(shape));
}

}  // namespace

Status check_has_data(const TensorView& tensor, std::string_view name) {
  if (tensor.data != nullptr) return {};
  return fail(ErrorCode::kCorrupt,
              "tensor '{}' has no data: tensor data is missing from the file, which ends before it (a truncated "
              "download, or only the header of a model); get the whole file",
              name);
}

std::string_view scale_tensor(const WeightScheme& scheme) {
  if (scheme.layout == WeightLayout::kAwq || scheme.layout == WeightLayout::kGptq) return "scales";
  return scheme.inverse_name ? "weight_scale_inv" : "weight_scale";
}

std::int64_t group_count(const WeightScheme& scheme, std::int64_t columns) {
  return scheme.scale == ScaleBlock::kGroup ? columns / scheme.group_size : 1;
}

Status check_quantized_linear(const Checkpoint& checkpoint, std::string_view module, const WeightScheme& scheme,
                              const Shape& shape, std::set<std::string, std::less<>>* known) {
  RETORT_TRY_STATUS(check_fits(module, scheme, shape[0], shape[1]));
  for (const StoredTensor& expected : stored_tensors(scheme, shape[0], shape[1])) {
    const std::string name = fmt::format("{}.{}", module, expected.name);
    const TensorView* found = checkpoint.find(name);
    if (!found) {
      if (expected.presence == Presence::kOptional) continue;
      return fail(ErrorCode::kCorrupt, "tensor '{}' {} is missing: its module is quantized ({}, {})", name,
                  any_of(expected.shapes), checkpoint.config().quantization_method, to_string(scheme));
    }
    if (known) known->insert(name);
    RETORT_TRY_STATUS(check_stored(expected, name, *found));
    if (expected.name == "weight_shape") RETORT_TRY_STATUS(check_weight_shape(name, *found, shape));
  }
  return {};
}

void for_each_stored_tensor(const Checkpoint& checkpoint, std::string_view module, const WeightScheme& scheme,
                            const std::function<void(const std::string& name, const TensorView& view)>& visit) {
  for (const StoredTensor& tensor : stored_tensors(scheme, 1, 1)) {
    const std::string name = fmt::format("{}.{}", module, tensor.name);
    // A bias counts as what it is.
    if (tensor.name == "bias") continue;
    if (const TensorView* found = checkpoint.find(name)) visit(name, *found);
  }
}

}  // namespace retort
