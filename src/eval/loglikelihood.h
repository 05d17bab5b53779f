// Multiple choice by likelihood: the choice that the model would most likely continue with.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace retort::eval {

/// The choice with the greatest log-likelihood; the first of equal ones. `loglikelihoods` in nats, one a choice, not
/// empty; NaN never wins.
std::size_t likeliest(std::span<const double> loglikelihoods);

/// The same with each divided by the bytes of its choice, so that long choices are not at a disadvantage (acc_norm of
/// lm-evaluation-harness). As many `choices` as log-likelihoods; an empty choice counts as one byte.
std::size_t likeliest_by_length(std::span<const double> loglikelihoods, std::span<const std::string> choices);

}  // namespace retort::eval
