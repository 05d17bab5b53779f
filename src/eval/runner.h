// Asks a task's questions, grades the answers while the next ones are written, and keeps each as soon as it is graded.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/cancel.h"
#include "core/error.h"
#include "eval/answer_grader.h"
#include "eval/question.h"
#include "eval/responder.h"
#include "eval/store.h"

namespace retort::eval {

struct RunOptions {
  std::vector<std::size_t> places;  ///< of the questions, in the order asked
  std::int64_t samples = 1;         ///< of each question
  double temperature = 0.6;
  double top_p = 0.95;
  std::int64_t max_tokens = 32768;
  std::uint64_t seed = 0;
  std::int64_t concurrency = 0;  ///< answers under way at a time; 0: as many as the responder takes
  int grade_jobs = 2;            ///< threads that grade
};

struct RunProgress {
  std::int64_t done = 0;  ///< samples graded, of earlier runs too
  std::int64_t all = 0;
  std::int64_t done_before = 0;  ///< of earlier runs
  double score_sum = 0;
  std::int64_t output_tokens = 0;  ///< of this run, in answers that are under way too as far as that is known
  std::int64_t failed = 0;
  std::int64_t under_way = 0;
  double seconds = 0;  ///< of this run
};

/// Samples of a question differ in their random numbers alone, which the seed, the question's row and the sample's
/// index decide: what is asked beside it, in which order and in how many runs moves no bit.
///
/// A raised `cancel` ends what is under way; what was graded is kept, and kCancelled is returned. An answer that failed
/// is kept as such, and asked again when the run goes on. kInvalidArgument where the model cannot do what the task
/// wants.
Status run_task(const Task& task, const TaskRows& rows, const Questions& questions, const RunOptions& options,
                Responder& responder, const GraderTools& tools, SampleStore& store,
                const std::function<void(const RunProgress&)>& on_progress, const CancelToken& cancel);

/// What would be asked first: for --dry-run.
Expected<AnswerRequest> request_for(const Task& task, const Question& question, const RunOptions& options,
                                    std::int64_t sample);

}  // namespace retort::eval
