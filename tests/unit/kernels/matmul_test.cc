// Weights times activations: near the exact sums, and the same bits alone as in any batch.
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "fixtures.h"

namespace retort {
namespace {

using testing::bits_of;
using testing::KernelTest;

class Matmul : public KernelTest {
 protected:
  void run(DType dtype, const MatmulArgs& args) const { table().matmul[static_cast<int>(dtype)](args); }
};
RETORT_FOR_ALL_TABLES(Matmul);

/// Activations and outputs with gaps between tokens, the outputs filled with a number that must survive in the gaps.
struct MatmulCase {
  MatmulCase(std::mt19937& random, DType type, std::int64_t tokens, std::int64_t rows, std::int64_t columns)
      : dtype(type),
        w(testing::random_weights(random, type, rows, columns)),
        x(testing::random_floats(random, 1 + (tokens - 1) * (columns + 3) + columns)),
        y(1 + tokens * (rows + 5), kUntouched),
        args{w.data(), x.data() + 1, y.data() + 1, tokens, rows, columns, columns + 3, rows + 5} {}

  static constexpr float kUntouched = 12345.0f;
  DType dtype;
  std::vector<char> w;
  std::vector<float> x;
  std::vector<float> y;
  MatmulArgs args;
};

void expect_near_exact(const MatmulCase& c) {
  const MatmulArgs& a = c.args;
  for (std::int64_t r = 0; r < a.rows; ++r) {
    const auto row = testing::ref_row(c.dtype, c.w.data() + r * *row_bytes(c.dtype, a.columns), a.columns);
    for (std::int64_t t = 0; t < a.tokens; ++t) {
      const testing::ExactSum exact = testing::exact_dot(row.data(), a.x + t * a.x_stride, a.columns);
      ASSERT_NEAR(a.y[t * a.y_stride + r], exact.sum, testing::dot_tolerance(exact, a.columns))
          << to_string(c.dtype) << " [" << a.tokens << ", " << a.rows << ", " << a.columns << "] token " << t << " row "
          << r;
    }
  }
  EXPECT_EQ(c.y[0], MatmulCase::kUntouched);
  for (std::int64_t t = 0; t < a.tokens; ++t) {
    for (std::int64_t r = a.rows; r < a.y_stride; ++r) ASSERT_EQ(a.y[t * a.y_stride + r], MatmulCase::kUntouched);
  }
}

TEST_P(Matmul, NearTheExactSumForEveryTypeAndShape) {
  std::mt19937 random(3);
  for (const DType dtype : testing::weight_dtypes()) {
    const std::int64_t block = dtype_info(dtype).block_elements;
    for (const std::int64_t tokens : {1, 2, 3, 5, 7, 13}) {
      for (const std::int64_t rows : {1, 3, 4, 9}) {
        for (const std::int64_t columns : {std::int64_t{1}, std::int64_t{3}, std::int64_t{5}}) {
          MatmulCase c(random, dtype, tokens, rows, block == 1 ? 17 * columns : block * columns);
          run(dtype, c.args);
          expect_near_exact(c);
        }
      }
    }
  }
}

TEST_P(Matmul, EveryTailOfColumns) {
  std::mt19937 random(4);
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kF8E4M3, DType::kI8}) {
    for (std::int64_t columns = 0; columns <= 70; ++columns) {
      for (const std::int64_t tokens : {1, 4}) {
        MatmulCase c(random, dtype, tokens, 5, columns);
        run(dtype, c.args);
        expect_near_exact(c);
      }
    }
  }
}

// More columns than a panel, more tokens than a chunk, and neither a multiple of the tiles.
TEST_P(Matmul, AcrossPanelsAndChunks) {
  std::mt19937 random(5);
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kQ5_0, DType::kQ4_K, DType::kQ6_K}) {
    const std::int64_t columns = dtype == DType::kF32 || dtype == DType::kBF16 ? 1301 : 1280;
    for (const std::int64_t tokens : {1, 96, 97, 200}) {
      MatmulCase c(random, dtype, tokens, 11, columns);
      run(dtype, c.args);
      expect_near_exact(c);
    }
  }
}

// The promise of the engine rests on this: a token's bits do not depend on what is computed beside it.
TEST_P(Matmul, ATokenHasTheSameBitsAloneAndInAnyBatch) {
  std::mt19937 random(6);
  for (const DType dtype : testing::weight_dtypes()) {
    const std::int64_t columns = is_block_quantized(dtype) ? 768 : 771;
    constexpr std::int64_t kTokens = 101;
    constexpr std::int64_t kRows = 13;
    MatmulCase all(random, dtype, kTokens, kRows, columns);
    run(dtype, all.args);
    for (const std::int64_t tokens : {1, 2, 3, 4, 5, 6, 7, 8, 50, 97}) {
      for (const std::int64_t first : {std::int64_t{0}, kTokens - tokens}) {
        // Other rows before and after it too: the work of a layer is divided among threads by rows.
        for (const std::int64_t row : {0, 2}) {
          std::vector<float> y(tokens * kRows);
          MatmulArgs part = all.args;
          part.w = all.w.data() + row * *row_bytes(dtype, columns);
          part.rows = kRows - 2 * row;
          part.x += first * part.x_stride;
          part.y = y.data();
          part.y_stride = kRows;
          part.tokens = tokens;
          run(dtype, part);
          for (std::int64_t t = 0; t < tokens; ++t) {
            for (std::int64_t r = 0; r < part.rows; ++r) {
              ASSERT_EQ(bits_of(y[t * kRows + r]), bits_of(all.args.y[(first + t) * all.args.y_stride + row + r]))
                  << to_string(dtype) << " tokens " << tokens << " token " << first + t << " row " << row + r;
            }
          }
        }
      }
    }
  }
}

TEST_P(Matmul, NanAndInfinityStayInTheirToken) {
  std::mt19937 random(7);
  for (const std::int64_t columns : {64, 75}) {
    MatmulCase c(random, DType::kF32, 5, 9, columns);
    c.x[1 + 2 * c.args.x_stride + columns - 1] = std::numeric_limits<float>::quiet_NaN();
    c.x[1 + 3 * c.args.x_stride + columns - 1] = std::numeric_limits<float>::infinity();
    run(DType::kF32, c.args);
    for (std::int64_t t = 0; t < 5; ++t) {
      for (std::int64_t r = 0; r < 9; ++r) {
        const float y = c.args.y[t * c.args.y_stride + r];
        if (t == 2) {
          EXPECT_TRUE(std::isnan(y));
        } else {
          EXPECT_EQ(std::isinf(y), t == 3) << y;
        }
      }
    }
  }
}

TEST_P(Matmul, NoTokensOrNoRowsIsNothing) {
  std::mt19937 random(8);
  MatmulCase c(random, DType::kQ8_0, 2, 2, 64);
  MatmulArgs none = c.args;
  none.tokens = 0;
  run(DType::kQ8_0, none);
  none = c.args;
  none.rows = 0;
  run(DType::kQ8_0, none);
  for (const float y : c.y) EXPECT_EQ(y, MatmulCase::kUntouched);
}

}  // namespace
}  // namespace retort
