// Brings one file of a repo into blobs/, through broken connections and servers that misbehave.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/error.h"
#include "io/http.h"
#include "io/hub.h"
#include "io/hub_api.h"
#include "io/hub_cache.h"

namespace retort {

/// What all files of one pull share.
struct PullContext {
  const HubSettings& settings;
  const PullRequest& request;
  const HubCache& cache;
  std::string commit;
  std::function<bool()> stop;  ///< thread-safe
};

struct DownloadProgress {
  std::uint64_t have = 0;      ///< bytes of the file on disk; may shrink when it has to start anew
  std::uint64_t received = 0;  ///< bytes since the last call
};

/// Returns when blobs/HASH is there, verified. `file` has its size and hash. On failure the partial file stays for the
/// next try, unless it is known to be wrong.
Status download_file(HttpClient& http, const PullContext& context, const HubFile& file,
                     const std::function<void(const DownloadProgress&)>& on_progress);

/// True if blobs/HASH is there in its full size.
bool is_downloaded(const HubCache& cache, const HubFile& file);

}  // namespace retort
