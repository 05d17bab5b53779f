#include "testing/temp_dir.h"

#include <fstream>
#include <stdlib.h>
#include <string>

#include "core/error.h"

namespace retort::testing {
namespace fs = std::filesystem;

TempDir::TempDir() {
  std::string name = (fs::temp_directory_path() / "retort-test-XXXXXX").string();
  RETORT_CHECK(mkdtemp(name.data()) != nullptr, "no temporary folder {}", name);
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path TempDir::write(std::string_view relative, std::string_view content) const {
  const fs::path path = path_ / relative;
  fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  RETORT_CHECK(file.good(), "cannot write {}", path.string());
  return path;
}

}  // namespace retort::testing
