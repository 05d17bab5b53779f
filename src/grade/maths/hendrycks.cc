#include "grade/maths/hendrycks.h"

#include <cctype>

namespace retort::grade {
namespace {

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

bool all_digits(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) return false;
  }
  return true;
}

/// "\frac12" and "\frac1{2}" as "\frac{1}{2}".
std::string with_fraction_braces(const std::string& text) {
  constexpr std::string_view kFrac = "\\frac";
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text.compare(at, kFrac.size(), kFrac) != 0) {
      out += text[at++];
      continue;
    }
    out += kFrac;
    at += kFrac.size();
    for (int side = 0; side < 2 && at < text.size() && text[at] != '{'; ++side) {
      out += '{';
      out += text[at++];
      out += '}';
    }
  }
  return out;
}

/// "\sqrt3" as "\sqrt{3}".
std::string with_root_braces(const std::string& text) {
  constexpr std::string_view kSqrt = "\\sqrt";
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text.compare(at, kSqrt.size(), kSqrt) != 0) {
      out += text[at++];
      continue;
    }
    out += kSqrt;
    at += kSqrt.size();
    if (at < text.size() && text[at] != '{' && text[at] != '[') {
      out += '{';
      out += text[at++];
      out += '}';
    }
  }
  return out;
}

void drop_right_unit(std::string& text) {
  const std::size_t at = text.find("\\text{ ");
  if (at != std::string::npos) text.resize(at);
}

}  // namespace

std::string hendrycks_form(std::string_view answer) {
  std::string text(answer);
  replace_all(text, "\n", "");
  replace_all(text, "\\!", "");
  replace_all(text, "\\\\", "\\");
  replace_all(text, "tfrac", "frac");
  replace_all(text, "dfrac", "frac");
  replace_all(text, "\\left", "");
  replace_all(text, "\\right", "");
  replace_all(text, "^{\\circ}", "");
  replace_all(text, "^\\circ", "");
  replace_all(text, "\\$", "");
  drop_right_unit(text);
  replace_all(text, "\\%", "");
  replace_all(text, "%", "");
  replace_all(text, " .", " 0.");
  replace_all(text, "{.", "{0.");
  if (text.starts_with(".")) text.insert(0, "0");
  if (const std::size_t equals = text.find('='); equals <= 2 && text.find('=', equals + 1) == std::string::npos) {
    text.erase(0, equals + 1);
  }
  text = with_root_braces(text);
  replace_all(text, " ", "");
  text = with_fraction_braces(text);
  if (text == "0.5") text = "\\frac{1}{2}";
  if (const std::size_t slash = text.find('/');
      slash != std::string::npos && text.find('/', slash + 1) == std::string::npos) {
    const std::string above = text.substr(0, slash);
    const std::string below = text.substr(slash + 1);
    const bool negative = above.starts_with("-");
    if (all_digits(std::string_view(above).substr(negative ? 1 : 0)) && all_digits(below)) {
      text = "\\frac{" + above + "}{" + below + "}";
    }
  }
  return text;
}

}  // namespace retort::grade
