#include "cli/terminal.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <unistd.h>

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

std::string styled(Output output, std::string_view style, std::string_view text) {
  if (output != Output::kTerminal) return std::string(text);
  return fmt::format("{}{}{}", style, text, kResetCode);
}

}  // namespace retort::cli
