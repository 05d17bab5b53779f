#include "text/pretokenizer.h"

#include <utility>

namespace retort {

Status Pretokenizer::add(std::string_view pattern, RegexSplitter::Syntax syntax) {
  Step step;
  if (syntax == RegexSplitter::Syntax::kRegex) step.scanner = scanner_for(pattern);
  if (!step.scanner) {
    RETORT_TRY(step.regex, RegexSplitter::compile(pattern, syntax));
  }
  steps_.push_back(std::move(step));
  scanner_ = steps_.size() == 1 ? steps_[0].scanner : nullptr;
  return {};
}

std::vector<std::size_t> Pretokenizer::split_in_steps(std::string_view text) const {
  std::vector<std::size_t> ends;
  if (!text.empty()) ends.push_back(text.size());
  std::vector<std::size_t> finer;
  for (const Step& step : steps_) {
    finer.clear();
    std::size_t begin = 0;
    for (const std::size_t end : ends) {
      // Each step sees a piece as a text of its own: its expression cannot look beyond.
      const std::string_view piece = text.substr(begin, end - begin);
      const std::size_t first = finer.size();
      if (step.scanner) {
        std::array<std::size_t, 256> buffer;
        std::size_t at = 0;
        while (const std::size_t count = step.scanner(piece, at, buffer)) {
          finer.insert(finer.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(count));
          at = buffer[count - 1];
        }
      } else {
        step.regex.split(piece, finer);
      }
      for (std::size_t i = first; i < finer.size(); ++i) finer[i] += begin;
      begin = end;
    }
    ends.swap(finer);
  }
  return ends;
}

std::string Pretokenizer::describe() const {
  if (steps_.empty()) return "none";
  if (!scanner_) return "PCRE2";
  if (scanner_ == scanner_for(patterns::kQwen2)) return "qwen2 (native scanner)";
  if (scanner_ == scanner_for(patterns::kGpt4)) return "gpt-4 (native scanner)";
  return "gpt-2 (native scanner)";
}

}  // namespace retort
