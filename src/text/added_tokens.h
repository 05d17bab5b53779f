// Added tokens ("<|im_start|>", "</think>"): found in text before anything else happens to it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "text/tokenizer.h"

namespace retort {

/// As tokenizer.json describes one.
struct AddedToken {
  TokenId id = -1;
  std::string content;
  bool special = false;
  bool single_word = false;  ///< not next to a word character
  bool lstrip = false;       ///< takes the whitespace before it
  bool rstrip = false;       ///< takes the whitespace after it
  bool normalized = false;   ///< looked for in normalized text
};

/// Finds added tokens, leftmost first and of those the longest, as Hugging Face's tokenizers do. Immutable once filled.
class AddedTokenMatcher {
 public:
  /// Longest content: it bounds the work per byte of text.
  static constexpr std::size_t kMaxContentBytes = 1024;

  /// `content` is what to look for (the token's, normalized where it is looked for in normalized text).
  Status add(const AddedToken& token, std::string_view content);
  [[nodiscard]] bool empty() const { return nodes_.size() <= 1; }

  struct Match {
    std::size_t begin = 0;
    std::size_t end = 0;
    TokenId id = -1;  ///< -1: none
  };
  /// The first match at or after `from`. Nothing before `from` is touched (by lstrip).
  [[nodiscard]] Match find(std::string_view text, std::size_t from) const;

 private:
  static constexpr std::uint32_t kNone = 0;  // node 0 is the root, which is nobody's child
  struct Node {
    std::uint32_t first_child = kNone;
    std::uint32_t next_sibling = kNone;
    std::int32_t token = -1;  ///< index into tokens_
    std::uint8_t byte = 0;
  };
  struct Flags {
    TokenId id;
    bool single_word;
    bool lstrip;
    bool rstrip;
  };
  [[nodiscard]] std::uint32_t child(std::uint32_t node, std::uint8_t byte) const;

  std::vector<Node> nodes_ = std::vector<Node>(1);
  std::vector<Flags> tokens_;
  std::array<bool, 256> begins_{};  // first bytes
  int only_first_byte_ = -1;        // where all tokens begin with the same byte, that byte; -2: several
};

}  // namespace retort
