#include "grade/maths/compare.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "grade/maths/matrix.h"
#include "grade/maths/meaning.h"
#include "grade/maths/real_set.h"
#include "grade/maths/scalar.h"

namespace retort::grade {
namespace {

constexpr std::size_t kMaxElements = 256;

/// "five" as 5: what answers in words are most often.
std::optional<long> number_word(const std::string& words) {
  static constexpr auto kWords = std::to_array<std::string_view>(
      {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"});
  const auto found = std::find(kWords.begin(), kWords.end(), words);
  if (found == kWords.end()) return std::nullopt;
  return found - kWords.begin();
}

/// 1 for yes, 0 for no, -1 for anything else. A letter counts beside a word.
int truth_of(const std::string& words) {
  if (words == "yes" || words == "true" || words == "y" || words == "t") return 1;
  if (words == "no" || words == "false" || words == "n" || words == "f") return 0;
  return -1;
}

bool is_surely_a_set(const ExprPtr& expr) {
  return is(expr, ExprKind::kInterval) || is(expr, ExprKind::kUnion) || is(expr, ExprKind::kDifference) ||
         (is(expr, ExprKind::kSymbol) && expr->name == "mathbb_R") || is_inequality(expr);
}

class Comparison {
 public:
  explicit Comparison(const MathsRules& rules) : rules_(rules) {}

  Reason compare(const ExprPtr& gold, const ExprPtr& pred) const {
    const ExprPtr g = without_label(gold, rules_.profile);
    const ExprPtr p = without_label(pred, rules_.profile);
    if (is_surely_a_set(g) || is_surely_a_set(p)) return compare_sets(g, p);
    if (is(g, ExprKind::kText) || is(p, ExprKind::kText) || answers_yes_or_no(g, p)) return compare_words(g, p);
    if (is(g, ExprKind::kMatrix) || is(p, ExprKind::kMatrix)) return compare_matrices(g, p);
    if (is_plural(g) || is_plural(p)) return compare_elements(g, p);
    if (is(g, ExprKind::kTuple) || is(p, ExprKind::kTuple)) return compare_tuples(g, p);
    if (is(g, ExprKind::kRatio) || is(p, ExprKind::kRatio)) return compare_ratios(g, p);
    if (is(g, ExprKind::kRelation) || is(p, ExprKind::kRelation)) return compare_relations(g, p);
    switch (compare_scalars(g, p, rules_)) {
      case ScalarVerdict::kExactly:
        return Reason::kEqualSymbolic;
      case ScalarVerdict::kNumerically:
        return Reason::kEqualNumeric;
      case ScalarVerdict::kUnequal:
        break;
    }
    return Reason::kDifferent;
  }

 private:
  [[nodiscard]] bool equal(const ExprPtr& g, const ExprPtr& p) const { return is_equal(compare(g, p)); }

  static bool is_plural(const ExprPtr& expr) {
    return is(expr, ExprKind::kSet) || is(expr, ExprKind::kList) || contains(expr, ExprKind::kPlusMinus);
  }

  Reason compare_sets(const ExprPtr& g, const ExprPtr& p) const {
    const bool both_inequalities = is_inequality(g) && is_inequality(p);
    if (both_inequalities && symbols_of(g) != symbols_of(p)) return Reason::kDifferent;
    if (both_inequalities && is(g, ExprKind::kRelation) && is(p, ExprKind::kRelation) && g->operators.size() == 1 &&
        p->operators.size() == 1) {
      return compare_relations(g, p);
    }
    // By the convention of Math-Verify, an inequality may be answered by an interval but not the other way round.
    if (rules_.profile == MathsProfile::kMathVerify && !is_inequality(g) && is_inequality(p)) return Reason::kDifferent;
    const PairReading reading = rules_.profile == MathsProfile::kStrict ? PairReading::kPair : PairReading::kInterval;
    const std::optional<std::vector<Piece>> gold = real_set_of(g, reading);
    const std::optional<std::vector<Piece>> pred = real_set_of(p, reading);
    if (!gold || !pred || gold->size() != pred->size() || gold->size() > kMaxElements) return Reason::kDifferent;
    const bool alike = match(*gold, *pred, [this](const Piece& a, const Piece& b) {
      return a.low_bound == b.low_bound && a.high_bound == b.high_bound && equal(a.low, b.low) && equal(a.high, b.high);
    });
    return alike ? Reason::kEqualInterval : Reason::kDifferent;
  }

  /// "Yes" is three letters to the parser.
  static bool answers_yes_or_no(const ExprPtr& g, const ExprPtr& p) {
    const std::string gold = words_of(g);
    const std::string pred = words_of(p);
    return truth_of(gold) >= 0 && truth_of(pred) >= 0 && (gold.size() > 1 || pred.size() > 1);
  }

  static Reason compare_words(const ExprPtr& g, const ExprPtr& p) {
    const std::string gold = words_of(g);
    const std::string pred = words_of(p);
    if (!gold.empty() && gold == pred) return Reason::kEqualText;
    if (truth_of(gold) >= 0 && truth_of(gold) == truth_of(pred)) return Reason::kEqualText;
    const auto is_that_number = [](const std::string& words, const ExprPtr& other) {
      const std::optional<long> number = number_word(words);
      return number && is(other, ExprKind::kNumber) && other->name == std::to_string(*number);
    };
    return is_that_number(gold, p) || is_that_number(pred, g) ? Reason::kEqualText : Reason::kDifferent;
  }

  Reason compare_in_order(const std::vector<ExprPtr>& g, const std::vector<ExprPtr>& p) const {
    if (g.size() != p.size()) return Reason::kDifferent;
    for (std::size_t i = 0; i < g.size(); ++i) {
      if (!equal(g[i], p[i])) return Reason::kDifferent;
    }
    return Reason::kEqualTuple;
  }

  Reason compare_matrices(const ExprPtr& g, const ExprPtr& p) const {
    // A column of numbers may be written as a tuple.
    const bool lenient = rules_.profile == MathsProfile::kQwen;
    const auto is_column = [](const ExprPtr& e, const ExprPtr& other) {
      return is(e, ExprKind::kMatrix) && e->columns == 1 && is(other, ExprKind::kTuple);
    };
    if (lenient && (is_column(g, p) || is_column(p, g))) return compare_in_order(g->args, p->args);
    if (!is(g, ExprKind::kMatrix) || !is(p, ExprKind::kMatrix) || g->columns != p->columns) return Reason::kDifferent;
    return compare_in_order(g->args, p->args);
  }

  Reason compare_elements(const ExprPtr& g, const ExprPtr& p) const {
    std::vector<ExprPtr> gold = values_of(g, rules_.profile);
    std::vector<ExprPtr> pred = values_of(p, rules_.profile);
    if (gold.size() > kMaxElements || pred.size() > kMaxElements) return Reason::kDifferent;
    if (is(g, ExprKind::kSet) || is(p, ExprKind::kSet)) {
      drop_repeated(gold);
      drop_repeated(pred);
    } else if (gold.size() == 1 && pred.size() > 1) {
      // "15\\frac{39}{40} or \\frac{639}{40}": one value, told twice.
      drop_repeated(pred);
    }
    if (gold.size() != pred.size()) return Reason::kDifferent;
    if (gold.size() == 1 && !is_plural(gold[0]) && !is_plural(pred[0])) return compare(gold[0], pred[0]);
    const bool alike = match(gold, pred, [this](const ExprPtr& a, const ExprPtr& b) {
      return !is_plural(a) && !is_plural(b) && equal(a, b);
    });
    return alike ? Reason::kUnorderedSet : Reason::kDifferent;
  }

  Reason compare_tuples(const ExprPtr& g, const ExprPtr& p) const {
    if (!is(g, ExprKind::kTuple) || !is(p, ExprKind::kTuple)) return Reason::kDifferent;
    return compare_in_order(g->args, p->args);
  }

  Reason compare_ratios(const ExprPtr& g, const ExprPtr& p) const {
    const auto quotient = [](const ExprPtr& e) {
      return is(e, ExprKind::kRatio) && e->args.size() == 2 ? make(ExprKind::kQuotient, e->args) : e;
    };
    if (is(g, ExprKind::kRatio) && is(p, ExprKind::kRatio)) {
      if (is_equal(compare_in_order(g->args, p->args))) return Reason::kEqualTuple;
      if (g->args.size() != p->args.size()) return Reason::kDifferent;
      for (std::size_t i = 1; i < g->args.size(); ++i) {
        if (!equal(make(ExprKind::kQuotient, {g->args[0], g->args[i]}),
                   make(ExprKind::kQuotient, {p->args[0], p->args[i]}))) {
          return Reason::kDifferent;
        }
      }
      return Reason::kEqualTuple;
    }
    if (rules_.profile == MathsProfile::kStrict || is(quotient(g), ExprKind::kRatio) ||
        is(quotient(p), ExprKind::kRatio)) {
      return Reason::kDifferent;
    }
    return compare(quotient(g), quotient(p));
  }

  /// One side minus the other.
  static ExprPtr difference_of(const Expr& relation) {
    return make(ExprKind::kSum, {relation.args[0], make(ExprKind::kNegative, {relation.args[1]})});
  }
  static std::string flipped(std::string op) {
    if (op[0] == '<' || op[0] == '>') op[0] = op[0] == '<' ? '>' : '<';
    return op;
  }

  Reason compare_relations(const ExprPtr& g, const ExprPtr& p) const {
    if (!is(g, ExprKind::kRelation) || !is(p, ExprKind::kRelation)) return Reason::kDifferent;
    if (g->operators.size() != 1 || p->operators.size() != 1) {
      return g->operators == p->operators ? compare_in_order(g->args, p->args) : Reason::kDifferent;
    }
    const std::string& op = g->operators[0];
    const bool directed = op[0] == '<' || op[0] == '>';
    const bool same = op == p->operators[0];
    if (!same && !(directed && flipped(op) == p->operators[0])) return Reason::kDifferent;
    ExprPtr other = difference_of(*p);
    if (!same) other = make(ExprKind::kNegative, {std::move(other)});
    const Proportion proportion = proportion_of(difference_of(*g), other);
    const bool alike = directed ? proportion == Proportion::kPositive : proportion != Proportion::kNone;
    return alike ? Reason::kEqualRelation : Reason::kDifferent;
  }

  void drop_repeated(std::vector<ExprPtr>& values) const {
    std::vector<ExprPtr> out;
    for (const ExprPtr& value : values) {
      const bool known = std::any_of(out.begin(), out.end(), [&](const ExprPtr& other) { return equal(other, value); });
      if (!known) out.push_back(value);
    }
    values = std::move(out);
  }

  /// Whether each of `gold` has a partner in `pred`, as long.
  template <typename T, typename Alike>
  static bool match(const std::vector<T>& gold, const std::vector<T>& pred, const Alike& alike) {
    std::vector<char> taken(pred.size(), 0);
    for (std::size_t i = 0; i < gold.size(); ++i) {
      // Most answers are in the same order: the partner at the same place first.
      std::size_t found = pred.size();
      for (std::size_t k = 0; k < pred.size() && found == pred.size(); ++k) {
        const std::size_t at = (i + k) % pred.size();
        if (taken[at] == 0 && alike(gold[i], pred[at])) found = at;
      }
      if (found == pred.size()) return false;
      taken[found] = 1;
    }
    return true;
  }

  const MathsRules& rules_;
};

}  // namespace

Reason compare_answers(const ExprPtr& gold, const ExprPtr& pred, const MathsRules& rules) {
  Expected<ExprPtr> g = work_out_matrices(gold);
  Expected<ExprPtr> p = work_out_matrices(pred);
  if (!g || !p) return Reason::kDifferent;
  if (rules.symbols == SymbolNames::kRename) {
    return Comparison(rules).compare(with_numbered_names(*g), with_numbered_names(*p));
  }
  return Comparison(rules).compare(*g, *p);
}

}  // namespace retort::grade
