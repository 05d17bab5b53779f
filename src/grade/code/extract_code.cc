#include "grade/code/extract_code.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "core/ascii.h"
#include "grade/answer_part.h"

namespace retort::grade {
namespace {

struct Block {
  std::string language;  ///< the first word behind the fence, in lower case
  std::string code;
};

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

struct Fence {
  char mark = 0;  ///< 0: the line is none
  std::size_t length = 0;
  std::size_t indent = 0;
  std::string_view info;
};
// Three or more of one mark, behind blanks only.
Fence fence_of(std::string_view line) {
  const std::size_t indent = std::min(line.find_first_not_of(" \t"), line.size());
  const std::string_view rest = line.substr(indent);
  if (rest.empty() || (rest[0] != '`' && rest[0] != '~')) return {};
  const std::size_t length = std::min(rest.find_first_not_of(rest[0]), rest.size());
  const std::string_view info = rest.substr(length);
  if (length < 3 || (rest[0] == '`' && info.find('`') != std::string_view::npos)) return {};  // ```inline```
  return {rest[0], length, indent, info};
}

std::string first_word(std::string_view info) {
  std::string word;
  for (const char c : info) {
    const bool part = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '_' || c == '-';
    if (part) word += lower_case(c);
    if (!part && !word.empty()) break;
  }
  return word;
}

// A block in a list is indented as its fence is.
std::string_view without_indent(std::string_view line, std::size_t indent) {
  return line.substr(std::min({indent, line.find_first_not_of(" \t"), line.size()}));
}

std::vector<Block> blocks_of(std::string_view text) {
  std::vector<Block> blocks;
  while (!text.empty()) {
    const Fence open = fence_of(take_line(text));
    if (open.mark == 0) continue;
    Block block = {.language = first_word(open.info)};
    while (!text.empty()) {
      std::string_view line = take_line(text);
      const Fence close = fence_of(line);
      if (close.mark == open.mark && close.length >= open.length &&
          close.info.find_first_not_of(" \t\r") == std::string_view::npos) {
        break;
      }
      line = without_indent(line, open.indent);
      if (line.ends_with('\r')) line.remove_suffix(1);
      block.code.append(line).append("\n");
    }
    blocks.push_back(std::move(block));
  }
  return blocks;
}

bool word_at(std::string_view text, std::size_t at, std::size_t length) {
  const auto part = [&](std::size_t i) {
    return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) != 0 || text[i] == '_');
  };
  return (at == 0 || !part(at - 1)) && !part(at + length);
}

// A line, at the margin, that begins the definition of `name`: "def name(", "class name", or C++ "type name(...) {".
bool defines(std::string_view code, std::string_view name, CodeLanguage language) {
  while (!code.empty()) {
    const std::string_view line = take_line(code);
    if (line.empty() || line[0] == ' ' || line[0] == '\t' || line[0] == '#') continue;
    const std::size_t at = line.find(name);
    if (at == std::string_view::npos || !word_at(line, at, name.size())) continue;
    if (language == CodeLanguage::kPython) {
      const std::string_view before = line.substr(0, at);
      if (before == "def " || before == "async def " || before == "class ") return true;
    } else if (line.substr(at + name.size()).find_first_not_of(' ') != std::string_view::npos &&
               line[line.find_first_not_of(' ', at + name.size())] == '(' && at > 0 && !line.ends_with(';')) {
      return true;
    }
  }
  return false;
}

// Where the last function of a prompt begins: at its last "def" at the margin, or, in C++, its last line that is no
// blank.
std::size_t last_function(std::string_view prompt, CodeLanguage language) {
  if (language == CodeLanguage::kPython) {
    const std::size_t at = prompt.starts_with("def ") ? 0 : std::string_view::npos;
    const std::size_t later = prompt.rfind("\ndef ");
    return later != std::string_view::npos ? later + 1 : at;
  }
  const std::size_t end = prompt.find_last_not_of(" \t\r\n");
  if (end == std::string_view::npos) return std::string_view::npos;
  const std::size_t line = prompt.rfind('\n', end);
  return line == std::string_view::npos ? 0 : line + 1;
}

// In C++ a prompt ends with "type name(...) {", and what stands before the bracket is the name.
std::string_view cpp_function_name(std::string_view signature) {
  const std::size_t bracket = signature.find('(');
  if (bracket == std::string_view::npos) return {};
  const std::string_view before = signature.substr(0, bracket);
  const std::size_t end = before.find_last_not_of(' ');
  if (end == std::string_view::npos) return {};
  const std::size_t begin = before.find_last_of(" *&>", end);
  return before.substr(begin == std::string_view::npos ? 0 : begin + 1,
                       end - (begin == std::string_view::npos ? 0 : begin + 1) + 1);
}

}  // namespace

std::optional<std::string> fenced_code(std::string_view response, CodeLanguage language) {
  std::vector<Block> blocks = blocks_of(response);
  if (blocks.empty()) return std::nullopt;
  const auto last = [&](const auto& wanted) { return std::find_if(blocks.rbegin(), blocks.rend(), wanted); };
  auto found = last([&](const Block& block) { return code_language_from(block.language) == language; });
  if (found == blocks.rend()) found = last([](const Block& block) { return block.language.empty(); });
  if (found == blocks.rend()) found = blocks.rbegin();
  return std::move(found->code);
}

std::optional<std::string> code_of_response(std::string_view response, CodeLanguage language) {
  const std::optional<std::string_view> answer = answer_part(response, ThinkPolicy::kStrip);
  if (!answer) return std::nullopt;
  if (std::optional<std::string> code = fenced_code(*answer, language)) return code;
  return std::string(*answer);
}

std::string completed_program(std::string_view prompt, std::string_view code, std::string_view entry_point,
                              CodeLanguage language) {
  const std::size_t function = last_function(prompt, language);
  if (language == CodeLanguage::kCpp && function != std::string_view::npos) {
    const std::string_view name = cpp_function_name(prompt.substr(function));
    if (!name.empty()) entry_point = name;
  }
  const bool whole = !entry_point.empty() && defines(code, entry_point, language);
  const std::string_view before = whole ? prompt.substr(0, std::min(function, prompt.size())) : prompt;
  std::string program(before);
  if (whole && !program.empty() && program.back() != '\n') program += '\n';
  program += code;
  return program;
}

}  // namespace retort::grade
