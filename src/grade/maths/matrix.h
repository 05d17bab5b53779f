// Sums, products and multiples of matrices, worked out cell by cell.
#pragma once

#include "core/error.h"
#include "grade/maths/expr.h"

namespace retort::grade {

/// `expr` with its operations on matrices done: one matrix, or an expression without any. kInvalidArgument where shapes
/// do not fit or a function takes no matrix; kOutOfRange for products of large ones.
Expected<ExprPtr> work_out_matrices(const ExprPtr& expr);

}  // namespace retort::grade
