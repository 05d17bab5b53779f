// The tensors that a quantized Linear consists of, in place of its `weight`.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/tensor.h"
#include "io/checkpoint.h"
#include "io/quantization_config.h"

namespace retort {

/// The scales' name within the module: "scales", "weight_scale" or "weight_scale_inv".
std::string_view scale_tensor(const WeightScheme& scheme);

/// Groups of columns that have scales of their own: 1 unless scales go by groups. `columns` must fit the scheme
/// (check_quantized_linear).
std::int64_t group_count(const WeightScheme& scheme, std::int64_t columns);

/// kCorrupt where the file ends before the tensor's data: a header alone can be inspected, but not run.
Status check_has_data(const TensorView& tensor, std::string_view name);

/// The tensors of Linear `module` with the shape [rows, columns] are there, with data, in the dtypes and shapes that
/// the scheme gives them, and weight_shape says the same shape. Adds those that the file has to `known` (may be null).
/// kCorrupt names the tensor, what was expected and what was found; kUnsupported a shape that the scheme cannot hold.
/// No other value is read: nn/grouped_weight.h does.
Status check_quantized_linear(const Checkpoint& checkpoint, std::string_view module, const WeightScheme& scheme,
                              const Shape& shape, std::set<std::string, std::less<>>* known);

/// Calls `visit` for each tensor of `module` that the file has, as check_quantized_linear finds them. For counting.
void for_each_stored_tensor(const Checkpoint& checkpoint, std::string_view module, const WeightScheme& scheme,
                            const std::function<void(const std::string& name, const TensorView& view)>& visit);

}  // namespace retort
