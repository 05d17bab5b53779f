// Checkpoint::check_tensors: the last gate before weights are loaded.
#include <algorithm>

#include "io/checkpoint.h"
#include "io/hub_names.h"
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
  if (found.data == nullptr) {
    return fail(ErrorCode::kCorrupt,
                "tensor '{}' has no data: tensor data is missing from the file, which ends before it (a truncated "
                "download, or only the header of a model); get the whole file",
                name);
  }
  return {};
}

}  // namespace

Status Checkpoint::check_tensors() const {
  const auto check = [this]() -> Status {
    if (!config_.quantization_method.empty()) {
      return fail(ErrorCode::kUnsupported,
                  "weights quantized by '{}' are not supported; use the unquantized checkpoint or a GGUF of it",
                  config_.quantization_method);
    }
    std::size_t known = 0;
    RETORT_TRY_STATUS(
        for_each_tensor(config_, [&](const std::string& name, const Shape& shape, TensorRole role) -> Status {
          const TensorView* found = find(name);
          if (!found) {
            return fail(ErrorCode::kCorrupt, "tensor '{}' {} is missing", name, to_string(shape));
          }
          ++known;
          return check_tensor(*found, name, shape, role);
        }));
    if (known == tensors_.size()) return {};
    // The names of a network are unique, so some tensor here is none of them.
    std::vector<std::string> names;
    RETORT_TRY_STATUS(for_each_tensor(config_, [&](const std::string& name, const Shape&, TensorRole) -> Status {
      names.push_back(name);
      return {};
    }));
    std::ranges::sort(names);
    for (const auto& [name, view] : tensors_) {
      if (std::ranges::binary_search(names, name)) continue;
      return fail(ErrorCode::kUnsupported, "tensor '{}' {} {} is not part of {} as its configuration describes it",
                  shown_name(name), to_string(view.dtype), to_string(view.shape), to_string(config_.architecture));
    }
    return {};
  };
  auto status = check();
  if (!status) return fail(std::move(status).error().within(name_));
  return status;
}

const TensorView* Checkpoint::find(std::string_view name) const {
  const auto it = tensors_.find(name);
  return it == tensors_.end() ? nullptr : &it->second;
}

}  // namespace retort
