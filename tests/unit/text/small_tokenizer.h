// A small byte-level tokenizer.json made on the spot: 256 bytes, a few merges, a few added tokens.
#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"

namespace retort::testing {

/// Ids 0..255 are the bytes in order; then one token per merge; then the added tokens.
inline Json small_tokenizer_json() {
  Json vocab = Json::object();
  std::int64_t next = 0;
  for (int byte = 0; byte < 256; ++byte) {
    const char text = static_cast<char>(byte);
    vocab[spell_bytes({&text, 1})] = next++;
  }
  // Words, a two-byte character, a Chinese character whose bytes merge late, and a rule across its border.
  const std::vector<std::pair<std::string, std::string>> merges = {
      {"h", "e"},  {"l", "l"},     {"he", "ll"}, {"hell", "o"}, {"Ġ", "w"},  {"o", "r"}, {"Ġw", "or"},
      {"a", "a"},  {"aa", "aa"},   {"Ã", "©"},   {"ä", "½"},    {"ä½", "ł"}, {"å", "¥"}, {"½", "å"},
      {"å¥", "½"}, {"ä½ł", "å¥½"}, {"Ġ", "Ġ"},   {"b", "c"},    {"a", "bc"}, {"a", "b"}};
  Json rules = Json::array();
  for (const auto& [left, right] : merges) {
    rules.push_back(left + " " + right);
    vocab[left + right] = next++;
  }
  Json added = Json::array();
  const auto add = [&](std::string_view content, bool special) {
    added.push_back({{"id", next++},
                     {"content", content},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", special}});
  };
  add("<|end|>", true);
  add("<think>", false);
  add("<|begin|>", true);
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added},
          {"normalizer", {{"type", "NFC"}}},
          {"pre_tokenizer",
           {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", false}, {"use_regex", true}}},
          {"post_processor", nullptr},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", rules}}}};
}

inline Expected<Tokenizer> load_small(const Json& json, std::string_view config = "") {
  return Tokenizer::from_json(json.dump(), config, "tokenizer.json");
}

}  // namespace retort::testing
