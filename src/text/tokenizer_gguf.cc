// Tokenizer from the tokenizer.ggml.* metadata of a GGUF file.
#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "core/log.h"
#include "io/gguf.h"
#include "text/tokenizer_impl.h"

namespace retort {
namespace {

// What a GGUF file names instead of writing the expression and the normalizer down.
struct KnownPretokenizer {
  std::string_view name;
  std::string_view pattern;
  Normalization normalization;
};
// The Qwen tokenizers normalize by NFC; GGUF has no field for it, the name implies it.
const std::array<KnownPretokenizer, 3> kKnownPretokenizers = {{
    {"qwen2", patterns::kQwen2, Normalization::kNfc},
    {"deepseek-r1-qwen", patterns::kQwen2, Normalization::kNfc},
    {"gpt-2", patterns::kGpt2, Normalization::kNone},
}};

// Values of tokenizer.ggml.token_type.
enum TokenType : std::int64_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

constexpr std::string_view kPrefix = "tokenizer.ggml.";

std::string key(std::string_view name) { return fmt::format("{}{}", kPrefix, name); }

Expected<std::string_view> required_string(const GgufFile& file, std::string_view name) {
  RETORT_TRY(const auto value, file.get_string(key(name)));
  if (!value) return fail(ErrorCode::kNotFound, "{}: metadata has no '{}'", file.what(), key(name));
  return *value;
}

Expected<const std::vector<std::string_view>*> required_strings(const GgufFile& file, std::string_view name) {
  RETORT_TRY(const GgufArray* array, file.get_array(key(name)));
  if (!array) return fail(ErrorCode::kNotFound, "{}: metadata has no '{}'", file.what(), key(name));
  if (array->strings.size() != array->size) {
    return fail(ErrorCode::kCorrupt, "{}: '{}' must be an array of strings", file.what(), key(name));
  }
  return &array->strings;
}

Expected<std::optional<TokenId>> token_id(const GgufFile& file, std::string_view name, const Vocabulary& vocabulary) {
  RETORT_TRY(const auto id, file.get_int(key(name)));
  if (!id) return std::optional<TokenId>();
  if (*id < 0 || *id >= vocabulary.size()) {
    return fail(ErrorCode::kCorrupt, "{}: '{}' is {}, but the vocabulary has {} tokens", file.what(), key(name), *id,
                vocabulary.size());
  }
  return static_cast<TokenId>(*id);
}

Status choose_pretokenizer(const GgufFile& file, TokenizerParts& parts) {
  RETORT_TRY(const std::string_view model, required_string(file, "model"));
  if (model != "gpt2") {
    return fail(ErrorCode::kUnsupported, "{}: '{}' is '{}'; only 'gpt2' (byte-level BPE) is supported", file.what(),
                key("model"), model);
  }
  RETORT_TRY(const std::string_view name, required_string(file, "pre"));
  for (const KnownPretokenizer& known : kKnownPretokenizers) {
    if (known.name != name) continue;
    parts.normalization = known.normalization;
    parts.pretokenizer_name = name;
    return parts.pretokenizer.add(known.pattern);
  }
  return fail(ErrorCode::kUnsupported, "{}: '{}' is '{}'; only qwen2, deepseek-r1-qwen and gpt-2 are known",
              file.what(), key("pre"), name);
}

Status read_tokens(const GgufFile& file, TokenizerParts& parts) {
  RETORT_TRY(const auto* tokens, required_strings(file, "tokens"));
  RETORT_TRY(const GgufArray* types, file.get_array(key("token_type")));
  if (types && types->integers.size() != tokens->size()) {
    return fail(ErrorCode::kCorrupt, "{}: '{}' must be {} integers, one for each token, but has {}", file.what(),
                key("token_type"), tokens->size(), types->integers.size());
  }
  if (tokens->size() > static_cast<std::size_t>(std::numeric_limits<TokenId>::max()) / 2) {
    return fail(ErrorCode::kUnsupported, "{}: {} tokens are too many", file.what(), tokens->size());
  }
  std::size_t bytes = 0;
  for (const std::string_view token : *tokens) bytes += token.size() * 2;  // spelling and bytes
  parts.vocabulary = Vocabulary(tokens->size(), bytes);
  for (std::size_t i = 0; i < tokens->size(); ++i) {
    const std::string_view text = (*tokens)[i];
    const std::int64_t type = types ? types->integers[i] : kNormal;
    if (type < kNormal || type > kByte) {
      return fail(ErrorCode::kCorrupt, "{}: '{}' of token {} is {}, but must be from 1 to 6", file.what(),
                  key("token_type"), i, type);
    }
    // Control and user-defined tokens are looked for in the text. GGUF does not say which of them Hugging Face's
    // tokenizer calls special; the control tokens are what it has.
    const bool added = (type == kControl || type == kUserDefined) && !text.empty();
    auto status = parts.vocabulary.add(static_cast<std::int64_t>(i), text,
                                       added ? Vocabulary::Spelling::kLiteral : Vocabulary::Spelling::kByteLevel);
    if (!status) return fail(std::move(status).error().within(fmt::format("{}: {}", file.what(), key("tokens"))));
    if (!added) continue;
    AddedToken token;
    token.id = static_cast<TokenId>(i);
    token.content = text;
    token.special = type == kControl;
    parts.added_tokens.push_back(std::move(token));
  }
  return {};
}

Status read_merges(const GgufFile& file, TokenizerParts& parts) {
  RETORT_TRY(const auto* merges, required_strings(file, "merges"));
  parts.merges.reserve(merges->size());
  std::string merged;
  TokenId hint = -1;
  std::size_t without_result = 0;
  for (std::size_t i = 0; i < merges->size(); ++i) {
    auto rule = find_merge_rule(parts.vocabulary, (*merges)[i], merged, hint);
    if (!rule) {
      return fail(std::move(rule).error().within(fmt::format("{}: {}[{}]", file.what(), key("merges"), i)));
    }
    if (rule->result < 0) {
      ++without_result;
    } else {
      parts.merges.push_back(*rule);
    }
  }
  if (without_result > 0) {
    log(LogLevel::kWarn, "{}: {} of {} merges make a token that the vocabulary lacks; they are left out", file.what(),
        without_result, merges->size());
  }
  return {};
}

Status read_special_ids(const GgufFile& file, TokenizerParts& parts) {
  RETORT_TRY(parts.bos_id, token_id(file, "bos_token_id", parts.vocabulary));
  RETORT_TRY(parts.eos_id, token_id(file, "eos_token_id", parts.vocabulary));
  RETORT_TRY(parts.pad_id, token_id(file, "padding_token_id", parts.vocabulary));
  RETORT_TRY(const auto add_bos, file.get_bool(key("add_bos_token")));
  RETORT_TRY(const auto add_eos, file.get_bool(key("add_eos_token")));
  if (add_bos.value_or(false)) {
    if (!parts.bos_id) {
      return fail(ErrorCode::kCorrupt, "{}: '{}' is set but there is no '{}'", file.what(), key("add_bos_token"),
                  key("bos_token_id"));
    }
    parts.prefix.push_back(*parts.bos_id);
  }
  if (add_eos.value_or(false)) {
    if (!parts.eos_id) {
      return fail(ErrorCode::kCorrupt, "{}: '{}' is set but there is no '{}'", file.what(), key("add_eos_token"),
                  key("eos_token_id"));
    }
    parts.suffix.push_back(*parts.eos_id);
  }
  return {};
}

}  // namespace

Expected<Tokenizer> Tokenizer::from_gguf(const GgufFile& file) {
  TokenizerParts parts;
  RETORT_TRY_STATUS(choose_pretokenizer(file, parts));
  RETORT_TRY_STATUS(read_tokens(file, parts));
  RETORT_TRY_STATUS(read_merges(file, parts));
  RETORT_TRY_STATUS(read_special_ids(file, parts));
  auto tokenizer = make_tokenizer(std::move(parts));
  if (!tokenizer) return fail(std::move(tokenizer).error().within(file.what()));
  return tokenizer;
}

}  // namespace retort
