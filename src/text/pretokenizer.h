// Cuts text into the pieces that BPE merges within, by the checkpoint's regular expression.
//
// The expressions of the Qwen and GPT families are known by their text and run by hand-written scanners
// (scanner.cc); any other runs in PCRE2 (regex_splitter.cc).
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace retort {

/// The patterns with a scanner of their own, as published tokenizer.json files write them.
namespace patterns {
extern const std::string_view kQwen2;  ///< Qwen2, Qwen2.5, Qwen3, DeepSeek-R1-Distill-Qwen
extern const std::string_view kGpt4;   ///< as kQwen2 but numbers of up to three digits: Llama 3 and others
extern const std::string_view kGpt2;   ///< what ByteLevel with use_regex means
}  // namespace patterns

/// Fills `ends` with the ends of the pieces from `begin` (a piece's start) on; the count: 0 only at the end of the
/// text. The pieces cover the text. Bytes that are not UTF-8 count as symbols, one by one.
using Scanner = std::size_t (*)(std::string_view text, std::size_t begin, std::span<std::size_t> ends);

/// nullptr if `pattern` is none of patterns::*.
Scanner scanner_for(std::string_view pattern);

/// A compiled pattern for arbitrary expressions. Immutable and thread-safe.
class RegexSplitter {
 public:
  enum class Syntax { kRegex, kLiteral };
  /// kCorrupt with PCRE2's reason and the offset in the pattern.
  static Expected<RegexSplitter> compile(std::string_view pattern, Syntax syntax);

  /// Appends the ends of the pieces of `text`: matches, and what lies between them (bytes that are not UTF-8 match
  /// nothing). A pattern that backtracks without end on this text is stopped after a number of steps that is linear in
  /// the text's length; what is left is then one piece, so that nothing is lost and the same text always gives the
  /// same pieces.
  void split(std::string_view text, std::vector<std::size_t>& ends) const;

 private:
  struct Code;
  std::shared_ptr<const Code> code_;
};

/// One or more splits, each cutting the pieces that the one before has made. No steps: the text is one piece.
/// Immutable and thread-safe.
class Pretokenizer {
 public:
  /// Adds a split by `pattern`.
  Status add(std::string_view pattern, RegexSplitter::Syntax syntax = RegexSplitter::Syntax::kRegex);

  /// Calls sink(piece) for each piece of `text` in order.
  template <typename Sink>
  void for_each_piece(std::string_view text, Sink&& sink) const {
    if (scanner_) {
      std::array<std::size_t, 256> ends;
      std::size_t begin = 0;
      while (const std::size_t count = scanner_(text, begin, ends)) {
        for (std::size_t i = 0; i < count; ++i) {
          sink(text.substr(begin, ends[i] - begin));
          begin = ends[i];
        }
      }
      return;
    }
    std::size_t begin = 0;
    for (const std::size_t end : split_in_steps(text)) {
      sink(text.substr(begin, end - begin));
      begin = end;
    }
  }

  /// "qwen2 (native scanner)", "PCRE2", "none".
  [[nodiscard]] std::string describe() const;

 private:
  struct Step {
    Scanner scanner = nullptr;  ///< or, if null,
    RegexSplitter regex;
  };
  [[nodiscard]] std::vector<std::size_t> split_in_steps(std::string_view text) const;

  std::vector<Step> steps_;
  Scanner scanner_ = nullptr;  ///< where the only step is a scanner
};

}  // namespace retort
