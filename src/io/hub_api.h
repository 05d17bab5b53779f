// What the hub says about a repo: its commit, and the files with their sizes and hashes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "io/http.h"
#include "io/hub.h"
#include "io/retry.h"

namespace retort {

struct HubFile {
  std::string path;  ///< passed check_repo_path
  std::optional<std::uint64_t> size;
  std::string hash;  ///< its name in blobs/: sha256 (large files), git's blob hash (small), or "" if not told
};

struct HubRepo {
  std::string commit;
  std::vector<HubFile> files;  ///< sorted by path, none twice
};

/// The answer of /api/models/REPO/revision/REVISION?blobs=true. kCorrupt: not what the hub answers, or names of files
/// that no honest hub could list.
Expected<HubRepo> parse_hub_repo(std::string_view json);

/// Asks the hub, with retries. Errors say what to do: spelling, HF_TOKEN, the licence page.
Expected<HubRepo> fetch_hub_repo(HttpClient& http, Retrier& retrier, const HubSettings& settings,
                                 const PullRequest& request);

/// Asks for the size and hash of one file that the listing gave none for (as some mirrors do).
Status complete_hub_file(HttpClient& http, Retrier& retrier, const HubSettings& settings, const PullRequest& request,
                         std::string_view commit, HubFile& file);

/// ENDPOINT/REPO/resolve/COMMIT/PATH
std::string file_url(const HubSettings& settings, std::string_view repo, std::string_view commit,
                     std::string_view path);

/// The failure that a response other than 2xx is. `what` is "org/name" or "org/name: path".
HttpFailure explain_status(const HttpResponse& response, const HubSettings& settings, const PullRequest& request,
                           std::string_view what);

}  // namespace retort
