// A parsed template. Nodes live in the Program that made them and are never changed once it is parsed.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja/arithmetic.h"
#include "text/jinja/value.h"

namespace retort::jinja {

struct FilterSpec;
struct TestSpec;
struct Statement;

/// A name that the template uses, as a number.
using Symbol = std::uint32_t;

enum class ExpressionKind : std::uint8_t {
  kConstant,
  kName,
  kNamespaceField,  ///< ns.field as the target of a set
  kList,
  kTuple,
  kDict,       ///< items: key, value, key, value, ...
  kAttribute,  ///< a.name
  kItem,       ///< a[b]
  kSlice,      ///< a[b:c:d], parts may be null
  kCall,
  kFilter,  ///< a | name(items); a is null at the start of a filter block
  kTest,
  kNot,
  kNegate,
  kPlus,
  kBinary,
  kConcat,       ///< items joined by ~
  kCompare,      ///< items and the operators between them
  kAnd,          ///< items
  kOr,           ///< items
  kConditional,  ///< a if b else c; c may be null
};

enum class CompareOp : std::uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kIn, kNotIn };

struct Expression {
  ExpressionKind kind = ExpressionKind::kConstant;
  BinaryOp op = BinaryOp::kAdd;
  std::uint32_t offset = 0;
  Symbol symbol = 0;
  std::string_view name;
  Value constant;
  Expression* a = nullptr;
  Expression* b = nullptr;
  Expression* c = nullptr;
  Expression* d = nullptr;
  std::vector<Expression*> items;
  std::vector<CompareOp> compares;
  std::vector<std::pair<std::string_view, Expression*>> named;
  Expression* star_args = nullptr;
  Expression* star_kwargs = nullptr;
  const FilterSpec* filter = nullptr;  ///< null where the name is unknown and only reaching it is an error
  const TestSpec* test = nullptr;
};

using Body = std::vector<Statement*>;

struct Parameter {
  Symbol symbol;
  std::string_view name;
  Expression* fallback;  ///< may be null
};

/// A macro, or the body of a call block.
struct MacroDefinition {
  std::string_view name;
  std::vector<Parameter> parameters;
  Body body;
  bool uses_varargs = false;
  bool uses_kwargs = false;
  bool uses_caller = false;
};

enum class StatementKind : std::uint8_t {
  kText,
  kPrint,
  kSet,
  kSetBlock,
  kFor,
  kIf,
  kMacro,
  kCallBlock,
  kFilterBlock,
  kWith,
  kScope,
  kBreak,
  kContinue,
};

struct Branch {
  Expression* test;
  Body body;
};

struct Statement {
  StatementKind kind = StatementKind::kText;
  std::uint32_t offset = 0;
  std::string_view text;
  Expression* target = nullptr;  ///< of set and for
  Expression* value = nullptr;   ///< what is set, iterated over, called; a set block's filters
  Expression* condition = nullptr;
  std::vector<Expression*> items;                            ///< printed
  std::vector<std::pair<Expression*, Expression*>> assigns;  ///< of with
  std::vector<Branch> branches;
  Body body;
  Body otherwise;
  bool recursive = false;
  MacroDefinition* macro = nullptr;
  Symbol symbol = 0;  ///< the macro's name
};

struct Program {
  std::string source;  ///< normalized
  std::deque<std::string> strings;
  std::deque<Expression> expressions;
  std::deque<Statement> statements;
  std::deque<MacroDefinition> macros;
  std::vector<std::string_view> symbols;
  Body body;
  // Names that the interpreter itself sets.
  Symbol loop = 0;
  Symbol caller = 0;
  Symbol varargs = 0;
  Symbol kwargs = 0;
};

}  // namespace retort::jinja
