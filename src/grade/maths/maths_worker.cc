#include "grade/maths/maths_worker.h"

#include <condition_variable>
#include <iostream>
#include <optional>
#include <sys/resource.h>
#include <utility>

#include "core/json.h"

namespace retort::grade {
namespace {

constexpr rlim_t kWorkerMemoryBytes = rlim_t{4} << 30;  // of addresses; a deciding process needs some 100 MiB

std::string request_line(const MathsQuestion& question, const MathsOptions& options) {
  const Json json = {{"gold", question.gold},
                     {"pred", question.pred},
                     {"profile", std::string(to_string(options.rules.profile))},
                     {"digits", options.rules.digits},
                     {"tolerance", options.rules.relative_tolerance},
                     {"rename", options.rules.symbols == SymbolNames::kRename},
                     {"boxed_only", options.search == AnswerSearch::kBoxedOnly}};
  return json_text(json);
}

MathsVerdict judged(const Json& request) {
  MathsOptions options;
  options.rules.profile = maths_profile_from(request["profile"].get<std::string>()).value_or(MathsProfile::kMathVerify);
  options.rules.digits = request["digits"].get<int>();
  options.rules.relative_tolerance = request["tolerance"].get<double>();
  if (request["rename"].get<bool>()) options.rules.symbols = SymbolNames::kRename;
  if (request["boxed_only"].get<bool>()) options.search = AnswerSearch::kBoxedOnly;
  return grade_maths({request["gold"].get<std::string>(), request["pred"].get<std::string>()}, options);
}

std::optional<Reason> reason_of(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(Reason::kWorkerDied); ++i) {
    const auto reason = static_cast<Reason>(i);
    if (to_string(reason) == name) return reason;
  }
  return std::nullopt;
}

}  // namespace

Status serve_maths() {
  const rlimit memory{.rlim_cur = kWorkerMemoryBytes, .rlim_max = kWorkerMemoryBytes};
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose shadows are terabytes of addresses
  setrlimit(RLIMIT_AS, &memory);
#endif
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  setrlimit(RLIMIT_CORE, &none);
  static_cast<void>(memory);
  std::string line;
  while (std::getline(std::cin, line)) {
    RETORT_TRY(const Json request, parse_json(line, "a request to grade"));
    const MathsVerdict verdict = judged(request);
    const Json answer = {{"reason", std::string(to_string(verdict.reason))},
                         {"gold", verdict.extracted_gold},
                         {"pred", verdict.extracted_pred}};
    std::cout << json_text(answer) << std::endl;
  }
  return {};
}

struct MathsGrader::Pool {
  std::mutex mutex;
  std::condition_variable returned;
  std::vector<WorkerProcess> idle;
  int out = 0;  ///< workers that are busy
};

MathsGrader::MathsGrader(MathsGraderOptions options) : options_(std::move(options)), pool_(std::make_unique<Pool>()) {}
MathsGrader::~MathsGrader() = default;

Expected<MathsVerdict> MathsGrader::grade(const MathsQuestion& question, const MathsOptions& options) {
  if (std::optional<MathsVerdict> plain = grade_plain_numbers(question, options)) return *plain;
  std::optional<WorkerProcess> worker;
  {
    std::unique_lock lock(pool_->mutex);
    pool_->returned.wait(lock, [&] { return pool_->out < options_.workers; });
    ++pool_->out;
    if (!pool_->idle.empty()) {
      worker = std::move(pool_->idle.back());
      pool_->idle.pop_back();
    }
  }
  const auto give_back = [&](std::optional<WorkerProcess> idle) {
    const std::lock_guard lock(pool_->mutex);
    --pool_->out;
    if (idle && idle->alive()) pool_->idle.push_back(std::move(*idle));
    pool_->returned.notify_one();
  };
  if (!worker) {
    Expected<WorkerProcess> started = WorkerProcess::start(options_.worker);
    if (!started) {
      give_back(std::nullopt);
      return fail(std::move(started).error());
    }
    worker = std::move(*started);
  }
  const Expected<std::string> line =
      worker->exchange(request_line(question, options), std::chrono::steady_clock::now() + options_.deadline);
  give_back(std::move(worker));
  MathsVerdict verdict;
  if (!line) {
    verdict.reason = line.error().code() == ErrorCode::kExhausted ? Reason::kTimeout : Reason::kWorkerDied;
    return verdict;
  }
  RETORT_TRY(const Json answer, parse_json(*line, "a verdict of the grading process"));
  const std::optional<Reason> reason = reason_of(answer.value("reason", ""));
  if (!reason) return fail(ErrorCode::kCorrupt, "the grading process answers '{}', which is no verdict", *line);
  return MathsVerdict{*reason, answer.value("gold", ""), answer.value("pred", "")};
}

}  // namespace retort::grade
