#include "grade/maths/choice.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "core/ascii.h"
#include "grade/maths/extract.h"

namespace retort::grade {
namespace {

using Letter = std::optional<char>;

bool is_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) != 0 || c == '_' || c == '\'';
}

Letter capital_of(char c, std::string_view letters) {
  const char capital = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (letters.find(capital) == std::string_view::npos) return std::nullopt;
  return capital;
}

bool alone(std::string_view text, std::size_t at) {
  return (at == 0 || !is_word(text[at - 1])) && (at + 1 >= text.size() || !is_word(text[at + 1]));
}

/// The first letter, behind what may stand before it.
Letter leading(std::string_view text, std::string_view letters) {
  std::size_t at = 0;
  while (at < text.size() &&
         (is_space(text[at]) || std::string_view(":*($\\[{\"").find(text[at]) != std::string_view::npos)) {
    ++at;
  }
  for (const std::string_view command : {"text{", "boxed{", "mathrm{", "textbf{"}) {
    if (text.substr(std::min(at, text.size())).starts_with(command)) at += command.size();
  }
  while (at < text.size() && text[at] == '(') ++at;
  if (at >= text.size() || !alone(text, at)) return std::nullopt;
  return capital_of(text[at], letters);
}

Letter announced(std::string_view text, std::string_view letters) {
  static constexpr auto kWords =
      std::to_array<std::string_view>({"answer", "réponse", "respuesta", "antwort", "答案", "choice", "option"});
  const std::string small = lower_case(text);
  Letter found;
  std::size_t best = 0;
  for (const std::string_view word : kWords) {
    for (std::size_t at = small.find(word); at != std::string::npos; at = small.find(word, at + 1)) {
      std::string_view rest = text.substr(at + word.size());
      while (!rest.empty() && (rest.front() == ' ' || rest.front() == '*')) rest.remove_prefix(1);
      for (const std::string_view verb :
           {"is ", "is:", "est ", "must be", "would be", "should be", "es ", "ist ", "是", "为", "：", ":", "="}) {
        if (!rest.starts_with(verb)) continue;
        const Letter letter = leading(rest.substr(verb.size()), letters);
        if (letter && at >= best) {
          best = at;
          found = letter;
        }
      }
    }
  }
  return found;
}

/// "B. Because", "(D) Alina", "C Cecile", "c".
Letter at_the_start(std::string_view text, std::string_view letters) {
  text = trimmed(text);
  std::size_t at = 0;
  while (at < text.size() && (is_space(text[at]) || text[at] == '*')) ++at;
  const bool bracket = at < text.size() && text[at] == '(';
  if (bracket) ++at;
  if (at >= text.size() || !alone(text, at)) return std::nullopt;
  const Letter letter = capital_of(text[at], letters);
  if (!letter || at + 1 == text.size()) return letter;
  const char next = text[at + 1];
  const bool punctuated = next == '.' || next == ')' || next == ':' || next == ',' || next == '*' ||
                          static_cast<unsigned char>(next) >= 0x80;
  const bool capital = text[at] == *letter;
  // "A name": the article; "C Cecile": the letter and what it stands for.
  const bool named =
      capital && next == ' ' && at + 2 < text.size() && std::isupper(static_cast<unsigned char>(text[at + 2])) != 0;
  return (punctuated && capital) || named ? letter : std::nullopt;
}

Letter last_in_brackets(std::string_view text, std::string_view letters) {
  for (std::size_t at = text.size(); at-- > 2;) {
    if (text[at] == ')' && text[at - 2] == '(' && letters.find(text[at - 1]) != std::string_view::npos)
      return text[at - 1];
  }
  return std::nullopt;
}

Letter last_alone(std::string_view text, std::string_view letters) {
  for (std::size_t at = text.size(); at-- > 0;) {
    if (letters.find(text[at]) == std::string_view::npos || !alone(text, at)) continue;
    const bool article = text[at] == 'A' && at + 2 < text.size() && text[at + 1] == ' ' &&
                         std::islower(static_cast<unsigned char>(text[at + 2])) != 0 && at != 0;
    if (!article) return text[at];
  }
  return std::nullopt;
}

}  // namespace

std::optional<char> extract_choice(std::string_view response, std::string_view letters) {
  if (const auto boxes = last_boxes(response); !boxes.empty()) {
    if (const Letter letter = leading(boxes.back(), letters)) return letter;
  }
  if (const Letter letter = announced(response, letters)) return letter;
  if (const Letter letter = at_the_start(response, letters)) return letter;
  if (const Letter letter = last_in_brackets(response, letters)) return letter;
  return last_alone(response, letters);
}

}  // namespace retort::grade
