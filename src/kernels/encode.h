// From fp32 to the types that retort writes: the inverse of DequantizeFn, with a search for the scales that lose least.
//
// A block type keeps few bits per value and a scale per group; which scale is best is not a formula. The encoders try a
// number of scales near the one that covers the largest value, round the values with each, compute the scale that fits
// these rounded values best (weighted least squares has a closed form), and keep the best of all. What they minimise is
//
//   sum over i of weight[i] * (x[i] - decoded[i])^2
//
// weight[i] is the importance of column i: the mean square of what is multiplied with it. Then the sum is the expected
// square of the error that a row's product has, where columns are independent.
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace retort {

/// row = x[0..n) encoded; n is a whole number of blocks, all x finite. `weight` [n], none negative, or null for equal
/// weights. The same bits on every machine. Checks nothing.
using EncodeFn = void (*)(const float* x, const float* weight, void* row, std::int64_t n);

/// F32, F16, BF16, Q8_0, Q4_0, Q5_0, Q4_K, Q5_K, Q6_K; null for any other type.
EncodeFn encoder_of(DType dtype);

/// Largest |x| that the type can hold: beyond it a value, or a block's scale, would become infinite.
float largest_encodable(DType dtype);

}  // namespace retort
