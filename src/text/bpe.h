// Byte-pair merging: the bytes of one pretokenized piece to token ids.
//
// The definition: begin with one token per byte; while any two neighbours have a merge rule, apply the rule of lowest
// rank, leftmost first. Three roads lead to the same ids:
//   - a piece seen before comes from a cache,
//   - a short piece is merged in a small array, looking for the minimum each time,
//   - a long one in a linked list with a heap of candidates, O(n log n).
// All but the first begin from whole characters instead of bytes where that provably changes nothing (see `closed`).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"

namespace retort {

/// left + right -> result; the lower `rank` goes first.
struct MergeRule {
  TokenId left = -1;
  TokenId right = -1;
  TokenId result = -1;
};

/// What one thread needs while it encodes. Belongs to one BpeModel.
class BpeScratch {
 public:
  BpeScratch();

 private:
  friend class BpeModel;
  // One cache line and a direct-mapped place: words of natural text repeat, and a word is short.
  struct Entry {
    static constexpr std::size_t kMaxBytes = 30;
    static constexpr std::size_t kMaxTokens = 8;
    std::uint8_t size = 0;  ///< bytes; 0: free
    std::uint8_t count = 0;
    std::array<char, kMaxBytes> bytes{};
    std::array<TokenId, kMaxTokens> ids{};
  };
  static_assert(sizeof(Entry) == 64);
  static constexpr std::size_t kEntries = 1 << 14;  // 1 MiB: the common words of a language, within an L2 cache

  std::vector<Entry> cache_;
  struct Symbol {
    TokenId id;
    std::uint32_t previous;
    std::uint32_t next;
    std::uint32_t rank;  ///< of the merge with `next`
    TokenId merged;      ///< its result
  };
  std::vector<Symbol> symbols_;
  std::vector<std::uint64_t> heap_;  ///< rank << 32 | index of the left symbol
};

/// Immutable once made; thread-safe with one scratch per thread.
class BpeModel {
 public:
  /// Rules by rank. kUnsupported if `vocabulary` lacks one of the 256 bytes (text would be lost), kCorrupt if two
  /// rules have the same pair.
  enum class WholePieceFirst { kNo, kYes };  ///< `ignore_merges`: a piece that is a token is that token
  static Expected<BpeModel> make(const Vocabulary& vocabulary, std::span<const MergeRule> rules,
                                 WholePieceFirst whole_piece_first);

  /// Appends the ids of `piece`. Time O(n log n). `vocabulary` is the one that it was made with.
  void encode(std::string_view piece, const Vocabulary& vocabulary, BpeScratch& scratch,
              std::vector<TokenId>& ids) const;

  [[nodiscard]] std::int64_t merge_count() const { return merge_count_; }

 private:
  static constexpr std::uint32_t kNoRank = 0xFFFF'FFFF;
  struct Merge {
    std::uint64_t pair = kNoPair;
    std::uint32_t rank = kNoRank;
    TokenId result = -1;
  };
  static constexpr std::uint64_t kNoPair = ~std::uint64_t{0};
  static std::uint64_t pair_of(TokenId left, TokenId right) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 | static_cast<std::uint32_t>(right);
  }

  Status index_rules(std::span<const MergeRule> rules);
  void find_closed_characters(const Vocabulary& vocabulary, std::span<const MergeRule> rules);
  struct Found {
    std::uint32_t rank;
    TokenId result;
  };
  [[nodiscard]] Found find(TokenId left, TokenId right) const;
  /// Fills scratch.symbols_ (ids only) with what merging begins from; the count.
  std::size_t begin_symbols(std::string_view piece, BpeScratch& scratch) const;
  void merge_short(BpeScratch& scratch, std::vector<TokenId>& ids) const;
  void merge_long(BpeScratch& scratch, std::vector<TokenId>& ids) const;
  void encode_uncached(std::string_view piece, BpeScratch& scratch, std::vector<TokenId>& ids) const;

  std::uint64_t key_ = hash_key();
  std::int64_t merge_count_ = 0;
  WholePieceFirst whole_piece_first_ = WholePieceFirst::kNo;
  std::array<TokenId, 256> byte_ids_{};
  std::vector<Merge> table_;  // open addressing, a power of two, at most 2/3 full
  // One bit per hash: most pairs of neighbours have no rule, and this says so from the L2 cache.
  std::vector<std::uint64_t> filter_;

  // closed_[code - 0x800], for three-byte characters: the character's token where its bytes always merge to that token
  // first, whatever non-ASCII characters stand around it; else -1. See bpe_closed.cc.
  std::vector<TokenId> closed_;
};

inline BpeModel::Found BpeModel::find(TokenId left, TokenId right) const {
  const std::uint64_t pair = pair_of(left, right);
  const std::uint64_t hash = fold_multiply(pair ^ key_, kHashMix1);
  const std::size_t bit = (hash >> 32) & (filter_.size() * 64 - 1);
  if ((filter_[bit / 64] >> bit % 64 & 1) == 0) return {kNoRank, -1};
  const std::size_t mask = table_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const Merge& merge = table_[at];
    if (merge.pair == pair) return {merge.rank, merge.result};
    if (merge.pair == kNoPair) return {kNoRank, -1};
  }
}

}  // namespace retort
