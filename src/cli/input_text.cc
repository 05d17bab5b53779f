#include "cli/input_text.h"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <unistd.h>

#include "io/mapped_file.h"

namespace retort::cli {

Expected<std::string> read_stdin() {
  constexpr std::size_t kMostBytes = std::size_t{1} << 30;
  std::string text;
  char buffer[65536];
  for (;;) {
    const ssize_t n = read(STDIN_FILENO, buffer, sizeof(buffer));
    if (n == 0) return text;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(ErrorCode::kIo, "standard input: {}", std::strerror(errno));
    text.append(buffer, static_cast<std::size_t>(n));
    if (text.size() > kMostBytes) {
      return fail(ErrorCode::kOutOfRange, "standard input: more than {} MiB, which no context holds", kMostBytes >> 20);
    }
  }
}

Expected<std::string> read_file(const std::string& path) {
  if (path == "-") return read_stdin();
  RETORT_TRY(const auto file, MappedFile::open(path));
  return std::string(file->text());
}

Expected<std::string> read_input_text(const std::optional<std::string>& text, const std::optional<std::string>& file) {
  if (text) return *text;
  return file ? read_file(*file) : read_stdin();
}

}  // namespace retort::cli
