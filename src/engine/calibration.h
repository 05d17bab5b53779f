// Which columns of a model's matrices matter, measured on a text.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "core/cancel.h"
#include "core/error.h"
#include "nn/importance.h"
#include "nn/model.h"

namespace retort {

/// Runs the text in windows of up to `context` tokens, and gathers the mean square of each matrix' inputs. Of experts
/// gate and up count every token, whichever expert it goes to; their down_proj, and an embedding that is not the head,
/// have no entry. A column that nothing ever came through still weighs 1e-4 of the average. The same values with any
/// number of threads. kInvalidArgument for an empty text.
Expected<Importance> measure_importance(const Model& model, std::span<const std::int32_t> tokens, std::int64_t context,
                                        const std::function<void(std::int64_t done, std::int64_t all)>& on_window,
                                        const CancelToken& cancel);

}  // namespace retort
