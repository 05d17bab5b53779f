#include "text/detokenizer.h"

#include <utility>

#include "text/utf8.h"

namespace retort {

namespace {

// The first two bytes of a surrogate as three bytes (ED A0..BF ..) are ill-formed already, but decoders that streaming
// users know (Python's) wait for the third before they say so, and so do we.
bool may_be_surrogate(std::string_view bytes) {
  return bytes.size() == 2 && bytes[0] == '\xED' && static_cast<std::uint8_t>(bytes[1]) >= 0xA0 &&
         static_cast<std::uint8_t>(bytes[1]) <= 0xBF;
}

}  // namespace

IncrementalDetokenizer::IncrementalDetokenizer(Tokenizer tokenizer, SkipSpecial skip)
    : tokenizer_(std::move(tokenizer)), skip_(skip) {}

std::string IncrementalDetokenizer::push(TokenId id) {
  if (skip_ == SkipSpecial::kYes && tokenizer_.is_special(id)) return {};
  pending_.append(tokenizer_.bytes(id));
  // Everything is certain but the beginning of a character that the text ends in.
  std::size_t certain = 0;
  while (certain < pending_.size()) {
    const std::string_view rest = std::string_view(pending_).substr(certain);
    const Utf8Char c = decode_utf8(rest);
    if (c.truncated || may_be_surrogate(rest)) break;
    certain += c.length;
  }
  std::string text;
  append_lossy_utf8(text, std::string_view(pending_).substr(0, certain));
  pending_.erase(0, certain);
  return text;
}

std::string IncrementalDetokenizer::finish() {
  std::string text;
  append_lossy_utf8(text, pending_);
  pending_.clear();
  return text;
}

}  // namespace retort
