// Where things lie in the cache that the Python tools share:
//
//   models--org--name/blobs/HASH              content, under its sha256 (large files) or git's blob hash (small ones)
//   models--org--name/blobs/HASH.incomplete   the same, while it is loading
//   models--org--name/snapshots/COMMIT/path   relative symlink to ../../blobs/HASH
//   models--org--name/refs/REVISION           text: the commit that a branch or tag was last seen at
//   .locks/models--org--name/HASH.lock        flock while HASH is loading
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"

namespace retort {

/// Paths only; makes nothing. `repo`, `revision`, `commit` and hashes must have passed io/hub_names.h.
class HubCache {
 public:
  HubCache(std::filesystem::path root, std::string_view repo);

  [[nodiscard]] std::filesystem::path blob(std::string_view hash) const { return repo_ / "blobs" / hash; }
  [[nodiscard]] std::filesystem::path incomplete(std::string_view hash) const;
  [[nodiscard]] std::filesystem::path lock(std::string_view hash) const;
  [[nodiscard]] std::filesystem::path snapshot(std::string_view commit) const { return repo_ / "snapshots" / commit; }
  [[nodiscard]] std::filesystem::path ref(std::string_view revision) const { return repo_ / "refs" / revision; }
  [[nodiscard]] const std::filesystem::path& repo() const { return repo_; }

  /// The commit that `revision` was last seen at (a commit is itself), or nullopt.
  [[nodiscard]] std::optional<std::string> commit_of(std::string_view revision) const;

  /// Makes the folders, the lock's too.
  [[nodiscard]] Status make_folders() const;
  /// Puts `path` -> blobs/HASH into the snapshot, replacing a link that points elsewhere. `path` passed
  /// check_repo_path.
  [[nodiscard]] Status link(std::string_view commit, std::string_view path, std::string_view hash) const;
  /// Writes refs/REVISION in one step. Nothing to do for a commit.
  [[nodiscard]] Status write_ref(std::string_view revision, std::string_view commit) const;

 private:
  std::filesystem::path root_;
  std::string name_;  // models--org--name
  std::filesystem::path repo_;
};

}  // namespace retort
