// Byte-level BPE: text to token ids and back, for tokenizer.json and for GGUF vocabularies.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace retort {

class GgufFile;

using TokenId = std::int32_t;

/// Whether text that spells an added token ("<|im_start|>", "</think>") becomes that token.
enum class AddedTokens {
  kParse,   ///< yes: for rendered prompts
  kAsText,  ///< no: for what a person or a document says. Also known as parse_special = false
};
/// Whether the tokenizer's own template of special tokens (a BOS) is put around the text. A rendered chat prompt holds
/// its BOS already: encode it with kNone.
enum class SpecialTokens { kNone, kAdd };
struct EncodeOptions {
  AddedTokens added_tokens = AddedTokens::kParse;
  SpecialTokens special_tokens = SpecialTokens::kNone;
};

enum class SkipSpecial { kNo, kYes };

/// Immutable and thread-safe; cheap to copy (shared state).
class Tokenizer {
 public:
  /// tokenizer.json's content; tokenizer_config.json's where there is one (may be empty). `what` begins errors.
  static Expected<Tokenizer> from_json(std::string_view tokenizer_json, std::string_view tokenizer_config_json,
                                       std::string_view what);
  /// From tokenizer.ggml.*. Qwen2's normalizer (NFC) is implied by its pre-tokenizer name.
  static Expected<Tokenizer> from_gguf(const GgufFile& file);

  /// Ids of `text`. Bytes that are not UTF-8 are encoded as the bytes they are; nothing is lost:
  /// decode(encode(t)) == NFC(t). Time is O(n log n) for any input.
  [[nodiscard]] std::vector<TokenId> encode(std::string_view text, EncodeOptions options = {}) const;

  /// Text of `ids`, with bytes that complete no character as U+FFFD. Ids outside the vocabulary give nothing.
  [[nodiscard]] std::string decode(std::span<const TokenId> ids, SkipSpecial skip = SkipSpecial::kNo) const;

  /// The bytes that token `id` stands for (may be part of a character); empty for an unknown id.
  [[nodiscard]] std::string_view bytes(TokenId id) const;
  /// As the vocabulary spells it ("Ġthe"); empty for an unknown id.
  [[nodiscard]] std::string_view piece(TokenId id) const;
  [[nodiscard]] std::optional<TokenId> id_of(std::string_view piece) const;
  [[nodiscard]] bool is_special(TokenId id) const;
  [[nodiscard]] bool is_added(TokenId id) const;

  /// 1 + the largest id. (The model's embedding may have more rows.)
  [[nodiscard]] std::int64_t vocab_size() const;
  [[nodiscard]] std::optional<TokenId> bos_id() const;
  [[nodiscard]] std::optional<TokenId> eos_id() const;
  [[nodiscard]] std::optional<TokenId> pad_id() const;

  /// For display: model, pre-tokenizer, normalizer, counts.
  struct Description {
    std::string model;         ///< "byte-level BPE"
    std::string pretokenizer;  ///< "qwen2 (native scanner)", "deepseek-r1-qwen", or "PCRE2"
    std::string normalizer;    ///< "NFC" or "none"
    std::int64_t merges = 0;
    std::int64_t added_tokens = 0;
  };
  [[nodiscard]] Description describe() const;

  struct Impl;  ///< text/tokenizer_impl.h
  explicit Tokenizer(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace retort
