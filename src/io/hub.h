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

/// How long to wait and how often to try again. The defaults suit the internet; tests shorten them.
struct HubPatience {
  int connect_timeout_ms = 15'000;
  int low_speed_bytes_per_second = 1024;  ///< slower than this ...
  int low_speed_seconds = 30;             ///< ... for this long counts as a broken connection
  int attempts = 6;                       ///< in a row without progress, then the pull fails
  int first_backoff_ms = 500;             ///< doubled for each further attempt, at most max_backoff_ms
  int max_backoff_ms = 30'000;
};

/// Where and as whom: HF_ENDPOINT (or https://huggingface.co; may have a path, as mirrors have), HF_TOKEN or
/// HUGGING_FACE_HUB_TOKEN (or the file HF_TOKEN_PATH, or "token" in HF_HOME), HF_HOME (or ~/.cache/huggingface),
/// HF_HUB_CACHE or HUGGINGFACE_HUB_CACHE, HF_HUB_OFFLINE; certificates from CURL_CA_BUNDLE, SSL_CERT_FILE or
/// REQUESTS_CA_BUNDLE. The token is sent to the endpoint's host only, never to the host that a redirect names.
struct HubSettings {
  std::string endpoint;
  std::string token;
  std::filesystem::path cache;    ///< ".../hub", holding models--org--name/{blobs,refs,snapshots}
  std::filesystem::path ca_file;  ///< a PEM file, or a folder of hashed certificates; empty: the system's
  bool offline = false;
  HubPatience patience = {};
};
HubSettings hub_settings_from_environment();

struct PullRequest {
  std::string repo;                  ///< "org/name"
  std::string revision = "main";     ///< branch, tag or commit
  std::vector<std::string> include;  ///< globs over paths in the repo; empty: everything retort reads
  int parallel_files = 4;            ///< 1 to 32
};

/// State of one file, told as it goes on. Called from several threads, one call at a time.
struct PullProgress {
  std::string_view path;
  std::uint64_t done_bytes = 0;
  std::uint64_t total_bytes = 0;
  std::uint64_t all_done_bytes = 0;  ///< with what was there before
  std::uint64_t all_total_bytes = 0;
};

struct PulledFile {
  std::string path;  ///< in the repo and below the snapshot
  std::uint64_t bytes = 0;
};

struct PullResult {
  std::filesystem::path snapshot;      ///< the folder, ready to be given to Checkpoint::open
  std::string commit;                  ///< what the revision was at that moment; empty when offline and unknown
  std::vector<PulledFile> files;       ///< sorted by path
  std::uint64_t downloaded_bytes = 0;  ///< received by this call
};

/// Resumes partial files (blobs/HASH.incomplete), checks every size and every hash that the hub gives (sha256 of large
/// files, git's blob hash of small ones), gives a file its final name only then, and links the snapshot and writes the
/// ref only when all files are there. Safe against another process pulling the same. When offline it only looks into
/// the cache. kInvalidArgument: repo, revision, include or endpoint; kNotFound: no such repo, revision or file;
/// kCancelled: stopped, to be resumed; kIo: disk full and the like; kNetwork; kCorrupt: what came is not what the hub
/// promised, or the hub's answer is not to be trusted.
Expected<PullResult> pull(const HubSettings& settings, const PullRequest& request,
                          const std::function<void(const PullProgress&)>& on_progress, const CancelToken& cancel);

/// The folder of "org/name" at `revision` in the cache, or nullopt. No network.
std::optional<std::filesystem::path> find_in_cache(const HubSettings& settings, std::string_view repo,
                                                   std::string_view revision = "main");

/// "org/name", characters and lengths as the hub allows.
bool looks_like_repo_id(std::string_view text);

/// True for the three-line text file that `git clone` leaves without LFS in place of a large file. `content` is the
/// whole file, or its mapping: longer than a pointer can be is false at once.
bool is_lfs_pointer(std::string_view content);

/// Paths, relative to `folder` and sorted, of the LFS pointers among its model files (top level only).
std::vector<std::string> list_lfs_pointers(const std::filesystem::path& folder);

/// "FOLDER holds Git LFS pointers instead of files: a, b (3 in all); run ... or ..."
std::string lfs_pointer_message(const std::filesystem::path& folder, const std::vector<std::string>& pointers);

}  // namespace retort
