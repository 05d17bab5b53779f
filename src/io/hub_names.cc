#include "io/hub_names.h"

#include <algorithm>

#include "io/hub.h"

namespace retort {
namespace {

// ASCII only, whatever the locale.
bool is_alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool is_hex_of(std::string_view text, std::size_t length) {
  return text.size() == length && std::all_of(text.begin(), text.end(), is_hex);
}

// One half of a repo id.
bool is_repo_part(std::string_view part) {
  constexpr std::size_t kMaxPart = 96;  // the hub's limit
  const auto inner = [](char c) { return is_alnum(c) || c == '_' || c == '-' || c == '.'; };
  const auto edge = [](char c) { return is_alnum(c) || c == '_'; };
  return !part.empty() && part.size() <= kMaxPart && std::all_of(part.begin(), part.end(), inner) &&
         edge(part.front()) && edge(part.back());
}

// Calls visit(part) for each part between slashes until it returns false; true if it never did.
template <typename Visit>
bool all_parts(std::string_view path, Visit visit) {
  while (true) {
    const auto slash = path.find('/');
    if (!visit(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

bool looks_like_repo_id(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  // "--" separates the parts of the folder's name in the cache, so it may not occur within one.
  return is_repo_part(text.substr(0, slash)) && is_repo_part(text.substr(slash + 1)) &&
         text.find("--") == std::string_view::npos && text.find("..") == std::string_view::npos &&
         !text.ends_with(".git");
}

Status check_revision(std::string_view revision) {
  constexpr std::size_t kMaxRevision = 255;
  constexpr std::string_view kForbidden = " ~^:?*[\\";  // as git check-ref-format has it
  const bool characters = std::all_of(revision.begin(), revision.end(), [&](char c) {
    return c > 0x20 && c < 0x7f && kForbidden.find(c) == std::string_view::npos;
  });
  const bool parts = all_parts(revision, [](std::string_view part) {
    return !part.empty() && !part.starts_with('.') && !part.ends_with('.') && !part.ends_with(".lock");
  });
  if (!revision.empty() && revision.size() <= kMaxRevision && characters && parts && !revision.starts_with('-') &&
      revision.find("..") == std::string_view::npos && revision.find("@{") == std::string_view::npos) {
    return {};
  }
  return fail(ErrorCode::kInvalidArgument, "revision '{}' is not a branch, tag or commit that git could have",
              shown_name(revision));
}

Status check_repo_path(std::string_view path) {
  constexpr std::size_t kMaxPath = 1024;
  constexpr std::size_t kMaxPart = 255;  // NAME_MAX of the file systems in use
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorCode::kCorrupt, "the hub lists a file named '{}': {}; nothing was written for it",
                shown_name(path), why);
  };
  if (path.empty()) return refuse("the name is empty");
  if (path.size() > kMaxPath) return refuse(fmt::format("{} bytes, more than {}", path.size(), kMaxPath));
  if (path.front() == '/') return refuse("an absolute path");
  if (std::any_of(path.begin(), path.end(), is_control)) return refuse("it holds control characters");
  std::string_view why;
  all_parts(path, [&](std::string_view part) {
    if (part.empty() || part == "." || part == "..") why = "it has an empty, '.' or '..' part";
    if (part.size() > kMaxPart) why = "a part is longer than 255 bytes";
    return why.empty();
  });
  if (!why.empty()) return refuse(why);
  return {};
}

bool is_git_hash(std::string_view text) { return is_hex_of(text, 40); }
bool is_sha256(std::string_view text) { return is_hex_of(text, 64); }

bool is_blob_name(std::string_view text) {
  constexpr std::size_t kMaxName = 128;
  return !text.empty() && text.size() <= kMaxName && text.front() != '.' &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

std::string shown_name(std::string_view text, std::size_t max_length) {
  std::string shown;
  for (const char c : text) {
    if (shown.size() >= max_length) return shown + "...";
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) {
      shown += fmt::format("\\x{:02x}", byte);
    } else {
      shown += c;
    }
  }
  return shown;
}

std::string url_encoded(std::string_view text, Slash slash) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = is_alnum(c) || c == '-' || c == '_' || c == '.' || c == '~';
    if (plain || (c == '/' && slash == Slash::kKeep)) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace retort
