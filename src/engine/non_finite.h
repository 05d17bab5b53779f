// Where numbers first stopped being numbers.
#pragma once

#include <cstdint>
#include <span>

#include "core/error.h"
#include "core/kv_cache_type.h"
#include "nn/model.h"

namespace retort {

/// Runs `tokens` again, alone, and looks at every layer's output: kCorrupt naming the first layer and the first token
/// whose values are not finite. The bits of a sequence do not depend on its company, so this sees what happened.
Error explain_non_finite(const Model& model, KvCacheType type, const KvWindowOptions& window,
                         std::span<const std::int32_t> tokens, std::int64_t prompt_length);

}  // namespace retort
