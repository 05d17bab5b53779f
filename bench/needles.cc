#include "needles.h"

#include <fmt/format.h>
#include <string>

#include "core/error.h"
#include "engine/philox.h"

namespace retort {
namespace {

using Ids = std::vector<TokenId>;

constexpr const char* kCities[] = {"Lisbon", "Nairobi", "Oslo", "Lima", "Cairo", "Hanoi", "Quito", "Dublin"};

std::int64_t below(std::int64_t n, std::uint64_t seed, std::uint64_t sequence, std::int64_t at) {
  return static_cast<std::int64_t>(uniform(seed, sequence, static_cast<std::uint32_t>(at), 0) * static_cast<double>(n));
}

std::string filler_sentence(std::uint64_t seed, std::int64_t at) {
  constexpr const char* kWho[] = {"The gardener", "A tired clerk", "My neighbour",  "The old captain",
                                  "Her sister",   "A young baker", "The librarian", "Our teacher"};
  constexpr const char* kDoes[] = {"looked for",  "painted", "forgot about", "carried home",
                                   "wrote about", "mended",  "dreamed of",   "praised"};
  constexpr const char* kWhat[] = {"the blue bicycle", "a wooden box",  "the last train",  "an umbrella",
                                   "the quiet river",  "a bag of nuts", "the long winter", "a broken clock"};
  constexpr const char* kWhen[] = {"in the morning", "after the rain", "before dinner",   "on a Sunday",
                                   "without a word", "once again",     "near the bridge", "with great care"};
  return fmt::format(" {} {} {} {}.", kWho[below(8, seed, 1, at)], kDoes[below(8, seed, 2, at)],
                     kWhat[below(8, seed, 3, at)], kWhen[below(8, seed, 4, at)]);
}

Ids encode(const Tokenizer& tokenizer, const std::string& text) {
  return tokenizer.encode(text, {.added_tokens = AddedTokens::kAsText});
}

}  // namespace

NeedleText needle_text(const Tokenizer& tokenizer, std::int64_t length, std::span<const double> depths,
                       std::uint64_t seed) {
  RETORT_CHECK(depths.size() <= std::size(kCities), "{} needles, but only {} cities", depths.size(),
               std::size(kCities));
  NeedleText out;
  Ids questions;
  std::vector<Ids> needles;
  for (std::size_t i = 0; i < depths.size(); ++i) {
    const std::string claim = fmt::format("The special number of {} is", kCities[i]);
    const Ids number =
        encode(tokenizer, fmt::format(" {}", 10000 + below(90000, seed, 5, static_cast<std::int64_t>(i))));
    needles.push_back(encode(tokenizer, " " + claim));
    needles.back().insert(needles.back().end(), number.begin(), number.end());
    const Ids question = encode(tokenizer, (i == 0 ? "\n\nTo sum up: " : ". ") + claim);
    questions.insert(questions.end(), question.begin(), question.end());
    out.answers.push_back(static_cast<std::int64_t>(questions.size()));
    questions.insert(questions.end(), number.begin(), number.end());
    out.digits = static_cast<std::int64_t>(number.size());
  }
  // A sentence and a needle less, by which the loop may go too far.
  const std::int64_t filler = length - static_cast<std::int64_t>(questions.size()) - 40;
  std::size_t next = 0;
  for (std::int64_t sentence = 0; static_cast<std::int64_t>(out.ids.size()) < filler; ++sentence) {
    if (next < needles.size() && static_cast<double>(out.ids.size()) >= depths[next] * static_cast<double>(filler)) {
      out.ids.insert(out.ids.end(), needles[next].begin(), needles[next].end());
      out.ids.push_back(encode(tokenizer, ".").front());
      ++next;
    }
    const Ids more = encode(tokenizer, filler_sentence(seed, sentence));
    out.ids.insert(out.ids.end(), more.begin(), more.end());
  }
  for (std::int64_t& answer : out.answers) answer += static_cast<std::int64_t>(out.ids.size());
  out.ids.insert(out.ids.end(), questions.begin(), questions.end());
  return out;
}

std::vector<double> needle_logprobs(const NeedleText& text, std::span<const double> logprobs) {
  std::vector<double> out;
  for (const std::int64_t answer : text.answers) {
    double sum = 0;
    for (std::int64_t i = 0; i < text.digits; ++i) sum += logprobs[answer + i - 1];
    out.push_back(sum);
  }
  return out;
}

}  // namespace retort
