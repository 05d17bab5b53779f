#include "grade/maths/words.h"

#include <algorithm>
#include <array>

namespace retort::grade {
namespace {

constexpr auto kUnits = std::to_array<std::string_view>(
    {"acres",     "apples",     "books",  "boxes",  "cent",   "centimeter", "centimeters", "centimetre", "cents",
     "cm",        "cubic",      "cups",   "day",    "days",   "deg",        "degree",      "degrees",    "dollar",
     "dollars",   "dozen",      "euros",  "feet",   "foot",   "ft",         "gallon",      "gallons",    "gram",
     "grams",     "hour",       "hours",  "hr",     "hrs",    "inch",       "inches",      "items",      "kg",
     "kilograms", "kilometers", "km",     "kmh",    "kph",    "lb",         "lbs",         "liter",      "liters",
     "litres",    "meter",      "meters", "metre",  "metres", "mg",         "mi",          "mile",       "miles",
     "minute",    "minutes",    "mins",   "ml",     "mm",     "month",      "months",      "mph",        "ounces",
     "oz",        "people",     "per",    "pieces", "points", "pound",      "pounds",      "rad",        "radians",
     "second",    "seconds",    "secs",   "sq",     "square", "squared",    "students",    "times",      "unit",
     "units",     "usd",        "ways",   "week",   "weeks",  "yard",       "yards",       "year",       "years",
     "yuan"});

constexpr auto kLayout = std::to_array<std::string_view>(
    {"Big",          "Bigg",           "Biggl",  "Biggr",  "Bigl",        "Bigr",       "big",
     "bigg",         "biggl",          "biggr",  "bigl",   "bigr",        "bm",         "boldsymbol",
     "displaystyle", "hfill",          "hline",  "left",   "limits",      "mathbf",     "mathcal",
     "mathit",       "mathop",         "mathrm", "mathsf", "middle",      "nolimits",   "operatorname",
     "qquad",        "quad",           "right",  "rm",     "scriptstyle", "small",      "textstyle",
     "vec",          "overrightarrow", "hat",    "bf",     "it",          "mathnormal", "nonumber",
     "notag"});

constexpr auto kText = std::to_array<std::string_view>(
    {"mbox", "text", "textbf", "textit", "textmd", "textnormal", "textrm", "textsc", "textsf", "texttt", "textup"});

template <std::size_t kCount>
bool holds(const std::array<std::string_view, kCount>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

bool is_unit_word(std::string_view word) { return holds(kUnits, word); }
bool is_layout_command(std::string_view command) { return holds(kLayout, command); }
bool is_text_command(std::string_view command) { return holds(kText, command); }

}  // namespace retort::grade
