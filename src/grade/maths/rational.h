// Exact fractions, FLINT's, and the answers that are one.
#pragma once

#include <flint/fmpq.h>
#include <optional>
#include <string>

#include "grade/maths/expr.h"

namespace retort::grade {

inline constexpr int kMaxBits = 100'000;  ///< of a numerator or denominator: 9^9^9^9 is not computed

class Rational {
 public:
  Rational() { fmpq_init(value_); }
  explicit Rational(long number) : Rational() { fmpq_set_si(value_, number, 1); }
  Rational(const Rational& other) : Rational() { fmpq_set(value_, other.value_); }
  Rational& operator=(const Rational& other) {
    fmpq_set(value_, other.value_);
    return *this;
  }
  ~Rational() { fmpq_clear(value_); }

  [[nodiscard]] fmpq* get() { return value_; }
  [[nodiscard]] const fmpq* get() const { return value_; }
  [[nodiscard]] bool is_whole() const { return fmpz_is_one(fmpq_denref(value_)) != 0; }
  [[nodiscard]] int sign() const { return fmpq_sgn(value_); }
  [[nodiscard]] bool fits() const {
    return fmpz_bits(fmpq_numref(value_)) <= kMaxBits && fmpz_bits(fmpq_denref(value_)) <= kMaxBits;
  }
  /// A whole number between -limit and limit, if it is one.
  [[nodiscard]] std::optional<long> small(long limit) const;
  [[nodiscard]] std::string text() const;  ///< "-3/4"

  friend bool operator==(const Rational& a, const Rational& b) { return fmpq_equal(a.value_, b.value_) != 0; }

 private:
  fmpq_t value_;
};

/// The digits of a number token, "1000.99" or "1.2e10"; nothing where it is too large.
std::optional<Rational> rational_of_digits(const std::string& digits);

/// What `expr` is worth, if that is a fraction and can be told by arithmetic of fractions alone.
std::optional<Rational> rational_value(const ExprPtr& expr);

}  // namespace retort::grade
