#include "text/vocabulary.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "text/utf8.h"

namespace retort {
namespace {

constexpr bool spelled_as_itself(unsigned byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

// The alphabet's codes are below 256 + 68.
struct Alphabet {
  std::array<std::uint16_t, 256> code{};    // of a byte
  std::array<std::int16_t, 256 + 68> byte;  // of a code; -1: not in the alphabet
};
constexpr Alphabet make_alphabet() {
  Alphabet alphabet{};
  alphabet.byte.fill(-1);
  std::uint16_t next = 256;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto code = spelled_as_itself(byte) ? static_cast<std::uint16_t>(byte) : next++;
    alphabet.code[byte] = code;
    alphabet.byte[code] = static_cast<std::int16_t>(byte);
  }
  return alphabet;
}
constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

bool append_spelled_bytes(std::string_view piece, std::string& bytes) {
  const std::size_t before = bytes.size();
  for (std::size_t at = 0; at < piece.size();) {
    // Codes below 0x800 take at most two bytes, so the alphabet needs no general decoder.
    unsigned code = static_cast<std::uint8_t>(piece[at++]);
    const unsigned next = at < piece.size() ? static_cast<std::uint8_t>(piece[at]) : 0;
    if (code >= 0xC2 && code < 0xE0 && (next & 0xC0) == 0x80) {
      code = (code & 0x1F) << 6 | (next & 0x3F);
      ++at;
    } else if (code >= 0x80) {
      code = 0xFFFF;
    }
    if (code >= kAlphabet.byte.size() || kAlphabet.byte[code] < 0) {
      bytes.resize(before);
      return false;
    }
    bytes.push_back(static_cast<char>(kAlphabet.byte[code]));
  }
  return true;
}

std::string spell_bytes(std::string_view bytes) {
  std::string piece;
  for (const char byte : bytes) append_utf8(piece, kAlphabet.code[static_cast<std::uint8_t>(byte)]);
  return piece;
}

Vocabulary::Vocabulary(std::size_t tokens, std::size_t bytes) : id_limit_(id_limit(tokens)) {
  tokens_.reserve(tokens);
  text_.reserve(bytes);
  slots_.resize(std::bit_ceil(tokens * 2 + 16));
}

std::size_t Vocabulary::slot_of(std::string_view piece, std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.id < 0) return at;
    if (slot.hash == static_cast<std::uint32_t>(hash >> 32) && this->piece(slot.id) == piece) return at;
  }
}

void Vocabulary::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.id < 0) continue;
    const std::string_view text = piece(slot.id);
    slots_[slot_of(text, hash_bytes(text.data(), text.size(), key_))] = slot;
  }
}

Status Vocabulary::add(std::int64_t id, std::string_view piece, Spelling spelling) {
  if (id < 0 || id >= id_limit_) {
    return fail(ErrorCode::kCorrupt, "token '{}' has id {}, but ids must be from 0 to {} here", piece, id,
                id_limit_ - 1);
  }
  if (piece.size() > std::numeric_limits<std::uint32_t>::max()) {
    return fail(ErrorCode::kCorrupt, "token {} is {} bytes long", id, piece.size());
  }
  const auto token_id = static_cast<TokenId>(id);
  if (contains(token_id)) {
    return fail(ErrorCode::kCorrupt, "tokens '{}' and '{}' both have id {}", this->piece(token_id), piece, id);
  }
  if (spelling == Spelling::kLiteral && !is_valid_utf8(piece)) {
    return fail(ErrorCode::kCorrupt, "token {} is not UTF-8", id);
  }
  if (count_ * 2 >= slots_.size()) grow();
  const std::uint64_t hash = hash_bytes(piece.data(), piece.size(), key_);
  Slot* slot = &slots_[slot_of(piece, hash)];
  if (slot->id >= 0) {
    return fail(ErrorCode::kCorrupt, "token '{}' appears twice, with ids {} and {}", piece, slot->id, id);
  }
  if (tokens_.size() <= static_cast<std::size_t>(id)) tokens_.resize(static_cast<std::size_t>(id) + 1);
  Token& token = tokens_[static_cast<std::size_t>(id)];
  token.present = true;
  token.literal = spelling == Spelling::kLiteral;
  token.piece_at = token.bytes_at = text_.size();
  token.piece_size = token.bytes_size = static_cast<std::uint32_t>(piece.size());
  text_.append(piece);
  const std::size_t bytes_at = text_.size();
  if (spelling == Spelling::kByteLevel) {
    if (append_spelled_bytes(piece, text_)) {
      token.bytes_at = bytes_at;
      token.bytes_size = static_cast<std::uint32_t>(text_.size() - bytes_at);
    } else if (!is_valid_utf8(piece)) {
      return fail(ErrorCode::kCorrupt, "token {} is not UTF-8", id);
    }
  }
  *slot = {static_cast<std::uint32_t>(hash >> 32), token_id};
  ++count_;
  return {};
}

std::string_view Vocabulary::piece(TokenId id) const {
  if (!contains(id)) return {};
  const Token& token = tokens_[static_cast<std::size_t>(id)];
  return {text_.data() + token.piece_at, token.piece_size};
}

std::string_view Vocabulary::bytes(TokenId id) const {
  if (!contains(id)) return {};
  const Token& token = tokens_[static_cast<std::size_t>(id)];
  return {text_.data() + token.bytes_at, token.bytes_size};
}

std::optional<TokenId> Vocabulary::find(std::string_view piece) const {
  const std::uint64_t hash = hash_bytes(piece.data(), piece.size(), key_);
  const Slot& slot = slots_[slot_of(piece, hash)];
  return slot.id < 0 ? std::nullopt : std::optional<TokenId>(slot.id);
}

std::optional<TokenId> Vocabulary::find_bytes(std::string_view bytes) const {
  const auto id = find(spell_bytes(bytes));
  return id && !tokens_[static_cast<std::size_t>(*id)].literal ? id : std::nullopt;
}

}  // namespace retort
