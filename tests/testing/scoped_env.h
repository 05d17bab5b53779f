// Sets environment variables for one test and puts them back. Not for tests with threads that read the environment.
#pragma once

#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <stdlib.h>
#include <string>
#include <utility>
#include <vector>

namespace retort::testing {

class ScopedEnv {
 public:
  /// nullptr unsets.
  ScopedEnv(std::initializer_list<std::pair<const char*, const char*>> variables) {
    for (const auto& [name, value] : variables) set(name, value);
  }
  ~ScopedEnv() {
    for (auto it = saved_.rbegin(); it != saved_.rend(); ++it) put(it->first.c_str(), it->second);
  }
  ScopedEnv(const ScopedEnv&) = delete;
  ScopedEnv& operator=(const ScopedEnv&) = delete;

  void set(const char* name, const char* value) {
    const char* before = std::getenv(name);
    saved_.emplace_back(name, before ? std::optional<std::string>(before) : std::nullopt);
    put(name, value ? std::optional<std::string>(value) : std::nullopt);
  }

 private:
  static void put(const char* name, const std::optional<std::string>& value) {
    value ? setenv(name, value->c_str(), 1) : unsetenv(name);
  }
  std::vector<std::pair<std::string, std::optional<std::string>>> saved_;
};

}  // namespace retort::testing
