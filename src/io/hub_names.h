// Which names of repos, revisions, files and hashes are fit to become a path on this disk or a part of a URL.
// All of them come from a person or from the hub, and none is trusted.
#pragma once

#include <string>
#include <string_view>

#include "core/error.h"

namespace retort {

/// A branch, tag or commit: printable ASCII without what git forbids in a ref; may hold '/' ("refs/pr/1").
Status check_revision(std::string_view revision);

/// A file's path in a repo: relative, '/' between parts, no part empty, "." or "..", no control characters, valid
/// lengths for a file system (255 bytes a part, 1024 in all). kCorrupt, showing the name escaped.
Status check_repo_path(std::string_view path);

/// 40 lower-case hexadecimal digits: a commit, or git's hash of a blob.
bool is_git_hash(std::string_view text);
/// 64 lower-case hexadecimal digits.
bool is_sha256(std::string_view text);
/// Fit for a file name in blobs/: letters, digits, '-', '_' and '.', not starting with '.', at most 128.
bool is_blob_name(std::string_view text);

/// `text` for an error message: control and non-ASCII bytes as \xNN, cut after about `max_length` characters.
std::string shown_name(std::string_view text, std::size_t max_length = 80);

/// Percent-encoded for a URL's path. Keeps '/' or not.
enum class Slash { kKeep, kEncode };
std::string url_encoded(std::string_view text, Slash slash);

}  // namespace retort
