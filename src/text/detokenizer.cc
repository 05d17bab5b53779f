#include "text/detokenizer.h"

#include <utility>

namespace retort {

IncrementalDetokenizer::IncrementalDetokenizer(Tokenizer tokenizer, SkipSpecial skip)
    : tokenizer_(std::move(tokenizer)), skip_(skip) {}

}  // namespace retort
