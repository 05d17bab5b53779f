#include "text/added_tokens.h"

#include <algorithm>
#include <cstring>

#include "text/unicode.h"
#include "text/utf8.h"

namespace retort {
namespace {

// Class of the character that ends before `at`; 0 if there is none.
std::uint8_t class_before(std::string_view text, std::size_t at, std::size_t* begin) {
  std::size_t start = at;
  while (start > 0 && at - start < 4) {
    --start;
    const Utf8Char c = decode_utf8(text.substr(start, at - start));
    if (c.code != Utf8Char::kInvalid && start + c.length == at) {
      *begin = start;
      return UnicodeTable::instance().of(c.code);
    }
  }
  return 0;
}

std::uint8_t class_after(std::string_view text, std::size_t at, std::size_t* end) {
  if (at >= text.size()) return 0;
  const Utf8Char c = decode_utf8(text.substr(at));
  *end = at + c.length;
  return UnicodeTable::instance().of(c.code);
}

}  // namespace

std::uint32_t AddedTokenMatcher::child(std::uint32_t node, std::uint8_t byte) const {
  std::uint32_t at = nodes_[node].first_child;
  while (at != kNone && nodes_[at].byte != byte) at = nodes_[at].next_sibling;
  return at;
}

Status AddedTokenMatcher::add(const AddedToken& token, std::string_view content) {
  if (content.empty()) return fail(ErrorCode::kCorrupt, "added token {} is empty", token.id);
  if (content.size() > kMaxContentBytes) {
    return fail(ErrorCode::kUnsupported, "added token {} has {} bytes; at most {} are supported", token.id,
                content.size(), kMaxContentBytes);
  }
  std::uint32_t node = 0;
  for (const char character : content) {
    const auto byte = static_cast<std::uint8_t>(character);
    std::uint32_t next = child(node, byte);
    if (next == kNone) {
      next = static_cast<std::uint32_t>(nodes_.size());
      nodes_.push_back({kNone, nodes_[node].first_child, -1, byte});
      nodes_[node].first_child = next;
    }
    node = next;
  }
  if (nodes_[node].token >= 0) {
    return fail(ErrorCode::kCorrupt, "added tokens {} and {} have the same text '{}'",
                tokens_[static_cast<std::size_t>(nodes_[node].token)].id, token.id, content);
  }
  nodes_[node].token = static_cast<std::int32_t>(tokens_.size());
  tokens_.push_back({token.id, token.single_word, token.lstrip, token.rstrip});
  const auto first = static_cast<std::uint8_t>(content[0]);
  begins_[first] = true;
  only_first_byte_ = only_first_byte_ == -1 || only_first_byte_ == first ? first : -2;
  return {};
}

AddedTokenMatcher::Match AddedTokenMatcher::find(std::string_view text, std::size_t from) const {
  if (empty()) return {};
  for (std::size_t begin = from; begin < text.size(); ++begin) {
    if (only_first_byte_ >= 0) {
      const void* found = std::memchr(text.data() + begin, only_first_byte_, text.size() - begin);
      if (!found) return {};
      begin = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    } else if (!begins_[static_cast<std::uint8_t>(text[begin])]) {
      continue;
    }
    std::int32_t longest = -1;
    std::size_t end = begin;
    std::uint32_t node = 0;
    for (std::size_t at = begin; at < text.size(); ++at) {
      node = child(node, static_cast<std::uint8_t>(text[at]));
      if (node == kNone) break;
      if (nodes_[node].token >= 0) {
        longest = nodes_[node].token;
        end = at + 1;
      }
    }
    if (longest < 0) continue;
    const Flags& token = tokens_[static_cast<std::size_t>(longest)];
    Match match{begin, end, token.id};
    std::size_t border = 0;
    if (token.single_word && ((class_before(text, begin, &border) & char_class::kWord) != 0 ||
                              (class_after(text, end, &border) & char_class::kWord) != 0)) {
      begin = end - 1;  // the match is used up, and is text
      continue;
    }
    if (token.lstrip) {
      while (match.begin > from && (class_before(text, match.begin, &border) & char_class::kSpace) && border >= from) {
        match.begin = border;
      }
    }
    if (token.rstrip) {
      while (class_after(text, match.end, &border) & char_class::kSpace) match.end = border;
    }
    return match;
  }
  return {};
}

}  // namespace retort
