// The parts of tokenizer.json that are small: each component by its "type", anything unknown refused by name.
#pragma once

#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/json_fwd.h"
#include "text/tokenizer_impl.h"

namespace retort {

Expected<Normalization> read_normalizer(const Json& normalizer);
Expected<Pretokenizer> read_pre_tokenizer(const Json& pre_tokenizer);
Status check_decoder(const Json& decoder);
/// Fills `prefix` and `suffix`; their ids must be in `vocabulary`.
Status read_post_processor(const Json& post_processor, const Vocabulary& vocabulary, std::vector<TokenId>& prefix,
                           std::vector<TokenId>& suffix);
/// One object of "added_tokens", or, with the id from its key, of tokenizer_config.json's "added_tokens_decoder".
Expected<AddedToken> read_added_token(const Json& token, std::int64_t id);
/// kUnsupported naming the first member of `object` that is not in `known`.
Status refuse_unknown_fields(const Json& object, std::initializer_list<std::string_view> known);

}  // namespace retort
