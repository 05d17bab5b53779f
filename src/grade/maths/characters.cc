#include "grade/maths/characters.h"

#include <array>
#include <cstdint>
#include <utility>

namespace retort::grade {
namespace {

/// The code point at `at`, which moves behind it; 0 for a byte that begins none.
std::uint32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(at);
  const int more = lead < 0x80 ? 0 : lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc2 ? 1 : -1;
  if (more < 0 || lead > 0xf4 || at + static_cast<std::size_t>(more) >= text.size()) {
    ++at;
    return 0;
  }
  std::uint32_t code = more == 0 ? lead : lead & (0x3fu >> more);
  for (int i = 1; i <= more; ++i) {
    const std::uint8_t next = byte(at + static_cast<std::size_t>(i));
    if ((next & 0xc0) != 0x80) {
      ++at;
      return 0;
    }
    code = code << 6 | (next & 0x3fu);
  }
  at += static_cast<std::size_t>(more) + 1;
  return code;
}

using Spelling = std::pair<std::uint32_t, std::string_view>;
constexpr auto kSpellings = std::to_array<Spelling>({
    {0x00a0, " "},
    {0x00a2, ""},
    {0x00a3, ""},
    {0x00a5, ""},
    {0x00b0, "^\\circ "},
    {0x00b1, "\\pm "},
    {0x00b2, "^2"},
    {0x00b3, "^3"},
    {0x00b7, "*"},
    {0x00b9, "^1"},
    {0x00bc, "(1/4)"},
    {0x00bd, "(1/2)"},
    {0x00be, "(3/4)"},
    {0x00d7, "*"},
    {0x00f7, "/"},
    {0x2009, " "},
    {0x200a, " "},
    {0x200b, ""},
    {0x2010, "-"},
    {0x2011, "-"},
    {0x2012, "-"},
    {0x2013, "-"},
    {0x2014, "-"},
    {0x2018, "'"},
    {0x2019, "'"},
    {0x201c, ""},
    {0x201d, ""},
    {0x2026, "\\ldots "},
    {0x202f, " "},
    {0x2032, "'"},
    {0x2044, "/"},
    {0x2060, ""},
    {0x20ac, ""},
    {0x20b9, ""},
    {0x211a, "\\mathbb{Q}"},
    {0x211d, "\\mathbb{R}"},
    {0x2124, "\\mathbb{Z}"},
    {0x2192, "\\to "},
    {0x21d2, "\\Rightarrow "},
    {0x2205, "\\emptyset "},
    {0x2208, "\\in "},
    {0x2212, "-"},
    {0x2213, "\\mp "},
    {0x2215, "/"},
    {0x2216, "\\setminus "},
    {0x2217, "*"},
    {0x2219, "*"},
    {0x221a, "\\sqrt "},
    {0x221b, "\\cbrt "},
    {0x221e, "\\infty "},
    {0x2223, "|"},
    {0x2229, "\\cap "},
    {0x222a, "\\cup "},
    {0x2236, ":"},
    {0x2248, "\\approx "},
    {0x2260, "\\neq "},
    {0x2264, "\\leq "},
    {0x2265, "\\geq "},
    {0x22c5, "*"},
    {0x2308, "\\lceil "},
    {0x2309, "\\rceil "},
    {0x230a, "\\lfloor "},
    {0x230b, "\\rfloor "},
    {0x27e8, "("},
    {0x27e9, ")"},
    {0x3000, " "},
    {0x3001, ","},
    {0x3002, "."},
    {0x3008, "("},
    {0x3009, ")"},
    {0x3010, "["},
    {0x3011, "]"},
    {0xfeff, ""},
});

constexpr auto kGreek = std::to_array<std::string_view>(
    {"alpha", "beta",   "gamma",   "delta", "epsilon", "zeta",    "eta",  "theta", "iota",
     "kappa", "lambda", "mu",      "nu",    "xi",      "omicron", "pi",   "rho",   "sigma",
     "sigma", "tau",    "upsilon", "phi",   "chi",     "psi",     "omega"});

void append_utf8(std::string_view text, std::size_t first, std::size_t end, std::string& out) {
  out.append(text.substr(first, end - first));
}

}  // namespace

std::string to_plain_characters(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<std::uint8_t>(text[at]) < 0x80) {
      out += text[at++];
      continue;
    }
    const std::size_t first = at;
    const std::uint32_t code = next_code_point(text, at);
    if (code == 0) {
      out += '?';
    } else if (code >= 0xff01 && code <= 0xff5e) {
      out += static_cast<char>(code - 0xfee0);
    } else if (code >= 0x3b1 && code <= 0x3c9) {
      out += '\\';
      out += kGreek[code - 0x3b1];
      out += ' ';
    } else if (code >= 0x2070 && code <= 0x2079) {
      out += '^';
      out += static_cast<char>('0' + (code - 0x2070));
    } else if (code >= 0x2080 && code <= 0x2089) {
      out += '_';
      out += static_cast<char>('0' + (code - 0x2080));
    } else {
      const Spelling* found = nullptr;
      for (const Spelling& spelling : kSpellings) {
        if (spelling.first == code) found = &spelling;
      }
      if (found != nullptr) {
        out += found->second;
      } else {
        append_utf8(text, first, at, out);
      }
    }
  }
  return out;
}

}  // namespace retort::grade
