// Normalizer, pre-tokenizer, post-processor, decoder and added tokens of tokenizer.json.
#include <algorithm>
#include <limits>

#include "core/json.h"
#include "text/tokenizer_json.h"

namespace retort {
namespace {

constexpr IntRange kAnyId{0, std::numeric_limits<TokenId>::max()};

Expected<std::string> type_of(const Json& component) {
  if (!component.is_object()) return fail(ErrorCode::kCorrupt, "expected an object with a 'type'");
  return json_string(component, "type");
}

Expected<const Json*> list_of(const Json& component, std::string_view key) {
  const Json* list = json_find(component, key);
  if (!list || !list->is_array()) return fail(ErrorCode::kCorrupt, "field '{}' must be a list", key);
  return list;
}

// Calls visit(component) for `component`, or for each member of it if it is a Sequence (which may hold others).
template <typename Visit>
Status for_each_in_sequence(const Json& component, std::string_view list_key, Visit&& visit) {
  const Expected<std::string> type = type_of(component);
  if (!type) return fail(type.error());
  if (*type != "Sequence") return visit(component, *type);
  RETORT_TRY_STATUS(refuse_unknown_fields(component, {"type", list_key}));
  RETORT_TRY(const Json* list, list_of(component, list_key));
  for (const Json& member : *list) RETORT_TRY_STATUS(for_each_in_sequence(member, list_key, visit));
  return {};
}

Status add_split(const Json& split, Pretokenizer& pretokenizer) {
  RETORT_TRY_STATUS(refuse_unknown_fields(split, {"type", "pattern", "behavior", "invert"}));
  RETORT_TRY(const std::string behavior, json_string(split, "behavior"));
  RETORT_TRY(const bool invert, json_bool(split, "invert", false));
  if (behavior != "Isolated") {
    return fail(ErrorCode::kUnsupported, "Split with behavior '{}' is not supported, only 'Isolated'", behavior);
  }
  if (invert) return fail(ErrorCode::kUnsupported, "Split with 'invert' is not supported");
  const Json* pattern = json_find(split, "pattern");
  if (!pattern || !pattern->is_object() || pattern->size() != 1) {
    return fail(ErrorCode::kCorrupt, "field 'pattern' must be an object with 'Regex' or 'String'");
  }
  if (pattern->contains("Regex")) {
    RETORT_TRY(const std::string regex, json_string(*pattern, "Regex"));
    return pretokenizer.add(regex, RegexSplitter::Syntax::kRegex);
  }
  RETORT_TRY(const std::string literal, json_string(*pattern, "String"));
  return pretokenizer.add(literal, RegexSplitter::Syntax::kLiteral);
}

Status add_byte_level(const Json& byte_level, Pretokenizer& pretokenizer) {
  // trim_offsets concerns offsets, which are not kept here.
  RETORT_TRY_STATUS(refuse_unknown_fields(byte_level, {"type", "add_prefix_space", "trim_offsets", "use_regex"}));
  RETORT_TRY(const bool add_prefix_space, json_bool(byte_level, "add_prefix_space"));
  RETORT_TRY(const bool use_regex, json_bool(byte_level, "use_regex", true));
  if (add_prefix_space) return fail(ErrorCode::kUnsupported, "ByteLevel with 'add_prefix_space' is not supported");
  return use_regex ? pretokenizer.add(patterns::kGpt2) : Status();
}

// "A" with what stands before it and after it.
Status read_template(const Json& processor, const Vocabulary& vocabulary, std::vector<TokenId>& prefix,
                     std::vector<TokenId>& suffix) {
  RETORT_TRY_STATUS(refuse_unknown_fields(processor, {"type", "single", "pair", "special_tokens"}));
  RETORT_TRY(const Json* single, list_of(processor, "single"));
  const Json* tokens = json_find(processor, "special_tokens");
  bool seen_text = false;
  for (const Json& item : *single) {
    if (const Json* sequence = json_find(item, "Sequence")) {
      const Expected<std::string> id = json_string(*sequence, "id");
      if (!id) return fail(id.error());
      if (seen_text || *id != "A") return fail(ErrorCode::kCorrupt, "'single' must hold the sequence A once");
      seen_text = true;
      continue;
    }
    const Json* special = json_find(item, "SpecialToken");
    if (!special) return fail(ErrorCode::kCorrupt, "'single' must hold only 'SpecialToken' and 'Sequence'");
    RETORT_TRY(const std::string name, json_string(*special, "id"));
    const Json* token = tokens ? json_find(*tokens, name) : nullptr;
    if (!token) return fail(ErrorCode::kCorrupt, "special token '{}' is not in 'special_tokens'", name);
    RETORT_TRY(const Json* ids, list_of(*token, "ids"));
    for (const Json& id : *ids) {
      if (!id.is_number_unsigned() || id.get<std::uint64_t>() > static_cast<std::uint64_t>(kAnyId.max) ||
          !vocabulary.contains(static_cast<TokenId>(id.get<std::uint64_t>()))) {
        return fail(ErrorCode::kCorrupt, "special token '{}' has an id that is not in the vocabulary", name);
      }
      (seen_text ? suffix : prefix).push_back(static_cast<TokenId>(id.get<std::uint64_t>()));
    }
  }
  if (!seen_text) return fail(ErrorCode::kCorrupt, "'single' must hold the sequence A once");
  return {};
}

}  // namespace

Status refuse_unknown_fields(const Json& object, std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return fail(ErrorCode::kUnsupported, "field '{}' is not known", key);
    }
  }
  return {};
}

Expected<Normalization> read_normalizer(const Json& normalizer) {
  Normalization result = Normalization::kNone;
  if (normalizer.is_null()) return result;
  RETORT_TRY_STATUS(
      for_each_in_sequence(normalizer, "normalizers", [&](const Json&, const std::string& type) -> Status {
        if (type != "NFC") return fail(ErrorCode::kUnsupported, "normalizer '{}' is not supported, only NFC", type);
        result = Normalization::kNfc;
        return {};
      }));
  return result;
}

Expected<Pretokenizer> read_pre_tokenizer(const Json& pre_tokenizer) {
  Pretokenizer result;
  bool byte_level = false;
  if (pre_tokenizer.is_null()) {
    return fail(ErrorCode::kUnsupported, "there is none; only byte-level tokenizers are supported");
  }
  RETORT_TRY_STATUS(
      for_each_in_sequence(pre_tokenizer, "pretokenizers", [&](const Json& step, const std::string& type) -> Status {
        if (byte_level) return fail(ErrorCode::kUnsupported, "'{}' after ByteLevel is not supported", type);
        if (type == "Split") return add_split(step, result);
        if (type != "ByteLevel") {
          return fail(ErrorCode::kUnsupported, "'{}' is not supported, only Split and ByteLevel", type);
        }
        byte_level = true;
        return add_byte_level(step, result);
      }));
  if (!byte_level) return fail(ErrorCode::kUnsupported, "there is no ByteLevel; only byte-level BPE is supported");
  return result;
}

Status check_decoder(const Json& decoder) {
  if (decoder.is_null()) return fail(ErrorCode::kUnsupported, "there is none; only ByteLevel is supported");
  return for_each_in_sequence(decoder, "decoders", [](const Json&, const std::string& type) -> Status {
    if (type != "ByteLevel") {
      return fail(ErrorCode::kUnsupported, "decoder '{}' is not supported, only ByteLevel", type);
    }
    return {};
  });
}

Status read_post_processor(const Json& post_processor, const Vocabulary& vocabulary, std::vector<TokenId>& prefix,
                           std::vector<TokenId>& suffix) {
  if (post_processor.is_null()) return {};
  bool has_template = false;
  return for_each_in_sequence(
      post_processor, "processors", [&](const Json& processor, const std::string& type) -> Status {
        if (type == "ByteLevel") return {};  // concerns offsets only
        if (type != "TemplateProcessing") {
          return fail(ErrorCode::kUnsupported, "'{}' is not supported, only TemplateProcessing and ByteLevel", type);
        }
        if (has_template) return fail(ErrorCode::kUnsupported, "more than one TemplateProcessing is not supported");
        has_template = true;
        return read_template(processor, vocabulary, prefix, suffix);
      });
}

Expected<AddedToken> read_added_token(const Json& token, std::int64_t id) {
  if (!token.is_object()) return fail(ErrorCode::kCorrupt, "expected an object");
  // "__type" is what transformers writes into tokenizer_config.json.
  RETORT_TRY_STATUS(refuse_unknown_fields(
      token, {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special", "__type"}));
  AddedToken result;
  result.id = static_cast<TokenId>(id);
  RETORT_TRY(result.content, json_string(token, "content"));
  RETORT_TRY(result.single_word, json_bool(token, "single_word", false));
  RETORT_TRY(result.lstrip, json_bool(token, "lstrip", false));
  RETORT_TRY(result.rstrip, json_bool(token, "rstrip", false));
  RETORT_TRY(result.special, json_bool(token, "special", false));
  RETORT_TRY(result.normalized, json_bool(token, "normalized", !result.special));
  return result;
}

}  // namespace retort
