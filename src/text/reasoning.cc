#include "text/reasoning.h"

#include <algorithm>

namespace retort {
namespace {

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";
constexpr std::string_view kWhiteSpace = " \t\r\n\v\f";

// The length of the longest end of `text` that `tag` begins with: what may still become the tag.
std::size_t partial_tag(std::string_view text, std::string_view tag) {
  for (std::size_t n = std::min(text.size(), tag.size() - 1); n > 0; --n) {
    if (text.substr(text.size() - n) == tag.substr(0, n)) return n;
  }
  return 0;
}

}  // namespace

bool opens_reasoning(std::string_view rendered_prompt) {
  const auto last = rendered_prompt.find_last_not_of(kWhiteSpace);
  if (last == std::string_view::npos) return false;
  return rendered_prompt.substr(0, last + 1).ends_with(kOpen);
}

ReasoningSplitter::ReasoningSplitter(StartsInReasoning starts)
    : state_(starts == StartsInReasoning::kYes  ? State::kOpening
             : starts == StartsInReasoning::kNo ? State::kAnswer
                                                : State::kUndecided) {}

std::vector<ReasoningPiece> ReasoningSplitter::push(std::string_view text) {
  held_ += text;
  std::vector<ReasoningPiece> pieces;
  advance(pieces);
  return pieces;
}

std::vector<ReasoningPiece> ReasoningSplitter::finish() {
  std::vector<ReasoningPiece> pieces;
  // A lone '\r' behind a tag was waiting for its '\n', and white space at the start for a tag that did not come.
  const bool reasoning = in_reasoning();
  if (state_ == State::kOpening) skip_line_breaks();
  emit(pieces, reasoning ? ReasoningPiece::Kind::kReasoning : ReasoningPiece::Kind::kAnswer, held_.size());
  return pieces;
}

void ReasoningSplitter::emit(std::vector<ReasoningPiece>& pieces, ReasoningPiece::Kind kind, std::size_t bytes) {
  if (bytes == 0) return;
  pieces.push_back({kind, held_.substr(0, bytes)});
  held_.erase(0, bytes);
}

void ReasoningSplitter::after_tag(std::size_t bytes, State next) {
  held_.erase(0, bytes);
  state_ = next;
  at_line_breaks_ = true;
}

// Drops line breaks from the front; false if more text is needed to know whether another one follows.
bool ReasoningSplitter::skip_line_breaks() {
  const std::string_view held = held_;
  std::size_t at = 0;
  while (at < held.size()) {
    if (held[at] == '\n') {
      ++at;
    } else if (held.substr(at, 2) == "\r\n") {
      at += 2;
    } else {
      break;
    }
  }
  held_.erase(0, at);
  return !held_.empty() && held_ != "\r";
}

void ReasoningSplitter::advance(std::vector<ReasoningPiece>& pieces) {
  if (state_ == State::kUndecided || state_ == State::kOpening) {
    const auto start = held_.find_first_not_of(kWhiteSpace);
    if (start == std::string::npos) return;
    const std::string_view rest = std::string_view(held_).substr(start);
    if (rest.starts_with(kOpen)) {
      after_tag(start + kOpen.size(), State::kReasoning);
    } else if (kOpen.starts_with(rest)) {
      return;
    } else {
      // With kYes the tag is in the prompt, so line breaks at the front are the ones behind it.
      at_line_breaks_ = state_ == State::kOpening;
      state_ = state_ == State::kOpening ? State::kReasoning : State::kAnswer;
    }
  }
  if (at_line_breaks_) {
    if (!skip_line_breaks()) return;
    at_line_breaks_ = false;
  }
  if (state_ == State::kReasoning) {
    const auto close = held_.find(kClose);
    if (close == std::string::npos) {
      emit(pieces, ReasoningPiece::Kind::kReasoning, held_.size() - partial_tag(held_, kClose));
      return;
    }
    emit(pieces, ReasoningPiece::Kind::kReasoning, close);
    after_tag(kClose.size(), State::kAnswer);
    closed_ = true;
    if (!skip_line_breaks()) return;
    at_line_breaks_ = false;
  }
  emit(pieces, ReasoningPiece::Kind::kAnswer, held_.size());
}

}  // namespace retort
