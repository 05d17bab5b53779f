// Kernels on activations.
#include <cmath>
#include <limits>

#include "kernels/ref/ref.h"

namespace retort::ref {
namespace {

void rms_norm(const float* x, const float* weight, float* y, std::int64_t n, float eps) {
  const float mean_square = dot(x, x, n) / static_cast<float>(n);
  const float scale = 1.0f / std::sqrt(mean_square + eps);
  for (std::int64_t i = 0; i < n; ++i) y[i] = x[i] * scale * weight[i];
}

void rope(float* x, const float* cos, const float* sin, std::int64_t head_dim) {
  const std::int64_t half = head_dim / 2;
  for (std::int64_t i = 0; i < half; ++i) {
    const float a = x[i];
    const float b = x[i + half];
    x[i] = a * cos[i] - b * sin[i];
    x[i + half] = b * cos[i] + a * sin[i];
  }
}

void silu_mul(float* gate, const float* up, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) gate[i] = gate[i] / (1.0f + std::exp(-gate[i])) * up[i];
}

void add(float* y, const float* x, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] += x[i];
}

void axpy(float* y, const float* x, float a, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] += a * x[i];
}

std::int64_t argmax(const float* x, std::int64_t n) {
  std::int64_t best = 0;
  float best_value = -std::numeric_limits<float>::infinity();
  bool found = false;  // so that -infinity still wins against NaN
  for (std::int64_t i = 0; i < n; ++i) {
    if (x[i] > best_value || (!found && x[i] == best_value)) {
      best = i;
      best_value = x[i];
      found = true;
    }
  }
  return best;
}

double log_sum_exp(const float* x, std::int64_t n) {
  float max = -std::numeric_limits<float>::infinity();
  for (std::int64_t i = 0; i < n; ++i) {
    if (std::isnan(x[i])) return std::numeric_limits<double>::quiet_NaN();
    if (x[i] > max) max = x[i];
  }
  if (std::isinf(max)) return max;  // all are -infinity, or one is +infinity: nothing to shift by
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += std::exp(static_cast<double>(x[i]) - static_cast<double>(max));
  return static_cast<double>(max) + std::log(sum);
}

}  // namespace

void fill_ops(KernelTable& table) {
  table.rms_norm = rms_norm;
  table.rope = rope;
  table.silu_mul = silu_mul;
  table.add = add;
  table.axpy = axpy;
  table.argmax = argmax;
  table.log_sum_exp = log_sum_exp;
}

}  // namespace retort::ref
