#include "text/gguf_vocabulary.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/log.h"
#include "io/mapped_file.h"
#include "text/text_assets.h"
#include "text/tokenizer.h"

namespace retort {
namespace {

namespace fs = std::filesystem;

// Values of tokenizer.ggml.token_type.
constexpr std::int32_t kNormalToken = 1;
constexpr std::int32_t kControlToken = 3;
constexpr std::int32_t kUserDefinedToken = 4;
constexpr std::int32_t kUnusedToken = 5;

// GGUF names a pretokenizer and implies the normalizer; another reader splits as the name says.
Expected<std::string_view> pretokenizer_name(const Tokenizer::Description& tokenizer, const fs::path& file) {
  const std::string& pattern = tokenizer.pretokenizer;
  if (pattern.starts_with("qwen2 ") && tokenizer.normalizer == "NFC") return "qwen2";
  if (pattern.starts_with("gpt-2 ") && tokenizer.normalizer == "none") return "gpt-2";
  return fail(
      ErrorCode::kUnsupported,
      "{}: its pretokenizer ({}) with normalizer {} has no name in GGUF; retort writes those of qwen2 (with NFC) "
      "and gpt-2 (without)",
      file.string(), pattern, tokenizer.normalizer);
}

// "left right", as GGUF has them; tokenizer.json has that or pairs.
Expected<std::vector<std::string>> read_merge_texts(const fs::path& file) {
  RETORT_TRY(const auto mapped, MappedFile::open(file));
  RETORT_TRY(const Json json, parse_json(mapped->text(), file.string()));
  const Json* model = json_find(json, "model");
  const Json* merges = model ? json_find(*model, "merges") : nullptr;
  std::vector<std::string> texts;
  if (!merges) return texts;
  for (const Json& merge : *merges) {
    // The tokenizer was read from the same file: the forms are known to be right.
    texts.push_back(merge.is_string() ? merge.get<std::string>()
                                      : merge.at(0).get<std::string>() + " " + merge.at(1).get<std::string>());
  }
  return texts;
}

void add_tokens(const Tokenizer& tokenizer, std::int64_t vocab_size, GgufPairs& pairs) {
  std::vector<std::string> tokens;
  std::vector<std::int32_t> types;
  for (std::int64_t i = 0; i < vocab_size; ++i) {
    const auto id = static_cast<TokenId>(i);
    const std::string_view piece = tokenizer.piece(id);
    if (piece.empty()) {
      tokens.push_back(fmt::format("[PAD{}]", i));
      types.push_back(kUnusedToken);
      continue;
    }
    tokens.emplace_back(piece);
    types.push_back(!tokenizer.is_added(id)    ? kNormalToken
                    : tokenizer.is_special(id) ? kControlToken
                                               : kUserDefinedToken);
  }
  pairs.set_strings("tokenizer.ggml.tokens", tokens);
  pairs.set_numbers("tokenizer.ggml.token_type", std::span<const std::int32_t>(types));
}

void add_special_ids(const Tokenizer& tokenizer, const ModelConfig& config, GgufPairs& pairs) {
  const auto id = [&](std::string_view key, std::int64_t value) {
    pairs.set(fmt::format("tokenizer.ggml.{}_token_id", key), static_cast<std::uint32_t>(value));
  };
  std::vector<std::int64_t> ends;
  if (const auto eos = tokenizer.eos_id()) ends.push_back(*eos);
  for (const std::int64_t end : config.eos_token_ids) {
    if (std::ranges::find(ends, end) == ends.end()) ends.push_back(end);
  }
  constexpr std::string_view kKeys[] = {"eos", "eot", "eom"};
  for (std::size_t i = 0; i < ends.size() && i < std::size(kKeys); ++i) id(kKeys[i], ends[i]);
  if (ends.size() > std::size(kKeys)) {
    log(LogLevel::kWarn, "GGUF has room for 3 tokens that end an answer; {} of this model are left out",
        ends.size() - std::size(kKeys));
  }
  if (const auto pad = tokenizer.pad_id()) id("padding", *pad);
  const std::optional<std::int64_t> bos =
      tokenizer.bos_id() ? std::optional<std::int64_t>(*tokenizer.bos_id()) : config.bos_token_id;
  if (bos) id("bos", *bos);
  // An empty text shows what is put around every text.
  const std::vector<TokenId> around = tokenizer.encode("", {.special_tokens = SpecialTokens::kAdd});
  pairs.set("tokenizer.ggml.add_bos_token", bos.has_value() && !around.empty() && around.front() == *bos);
}

}  // namespace

Status add_tokenizer_pairs(const Checkpoint& checkpoint, GgufPairs& pairs) {
  const fs::path file = checkpoint.folder().value_or(checkpoint.name()) / "tokenizer.json";
  RETORT_TRY(const Tokenizer tokenizer, load_tokenizer(checkpoint));
  const std::int64_t vocab_size = checkpoint.config().vocab_size;
  if (tokenizer.vocab_size() > vocab_size) {
    return fail(ErrorCode::kUnsupported, "{}: {} tokens, but the model has {} rows for them", file.string(),
                tokenizer.vocab_size(), vocab_size);
  }
  RETORT_TRY(const std::string_view pre, pretokenizer_name(tokenizer.describe(), file));
  RETORT_TRY(const std::vector<std::string> merges, read_merge_texts(file));
  pairs.set_string("tokenizer.ggml.model", "gpt2");
  pairs.set_string("tokenizer.ggml.pre", pre);
  add_tokens(tokenizer, vocab_size, pairs);
  pairs.set_strings("tokenizer.ggml.merges", merges);
  add_special_ids(tokenizer, checkpoint.config(), pairs);
  RETORT_TRY(const auto chat_template, load_chat_template(checkpoint));
  if (chat_template) pairs.set_string("tokenizer.chat_template", *chat_template);
  return {};
}

}  // namespace retort
