#include "cli/input_text.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "io/mapped_file.h"

namespace retort::cli {

Expected<std::string> read_input_text(const std::optional<std::string>& text, const std::optional<std::string>& file) {
  if (text) return *text;
  if (file && *file != "-") {
    RETORT_TRY(const auto mapped, MappedFile::open(*file));
    return std::string(mapped->text());
  }
  std::string content;
  std::array<char, 65536> buffer;
  errno = 0;
  while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), stdin)) {
    content.append(buffer.data(), count);
  }
  if (std::ferror(stdin) != 0) return fail(ErrorCode::kIo, "cannot read standard input: {}", std::strerror(errno));
  return content;
}

}  // namespace retort::cli
