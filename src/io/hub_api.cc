#include "io/hub_api.h"

#include <algorithm>
#include <limits>

#include "core/json.h"
#include "io/hub_names.h"

namespace retort {
namespace {

// 100,000 files of 320 bytes; the largest model repos have some thousands.
constexpr std::size_t kMaxListing = 32 * 1024 * 1024;
constexpr std::size_t kMaxFiles = 100'000;
constexpr std::int64_t kMaxFileSize = std::int64_t{1} << 50;  // 1 PiB: sums of 100,000 of them stay below 2^67

Expected<HubFile> parse_file(const Json& sibling) {
  HubFile file;
  RETORT_TRY(file.path, json_string(sibling, "rfilename"));
  RETORT_TRY_STATUS(check_repo_path(file.path));
  const auto read_size = [&](const Json& object) -> Status {
    if (json_find(object, "size") == nullptr) return {};
    RETORT_TRY(const auto size, json_int(object, "size", {0, kMaxFileSize}));
    file.size = static_cast<std::uint64_t>(size);
    return {};
  };
  RETORT_TRY_STATUS(read_size(sibling));
  if (const Json* lfs = json_find(sibling, "lfs"); lfs != nullptr && lfs->is_object()) {
    RETORT_TRY(file.hash, json_string(*lfs, "sha256", std::string()));
    if (!file.hash.empty() && !is_sha256(file.hash)) {
      return fail(ErrorCode::kCorrupt, "lfs.sha256 of {} is '{}', not 64 hexadecimal digits", shown_name(file.path),
                  shown_name(file.hash));
    }
    RETORT_TRY_STATUS(read_size(*lfs));
    return file;  // its blobId is the hash of the pointer, not of the content
  }
  RETORT_TRY(file.hash, json_string(sibling, "blobId", std::string()));
  if (!file.hash.empty() && !is_git_hash(file.hash)) {
    return fail(ErrorCode::kCorrupt, "blobId of {} is '{}', not 40 hexadecimal digits", shown_name(file.path),
                shown_name(file.hash));
  }
  return file;
}

}  // namespace

Expected<HubRepo> parse_hub_repo(std::string_view json) {
  RETORT_TRY(const Json answer, parse_json(json, "the hub's listing"));
  HubRepo repo;
  RETORT_TRY(repo.commit, json_string(answer, "sha"));
  if (!is_git_hash(repo.commit)) {
    return fail(ErrorCode::kCorrupt, "the commit is '{}', not 40 hexadecimal digits", shown_name(repo.commit));
  }
  const Json* siblings = json_find(answer, "siblings");
  if (siblings == nullptr || !siblings->is_array()) return fail(ErrorCode::kCorrupt, "it has no list 'siblings'");
  if (siblings->size() > kMaxFiles) {
    return fail(ErrorCode::kCorrupt, "it lists {} files, more than {}", siblings->size(), kMaxFiles);
  }
  for (const Json& sibling : *siblings) {
    RETORT_TRY(auto file, parse_file(sibling));
    repo.files.push_back(std::move(file));
  }
  const auto by_path = [](const HubFile& a, const HubFile& b) { return a.path < b.path; };
  std::sort(repo.files.begin(), repo.files.end(), by_path);
  const auto twice = std::adjacent_find(repo.files.begin(), repo.files.end(),
                                        [](const HubFile& a, const HubFile& b) { return a.path == b.path; });
  if (twice != repo.files.end()) return fail(ErrorCode::kCorrupt, "it lists {} twice", shown_name(twice->path));
  for (const HubFile& file : repo.files) {
    const std::string_view path = file.path;
    for (auto slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
      const HubFile folder{std::string(path.substr(0, slash)), std::nullopt, {}};
      if (!std::binary_search(repo.files.begin(), repo.files.end(), folder, by_path)) continue;
      return fail(ErrorCode::kCorrupt, "it lists {} as a file and as a folder", shown_name(folder.path));
    }
  }
  return repo;
}

std::string file_url(const HubSettings& settings, std::string_view repo, std::string_view commit,
                     std::string_view path) {
  return fmt::format("{}/{}/resolve/{}/{}", settings.endpoint, repo, commit, url_encoded(path, Slash::kKeep));
}

Expected<HubRepo> fetch_hub_repo(HttpClient& http, Retrier& retrier, const HubSettings& settings,
                                 const PullRequest& request) {
  const std::string url = fmt::format("{}/api/models/{}/revision/{}?blobs=true", settings.endpoint, request.repo,
                                      url_encoded(request.revision, Slash::kEncode));
  while (true) {
    std::string listing;
    const HttpSink sink{[](const HttpHead&, const HttpHead&) -> Status { return {}; },
                        [&](std::string_view bytes) -> Status {
                          if (listing.size() + bytes.size() > kMaxListing) {
                            return fail(ErrorCode::kCorrupt, "{}: the hub's listing is longer than {} bytes",
                                        request.repo, kMaxListing);
                          }
                          listing += bytes;
                          return {};
                        }};
    auto response = http.get({url}, sink);
    if (response && response->head.status >= 200 && response->head.status < 300) {
      auto repo = parse_hub_repo(listing);
      if (repo) return repo;
      return fail(std::move(repo).error().within(
          fmt::format("{}: {} did not answer as a hub does", request.repo, shown_url(url))));
    }
    HttpFailure failure =
        response ? explain_status(*response, settings, request, request.repo) : std::move(response).error();
    RETORT_TRY_STATUS(retrier.pause_after(std::move(failure), request.repo));
  }
}

Status complete_hub_file(HttpClient& http, Retrier& retrier, const HubSettings& settings, const PullRequest& request,
                         std::string_view commit, HubFile& file) {
  const std::string what = fmt::format("{}: {}", request.repo, file.path);
  const HttpSink nothing{[](const HttpHead&, const HttpHead&) -> Status { return {}; },
                         [](std::string_view) -> Status { return {}; }};
  while (true) {
    auto response = http.get({file_url(settings, request.repo, commit, file.path), HttpMethod::kHead}, nothing);
    if (response && response->head.status >= 200 && response->head.status < 300) {
      const HttpHead& first = response->first;
      const HttpHead& last = response->head;
      if (file.hash.empty()) file.hash = first.linked_etag.empty() ? last.etag : first.linked_etag;
      if (!file.size) file.size = first.linked_size ? first.linked_size : last.content_length;
      if (!is_blob_name(file.hash)) {
        return fail(ErrorCode::kNetwork, "{}: the hub gives no usable hash for it (ETag '{}')", what,
                    shown_name(file.hash));
      }
      if (!file.size || *file.size > static_cast<std::uint64_t>(kMaxFileSize)) {
        return fail(ErrorCode::kNetwork, "{}: the hub gives no usable size for it", what);
      }
      return {};
    }
    HttpFailure failure = response ? explain_status(*response, settings, request, what) : std::move(response).error();
    RETORT_TRY_STATUS(retrier.pause_after(std::move(failure), file.path));
  }
}

}  // namespace retort
