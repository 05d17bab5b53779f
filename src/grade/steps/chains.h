// The equations that a text writes down: runs of mathematics with "=" in them, in formulas and in prose ("so 48 / 2 =
// 24 clips"), split at their signs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace retort::grade {

/// "12 - 12 + 2 = 2": sides joined by signs, "=" or "~" (about).
struct EquationChain {
  std::vector<std::string> sides;
  std::vector<char> signs;  ///< one less
  std::size_t begin = 0;    ///< bytes of the text it was found in
  std::size_t end = 0;
};

/// At most `most` chains, from the start. Linear in the text.
std::vector<EquationChain> find_chains(std::string_view text, std::size_t most);

/// The numbers of a text as it writes them, without separators: "1234.5". Those within words do not count.
std::vector<std::string> numbers_in(std::string_view text);

}  // namespace retort::grade
