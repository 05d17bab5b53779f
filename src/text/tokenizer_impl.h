// What a Tokenizer is made of, and how its two sources (tokenizer.json, GGUF) hand it over.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/pretokenizer.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"

namespace retort {

enum class Normalization { kNone, kNfc };

/// What a source says, checked in itself; make_tokenizer() checks the parts against each other.
struct TokenizerParts {
  Vocabulary vocabulary;  ///< with all added tokens
  std::vector<MergeRule> merges;
  BpeModel::WholePieceFirst whole_piece_first = BpeModel::WholePieceFirst::kNo;
  std::vector<AddedToken> added_tokens;  ///< ids are in the vocabulary
  Normalization normalization = Normalization::kNone;
  Pretokenizer pretokenizer;
  std::string pretokenizer_name;  ///< for display; "": pretokenizer.describe()
  std::vector<TokenId> prefix;    ///< SpecialTokens::kAdd puts these before the text
  std::vector<TokenId> suffix;    ///< and these after it
  std::optional<TokenId> bos_id;
  std::optional<TokenId> eos_id;
  std::optional<TokenId> pad_id;
};

Expected<Tokenizer> make_tokenizer(TokenizerParts parts);

/// The rule for "left right" spelled out, from the vocabulary; kCorrupt naming the part that is not there. Where the
/// result is not there, the rule's is -1 and `merged` its spelling. `hint` is where the previous call left it.
Expected<MergeRule> find_merge_rule(const Vocabulary& vocabulary, std::string_view left, std::string_view right,
                                    std::string& merged, TokenId& hint);
/// Splits "left right" at its only space.
Expected<MergeRule> find_merge_rule(const Vocabulary& vocabulary, std::string_view pair, std::string& merged,
                                    TokenId& hint);

struct Tokenizer::Impl {
  Impl(TokenizerParts parts_given, BpeModel model) : parts(std::move(parts_given)), bpe(std::move(model)) {}

  /// What one encode() works with. Kept for the next call, so that its word cache stays warm: there are as many as
  /// there ever were calls at once.
  struct Scratch {
    BpeScratch bpe;
    std::string normalized;
  };
  std::unique_ptr<Scratch> take_scratch() const;
  void give_back(std::unique_ptr<Scratch> scratch) const;

  void encode_text(std::string_view text, AddedTokens added, Scratch& scratch, std::vector<TokenId>& ids) const;
  void encode_ordinary(std::string_view text, AddedTokens added, Scratch& scratch, std::vector<TokenId>& ids) const;
  void encode_pieces(std::string_view text, Scratch& scratch, std::vector<TokenId>& ids) const;

  TokenizerParts parts;
  BpeModel bpe;
  AddedTokenMatcher in_raw_text;          ///< tokens with normalized = false
  AddedTokenMatcher in_normalized_text;   ///< and with normalized = true
  std::vector<std::uint8_t> token_flags;  ///< by id
  static constexpr std::uint8_t kAdded = 1;
  static constexpr std::uint8_t kSpecial = 2;

 private:
  // Not a part of the tokenizer's value: which buffers are free.
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Scratch>> free_;
};

}  // namespace retort
