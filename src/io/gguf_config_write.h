// A model configuration as GGUF metadata: the inverse of model_config_from_gguf.
#pragma once

#include "core/error.h"
#include "io/gguf_pairs.h"
#include "io/model_config.h"

namespace retort {

/// Sets general.architecture, what stands below the architecture's own prefix, and general.sampling.*. Token ids are
/// the vocabulary's to set. kUnsupported, naming the field, for what GGUF has no key for (sliding windows, dynamic RoPE
/// scaling, ...), so that no file is written that another program would run as another model.
Status add_config_pairs(const ModelConfig& config, const GenerationDefaults& defaults, GgufPairs& pairs);

}  // namespace retort
