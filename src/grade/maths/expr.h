// A mathematical answer as a tree: what the parser makes of "\frac{1}{2}", "(1, \infty)" or "x = 5".
//
// Trees are immutable and shared; the parser bounds their depth and size (parser.h), so recursion over them is safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace retort::grade {

enum class ExprKind {
  kNumber,        ///< name: digits, perhaps a point, perhaps e and an exponent: "1000.99", "1.2e10"
  kBased,         ///< name: digits; args: base. 204_5
  kSymbol,        ///< name: a variable, "x", "alpha", "x_1"
  kConstant,      ///< name: "pi", "e", "i", "infinity"
  kSum,           ///< args
  kProduct,       ///< args
  kQuotient,      ///< args: 2
  kPower,         ///< args: base, exponent
  kNegative,      ///< args: 1
  kPlusMinus,     ///< args: 1; name "+-" or "-+". In a sum: both signs
  kPercent,       ///< args: 1
  kFunction,      ///< name: "sqrt", "sin", "abs", "factorial", "log" (args: x, or x and base), ...
  kApply,         ///< name: an unknown function "f"; args
  kTuple,         ///< args, ordered, in round brackets
  kInterval,      ///< args: 2; name: its brackets, "[)"
  kSet,           ///< args, in braces
  kList,          ///< args, in no brackets: unordered
  kUnion,         ///< args
  kIntersection,  ///< args
  kDifference,    ///< args: 2, sets
  kMatrix,        ///< args row by row; columns: how many in a row
  kRelation,      ///< args: n + 1; operators: n of "=", "!=", "<", ">", "<=", ">=", "~"
  kMember,        ///< args: element, set
  kRatio,         ///< args: a : b : ...
  kText,          ///< name: words
};

struct Expr;
using ExprPtr = std::shared_ptr<const Expr>;

struct Expr {
  ExprKind kind;
  std::string name;
  std::vector<ExprPtr> args;
  std::vector<std::string> operators;  ///< of a relation
  int columns = 0;                     ///< of a matrix
};

ExprPtr make(ExprKind kind, std::string name, std::vector<ExprPtr> args = {});
ExprPtr make(ExprKind kind, std::vector<ExprPtr> args);
ExprPtr make_number(long value);

/// The same kind, name, operators and columns with other args.
ExprPtr with_args(const Expr& expr, std::vector<ExprPtr> args);

bool is(const ExprPtr& expr, ExprKind kind);

/// Whether `expr` or a part of it is of that kind.
bool contains(const ExprPtr& expr, ExprKind kind);

/// Whether a number in it is written with a point or an exponent.
bool has_decimal(const ExprPtr& expr);

/// The names of its symbols and unknown functions, sorted, each once.
std::vector<std::string> symbols_of(const ExprPtr& expr);

/// A spelling for messages and for keys: the same tree has the same text.
std::string to_text(const ExprPtr& expr);

}  // namespace retort::grade
