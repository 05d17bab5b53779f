// The tokens of a byte-level vocabulary: id <-> spelling, and the bytes that each stands for.
//
// Byte-level BPE spells each byte as one printable character ("Ġ" is the space): bytes 33..126, 161..172 and 174..255
// as the character of that code, the remaining 68, in order, as U+0100, U+0101, ...
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "text/hash.h"
#include "text/tokenizer.h"

namespace retort {

/// Bytes that a spelling stands for, appended to `bytes`; false (and nothing appended) if a character of it is not in
/// the byte alphabet.
bool append_spelled_bytes(std::string_view piece, std::string& bytes);
/// "Ġthe" for " the".
std::string spell_bytes(std::string_view bytes);

/// Filled by add(), then frozen by finish(); from then on immutable.
class Vocabulary {
 public:
  enum class Spelling {
    kByteLevel,  ///< characters of the byte alphabet; a piece with any other character stands for itself
    kLiteral,    ///< an added token: its text is its bytes
  };

  /// Room for `tokens` tokens of `bytes` bytes together. An id must be below id_limit(tokens).
  explicit Vocabulary(std::size_t tokens = 0, std::size_t bytes = 0);

  /// Ids may have gaps (a few vocabularies do) but not so many that a small file asks for a large table.
  static std::int64_t id_limit(std::size_t tokens) { return static_cast<std::int64_t>(tokens) * 2 + 1024; }

  /// kCorrupt if the id is out of range or taken, if the spelling is taken or not UTF-8.
  Status add(std::int64_t id, std::string_view piece, Spelling spelling);

  /// 1 + the largest id.
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(tokens_.size()); }
  [[nodiscard]] bool contains(TokenId id) const { return id >= 0 && id < size() && tokens_[id].present; }
  [[nodiscard]] std::string_view piece(TokenId id) const;
  [[nodiscard]] std::string_view bytes(TokenId id) const;
  [[nodiscard]] std::optional<TokenId> find(std::string_view piece) const;
  /// The token that spells exactly `bytes` in the byte alphabet; a literal's likeness does not count.
  [[nodiscard]] std::optional<TokenId> find_bytes(std::string_view bytes) const;

 private:
  struct Token {
    std::uint64_t piece_at = 0;
    std::uint64_t bytes_at = 0;
    std::uint32_t piece_size = 0;
    std::uint32_t bytes_size = 0;
    bool present = false;
    bool literal = false;
  };
  struct Slot {
    std::uint32_t hash = 0;
    TokenId id = -1;
  };
  /// Index of the slot that holds `piece`, or of the free one where it would go.
  [[nodiscard]] std::size_t slot_of(std::string_view piece, std::uint64_t hash) const;
  void grow();

  std::uint64_t key_ = hash_key();
  std::int64_t id_limit_ = 0;
  std::size_t count_ = 0;
  std::string text_;  // spellings and bytes, back to back; a literal's are the same
  std::vector<Token> tokens_;
  std::vector<Slot> slots_;  // open addressing, a power of two, at most half full
};

}  // namespace retort
