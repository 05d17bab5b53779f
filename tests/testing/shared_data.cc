#include "testing/shared_data.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace retort::testing {
namespace fs = std::filesystem;

std::optional<fs::path> shared_file(std::string_view relative) {
  const char* chosen = std::getenv("RETORT_SHARED");
  const fs::path root = chosen ? fs::path(chosen) : fs::path(RETORT_SOURCE_DIR) / ".." / "shared";
  fs::path path = root / relative;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return std::nullopt;
  return fs::weakly_canonical(path);
}

std::optional<fs::path> real_model(std::string_view size) {
  const char* chosen = std::getenv(size == "0.5b" ? "RETORT_REAL_05B" : "RETORT_REAL_15B");
  fs::path path;
  if (chosen) {
    path = chosen;
  } else {
    const char* cache = std::getenv("XDG_CACHE_HOME");
    const char* home = std::getenv("HOME");
    path = (cache ? fs::path(cache) : fs::path(home ? home : "/") / ".cache") / "retort-real-models" /
           ("qwen2.5-coder-" + std::string(size) + "-instruct-q4_k_m.gguf");
  }
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return std::nullopt;
  return path;
}

std::string read_text(const fs::path& path) {
  if (path.extension() == ".xz") {
    const std::string command = "xz -dc '" + path.string() + "'";
    FILE* pipe = popen(command.c_str(), "r");
    if (!pipe) return {};
    std::string text;
    char buffer[65536];
    for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0;) text.append(buffer, n);
    return pclose(pipe) == 0 ? text : std::string();
  }
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return std::move(content).str();
}

std::vector<std::string> read_lines(const fs::path& path) {
  std::vector<std::string> lines;
  std::istringstream text(read_text(path));
  for (std::string line; std::getline(text, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

}  // namespace retort::testing
