// What brackets hold: tuples, intervals, sets, matrices, absolute values.
#include <array>
#include <utility>

#include "grade/maths/parser_impl.h"

namespace retort::grade {
namespace {

/// Sets a flag for as long as it lives.
class Setting {
 public:
  Setting(bool& flag, bool value) : flag_(flag), before_(flag) { flag_ = value; }
  ~Setting() { flag_ = before_; }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

 private:
  bool& flag_;
  bool before_;
};

bool is_matrix_name(std::string_view name) {
  constexpr auto kNames = std::to_array<std::string_view>(
      {"matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix", "array"});
  for (const std::string_view known : kNames) {
    if (name == known) return true;
  }
  return false;
}

}  // namespace

/// Up to the closing bracket, separated by commas or semicolons.
Expected<std::vector<ExprPtr>> AnswerParser::elements() {
  const Setting bars_are_free(bar_separates_, false);
  const int open = std::exchange(bars_open_, 0);
  std::vector<ExprPtr> out;
  do {
    if (at_symbol(")") || at_symbol("]")) break;
    RETORT_TRY(ExprPtr next, relation());
    out.push_back(std::move(next));
  } while (accept(",") || accept(";") || accept("and") || accept("or"));
  bars_open_ = open;
  return out;
}

Parsed AnswerParser::bracket() {
  const std::string open = tokens_[at_++].text;
  RETORT_TRY(std::vector<ExprPtr> items, elements());
  const std::string close = peek().text;
  if (!accept(")") && !accept("]")) return fail(ErrorCode::kInvalidArgument, "'{}' is not closed", open);
  const std::string brackets = open + close;
  if (items.size() == 1 && (brackets == "()" || brackets == "[]")) return items.front();
  if (items.size() == 2 && brackets != "()") return make(ExprKind::kInterval, brackets, std::move(items));
  if (brackets == "()" || brackets == "[]") {
    if (items.empty()) return fail(ErrorCode::kInvalidArgument, "nothing in brackets");
    return make(ExprKind::kTuple, std::move(items));
  }
  return fail(ErrorCode::kInvalidArgument, "'{}' closes '{}'", close, open);
}

/// \{1, 2\}, \{x | 0 < x < 1\}: the latter is what its condition says.
Parsed AnswerParser::braces() {
  ++at_;
  std::vector<ExprPtr> items;
  {
    const Setting separates(bar_separates_, true);
    while (!at_symbol("\\}")) {
      RETORT_TRY(ExprPtr next, relation());
      items.push_back(std::move(next));
      if (!accept(",") && !accept(";") && !accept("and") && !accept("or")) break;
    }
  }
  if (items.size() == 1 && (accept("|") || accept(":"))) {
    const Setting separates(bar_separates_, false);
    RETORT_TRY(items.front(), part());
    RETORT_TRY_STATUS(expect("\\}"));
    return items.front();
  }
  RETORT_TRY_STATUS(expect("\\}"));
  return make(ExprKind::kSet, std::move(items));
}

/// Braces that LaTeX does not print; with commas in them, somebody's set.
Parsed AnswerParser::group() {
  ++at_;
  const Setting separates(bar_separates_, false);
  const int open = std::exchange(bars_open_, 0);
  std::vector<ExprPtr> items;
  do {
    RETORT_TRY(ExprPtr next, relation());
    items.push_back(std::move(next));
  } while (accept(","));
  bars_open_ = open;
  RETORT_TRY_STATUS(expect("}"));
  return items.size() == 1 ? items.front() : make(ExprKind::kSet, std::move(items));
}

Parsed AnswerParser::bars() {
  ++at_;
  const Setting separates(bar_separates_, false);
  ++bars_open_;
  RETORT_TRY(ExprPtr value, sum());
  --bars_open_;
  RETORT_TRY_STATUS(expect("|"));
  return make(ExprKind::kFunction, "abs", {std::move(value)});
}

Parsed AnswerParser::floor_or_ceiling(const std::string& name) {
  ++at_;
  RETORT_TRY(ExprPtr value, sum());
  RETORT_TRY_STATUS(expect(name == "floor" ? ")floor" : ")ceil"));
  return make(ExprKind::kFunction, name, {std::move(value)});
}

Expected<std::string> AnswerParser::environment_name() {
  RETORT_TRY_STATUS(expect("{"));
  std::string name;
  while (peek().kind != TokenKind::kEnd && !at_symbol("}")) name += tokens_[at_++].text;
  RETORT_TRY_STATUS(expect("}"));
  return name;
}

Parsed AnswerParser::environment() {
  RETORT_TRY(const std::string name, environment_name());
  if (!is_matrix_name(name)) {
    return fail(ErrorCode::kUnsupported, "a '{}' environment; matrices can be compared", name);
  }
  if (name == "array" && at_symbol("{")) {
    RETORT_TRY(const std::string alignment, environment_name());
  }
  std::vector<ExprPtr> cells;
  std::size_t columns = 0;
  while (!(peek().kind == TokenKind::kCommand && peek().text == "end")) {
    const std::size_t first = cells.size();
    do {
      RETORT_TRY(ExprPtr cell, sum());
      cells.push_back(std::move(cell));
    } while (accept("&"));
    if (columns == 0) columns = cells.size() - first;
    if (cells.size() - first != columns)
      return fail(ErrorCode::kInvalidArgument, "rows of unequal lengths in a matrix");
    if (!accept("\\\\")) break;
  }
  if (peek().kind != TokenKind::kCommand || peek().text != "end") return unexpected_token();
  ++at_;
  RETORT_TRY(const std::string ended, environment_name());
  if (ended != name) return fail(ErrorCode::kInvalidArgument, "'{}' ends '{}'", ended, name);
  if (cells.empty()) return fail(ErrorCode::kInvalidArgument, "an empty matrix");
  Expr out{.kind = ExprKind::kMatrix, .name = {}, .args = std::move(cells)};
  out.columns = static_cast<int>(columns);
  ExprPtr matrix = std::make_shared<const Expr>(std::move(out));
  if (name == "vmatrix") return make(ExprKind::kFunction, "det", {std::move(matrix)});
  return matrix;
}

}  // namespace retort::grade
