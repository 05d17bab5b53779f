// Perplexity in units that do not depend on a tokenizer.
#pragma once

#include <cstdint>
#include <string_view>

namespace retort::eval {

/// The likelihood of some texts, and how long they are. Sums of several texts: add the fields.
struct TextLikelihood {
  double loglikelihood = 0;  ///< nats, summed over all tokens
  std::int64_t words = 0;
  std::int64_t bytes = 0;

  TextLikelihood& operator+=(const TextLikelihood& other);
};

/// Pieces between runs of white space, as Python's len(re.split(r"\s+", text)) counts them: blanks at an end make an
/// empty piece more, and an empty text has one. What harnesses divide by; no count of a linguist.
std::int64_t count_words(std::string_view text);

/// exp(-loglikelihood / words), exp(-loglikelihood / bytes), -loglikelihood / (bytes ln 2). NaN where there is nothing
/// to divide by.
double word_perplexity(const TextLikelihood& sum);
double byte_perplexity(const TextLikelihood& sum);
double bits_per_byte(const TextLikelihood& sum);

/// Perplexity of the reference answers of a task alone, their prompts not counted: exp(-loglikelihood / words).
double target_perplexity(double loglikelihood_of_targets, std::int64_t words_of_targets);

}  // namespace retort::eval
