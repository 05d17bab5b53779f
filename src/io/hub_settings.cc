// What the environment says about the hub, under the names that the Python tools read.
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <initializer_list>
#include <pwd.h>
#include <unistd.h>

#include "core/ascii.h"
#include "io/hub.h"

namespace retort {
namespace {
namespace fs = std::filesystem;

// The first of `names` that is set to something, or "".
std::string first_set(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

fs::path home_folder() {
  if (const std::string home = first_set({"HOME"}); !home.empty()) return home;
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(getuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found && found->pw_dir) {
    return found->pw_dir;
  }
  return ".";
}

// A leading ~ is the home folder: such values come from service files, where no shell has expanded them.
fs::path expand(const std::string& text) {
  if (text == "~") return home_folder();
  if (text.starts_with("~/")) return home_folder() / text.substr(2);
  return text;
}

std::string in_one_line(std::string text) {
  std::erase_if(text, [](char c) { return c == '\r' || c == '\n'; });
  return std::string(trimmed(text));
}

// A token has some 40 characters; whatever is longer than this is some other file.
constexpr std::streamsize kMaxTokenFile = 4096;

std::string read_token_file(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return {};
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxTokenFile, '\0');
  file.read(text.data(), kMaxTokenFile);
  text.resize(static_cast<std::size_t>(file.gcount()));
  return in_one_line(std::move(text));
}

bool is_true(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::toupper(c); });
  return word == "1" || word == "ON" || word == "YES" || word == "TRUE";
}

}  // namespace

HubSettings hub_settings_from_environment() {
  HubSettings settings;

  settings.endpoint = in_one_line(first_set({"HF_ENDPOINT"}));
  if (settings.endpoint.empty()) settings.endpoint = "https://huggingface.co";
  while (settings.endpoint.ends_with('/')) settings.endpoint.pop_back();

  fs::path hf_home = expand(first_set({"HF_HOME"}));
  if (hf_home.empty()) {
    const fs::path caches = expand(first_set({"XDG_CACHE_HOME"}));
    hf_home = (caches.empty() ? home_folder() / ".cache" : caches) / "huggingface";
  }
  settings.cache = expand(first_set({"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}));
  if (settings.cache.empty()) settings.cache = hf_home / "hub";

  settings.token = in_one_line(first_set({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}));
  if (settings.token.empty()) {
    const fs::path file = expand(first_set({"HF_TOKEN_PATH"}));
    settings.token = read_token_file(file.empty() ? hf_home / "token" : file);
  }

  settings.ca_file = expand(first_set({"CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"}));
  settings.offline = is_true(first_set({"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"}));
  return settings;
}

}  // namespace retort
