#include "cli/terminal.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <unistd.h>

#include "io/mapped_file.h"

namespace retort::cli {

Output output_kind(int descriptor) {
  if (isatty(descriptor) == 0) return Output::kFile;
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool plain = (no_color != nullptr && *no_color != '\0') || (term != nullptr && std::strcmp(term, "dumb") == 0);
  return plain ? Output::kPlain : Output::kTerminal;
}

Status write_stdout(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return {};
  return fail(ErrorCode::kIo, "standard output: {}", std::strerror(errno));
}

Expected<std::string> read_stdin() {
  // More than any context holds; a pipe that never ends must not fill the memory.
  constexpr std::size_t kMostBytes = std::size_t{64} << 20;
  std::string text;
  char buffer[65536];
  for (;;) {
    const ssize_t n = read(STDIN_FILENO, buffer, sizeof(buffer));
    if (n == 0) return text;
    if (n < 0 && errno == EINTR) return fail(ErrorCode::kCancelled, "interrupted");
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

std::string styled(Output output, std::string_view style, std::string_view text) {
  if (output != Output::kTerminal) return std::string(text);
  return fmt::format("{}{}{}", style, text, kResetCode);
}

}  // namespace retort::cli
