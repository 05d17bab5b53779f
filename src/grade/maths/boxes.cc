// \boxed{...} and which of them are one answer.
#include <algorithm>
#include <array>
#include <cctype>

#include "core/ascii.h"
#include "grade/maths/extract.h"

namespace retort::grade {
namespace {

struct Box {
  std::size_t begin;  ///< of the command
  std::size_t end;    ///< behind its brace
  std::string_view content;
};

/// The box whose command ends at `at`; nothing where no brace follows.
std::optional<Box> box_at(std::string_view text, std::size_t begin, std::size_t at) {
  while (at < text.size() && text[at] == ' ') ++at;
  if (at >= text.size() || text[at] != '{') return std::nullopt;
  int depth = 0;
  for (std::size_t i = at; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '{') {
      ++depth;
    } else if (text[i] == '}' && --depth == 0) {
      return Box{begin, i + 1, text.substr(at + 1, i - at - 1)};
    }
  }
  return Box{begin, text.size(), text.substr(at + 1)};
}

std::vector<Box> all_boxes(std::string_view text) {
  std::vector<Box> out;
  std::size_t at = 0;
  while ((at = text.find('\\', at)) != std::string_view::npos) {
    std::size_t behind = 0;
    for (const std::string_view command : {"\\boxed", "\\fbox", "\\framebox"}) {
      if (text.substr(at).starts_with(command)) behind = at + command.size();
    }
    const std::optional<Box> box = behind != 0 ? box_at(text, at, behind) : std::nullopt;
    if (!box) {
      ++at;
      continue;
    }
    if (!trimmed(box->content).empty()) out.push_back(*box);
    at = box->end;
  }
  return out;
}

/// Whether what stands between two boxes makes one answer of them: "and", "or", a comma, and no more than a few words
/// besides.
bool joins(std::string_view between) {
  constexpr std::size_t kMaxBytes = 48;
  constexpr int kMaxWords = 4;
  if (between.size() > kMaxBytes || between.find("approx") != std::string_view::npos) return false;
  int words = 0;
  bool joined = false;
  for (std::size_t i = 0; i < between.size();) {
    const std::size_t first = i;
    while (i < between.size() && std::isalpha(static_cast<unsigned char>(between[i])) != 0) ++i;
    const std::string_view word = between.substr(first, i - first);
    const bool command = first > 0 && between[first - 1] == '\\';
    if (word == "and" || word == "or") joined = true;
    if (!word.empty() && !command) ++words;
    if (!word.empty()) continue;
    if (std::string_view(" \t\r\n,;.$\\[](){}&*").find(between[i]) == std::string_view::npos) return false;
    ++i;
  }
  return words == 0 || (joined && words <= kMaxWords);
}

bool is_approximation(std::string_view content) {
  while (!content.empty() && content.front() == ' ') content.remove_prefix(1);
  return content.starts_with("\\approx");
}

}  // namespace

std::vector<std::string> last_boxes(std::string_view text) {
  std::vector<Box> boxes = all_boxes(text);
  // "exactly \boxed{\sqrt 2}, about \boxed{\approx 1.414}": the first says it.
  while (boxes.size() > 1 &&
         (is_approximation(boxes.back().content) ||
          text.substr(boxes[boxes.size() - 2].end, boxes.back().begin - boxes[boxes.size() - 2].end).find("\\approx") !=
              std::string_view::npos)) {
    boxes.pop_back();
  }
  if (boxes.empty()) return {};
  std::size_t first = boxes.size() - 1;
  while (first > 0 && joins(text.substr(boxes[first - 1].end, boxes[first].begin - boxes[first - 1].end))) --first;
  std::vector<std::string> out;
  for (; first < boxes.size(); ++first) out.emplace_back(boxes[first].content);
  // The same box twice is one answer told twice.
  if (std::all_of(out.begin(), out.end(), [&](const std::string& box) { return box == out.front(); })) out.resize(1);
  return out;
}

}  // namespace retort::grade
