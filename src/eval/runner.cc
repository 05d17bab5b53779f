#include "eval/runner.h"

#include <chrono>
#include <fmt/format.h>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "eval/grading_queue.h"
#include "eval/loglikelihood.h"
#include "eval/perplexity.h"

namespace retort::eval {
namespace {

using Clock = std::chrono::steady_clock;

/// Graded answers wait in memory: beyond this many, writing new ones pauses.
constexpr std::size_t kMaxUngraded = 512;

struct Item {
  std::size_t place = 0;
  std::int64_t sample = 0;
};

class Run {
 public:
  Run(const Task& task, const TaskRows& rows, const Questions& questions, const RunOptions& options,
      Responder& responder, const GraderTools& tools, SampleStore& store,
      const std::function<void(const RunProgress&)>& on_progress, const CancelToken& cancel)
      : task_(task),
        rows_(rows),
        questions_(questions),
        options_(options),
        responder_(responder),
        grader_(task, tools),
        store_(store),
        on_progress_(on_progress),
        cancel_(cancel) {}

  Status run() {
    RETORT_TRY_STATUS(find_pending());
    GradingQueue queue(options_.grade_jobs);
    queue_ = &queue;
    Status status = generates(task_.grade.kind) ? answer_all() : score_all();
    queue.wait();
    tell(Telling::kNow);
    if (!status) return status;
    if (const auto error = queue.error()) return fail(*error);
    if (cancel_.cancelled()) return fail(ErrorCode::kCancelled, "interrupted; the same command goes on with the rest");
    return {};
  }

 private:
  enum class Telling { kNow, kNowAndThen };

  Status find_pending() {
    RETORT_TRY(const std::vector<Sample> before, store_.samples());
    std::set<std::pair<std::string, std::int64_t>> done;
    for (const Sample& sample : before) {
      if (!was_answered(sample)) continue;
      done.emplace(sample.question_id, sample.index);
      count(sample);
    }
    for (const std::size_t place : options_.places) {
      for (std::int64_t sample = 0; sample < options_.samples; ++sample) {
        if (done.count({rows_.ids[place], sample}) == 0) pending_.push_back({place, sample});
      }
    }
    progress_.all = static_cast<std::int64_t>(options_.places.size()) * options_.samples;
    progress_.done_before = progress_.done;
    return {};
  }

  void count(const Sample& sample) {
    ++progress_.done;
    progress_.score_sum += sample.score;
    progress_.failed += sample.outcome == Outcome::kFailed ? 1 : 0;
  }

  void tell(Telling when) {
    RunProgress now;
    {
      const std::lock_guard lock(mutex_);
      now = progress_;
    }
    const auto time = Clock::now();
    if (when == Telling::kNowAndThen && time - told_ < std::chrono::milliseconds(200)) return;
    told_ = time;
    now.under_way = under_way_;
    now.output_tokens = responder_.output_tokens() - tokens_before_;
    now.seconds = std::chrono::duration<double>(time - begin_).count();
    if (on_progress_) on_progress_(now);
  }

  [[nodiscard]] Sample sample_of(const Question& question, const Item& item) const {
    Sample sample;
    sample.question_id = question.id;
    sample.row = question.row;
    sample.index = item.sample;
    sample.target = question.target;
    sample.seed = options_.seed;
    return sample;
  }

  Status answer_all() {
    const std::int64_t most =
        options_.concurrency > 0 ? std::min(options_.concurrency, responder_.capacity()) : responder_.capacity();
    std::size_t next = 0;
    while (true) {
      while (!cancel_.cancelled() && !queue_->error() && next < pending_.size() && under_way_ < most &&
             queue_->pending() < kMaxUngraded) {
        RETORT_TRY_STATUS(begin(pending_[next++]));
      }
      if (cancel_.cancelled() || queue_->error()) {
        responder_.abandon();
        return {};
      }
      if (!responder_.work() && under_way_ == 0) {
        if (next == pending_.size()) return {};
        queue_->wait_a_moment();
      }
      tell(Telling::kNowAndThen);
    }
  }

  Status begin(const Item& item) {
    RETORT_TRY(Question question, questions_.at(item.place));
    RETORT_TRY(const AnswerRequest request, request_for(task_, question, options_, item.sample));
    auto sample = std::make_shared<Sample>(sample_of(question, item));
    auto asked = std::make_shared<const Question>(std::move(question));
    ++under_way_;
    responder_.begin(request, [this, item, sample, asked](ModelAnswer answer) {
      --under_way_;
      if (answer.finish_reason == "abort") return;  // asked again when the run goes on
      sample->output = std::move(answer.text);
      sample->finish_reason = std::move(answer.finish_reason);
      sample->prompt_sha256 = std::move(answer.prompt_sha256);
      sample->prompt_tokens = answer.prompt_tokens;
      sample->output_tokens = answer.output_tokens;
      sample->seconds = answer.seconds;
      std::optional<Error> error = std::move(answer.error);
      queue_->add([this, item, sample, asked, error = std::move(error)]() -> Status {
        if (error) {
          sample->outcome = Outcome::kFailed;
          sample->reason = error->message();
        } else {
          grader_.grade(*asked, rows_.questions.rows[item.place].value, *sample);
        }
        return keep(*sample);
      });
    });
    return {};
  }

  Status keep(const Sample& sample) {
    // In place of an earlier try's failure, where there is one.
    RETORT_TRY_STATUS(store_.replace(sample));
    const std::lock_guard lock(mutex_);
    count(sample);
    return {};
  }

  /// Tasks where nothing is generated: one question after the other.
  Status score_all() {
    for (const Item& item : pending_) {
      if (cancel_.cancelled()) return {};
      RETORT_TRY(const Question question, questions_.at(item.place));
      Sample sample = sample_of(question, item);
      const auto begin = Clock::now();
      RETORT_TRY_STATUS(task_.grade.kind == GradeKind::kPerplexity
                            ? score_text(rows_.questions.rows[item.place].value, sample)
                            : score_choices(question, sample));
      sample.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
      RETORT_TRY_STATUS(keep(sample));
      tell(Telling::kNowAndThen);
    }
    return {};
  }

  Status score_choices(const Question& question, Sample& sample) {
    RETORT_TRY(const std::vector<double> likelihoods,
               responder_.loglikelihoods(question.prompt, question.continuations));
    const std::size_t chosen = likeliest(likelihoods);
    for (std::size_t i = 0; i < likelihoods.size(); ++i) {
      sample.output += fmt::format("{}: {:.6f}\n", question.choices[i].letter, likelihoods[i]);
    }
    sample.answer = question.choices[chosen].letter;
    sample.score = chosen == question.right_choice ? 1 : 0;
    sample.reason = sample.score > 0 ? "likeliest" : "another is likelier";
    sample.metrics["acc_norm"] =
        likeliest_by_length(likelihoods, question.continuations) == question.right_choice ? 1 : 0;
    return {};
  }

  Status score_text(const OrderedJson& row, Sample& sample) {
    const auto text = row.find("text");
    if (text == row.end() || !text->is_string()) return fail(ErrorCode::kCorrupt, "a row lacks the text 'text'");
    const auto content = text->get<std::string>();
    RETORT_TRY(const std::vector<double> likelihoods, responder_.loglikelihoods("", {content}));
    sample.metrics["loglikelihood"] = likelihoods.front();
    sample.metrics["words"] = static_cast<double>(count_words(content));
    sample.metrics["bytes"] = static_cast<double>(content.size());
    sample.reason = "scored";
    return {};
  }

  const Task& task_;
  const TaskRows& rows_;
  const Questions& questions_;
  const RunOptions& options_;
  Responder& responder_;
  AnswerGrader grader_;
  SampleStore& store_;
  const std::function<void(const RunProgress&)>& on_progress_;
  const CancelToken& cancel_;
  GradingQueue* queue_ = nullptr;
  std::vector<Item> pending_;
  std::int64_t under_way_ = 0;
  Clock::time_point begin_ = Clock::now();
  std::int64_t tokens_before_ = responder_.output_tokens();
  Clock::time_point told_;
  std::mutex mutex_;
  RunProgress progress_;
};

}  // namespace

Expected<AnswerRequest> request_for(const Task& task, const Question& question, const RunOptions& options,
                                    std::int64_t sample) {
  constexpr std::int64_t kSamplesOfARow = 1 << 20;
  if (sample < 0 || sample >= kSamplesOfARow) {
    return fail(ErrorCode::kInvalidArgument, "sample {} of a question; there may be {}", sample, kSamplesOfARow);
  }
  return AnswerRequest{.style = task.prompt.style,
                       .system = question.system,
                       .prompt = question.prompt,
                       .temperature = options.temperature,
                       .top_p = options.top_p,
                       .max_tokens = options.max_tokens,
                       .stop = task.sampling.stop,
                       .seed = options.seed,
                       .sequence = static_cast<std::uint64_t>(question.row * kSamplesOfARow + sample)};
}

Status run_task(const Task& task, const TaskRows& rows, const Questions& questions, const RunOptions& options,
                Responder& responder, const GraderTools& tools, SampleStore& store,
                const std::function<void(const RunProgress&)>& on_progress, const CancelToken& cancel) {
  return Run(task, rows, questions, options, responder, tools, store, on_progress, cancel).run();
}

}  // namespace retort::eval
