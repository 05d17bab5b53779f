// What `git clone` without LFS leaves in place of a large file: a text of three lines.
//   version https://git-lfs.github.com/spec/v1
//   oid sha256:<64 hexadecimal digits>
//   size <bytes>
#include <algorithm>
#include <fstream>

#include "io/hub.h"
#include "io/hub_names.h"

namespace retort {
namespace {
namespace fs = std::filesystem;

constexpr std::size_t kMaxPointer = 1024;  // the format's own limit

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool is_lfs_pointer(std::string_view content) {
  if (content.size() > kMaxPointer) return false;
  if (!take_line(content).starts_with("version https://git-lfs.github.com/spec/")) return false;
  bool oid = false;
  bool size = false;
  while (!content.empty()) {
    const std::string_view line = take_line(content);
    constexpr std::string_view kOid = "oid sha256:";
    constexpr std::string_view kSize = "size ";
    if (line.starts_with(kOid)) oid = is_sha256(line.substr(kOid.size()));
    if (line.starts_with(kSize)) size = is_number(line.substr(kSize.size()));
  }
  return oid && size;
}

std::vector<std::string> list_lfs_pointers(const fs::path& folder) {
  std::vector<std::string> pointers;
  std::error_code error;
  for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    std::error_code ignored;
    if (!entry->is_regular_file(ignored) || entry->file_size(ignored) > kMaxPointer || ignored) continue;
    std::ifstream file(entry->path(), std::ios::binary);
    std::string content(kMaxPointer + 1, '\0');
    file.read(content.data(), static_cast<std::streamsize>(content.size()));
    content.resize(static_cast<std::size_t>(file.gcount()));
    if (is_lfs_pointer(content)) pointers.push_back(entry->path().filename().string());
  }
  std::sort(pointers.begin(), pointers.end());
  return pointers;
}

std::string lfs_pointer_message(const fs::path& folder, const std::vector<std::string>& pointers) {
  constexpr std::size_t kNamed = 3;
  std::string names;
  for (std::size_t i = 0; i < std::min(kNamed, pointers.size()); ++i) {
    names += (i == 0 ? "" : ", ") + pointers[i];
  }
  if (pointers.size() > kNamed) names += fmt::format(" and {} more", pointers.size() - kNamed);
  return fmt::format(
      "{} holds Git LFS pointers in place of {} file{}: {}; run 'git lfs pull' in that folder (after 'git lfs "
      "install'), or 'retort pull ORG/NAME' to load the model into the cache",
      folder.string(), pointers.size(), pointers.size() == 1 ? "" : "s", names);
}

}  // namespace retort
