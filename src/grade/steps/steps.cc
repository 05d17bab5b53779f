#include "grade/steps/steps.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <set>
#include <utility>

#include "grade/maths/characters.h"
#include "grade/maths/exact.h"
#include "grade/maths/extract.h"
#include "grade/maths/parser.h"
#include "grade/maths/rational.h"
#include "grade/maths/scalar.h"
#include "grade/steps/chains.h"

namespace retort::grade {
namespace {

constexpr std::size_t kMaxChains = 2'000;
constexpr std::size_t kMaxEquations = 64;  ///< with variables, that a new one is compared with

/// A side of a step: its tree, and the fraction that it is worth if it is one.
struct Side {
  ExprPtr expr;
  std::optional<Rational> value;
};

std::optional<Side> side_of(const std::string& text) {
  Expected<ExprPtr> expr = parse_answer(text);
  if (!expr) return std::nullopt;
  return Side{*expr, symbols_of(*expr).empty() ? rational_value(*expr) : std::nullopt};
}

void collect_numbers(const ExprPtr& expr, std::vector<std::string>& out) {
  if (is(expr, ExprKind::kNumber)) {
    if (const auto value = rational_of_digits(expr->name)) out.push_back(value->text());
  }
  for (const ExprPtr& arg : expr->args) collect_numbers(arg, out);
}

bool is_operation(const ExprPtr& expr) {
  if (is(expr, ExprKind::kNegative) || is(expr, ExprKind::kPercent)) return is_operation(expr->args[0]);
  return !is(expr, ExprKind::kNumber);
}

/// "7 + 0", "3 * 1", "(5)": an operation that changes nothing.
bool changes_nothing(const ExprPtr& expr) {
  if (!is_operation(expr)) return true;
  if (!is(expr, ExprKind::kSum) && !is(expr, ExprKind::kProduct) && !is(expr, ExprKind::kQuotient) &&
      !is(expr, ExprKind::kPower)) {
    return false;
  }
  const Rational neutral(is(expr, ExprKind::kSum) ? 0 : 1);
  std::size_t others = 0;
  for (const ExprPtr& arg : expr->args) {
    const auto value = rational_value(arg);
    if (!value || !(*value == neutral)) ++others;
  }
  return others <= 1;
}

/// Whether a and b agree to half a unit of the last decimal place that b is written with.
bool rounds_to(const Rational& a, const ExprPtr& b, const Rational& b_value) {
  const ExprPtr number = is(b, ExprKind::kNegative) ? b->args[0] : b;
  if (!is(number, ExprKind::kNumber)) return false;
  const std::size_t point = number->name.find('.');
  if (point == std::string::npos || number->name.find('e') != std::string::npos) return false;
  const auto places = static_cast<slong>(number->name.size() - point - 1);
  if (places < 1 || places > 30) return false;
  Rational unit(10);
  fmpq_pow_si(unit.get(), unit.get(), -places);
  Rational difference;
  fmpq_sub(difference.get(), a.get(), b_value.get());
  fmpq_abs(difference.get(), difference.get());
  fmpq_add(difference.get(), difference.get(), difference.get());
  return fmpq_cmp(difference.get(), unit.get()) <= 0;
}

class PathChecker {
 public:
  explicit PathChecker(const Reasoning& reasoning) : response_(to_plain_characters(reasoning.response)) {
    static constexpr auto kConstants = std::to_array<const char*>({"0", "1", "2", "10", "60", "100", "1000"});
    known_.insert(kConstants.begin(), kConstants.end());
    for (const std::string& digits : numbers_in(to_plain_characters(reasoning.question))) {
      if (const auto value = rational_of_digits(digits)) given_.insert(value->text());
    }
    known_.insert(given_.begin(), given_.end());
    if (const auto answer = extract_answer(response_)) {
      if (const auto side = side_of(*answer); side && side->value) answer_ = side->value->text();
    }
  }

  StepsReport run() {
    for (const EquationChain& chain : find_chains(response_, kMaxChains)) check_chain(chain);
    report_.texture = texture_of(response_);
    report_.score = score();
    return std::move(report_);
  }

 private:
  void check_chain(const EquationChain& chain) {
    for (std::size_t i = 0; i + 1 < chain.sides.size(); ++i) {
      Step step{.left = chain.sides[i], .right = chain.sides[i + 1]};
      trim(step.left);
      trim(step.right);
      check(step);
      report_.right += step.verdict == StepVerdict::kRight || step.verdict == StepVerdict::kRounded ? 1 : 0;
      report_.wrong += step.verdict == StepVerdict::kWrong ? 1 : 0;
      report_.steps.push_back(std::move(step));
    }
  }

  static void trim(std::string& text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string::npos) return text.clear();
    text = text.substr(first, text.find_last_not_of(" \t") - first + 1);
  }

  void check(Step& step) {
    const std::optional<Side> left = side_of(step.left);
    const std::optional<Side> right = side_of(step.right);
    if (!left || !right) return;
    if (!seen_.insert(to_text(left->expr) + "=" + to_text(right->expr)).second) {
      step.verdict = StepVerdict::kDuplicate;
      return;
    }
    const bool numbers = symbols_of(left->expr).empty() && symbols_of(right->expr).empty();
    if (numbers) {
      check_numbers(step, *left, *right);
    } else {
      check_equation(step, *left, *right);
    }
  }

  void check_numbers(Step& step, const Side& left, const Side& right) {
    if (changes_nothing(left.expr) && changes_nothing(right.expr)) {
      const bool equal = left.value && right.value && *left.value == *right.value;
      step.verdict = equal || !left.value || !right.value ? StepVerdict::kTrivial : StepVerdict::kWrong;
      return;
    }
    if (left.value && right.value) {
      if (*left.value == *right.value) {
        step.verdict = StepVerdict::kRight;
      } else if (rounds_to(*left.value, right.expr, *right.value) || rounds_to(*right.value, left.expr, *left.value)) {
        step.verdict = StepVerdict::kRounded;
      } else {
        step.verdict = StepVerdict::kWrong;
      }
    } else {
      step.verdict = compare_scalars(left.expr, right.expr, {}) == ScalarVerdict::kUnequal ? StepVerdict::kWrong
                                                                                           : StepVerdict::kRight;
    }
    if (step.verdict != StepVerdict::kWrong) derive(step, left, right);
  }

  /// A right step: where its operands come from, and what its result is good for.
  void derive(Step& step, const Side& left, const Side& right) {
    const bool forward = !is_operation(right.expr);
    const Side& operation = forward || is_operation(left.expr) ? left : right;
    const Side& result = forward || is_operation(left.expr) ? right : left;
    std::vector<std::string> operands;
    collect_numbers(operation.expr, operands);
    bool uses_answer = false;
    bool from_question = false;
    for (const std::string& operand : operands) {
      from_question = from_question || given_.count(operand) != 0 || derived_.count(operand) != 0;
      report_.derives = report_.derives || derived_.count(operand) != 0;
      if (known_.count(operand) == 0) step.unknown_operands.push_back(operand);
      uses_answer = uses_answer || (answer_ && operand == *answer_);
    }
    std::vector<std::string> results;
    collect_numbers(result.expr, results);
    if (result.value) results.push_back(result.value->text());
    const bool is_answer = answer_ && result.value && result.value->text() == *answer_;
    if (is_answer) {
      report_.concludes = true;
      report_.grounded = report_.grounded || step.unknown_operands.empty();
    }
    step.verifies = report_.concludes && !is_answer && uses_answer && !changes_nothing(operation.expr) &&
                    result.value && given_.count(result.value->text()) != 0;
    report_.verified = report_.verified || step.verifies;
    // What is derived from unknown numbers is not known either.
    if (!step.unknown_operands.empty()) return;
    report_.derives = report_.derives || (from_question && is_answer);
    for (const std::string& value : results) {
      if (from_question && known_.count(value) == 0) derived_.insert(value);
    }
    known_.insert(results.begin(), results.end());
  }

  void check_equation(Step& step, const Side& left, const Side& right) {
    ExprPtr difference = make(ExprKind::kSum, {left.expr, make(ExprKind::kNegative, {right.expr})});
    if (decide_rational_functions(left.expr, right.expr) == Decision::kEqual) {
      step.verdict = to_text(left.expr) == to_text(right.expr) ? StepVerdict::kTrivial : StepVerdict::kRewriting;
      return;
    }
    for (const ExprPtr& earlier : equations_) {
      if (symbols_of(earlier) == symbols_of(difference) && proportion_of(earlier, difference) != Proportion::kNone) {
        step.verdict = StepVerdict::kRewriting;
        break;
      }
    }
    if (equations_.size() < kMaxEquations) equations_.push_back(std::move(difference));
    // "x = 24" and "f(2) = 24" name a value that was derived.
    if (right.value && answer_ && right.value->text() == *answer_ && known_.count(*answer_) != 0)
      report_.concludes = true;
  }

  [[nodiscard]] double score() const {
    const double parts = 0.4 * (report_.derives ? 1 : 0) + 0.3 * (report_.concludes ? 1 : 0) +
                         0.2 * (report_.grounded ? 1 : 0) + 0.1 * (report_.verified ? 1 : 0);
    return parts / (1.0 + report_.wrong) * (1 - report_.texture.repetition) * (1 - report_.texture.language_mix);
  }

  std::string response_;
  std::optional<std::string> answer_;
  std::set<std::string> given_;
  std::set<std::string> known_;    ///< given, derived, or a common constant
  std::set<std::string> derived_;  ///< results that the question did not give
  std::set<std::string> seen_;
  std::vector<ExprPtr> equations_;
  StepsReport report_;
};

}  // namespace

std::string_view to_string(StepVerdict verdict) {
  switch (verdict) {
    case StepVerdict::kRight:
      return "right";
    case StepVerdict::kRounded:
      return "rounded";
    case StepVerdict::kWrong:
      return "wrong";
    case StepVerdict::kRewriting:
      return "rewriting";
    case StepVerdict::kUnchecked:
      return "unchecked";
    case StepVerdict::kTrivial:
      return "trivial";
    case StepVerdict::kDuplicate:
      return "duplicate";
  }
  return "unknown";
}

StepsReport check_steps(const Reasoning& reasoning) { return PathChecker(reasoning).run(); }

}  // namespace retort::grade
