#include "fuzz/seeds.h"

namespace retort::fuzz {

void write_maths_answer_seeds(const SeedWriter& seeds) {
  seeds.write("box", R"(so $x = \boxed{\frac{1}{2}}$ and \boxed{3\sqrt[3]{2}}.)");
  seeds.write("sets", R"(\{1, 2\pm\sqrt5\} \cup (-\infty, 3] \setminus \{0\})");
  seeds.write("relation", R"(1 \le |z| < \frac32, x \in [0, 1), 2x + 3 = 7 \implies x = 2)");
  seeds.write("matrix", R"(\begin{pmatrix} 1 & -\frac12 \\ \sin^2 2x & e^{i\pi} \end{pmatrix}^T)");
  seeds.write("numbers", R"(1,234.50 14{,}916 0.\overline{3} 204_5 1.2e-3 28\% 90^\circ 3\frac{1}{2} 5! \binom{5}{2})");
  seeds.write("prose", R"(The answer is 48 / 2 = 24 clips, $1,200 + $300 = $1,500; **f(x)** = \text{ 2 cm}^2, 12:30)");
  seeds.write("functions", R"(\log_2 8 + \arcsin(1) - \lfloor 2.5 \rfloor \cdot \max(1, 2) |x - |y|| f'(2))");
}

}  // namespace retort::fuzz
