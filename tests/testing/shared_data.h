// Where the real data, goldens and real checkpoints are, for tests that need them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace retort::testing {

/// `relative` below RETORT_SHARED, or ../shared seen from the project's root. nullopt where it is missing: the test
/// then calls GTEST_SKIP and says which file it wanted.
std::optional<std::filesystem::path> shared_file(std::string_view relative);

/// The real checkpoint "0.5b" or "1.5b": RETORT_REAL_05B / RETORT_REAL_15B, else the file in
/// ~/.cache/retort-real-models.
std::optional<std::filesystem::path> real_model(std::string_view size);

/// Content of a file; of an .xz file, what is in it. Empty on failure.
std::string read_text(const std::filesystem::path& path);

/// Lines of a JSONL file, split on '\n' only, empty ones left out.
std::vector<std::string> read_lines(const std::filesystem::path& path);

}  // namespace retort::testing

/// RETORT_SHARED_OR_SKIP(path, "data/golden/tiny/plain");   declares path, or skips the test saying what is missing.
#define RETORT_SHARED_OR_SKIP(variable, relative)                                                    \
  const auto variable##_found = ::retort::testing::shared_file(relative);                            \
  if (!variable##_found) GTEST_SKIP() << "no shared data: " << (relative) << " (set RETORT_SHARED)"; \
  const std::filesystem::path variable = *variable##_found

/// RETORT_REAL_OR_SKIP(path, "0.5b");
#define RETORT_REAL_OR_SKIP(variable, size)                                                                      \
  const auto variable##_found = ::retort::testing::real_model(size);                                             \
  if (!variable##_found) GTEST_SKIP() << "no real checkpoint of " << (size) << " (set RETORT_REAL_05B or _15B)"; \
  const std::filesystem::path variable = *variable##_found
