// Characters whose bytes may be merged beforehand.
//
// A Chinese character is three bytes: three symbols, two merges and their look-ups, before anything interesting
// happens. For most characters the outcome is certain. Let character c have a token, made by merges of ranks at most m
// when its bytes are merged alone. Call c closed if every rule that could take a part of c elsewhere first has a rank
// above m:
//   - rules whose right side is a proper prefix of c (they join it to what precedes c),
//   - rules whose left side is a proper suffix of c (they join it to what follows c),
//   - rules that use c's token itself.
// Then, while c is incomplete, a rule of rank <= m applies within c, so no rule that crosses its border is ever the
// lowest; and once it is complete, rules with c wait until no rule of rank <= m is left anywhere. Merging c first
// therefore commutes with everything that happens elsewhere, and the result is the same. By induction this holds for
// any number of closed characters in a piece.
//
// Rules that join a space or another ASCII byte to a first byte ("Ġ" + E4) are common and would open nearly every
// character, so they are left out here, and begin_symbols() takes the short cut only between non-ASCII neighbours.
#include <algorithm>

#include "text/bpe.h"
#include "text/utf8.h"

namespace retort {
namespace {

constexpr bool is_continuation(char byte) { return (static_cast<std::uint8_t>(byte) & 0xC0) == 0x80; }
constexpr bool is_ascii(char byte) { return static_cast<std::uint8_t>(byte) < 0x80; }

// 1 or 2 bytes as an index: the byte, or 256 + both.
std::size_t fragment_index(std::string_view bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[i])); };
  return bytes.size() == 1 ? byte(0) : 256 + byte(0) * 256 + byte(1);
}

}  // namespace

void BpeModel::find_closed_characters(const Vocabulary& vocabulary, std::span<const MergeRule> rules) {
  constexpr std::size_t kFragments = 256 + 65536;
  constexpr std::size_t kFirstCode = 0x800;
  constexpr std::size_t kThreeByteCodes = 0x10000 - kFirstCode;
  // Lowest rank of a rule that joins this fragment to the left (as a prefix of c) or to the right (as a suffix of c).
  std::vector<std::uint32_t> joins_left(kFragments, kNoRank);
  std::vector<std::uint32_t> joins_right(kFragments, kNoRank);
  std::vector<std::uint32_t> used(static_cast<std::size_t>(vocabulary.size()), kNoRank);  // by token
  closed_.assign(kThreeByteCodes, -1);

  for (std::uint32_t rank = 0; rank < rules.size(); ++rank) {
    const MergeRule& rule = rules[rank];
    for (const TokenId part : {rule.left, rule.right}) used[part] = std::min(used[part], rank);
    const std::string_view left = vocabulary.bytes(rule.left);
    const std::string_view right = vocabulary.bytes(rule.right);
    if (right.size() <= 2 && !is_continuation(right[0]) && !is_ascii(left.back())) {
      auto& lowest = joins_left[fragment_index(right)];
      lowest = std::min(lowest, rank);
    }
    if (left.size() <= 2 && !is_continuation(right[0]) && !is_ascii(right[0])) {
      auto& lowest = joins_right[fragment_index(left)];
      lowest = std::min(lowest, rank);
    }
  }

  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const std::string_view c = vocabulary.bytes(id);
    if (c.size() != 3) continue;
    const Utf8Char decoded = decode_utf8(c);
    if (decoded.length != 3 || decoded.code == Utf8Char::kInvalid) continue;
    const auto byte_id = [&](std::size_t i) { return byte_ids_[static_cast<std::uint8_t>(c[i])]; };
    // The merges of c alone: the lower of its two pairs first, the left one if equal.
    const Found front = find(byte_id(0), byte_id(1));
    const Found back = find(byte_id(1), byte_id(2));
    const bool front_first = front.rank <= back.rank;
    const Found first = front_first ? front : back;
    if (first.rank == kNoRank) continue;
    const Found second = front_first ? find(first.result, byte_id(2)) : find(byte_id(0), first.result);
    if (second.rank == kNoRank || second.result != id) continue;
    const std::uint32_t highest = std::max(first.rank, second.rank);
    const std::uint32_t lowest_crossing =
        std::min({joins_left[fragment_index(c.substr(0, 1))], joins_left[fragment_index(c.substr(0, 2))],
                  joins_right[fragment_index(c.substr(2, 1))], joins_right[fragment_index(c.substr(1, 2))],
                  used[static_cast<std::size_t>(id)]});
    if (lowest_crossing > highest) closed_[decoded.code - kFirstCode] = id;
  }
}

}  // namespace retort
