#include "eval/perplexity.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace retort::eval {
namespace {

double per_unit(double loglikelihood, std::int64_t units) {
  if (units <= 0) return std::numeric_limits<double>::quiet_NaN();
  return -loglikelihood / static_cast<double>(units);
}

// Length in bytes of the white space that `text` starts with, 0 for none: what Python's \s matches.
std::size_t space_at(std::string_view text) {
  const auto byte = [&text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = byte(0);
  if ((first >= 0x09 && first <= 0x0D) || (first >= 0x1C && first <= 0x20)) return 1;
  if (first == 0xC2 && (byte(1) == 0x85 || byte(1) == 0xA0)) return 2;  // U+0085, U+00A0
  if (first == 0xE1 && byte(1) == 0x9A && byte(2) == 0x80) return 3;    // U+1680
  if (first == 0xE3 && byte(1) == 0x80 && byte(2) == 0x80) return 3;    // U+3000
  if (first != 0xE2) return 0;
  if (byte(1) == 0x81 && byte(2) == 0x9F) return 3;  // U+205F
  const unsigned last = byte(2);
  // U+2000 .. U+200A, U+2028, U+2029, U+202F
  return byte(1) == 0x80 && ((last >= 0x80 && last <= 0x8A) || last == 0xA8 || last == 0xA9 || last == 0xAF) ? 3 : 0;
}

}  // namespace

TextLikelihood& TextLikelihood::operator+=(const TextLikelihood& other) {
  loglikelihood += other.loglikelihood;
  words += other.words;
  bytes += other.bytes;
  return *this;
}

std::int64_t count_words(std::string_view text) {
  std::int64_t pieces = 1;
  for (bool in_space = false; !text.empty();) {
    const std::size_t space = space_at(text);
    if (space > 0 && !in_space) ++pieces;
    in_space = space > 0;
    text.remove_prefix(space > 0 ? space : 1);
  }
  return pieces;
}

double word_perplexity(const TextLikelihood& sum) { return std::exp(per_unit(sum.loglikelihood, sum.words)); }
double byte_perplexity(const TextLikelihood& sum) { return std::exp(per_unit(sum.loglikelihood, sum.bytes)); }
double bits_per_byte(const TextLikelihood& sum) { return per_unit(sum.loglikelihood, sum.bytes) / std::numbers::ln2; }

double target_perplexity(double loglikelihood_of_targets, std::int64_t words_of_targets) {
  return std::exp(per_unit(loglikelihood_of_targets, words_of_targets));
}

}  // namespace retort::eval
