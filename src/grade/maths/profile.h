// Whose conventions an answer is judged by: graders agree on mathematics and differ in what they forgive.
#pragma once

#include <optional>
#include <string_view>

namespace retort::grade {

enum class MathsProfile {
  kMathVerify,  ///< 10% is 0.1; decimals agree once rounded to `digits` places. The default
  kQwen,        ///< decimals agree within 1e-4 of each other; x also as x percent and as 100 x
  kHendrycks,   ///< the spelling alone, once some of LaTeX's variants are told apart no more
  kStrict,      ///< exact: no rounding, no label dropped, an interval is no pair
};

/// "math_verify", "qwen", "hendrycks", "strict"; nothing for another name.
std::optional<MathsProfile> maths_profile_from(std::string_view name);
std::string_view to_string(MathsProfile profile);

enum class SymbolNames {
  kMatter,  ///< f(x) is not f(y)
  kRename,  ///< it is: names are told apart by where they first stand
};

struct MathsRules {
  MathsProfile profile = MathsProfile::kMathVerify;
  int digits = 6;                    ///< decimal places to which kMathVerify rounds
  double relative_tolerance = 1e-4;  ///< by which decimals may differ for kQwen
  SymbolNames symbols = SymbolNames::kMatter;
};

}  // namespace retort::grade
