#include "text/tokenizer.h"

#include <utility>

#include "text/normalizer.h"
#include "text/tokenizer_impl.h"
#include "text/utf8.h"

namespace retort {

std::unique_ptr<Tokenizer::Impl::Scratch> Tokenizer::Impl::take_scratch() const {
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      auto scratch = std::move(free_.back());
      free_.pop_back();
      return scratch;
    }
  }
  return std::make_unique<Scratch>();
}

void Tokenizer::Impl::give_back(std::unique_ptr<Scratch> scratch) const {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(scratch));
}

// Text without special tokens around it: cut at the added tokens of raw text first.
void Tokenizer::Impl::encode_text(std::string_view text, AddedTokens added, Scratch& scratch,
                                  std::vector<TokenId>& ids) const {
  std::size_t at = 0;
  if (added == AddedTokens::kParse) {
    while (at < text.size()) {
      const auto match = in_raw_text.find(text, at);
      if (match.id < 0) break;
      encode_ordinary(text.substr(at, match.begin - at), added, scratch, ids);
      ids.push_back(match.id);
      at = match.end;
    }
  }
  encode_ordinary(text.substr(at), added, scratch, ids);
}

// Normalized, then cut at the added tokens of normalized text.
void Tokenizer::Impl::encode_ordinary(std::string_view text, AddedTokens added, Scratch& scratch,
                                      std::vector<TokenId>& ids) const {
  if (text.empty()) return;
  if (parts.normalization == Normalization::kNfc) text = to_nfc(text, scratch.normalized);
  std::size_t at = 0;
  if (added == AddedTokens::kParse && !in_normalized_text.empty()) {
    while (at < text.size()) {
      const auto match = in_normalized_text.find(text, at);
      if (match.id < 0) break;
      encode_pieces(text.substr(at, match.begin - at), scratch, ids);
      ids.push_back(match.id);
      at = match.end;
    }
  }
  encode_pieces(text.substr(at), scratch, ids);
}

void Tokenizer::Impl::encode_pieces(std::string_view text, Scratch& scratch, std::vector<TokenId>& ids) const {
  parts.pretokenizer.for_each_piece(
      text, [&](std::string_view piece) { bpe.encode(piece, parts.vocabulary, scratch.bpe, ids); });
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
  std::vector<TokenId> ids;
  ids.reserve(text.size() / 3 + 16);
  const bool add = options.special_tokens == SpecialTokens::kAdd;
  if (add) ids.insert(ids.end(), impl_->parts.prefix.begin(), impl_->parts.prefix.end());
  auto scratch = impl_->take_scratch();
  impl_->encode_text(text, options.added_tokens, *scratch, ids);
  impl_->give_back(std::move(scratch));
  if (add) ids.insert(ids.end(), impl_->parts.suffix.begin(), impl_->parts.suffix.end());
  return ids;
}

std::string Tokenizer::decode(std::span<const TokenId> ids, SkipSpecial skip) const {
  std::string all;
  for (const TokenId id : ids) {
    if (skip == SkipSpecial::kNo || !is_special(id)) all.append(bytes(id));
  }
  if (is_valid_utf8(all)) return all;
  std::string text;
  append_lossy_utf8(text, all);
  return text;
}

std::string_view Tokenizer::bytes(TokenId id) const { return impl_->parts.vocabulary.bytes(id); }
std::string_view Tokenizer::piece(TokenId id) const { return impl_->parts.vocabulary.piece(id); }
std::optional<TokenId> Tokenizer::id_of(std::string_view piece) const { return impl_->parts.vocabulary.find(piece); }

bool Tokenizer::is_special(TokenId id) const {
  return impl_->parts.vocabulary.contains(id) &&
         (impl_->token_flags[static_cast<std::size_t>(id)] & Impl::kSpecial) != 0;
}
bool Tokenizer::is_added(TokenId id) const {
  return impl_->parts.vocabulary.contains(id) && (impl_->token_flags[static_cast<std::size_t>(id)] & Impl::kAdded) != 0;
}

std::int64_t Tokenizer::vocab_size() const { return impl_->parts.vocabulary.size(); }
std::optional<TokenId> Tokenizer::bos_id() const { return impl_->parts.bos_id; }
std::optional<TokenId> Tokenizer::eos_id() const { return impl_->parts.eos_id; }
std::optional<TokenId> Tokenizer::pad_id() const { return impl_->parts.pad_id; }

Tokenizer::Description Tokenizer::describe() const {
  const TokenizerParts& parts = impl_->parts;
  Description description;
  description.model = "byte-level BPE";
  description.pretokenizer = parts.pretokenizer.describe();
  if (!parts.pretokenizer_name.empty()) {
    description.pretokenizer = fmt::format("{}: {}", parts.pretokenizer_name, description.pretokenizer);
  }
  description.normalizer = parts.normalization == Normalization::kNfc ? "NFC" : "none";
  description.merges = impl_->bpe.merge_count();
  description.added_tokens = static_cast<std::int64_t>(parts.added_tokens.size());
  return description;
}

Expected<Tokenizer> make_tokenizer(TokenizerParts parts) {
  RETORT_TRY(auto bpe, BpeModel::make(parts.vocabulary, parts.merges, parts.whole_piece_first));
  parts.merges = {};  // in the model now
  auto impl = std::make_shared<Tokenizer::Impl>(std::move(parts), std::move(bpe));
  const TokenizerParts& kept = impl->parts;
  impl->token_flags.resize(static_cast<std::size_t>(kept.vocabulary.size()));
  std::string storage;
  for (const AddedToken& token : kept.added_tokens) {
    RETORT_CHECK(kept.vocabulary.contains(token.id), "added token {} has no entry", token.id);
    auto& flags = impl->token_flags[static_cast<std::size_t>(token.id)];
    flags =
        static_cast<std::uint8_t>(flags | Tokenizer::Impl::kAdded | (token.special ? Tokenizer::Impl::kSpecial : 0));
    if (!token.normalized) {
      RETORT_TRY_STATUS(impl->in_raw_text.add(token, token.content));
    } else {
      const bool nfc = kept.normalization == Normalization::kNfc;
      RETORT_TRY_STATUS(impl->in_normalized_text.add(token, nfc ? to_nfc(token.content, storage) : token.content));
    }
  }
  return Tokenizer(std::move(impl));
}

Expected<MergeRule> find_merge_rule(const Vocabulary& vocabulary, std::string_view left, std::string_view right,
                                    std::string& merged, TokenId& hint) {
  if (left.empty() || right.empty()) {
    return fail(ErrorCode::kCorrupt, "expected two tokens, but one of '{}' and '{}' is empty", left, right);
  }
  merged.assign(left);
  merged.append(right);
  const auto left_id = vocabulary.find(left);
  const auto right_id = vocabulary.find(right);
  // Most vocabularies are numbered in the order of their merges: look beside the previous result before hashing.
  ++hint;
  const auto result = vocabulary.piece(hint) == merged ? std::optional<TokenId>(hint) : vocabulary.find(merged);
  hint = result.value_or(hint);
  if (!left_id) return fail(ErrorCode::kCorrupt, "token '{}' is not in the vocabulary", left);
  if (!right_id) return fail(ErrorCode::kCorrupt, "token '{}' is not in the vocabulary", right);
  // An added token may look like the result without being it: "Ġt" as text has three bytes, " t" has two.
  if (result &&
      vocabulary.bytes(*left_id).size() + vocabulary.bytes(*right_id).size() != vocabulary.bytes(*result).size()) {
    return fail(ErrorCode::kCorrupt, "token '{}' does not stand for the bytes of '{}' and '{}'", merged, left, right);
  }
  return MergeRule{*left_id, *right_id, result.value_or(-1)};
}

Expected<MergeRule> find_merge_rule(const Vocabulary& vocabulary, std::string_view pair, std::string& merged,
                                    TokenId& hint) {
  const std::size_t space = pair.find(' ');
  if (space == std::string_view::npos || pair.find(' ', space + 1) != std::string_view::npos) {
    return fail(ErrorCode::kCorrupt, "expected two tokens with one space between them, but found '{}'", pair);
  }
  return find_merge_rule(vocabulary, pair.substr(0, space), pair.substr(space + 1), merged, hint);
}

}  // namespace retort
