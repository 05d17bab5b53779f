// Downloads from a Hugging Face-compatible hub into the cache that the Python tools share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/cancel.h"
#include "core/error.h"

namespace retort {

/// Where and as whom: HF_ENDPOINT (or https://huggingface.co), HF_TOKEN (or the token file in HF_HOME), HF_HOME (or
/// ~/.cache/huggingface), HF_HUB_CACHE, HF_HUB_OFFLINE. The token is sent to the endpoint's host only, never to the
/// host that a redirect names.
struct HubSettings {
  std::string endpoint;
  std::string token;
  std::filesystem::path cache;  ///< ".../hub", holding models--org--name/{blobs,refs,snapshots}
  bool offline = false;
};
HubSettings hub_settings_from_environment();

struct PullRequest {
  std::string repo;                  ///< "org/name"
  std::string revision = "main";     ///< branch, tag or commit
  std::vector<std::string> include;  ///< globs over paths in the repo; empty: everything retort reads
  int parallel_files = 4;
};

/// State of one file, told as it goes on. Called from several threads, one call at a time.
struct PullProgress {
  std::string_view path;
  std::uint64_t done_bytes = 0;
  std::uint64_t total_bytes = 0;
  std::uint64_t all_done_bytes = 0;
  std::uint64_t all_total_bytes = 0;
};

/// Returns the snapshot folder. Resumes partial files (blobs/HASH.incomplete), checks every size and every sha256 that
/// the hub gives, and gives a file its final name only then. Safe against another process pulling the same.
Expected<std::filesystem::path> pull(const HubSettings& settings, const PullRequest& request,
                                     const std::function<void(const PullProgress&)>& on_progress,
                                     const CancelToken& cancel);

/// The folder of "org/name" at `revision` in the cache, or nullopt. No network.
std::optional<std::filesystem::path> find_in_cache(const HubSettings& settings, std::string_view repo,
                                                   std::string_view revision = "main");

/// "org/name", characters and lengths as the hub allows.
bool looks_like_repo_id(std::string_view text);

/// True for the three-line text file that `git clone` leaves without LFS in place of a large file.
bool is_lfs_pointer(std::string_view content);

}  // namespace retort
