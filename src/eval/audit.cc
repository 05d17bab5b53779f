#include "eval/audit.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "eval/grading_queue.h"
#include "eval/random.h"

namespace retort::eval {
namespace {

constexpr std::uint64_t kRightStream = 11;
constexpr std::uint64_t kWrongStream = 12;

std::vector<std::size_t> shuffled_places(const std::vector<std::size_t>& places, std::uint64_t seed,
                                         std::uint64_t stream) {
  std::vector<std::size_t> out;
  for (const std::size_t at : permutation(places.size(), RandomStream(seed, stream))) out.push_back(places[at]);
  return out;
}

Expected<std::vector<ProfileVerdict>> judge_by_all(const Sample& sample, std::string_view answer,
                                                   grade::MathsGrader& grader) {
  std::vector<ProfileVerdict> verdicts;
  for (const auto profile : {grade::MathsProfile::kMathVerify, grade::MathsProfile::kQwen,
                             grade::MathsProfile::kHendrycks, grade::MathsProfile::kStrict}) {
    grade::MathsOptions options;
    options.rules.profile = profile;
    RETORT_TRY(grade::MathsVerdict verdict, grader.grade({sample.target, answer}, options));
    verdicts.push_back({profile, std::move(verdict)});
  }
  return verdicts;
}

bool agree(const std::vector<ProfileVerdict>& verdicts) {
  return std::all_of(verdicts.begin(), verdicts.end(), [&](const ProfileVerdict& one) {
    return one.verdict.equal() == verdicts.front().verdict.equal();
  });
}

}  // namespace

std::vector<std::size_t> draw_verdicts(std::span<const Sample> samples, std::size_t count, std::uint64_t seed) {
  std::vector<std::size_t> right;
  std::vector<std::size_t> wrong;
  for (std::size_t i = 0; i < samples.size(); ++i) (samples[i].score > 0 ? right : wrong).push_back(i);
  right = shuffled_places(right, seed, kRightStream);
  wrong = shuffled_places(wrong, seed, kWrongStream);
  count = std::min(count, samples.size());
  std::size_t of_right = std::min(right.size(), (count + 1) / 2);
  const std::size_t of_wrong = std::min(wrong.size(), count - of_right);
  of_right = count - of_wrong;
  std::vector<std::size_t> drawn(right.begin(), right.begin() + static_cast<std::ptrdiff_t>(of_right));
  drawn.insert(drawn.end(), wrong.begin(), wrong.begin() + static_cast<std::ptrdiff_t>(of_wrong));
  std::sort(drawn.begin(), drawn.end());
  return drawn;
}

std::string_view tail_of(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  std::size_t begin = text.size() - bytes;
  while (begin < text.size() && (static_cast<unsigned char>(text[begin]) & 0xC0U) == 0x80U) ++begin;
  return text.substr(begin);
}

Expected<std::vector<Disagreement>> find_disagreements(std::span<const Sample> samples, grade::MathsGrader& grader,
                                                       const DisagreementOptions& options, const CancelToken& cancel) {
  std::vector<Disagreement> found;
  std::mutex mutex;
  {
    GradingQueue queue(options.jobs);  // ends before what its jobs refer to
    for (std::size_t place = 0; place < samples.size(); ++place) {
      const auto answer = grade::answer_part(samples[place].output, options.think);
      if (!answer || answer->empty()) continue;
      queue.add([&, place, answer = *answer]() -> Status {
        RETORT_TRY(std::vector<ProfileVerdict> verdicts, judge_by_all(samples[place], answer, grader));
        if (agree(verdicts)) return {};
        const std::lock_guard lock(mutex);
        found.push_back({place, std::move(verdicts)});
        return {};
      });
    }
    while (queue.pending() > 0 && !cancel.cancelled() && !queue.error()) queue.wait_a_moment();
    if (cancel.cancelled()) return fail(ErrorCode::kCancelled, "interrupted");
    if (const auto error = queue.error()) return fail(*error);
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.place < b.place; });
  return found;
}

}  // namespace retort::eval
