// A folder's tokenizer and chat template as GGUF metadata: the inverse of Tokenizer::from_gguf.
#pragma once

#include "core/error.h"
#include "io/checkpoint.h"
#include "io/gguf_pairs.h"

namespace retort {

/// Sets tokenizer.ggml.* and tokenizer.chat_template from tokenizer.json and what stands beside it; ids that the
/// model's vocabulary has beyond the tokenizer's become unused tokens. Of the ids that end a text the tokenizer's EOS
/// is eos_token_id; two others of the configuration find room as eot and eom, and further ones are told of at warning
/// level. kUnsupported for a pretokenizer or a normalizer that GGUF has no name for.
Status add_tokenizer_pairs(const Checkpoint& checkpoint, GgufPairs& pairs);

}  // namespace retort
