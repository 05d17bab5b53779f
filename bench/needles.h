// A text with facts hidden in it that are asked for at its end ("needles"): whether a model still finds what lies far
// back.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "text/tokenizer.h"

namespace retort {

/// A needle is a sentence with a random number of five digits amid made-up sentences.
struct NeedleText {
  std::vector<TokenId> ids;
  std::vector<std::int64_t> answers;  ///< [needles] where the digits begin
  std::int64_t digits = 0;            ///< tokens of a number
};

/// Some `length` tokens (40 less or so) with a needle at each of `depths` (shares of the text, ascending, at most 8).
NeedleText needle_text(const Tokenizer& tokenizer, std::int64_t length, std::span<const double> depths,
                       std::uint64_t seed);

/// Of each needle, the logarithm of the probability of its number where it is asked for, all digits before a digit
/// given. `logprobs`: of token_logprobs() for the text's ids.
std::vector<double> needle_logprobs(const NeedleText& text, std::span<const double> logprobs);

}  // namespace retort
