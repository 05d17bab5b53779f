#include "eval/answer_grader.h"

#include <utility>

#include "eval/code_request.h"
#include "grade/answer_part.h"
#include "grade/maths/choice.h"
#include "grade/maths/extract.h"

namespace retort::eval {
namespace {

/// Bytes of the reasoning: up to the last </think>, or all of it while it is open.
std::int64_t think_bytes_of(const std::string& output) {
  constexpr std::string_view kClose = "</think>";
  const std::size_t close = output.rfind(kClose);
  if (close != std::string::npos) return static_cast<std::int64_t>(close + kClose.size());
  return output.find("<think>") == std::string::npos ? 0 : static_cast<std::int64_t>(output.size());
}

/// The number behind the last "####".
std::optional<std::string> marked_number(std::string_view answer) {
  const std::size_t mark = answer.rfind("####");
  if (mark == std::string_view::npos) return std::nullopt;
  std::string_view line = answer.substr(mark + 4);
  line = line.substr(0, line.find('\n'));
  return grade::last_number(line);
}

}  // namespace

void AnswerGrader::grade(const Question& question, const OrderedJson& row, Sample& sample) const {
  sample.target = question.target;
  sample.think_bytes = think_bytes_of(sample.output);
  sample.score = 0;
  sample.answer.reset();
  const auto part = grade::answer_part(sample.output, task_->grade.think);
  if (!part) {
    sample.outcome = Outcome::kUnparsed;
    sample.reason = "the reasoning does not end";
    return;
  }
  sample.outcome = Outcome::kGraded;
  if (const Status judged = judge(question, row, *part, sample); !judged) {
    sample.outcome = Outcome::kFailed;
    sample.reason = judged.error().message();
  }
}

Status AnswerGrader::judge(const Question& question, const OrderedJson& row, std::string_view answer,
                           Sample& sample) const {
  switch (task_->grade.kind) {
    case GradeKind::kMaths:
      return judge_maths(answer, sample);
    case GradeKind::kChoice:
      return judge_choice(question, answer, sample);
    case GradeKind::kNumber:
      return judge_number(answer, sample);
    case GradeKind::kCodeHumanEval:
    case GradeKind::kCodeMbpp:
    case GradeKind::kCodeContest:
      return judge_code(row, answer, sample);
    case GradeKind::kLoglikelihoodChoices:
    case GradeKind::kPerplexity:
      break;
  }
  return fail(ErrorCode::kUnsupported, "a task of the kind '{}' has no answers to grade", to_string(task_->grade.kind));
}

Status AnswerGrader::judge_maths(std::string_view answer, Sample& sample) const {
  grade::MathsOptions options;
  if (!task_->grade.profile.empty()) {
    const auto profile = grade::maths_profile_from(task_->grade.profile);
    if (!profile) return fail(ErrorCode::kInvalidArgument, "the profile '{}' is not known", task_->grade.profile);
    options.rules.profile = *profile;
  }
  RETORT_TRY(grade::MathsVerdict verdict, tools_.maths->grade({sample.target, answer}, options));
  sample.reason = std::string(to_string(verdict.reason));
  sample.score = verdict.equal() ? 1 : 0;
  if (!verdict.extracted_pred.empty()) sample.answer = std::move(verdict.extracted_pred);
  if (verdict.reason == grade::Reason::kNoAnswer || verdict.reason == grade::Reason::kParseFailed) {
    sample.outcome = Outcome::kUnparsed;
  } else if (verdict.reason == grade::Reason::kTimeout) {
    sample.outcome = Outcome::kTimedOut;
  } else if (verdict.reason == grade::Reason::kGoldFailed || verdict.reason == grade::Reason::kWorkerDied) {
    sample.outcome = Outcome::kFailed;
  }
  return {};
}

Status AnswerGrader::judge_choice(const Question& question, std::string_view answer, Sample& sample) const {
  std::string letters;
  for (const Choice& choice : question.choices) letters += choice.letter;
  const std::optional<char> letter = grade::extract_choice(answer, letters);
  if (!letter) {
    sample.outcome = Outcome::kUnparsed;
    sample.reason = "no letter";
    return {};
  }
  sample.answer = std::string(1, *letter);
  sample.score = *sample.answer == sample.target ? 1 : 0;
  sample.reason = sample.score > 0 ? "right letter" : "wrong letter";
  return {};
}

Status AnswerGrader::judge_number(std::string_view answer, Sample& sample) const {
  const bool strict = task_->grade.profile == "strict";
  std::optional<std::string> number = marked_number(answer);
  if (!number && !strict) {
    if (const auto boxes = grade::last_boxes(answer); !boxes.empty()) number = grade::last_number(boxes.back());
  }
  if (!number && !strict) number = grade::last_number(answer);
  if (!number) {
    sample.outcome = Outcome::kUnparsed;
    sample.reason = strict ? "no number behind ####" : "no number";
    return {};
  }
  const grade::MathsVerdict verdict = grade::grade_maths({sample.target, *number});
  sample.answer = std::move(*number);
  sample.score = verdict.equal() ? 1 : 0;
  sample.reason = std::string(to_string(verdict.reason));
  return {};
}

Status AnswerGrader::judge_code(const OrderedJson& row, std::string_view answer, Sample& sample) const {
  RETORT_TRY(const std::optional<grade::GradeRequest> request, code_request(*task_, row, answer));
  if (!request) {
    sample.outcome = Outcome::kUnparsed;
    sample.reason = "no code";
    return {};
  }
  sample.answer = request->source;
  RETORT_TRY(const grade::GradeResult result, tools_.code->grade(*request));
  sample.reason = std::string(to_string(result.verdict));
  if (!result.message.empty()) sample.reason += ": " + result.message;
  sample.score = result.verdict == grade::Verdict::kAccepted ? 1 : 0;
  if (result.verdict == grade::Verdict::kTimeLimit) sample.outcome = Outcome::kTimedOut;
  if (result.verdict == grade::Verdict::kSandboxRefused) {
    return fail(ErrorCode::kUnsupported, "sandbox refused: {}", result.message);
  }
  return {};
}

}  // namespace retort::eval
