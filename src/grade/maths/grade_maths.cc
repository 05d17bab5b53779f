#include "grade/maths/grade_maths.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "grade/maths/compare.h"
#include "grade/maths/hendrycks.h"
#include "grade/maths/parser.h"
#include "grade/maths/scalar.h"

namespace retort::grade {
namespace {

/// "1000,99" and "0,111" as numbers, where a comma is read as a point; nothing for what no one would write so.
std::optional<std::string> decimal_comma(std::string_view text) {
  const std::size_t comma = text.find(',');
  if (comma == std::string_view::npos || comma == 0 || comma + 1 == text.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (i != comma && !digit && !(i == 0 && text[i] == '-')) return std::nullopt;
  }
  std::string out(text);
  out[comma] = '.';
  return out;
}

bool is_plain_number(std::string_view text) {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  constexpr std::size_t kMaxPlainDigits = 40;
  if (text.empty() || text.size() > kMaxPlainDigits || text.front() == '.') return false;
  int points = 0;
  for (const char c : text) {
    if (c == '.') ++points;
    if (c != '.' && (c < '0' || c > '9')) return false;
  }
  return points <= 1 && text.back() != '.';
}

ExprPtr plain_number(std::string_view text) {
  const bool negative = text.front() == '-';
  ExprPtr number = make(ExprKind::kNumber, std::string(text.substr(negative ? 1 : 0)));
  return negative ? make(ExprKind::kNegative, {std::move(number)}) : number;
}

Reason judge(const std::string& gold, const std::string& pred, const MathsRules& rules) {
  const Expected<ExprPtr> g = parse_answer(gold);
  const Expected<ExprPtr> p = parse_answer(pred);
  if (!g || !p) {
    // Neither is understood: the same words are the same answer, nothing else is.
    if (!g && !p && !gold.empty() && hendrycks_form(gold) == hendrycks_form(pred)) return Reason::kEqualText;
    return !g ? Reason::kGoldFailed : Reason::kParseFailed;
  }
  const Reason reason = compare_answers(*g, *p, rules);
  if (is_equal(reason) || rules.profile == MathsProfile::kStrict) return reason;
  // A comma that may be a decimal point.
  const std::optional<std::string> gold_point = decimal_comma(gold);
  const std::optional<std::string> pred_point = decimal_comma(pred);
  if (!gold_point && !pred_point) return reason;
  const Expected<ExprPtr> g2 = gold_point ? parse_answer(*gold_point) : g;
  const Expected<ExprPtr> p2 = pred_point ? parse_answer(*pred_point) : p;
  if (!g2 || !p2 || !is(*g2, ExprKind::kNumber)) return reason;
  return compare_answers(*g2, *p2, rules);
}

}  // namespace

std::optional<MathsVerdict> grade_plain_numbers(const MathsQuestion& question, const MathsOptions& options) {
  if (options.rules.profile == MathsProfile::kHendrycks) return std::nullopt;
  MathsVerdict verdict{
      .reason = Reason::kDifferent, .extracted_gold = gold_answer(question.gold), .extracted_pred = {}};
  if (!is_plain_number(verdict.extracted_gold)) return std::nullopt;
  std::optional<std::string> answer = extract_answer(question.pred, options.search);
  if (!answer) {
    verdict.reason = Reason::kNoAnswer;
    return verdict;
  }
  if (!is_plain_number(*answer)) return std::nullopt;
  verdict.extracted_pred = std::move(*answer);
  switch (compare_scalars(plain_number(verdict.extracted_gold), plain_number(verdict.extracted_pred), options.rules)) {
    case ScalarVerdict::kExactly:
      verdict.reason = Reason::kEqualSymbolic;
      break;
    case ScalarVerdict::kNumerically:
      verdict.reason = Reason::kEqualNumeric;
      break;
    case ScalarVerdict::kUnequal:
      break;
  }
  return verdict;
}

MathsVerdict grade_maths(const MathsQuestion& question, const MathsOptions& options) {
  if (std::optional<MathsVerdict> verdict = grade_plain_numbers(question, options)) return *verdict;
  MathsVerdict verdict;
  verdict.extracted_gold = gold_answer(question.gold);
  std::optional<std::string> answer = extract_answer(question.pred, options.search);
  if (!answer) return verdict;
  verdict.extracted_pred = std::move(*answer);
  if (options.rules.profile == MathsProfile::kHendrycks) {
    const bool same = hendrycks_form(verdict.extracted_gold) == hendrycks_form(verdict.extracted_pred);
    verdict.reason = same ? Reason::kEqualText : Reason::kDifferent;
    return verdict;
  }
  verdict.reason = judge(verdict.extracted_gold, verdict.extracted_pred, options.rules);
  return verdict;
}

}  // namespace retort::grade
