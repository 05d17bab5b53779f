// Checkpoints that tests make for themselves: ordinary Hugging Face folders, small enough to write in milliseconds.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace retort::testing {

struct TinyModel {
  std::int64_t vocab_size = 97;
  std::int64_t hidden_size = 32;
  std::int64_t intermediate_size = 48;
  std::int64_t head_dim = 16;  ///< of two heads, which share keys and values
  std::int64_t layers = 2;
  std::int64_t max_position_embeddings = 2048;
  std::string rope_scaling = "null";  ///< JSON
  std::uint32_t seed = 1;
};

/// Seeded random weights: the next token depends on everything before it. No tokenizer. False if it cannot be written.
bool write_random_model(const std::filesystem::path& folder, const TinyModel& model);

/// A model that recites, with a byte-level tokenizer and a chat template: after `pieces[i].text` it says
/// pieces[pieces[i].next].text, with a probability of nearly 1 at temperature 1. A next of -1 is the end-of-sequence
/// token. What a prompt's last token is decides where it starts: the template ends in "<|say|>", which leads to piece
/// 0.
struct Piece {
  std::string text;  ///< an added token: at least two bytes, since single ones are tokens already
  int next = -1;
};
struct Recitation {
  std::vector<Piece> pieces;
  /// After <|say|>, before the answer ("<think>\n" as R1's template has it); a piece of its own where not empty, which
  /// leads to piece 0 in place of <|say|>.
  std::string opening;
  std::string generation_config;  ///< JSON; none where empty
  std::int64_t max_position_embeddings = 2048;
  bool broken = false;  ///< layer 0 gives values that are not finite
  enum class Template { kWith, kWithout } chat_template = Template::kWith;
};
/// Each piece leads to the one behind it, the last to the end.
std::vector<Piece> in_order(const std::vector<std::string>& texts);
bool write_reciting_model(const std::filesystem::path& folder, const Recitation& recitation);

}  // namespace retort::testing
