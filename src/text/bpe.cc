#include "text/bpe.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "text/utf8.h"

namespace retort {
namespace {

// Up to here the quadratic road is quicker: its steps touch a few cache lines in order.
constexpr std::size_t kShortSymbols = 40;

// Positions are 32-bit. Nobody has a single word of 1 GiB; if somebody does, it is cut here.
constexpr std::size_t kMaxPieceBytes = std::size_t{1} << 30;

}  // namespace

BpeScratch::BpeScratch() : cache_(kEntries) {}

Expected<BpeModel> BpeModel::make(const Vocabulary& vocabulary, std::span<const MergeRule> rules,
                                  WholePieceFirst whole_piece_first) {
  BpeModel model;
  model.whole_piece_first_ = whole_piece_first;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char text = static_cast<char>(byte);
    const std::string piece = spell_bytes({&text, 1});
    const auto id = vocabulary.find(piece);
    if (!id || vocabulary.bytes(*id).size() != 1) {
      return fail(ErrorCode::kUnsupported,
                  "the vocabulary has no token '{}' for the byte 0x{:02X}; only byte-level vocabularies with all 256 "
                  "bytes are supported, since others lose text",
                  piece, byte);
    }
    model.byte_ids_[byte] = *id;
  }
  RETORT_TRY_STATUS(model.index_rules(rules));
  model.find_closed_characters(vocabulary, rules);
  return model;
}

Status BpeModel::index_rules(std::span<const MergeRule> rules) {
  if (rules.size() >= kNoRank) return fail(ErrorCode::kUnsupported, "{} merges are too many", rules.size());
  merge_count_ = static_cast<std::int64_t>(rules.size());
  table_.resize(std::bit_ceil(rules.size() * 3 / 2 + 1));
  filter_.resize(std::max<std::size_t>(1, std::bit_ceil(rules.size() * 12) / 64));
  const std::size_t mask = table_.size() - 1;
  for (std::uint32_t rank = 0; rank < rules.size(); ++rank) {
    const MergeRule& rule = rules[rank];
    const std::uint64_t pair = pair_of(rule.left, rule.right);
    const std::uint64_t hash = fold_multiply(pair ^ key_, kHashMix1);
    std::size_t at = hash & mask;
    while (table_[at].pair != kNoPair) {
      if (table_[at].pair == pair) {
        return fail(ErrorCode::kCorrupt, "merges {} and {} are of the same pair of tokens ({} and {})", table_[at].rank,
                    rank, rule.left, rule.right);
      }
      at = (at + 1) & mask;
    }
    table_[at] = {pair, rank, rule.result};
    const std::size_t bit = (hash >> 32) & (filter_.size() * 64 - 1);
    filter_[bit / 64] |= std::uint64_t{1} << bit % 64;
  }
  return {};
}

void BpeModel::encode(std::string_view piece, const Vocabulary& vocabulary, BpeScratch& scratch,
                      std::vector<TokenId>& ids) const {
  if (piece.size() == 1) {
    ids.push_back(byte_ids_[static_cast<std::uint8_t>(piece[0])]);
    return;
  }
  if (piece.size() > BpeScratch::Entry::kMaxBytes) {
    if (whole_piece_first_ == WholePieceFirst::kYes) {
      if (const auto id = vocabulary.find_bytes(piece)) return ids.push_back(*id);
    }
    for (std::size_t at = 0; at < piece.size(); at += kMaxPieceBytes) {
      encode_uncached(piece.substr(at, kMaxPieceBytes), scratch, ids);
    }
    return;
  }
  const std::uint64_t hash = hash_bytes(piece.data(), piece.size(), key_);
  BpeScratch::Entry& entry = scratch.cache_[hash & (BpeScratch::kEntries - 1)];
  if (entry.size == piece.size() && std::memcmp(entry.bytes.data(), piece.data(), piece.size()) == 0) {
    ids.insert(ids.end(), entry.ids.begin(), entry.ids.begin() + entry.count);
    return;
  }
  const std::size_t before = ids.size();
  std::optional<TokenId> whole;
  if (whole_piece_first_ == WholePieceFirst::kYes) whole = vocabulary.find_bytes(piece);
  if (whole) {
    ids.push_back(*whole);
  } else {
    encode_uncached(piece, scratch, ids);
  }
  const std::size_t count = ids.size() - before;
  if (count > BpeScratch::Entry::kMaxTokens) return;
  entry.size = static_cast<std::uint8_t>(piece.size());
  entry.count = static_cast<std::uint8_t>(count);
  std::memcpy(entry.bytes.data(), piece.data(), piece.size());
  std::copy_n(ids.begin() + static_cast<std::ptrdiff_t>(before), count, entry.ids.begin());
}

void BpeModel::encode_uncached(std::string_view piece, BpeScratch& scratch, std::vector<TokenId>& ids) const {
  if (begin_symbols(piece, scratch) <= kShortSymbols) {
    merge_short(scratch, ids);
  } else {
    merge_long(scratch, ids);
  }
}

std::size_t BpeModel::begin_symbols(std::string_view piece, BpeScratch& scratch) const {
  auto& symbols = scratch.symbols_;
  symbols.clear();
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(piece[i]); };
  for (std::size_t at = 0; at < piece.size();) {
    // A closed character, if both neighbours are other non-ASCII characters or the piece's ends.
    if ((byte(at) & 0xF0) == 0xE0 && (at == 0 || byte(at - 1) >= 0x80)) {
      const Utf8Char c = decode_utf8(piece.substr(at));
      if (c.length == 3 && (at + 3 == piece.size() || byte(at + 3) >= 0xC0)) {
        if (const TokenId id = closed_[c.code - 0x800]; id >= 0) {
          symbols.push_back({id, 0, 0, kNoRank, -1});
          at += 3;
          continue;
        }
      }
    }
    symbols.push_back({byte_ids_[byte(at)], 0, 0, kNoRank, -1});
    ++at;
  }
  return symbols.size();
}

void BpeModel::merge_short(BpeScratch& scratch, std::vector<TokenId>& ids) const {
  std::size_t count = scratch.symbols_.size();
  // One more than pairs: a sentinel after the last.
  std::array<TokenId, kShortSymbols + 1> id;
  std::array<std::uint32_t, kShortSymbols + 1> rank;
  std::array<TokenId, kShortSymbols + 1> merged;
  for (std::size_t i = 0; i < count; ++i) id[i] = scratch.symbols_[i].id;
  const auto rate = [&](std::size_t i) {
    const Found found = find(id[i], id[i + 1]);
    rank[i] = found.rank;
    merged[i] = found.result;
  };
  for (std::size_t i = 0; i + 1 < count; ++i) rate(i);
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < count; ++i) best = rank[i] < rank[best] ? i : best;
    if (rank[best] == kNoRank) break;
    id[best] = merged[best];
    const std::size_t tail = count - best - 2;  // symbols after the pair
    std::memmove(&id[best + 1], &id[best + 2], tail * sizeof id[0]);
    std::memmove(&rank[best + 1], &rank[best + 2], tail * sizeof rank[0]);
    std::memmove(&merged[best + 1], &merged[best + 2], tail * sizeof merged[0]);
    --count;
    if (best > 0) rate(best - 1);
    if (best + 1 < count) rate(best);
  }
  ids.insert(ids.end(), id.begin(), id.begin() + static_cast<std::ptrdiff_t>(count));
}

void BpeModel::merge_long(BpeScratch& scratch, std::vector<TokenId>& ids) const {
  constexpr std::uint32_t kEnd = 0xFFFF'FFFF;
  auto& symbols = scratch.symbols_;
  auto& heap = scratch.heap_;
  heap.clear();
  const auto candidate = [&](std::uint32_t left) {  // heap entry of the pair that begins at `left`; 0-rank safe
    return static_cast<std::uint64_t>(symbols[left].rank) << 32 | left;
  };
  const auto rate = [&](std::uint32_t left) {
    BpeScratch::Symbol& symbol = symbols[left];
    symbol.rank = kNoRank;
    if (symbol.next == kEnd) return false;
    const Found found = find(symbol.id, symbols[symbol.next].id);
    symbol.rank = found.rank;
    symbol.merged = found.result;
    return found.rank != kNoRank;
  };
  const auto count = static_cast<std::uint32_t>(symbols.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    symbols[i].previous = i == 0 ? kEnd : i - 1;
    symbols[i].next = i + 1 == count ? kEnd : i + 1;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    if (rate(i)) heap.push_back(candidate(i));
  }
  std::make_heap(heap.begin(), heap.end(), std::greater<>());
  const auto push = [&](std::uint32_t left) {
    heap.push_back(candidate(left));
    std::push_heap(heap.begin(), heap.end(), std::greater<>());
  };
  while (!heap.empty()) {
    const std::uint64_t top = heap.front();
    std::pop_heap(heap.begin(), heap.end(), std::greater<>());
    heap.pop_back();
    const auto left = static_cast<std::uint32_t>(top);
    BpeScratch::Symbol& symbol = symbols[left];
    if (symbol.rank != top >> 32) continue;  // its pair has changed since
    const std::uint32_t right = symbol.next;
    symbol.id = symbol.merged;
    symbol.next = symbols[right].next;
    symbols[right].rank = kNoRank;  // gone: candidates of it are stale
    if (symbol.next != kEnd) symbols[symbol.next].previous = left;
    if (symbol.previous != kEnd && rate(symbol.previous)) push(symbol.previous);
    if (rate(left)) push(left);
  }
  for (std::uint32_t i = 0; i != kEnd; i = symbols[i].next) ids.push_back(symbols[i].id);
}

}  // namespace retort
