// Checkpoint::check_tensors: the last gate before weights are loaded.
#include <set>

#include "io/checkpoint.h"
#include "io/hub_names.h"
#include "io/quantized_tensors.h"
#include "io/tensor_names.h"

namespace retort {
namespace {

bool is_weight_dtype(DType dtype, TensorRole role) {
  switch (dtype) {
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
      return true;
    case DType::kI8:
    case DType::kF8E4M3:
      return role == TensorRole::kMatrix;
    default:
      return role == TensorRole::kMatrix && is_block_quantized(dtype);
  }
}

Status check_tensor(const TensorView& found, const std::string& name, const Shape& shape, TensorRole role) {
  if (!(found.shape == shape)) {
    return fail(ErrorCode::kCorrupt, "tensor '{}' has shape {} but the configuration implies {}", name,
                to_string(found.shape), to_string(shape));
  }
  if (!is_weight_dtype(found.dtype, role)) {
    return fail(ErrorCode::kUnsupported, "tensor '{}' is {}, which retort does not run as {}", name,
                to_string(found.dtype),
                role == TensorRole::kMatrix ? "a weight (F32, F16, BF16, I8, F8_E4M3 and GGUF's block types it does)"
                                            : "a norm or a bias (F32, F16 and BF16 it does)");
  }
  return check_has_data(found, name);
}

}  // namespace

Status Checkpoint::check_tensors() const {
  std::set<std::string, std::less<>> known;  // of the tensors that the file has
  const auto check_one = [&](const std::string& name, const Shape& shape, TensorRole role) -> Status {
    const std::optional<std::string_view> module = linear_of(name, role);
    if (const WeightScheme* scheme = module ? scheme_of(*module) : nullptr) {
      return check_quantized_linear(*this, *module, *scheme, shape, &known);
    }
    const TensorView* found = find(name);
    if (!found) {
      return fail(ErrorCode::kCorrupt, "tensor '{}' {} is missing", name, to_string(shape));
    }
    known.insert(name);
    return check_tensor(*found, name, shape, role);
  };
  const auto check = [&]() -> Status {
    if (!config_.quantization_problem.empty()) {
      return fail(ErrorCode::kUnsupported, "{}", config_.quantization_problem);
    }
    RETORT_TRY_STATUS(for_each_tensor(config_, check_one));
    for (const auto& [name, view] : tensors_) {
      if (known.contains(name)) continue;
      return fail(ErrorCode::kUnsupported, "tensor '{}' {} {} is not part of {} as its configuration describes it",
                  shown_name(name), to_string(view.dtype), to_string(view.shape), to_string(config_.architecture));
    }
    return {};
  };
  auto status = check();
  if (!status) return fail(std::move(status).error().within(name_));
  return status;
}

const WeightScheme* Checkpoint::scheme_of(std::string_view module) const {
  if (!config_.quantization) return nullptr;
  const WeightScheme* scheme = config_.quantization->scheme_for(module);
  if (!scheme) return nullptr;
  const TensorView* weight = find(fmt::format("{}.weight", module));
  if (!weight || (weight->dtype != DType::kF32 && weight->dtype != DType::kF16 && weight->dtype != DType::kBF16)) {
    return scheme;
  }
  return find(fmt::format("{}.{}", module, scale_tensor(*scheme))) ? scheme : nullptr;
}

const TensorView* Checkpoint::find(std::string_view name) const {
  const auto it = tensors_.find(name);
  return it == tensors_.end() ? nullptr : &it->second;
}

}  // namespace retort
