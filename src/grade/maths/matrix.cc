#include "grade/maths/matrix.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace retort::grade {
namespace {

constexpr std::size_t kMaxCells = 1'024;

bool is_matrix(const ExprPtr& expr) { return is(expr, ExprKind::kMatrix); }
std::size_t rows_of(const ExprPtr& m) { return m->args.size() / static_cast<std::size_t>(m->columns); }
std::size_t columns_of(const ExprPtr& m) { return static_cast<std::size_t>(m->columns); }
const ExprPtr& cell(const ExprPtr& m, std::size_t row, std::size_t column) {
  return m->args[row * columns_of(m) + column];
}

ExprPtr matrix(std::size_t columns, std::vector<ExprPtr> cells) {
  Expr out{.kind = ExprKind::kMatrix, .name = {}, .args = std::move(cells)};
  out.columns = static_cast<int>(columns);
  return std::make_shared<const Expr>(std::move(out));
}

ExprPtr cellwise(const ExprPtr& m, ExprKind kind, const ExprPtr& other) {
  std::vector<ExprPtr> cells;
  for (const ExprPtr& x : m->args) {
    cells.push_back(other ? make(kind, {x, other}) : make(kind, {x}));
  }
  return matrix(columns_of(m), std::move(cells));
}

Expected<ExprPtr> sum_of(const std::vector<ExprPtr>& terms) {
  ExprPtr out = terms.front();
  for (std::size_t i = 1; i < terms.size(); ++i) {
    if (!is_matrix(terms[i]) || !is_matrix(out) || out->columns != terms[i]->columns ||
        out->args.size() != terms[i]->args.size()) {
      return fail(ErrorCode::kInvalidArgument, "matrices of unequal shapes are added");
    }
    std::vector<ExprPtr> cells;
    for (std::size_t k = 0; k < out->args.size(); ++k) {
      cells.push_back(make(ExprKind::kSum, {out->args[k], terms[i]->args[k]}));
    }
    out = matrix(columns_of(out), std::move(cells));
  }
  return out;
}

Expected<ExprPtr> product_of_two(const ExprPtr& a, const ExprPtr& b) {
  if (!is_matrix(a) && !is_matrix(b)) return make(ExprKind::kProduct, {a, b});
  if (!is_matrix(a)) return cellwise(b, ExprKind::kProduct, a);
  if (!is_matrix(b)) return cellwise(a, ExprKind::kProduct, b);
  if (columns_of(a) != rows_of(b)) return fail(ErrorCode::kInvalidArgument, "matrices of unfit shapes are multiplied");
  if (rows_of(a) * columns_of(b) * columns_of(a) > kMaxCells) {
    return fail(ErrorCode::kOutOfRange, "a product of matrices of more than {} terms", kMaxCells);
  }
  std::vector<ExprPtr> cells;
  for (std::size_t r = 0; r < rows_of(a); ++r) {
    for (std::size_t c = 0; c < columns_of(b); ++c) {
      std::vector<ExprPtr> terms;
      for (std::size_t k = 0; k < columns_of(a); ++k)
        terms.push_back(make(ExprKind::kProduct, {cell(a, r, k), cell(b, k, c)}));
      cells.push_back(make(ExprKind::kSum, std::move(terms)));
    }
  }
  return matrix(columns_of(b), std::move(cells));
}

/// By the first row; up to 4 by 4.
Expected<ExprPtr> determinant(const ExprPtr& m) {
  const std::size_t size = rows_of(m);
  if (size != columns_of(m) || size > 4) return fail(ErrorCode::kUnsupported, "a determinant of that shape");
  if (size == 1) return m->args.front();
  std::vector<ExprPtr> terms;
  for (std::size_t c = 0; c < size; ++c) {
    std::vector<ExprPtr> cells;
    for (std::size_t r = 1; r < size; ++r) {
      for (std::size_t k = 0; k < size; ++k) {
        if (k != c) cells.push_back(cell(m, r, k));
      }
    }
    RETORT_TRY(ExprPtr minor, determinant(matrix(size - 1, std::move(cells))));
    ExprPtr term = make(ExprKind::kProduct, {cell(m, 0, c), std::move(minor)});
    terms.push_back(c % 2 == 0 ? term : make(ExprKind::kNegative, {std::move(term)}));
  }
  return make(ExprKind::kSum, std::move(terms));
}

ExprPtr transposed(const ExprPtr& m) {
  std::vector<ExprPtr> cells;
  for (std::size_t c = 0; c < columns_of(m); ++c) {
    for (std::size_t r = 0; r < rows_of(m); ++r) cells.push_back(cell(m, r, c));
  }
  return matrix(rows_of(m), std::move(cells));
}

Expected<ExprPtr> power_of(const ExprPtr& base, const ExprPtr& exponent) {
  if (is(exponent, ExprKind::kSymbol) && exponent->name == "T") return transposed(base);
  if (is(exponent, ExprKind::kNumber) && (exponent->name == "2" || exponent->name == "3")) {
    ExprPtr out = base;
    for (int i = 1; i < exponent->name[0] - '0'; ++i) {
      RETORT_TRY(out, product_of_two(out, base));
    }
    return out;
  }
  return fail(ErrorCode::kUnsupported, "that power of a matrix");
}

}  // namespace

Expected<ExprPtr> work_out_matrices(const ExprPtr& expr) {
  if (!contains(expr, ExprKind::kMatrix) || is_matrix(expr)) return expr;
  std::vector<ExprPtr> args;
  for (const ExprPtr& arg : expr->args) {
    RETORT_TRY(ExprPtr next, work_out_matrices(arg));
    args.push_back(std::move(next));
  }
  if (std::none_of(args.begin(), args.end(), is_matrix)) return with_args(*expr, std::move(args));
  switch (expr->kind) {
    case ExprKind::kSum:
      return sum_of(args);
    case ExprKind::kProduct: {
      ExprPtr out = args.front();
      for (std::size_t i = 1; i < args.size(); ++i) {
        RETORT_TRY(out, product_of_two(out, args[i]));
      }
      return out;
    }
    case ExprKind::kQuotient:
      if (is_matrix(args[1])) break;
      return cellwise(args[0], ExprKind::kQuotient, args[1]);
    case ExprKind::kNegative:
      return cellwise(args[0], ExprKind::kNegative, nullptr);
    case ExprKind::kPower:
      if (is_matrix(args[1])) break;
      return power_of(args[0], args[1]);
    case ExprKind::kFunction:
      if (expr->name == "det") return determinant(args[0]);
      break;
    case ExprKind::kRelation:
    case ExprKind::kList:
    case ExprKind::kSet:
    case ExprKind::kTuple:
      return with_args(*expr, std::move(args));
    default:
      break;
  }
  return fail(ErrorCode::kUnsupported, "that operation on matrices");
}

}  // namespace retort::grade
