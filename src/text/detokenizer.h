// Token ids to text as they come, for streaming.
#pragma once

#include <string>

#include "text/tokenizer.h"

namespace retort {

/// One per sequence. What push() returned so far plus finish() is exactly decode() of all ids: never half a
/// character, never a dropped one.
class IncrementalDetokenizer {
 public:
  explicit IncrementalDetokenizer(Tokenizer tokenizer, SkipSpecial skip = SkipSpecial::kNo);
  /// The text that became certain with this token; often empty in the middle of a character.
  std::string push(TokenId id);
  /// What is left at the end; bytes that complete no character come as U+FFFD.
  std::string finish();

 private:
  Tokenizer tokenizer_;
  SkipSpecial skip_;
  std::string pending_;  ///< bytes of a character that is not complete yet, at most 3
};

}  // namespace retort
