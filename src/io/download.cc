#include "io/download.h"

#include <utility>

#include "core/log.h"
#include "io/file_lock.h"
#include "io/hub_names.h"
#include "io/partial_file.h"
#include "io/retry.h"

namespace retort {
namespace {

// Whether the endpoint's own headers say that the file is another than the listing said. The ETag of a CDN is its own
// affair, and so may be one with 64 digits, which need not be a sha256 of the content.
bool contradicts(const HubFile& file, const HttpHead& first) {
  if (!first.linked_etag.empty()) {
    if (is_sha256(file.hash)) return is_sha256(first.linked_etag) && first.linked_etag != file.hash;
    if (is_git_hash(file.hash)) return is_git_hash(first.linked_etag) && first.linked_etag != file.hash;
    return first.linked_etag != file.hash;
  }
  if (first.status >= 300 || first.etag.empty() || is_sha256(file.hash)) return false;
  if (is_git_hash(file.hash)) return is_git_hash(first.etag) && first.etag != file.hash;
  return first.etag != file.hash;
}

class Download {
 public:
  Download(HttpClient& http, const PullContext& context, const HubFile& file, PartialFile& partial,
           const std::function<void(const DownloadProgress&)>& on_progress)
      : http_(http), context_(context), file_(file), partial_(partial), on_progress_(on_progress) {}

  // Until the partial file is complete and right.
  Status run() {
    Retrier retrier(context_.settings.patience, context_.stop);
    std::uint64_t best = partial_.have();
    bool inherited = partial_.have() > 0;  // holds bytes of more than one answer
    while (true) {
      if (partial_.have() == partial_.size()) {
        const Status right = partial_.verify();
        if (right) return {};
        RETORT_TRY_STATUS(partial_.restart());
        tell(0);
        if (!std::exchange(inherited, false)) return fail(Error(right.error()).within(file_.path));
        log(LogLevel::kInfo, "{}: what was resumed is not right ({}); loading it anew", file_.path,
            right.error().message());
        best = 0;
        continue;
      }
      auto failure = attempt();
      if (!failure) continue;
      constexpr std::uint64_t kProgress = std::uint64_t{1} << 20;  // less is not worth more patience
      if (partial_.have() >= best + kProgress) {
        best = partial_.have();
        retrier.progressed();
      }
      inherited = inherited || partial_.have() > 0;
      RETORT_TRY_STATUS(retrier.pause_after(std::move(*failure), file_.path));
    }
  }

 private:
  // One request for what is missing. nullopt: all there.
  std::optional<HttpFailure> attempt() {
    asked_from_ = partial_.have();
    useless_range_ = false;
    const HttpSink sink{[this](const HttpHead& head, const HttpHead& first) { return begin(head, first); },
                        [this](std::string_view bytes) { return append(bytes); }};
    const std::string url = file_url(context_.settings, context_.request.repo, context_.commit, file_.path);
    auto response = http_.get({url, HttpMethod::kGet, asked_from_}, sink);
    if (!response) {
      HttpFailure failure = std::move(response).error();
      if (useless_range_) return start_anew(std::move(failure.error));
      return failure;
    }
    const int status = response->head.status;
    if (status == 416 && asked_from_ > 0) {
      return start_anew(
          Error(ErrorCode::kNetwork, fmt::format("the server has nothing from byte {} on (HTTP 416)", asked_from_)));
    }
    if (status < 200 || status >= 300) {
      return explain_status(*response, context_.settings, context_.request,
                            fmt::format("{}: {}", context_.request.repo, file_.path));
    }
    if (partial_.have() == partial_.size()) return std::nullopt;
    return HttpFailure{Error(ErrorCode::kNetwork,
                             fmt::format("the answer ended after {} of {} bytes", partial_.have(), partial_.size())),
                       Retry::kLater};
  }

  Status begin(const HttpHead& head, const HttpHead& first) {
    if (contradicts(file_, first)) {
      return fail(ErrorCode::kCorrupt,
                  "{}: the hub lists it with hash {} but serves it with {}: it changed meanwhile; pull again",
                  file_.path, file_.hash, shown_name(first.linked_etag.empty() ? first.etag : first.linked_etag));
    }
    if (head.status == 206 && asked_from_ > 0) {
      if (head.range_first == asked_from_ && head.encoding.empty() &&
          (!head.range_total || *head.range_total == partial_.size())) {
        return {};
      }
      useless_range_ = true;
      return fail(ErrorCode::kNetwork, "asked for the rest from byte {} on, the server sends something else",
                  asked_from_);
    }
    if (head.status != 200) {
      return fail(ErrorCode::kNetwork, "{}: HTTP {} in answer to a download", file_.path, head.status);
    }
    if (asked_from_ > 0) {  // it ignores ranges
      RETORT_TRY_STATUS(partial_.restart());
      tell(0);
    }
    if (head.encoding.empty() && head.content_length && *head.content_length != partial_.size()) {
      return fail(ErrorCode::kCorrupt, "{}: the hub says {} bytes but the server has {}; pull again later", file_.path,
                  partial_.size(), *head.content_length);
    }
    return {};
  }

  Status append(std::string_view bytes) {
    if (auto status = partial_.append(bytes); !status) {
      if (status.error().code() != ErrorCode::kCorrupt) return status;
      // Too long: nothing of it is to be trusted.
      RETORT_TRY_STATUS(partial_.restart());
      return fail(std::move(status).error().within(file_.path));
    }
    tell(bytes.size());
    return {};
  }

  HttpFailure start_anew(Error why) {
    if (auto status = partial_.restart(); !status) return {std::move(status).error()};
    tell(0);
    return {std::move(why), Retry::kLater};
  }

  void tell(std::uint64_t received) { on_progress_({partial_.have(), received}); }

  HttpClient& http_;
  const PullContext& context_;
  const HubFile& file_;
  PartialFile& partial_;
  const std::function<void(const DownloadProgress&)>& on_progress_;
  std::uint64_t asked_from_ = 0;
  bool useless_range_ = false;
};

}  // namespace

bool is_downloaded(const HubCache& cache, const HubFile& file) {
  std::error_code error;
  const auto blob = cache.blob(file.hash);
  return std::filesystem::is_regular_file(blob, error) && std::filesystem::file_size(blob, error) == file.size &&
         !error;
}

Status download_file(HttpClient& http, const PullContext& context, const HubFile& file,
                     const std::function<void(const DownloadProgress&)>& on_progress) {
  if (!is_downloaded(context.cache, file)) {
    RETORT_TRY(const auto lock, FileLock::acquire(context.cache.lock(file.hash), context.stop));
    // Whoever had the lock before may have brought it.
    if (!is_downloaded(context.cache, file)) {
      RETORT_TRY(auto partial,
                 PartialFile::open(context.cache.incomplete(file.hash), *file.size, file.hash, context.stop));
      on_progress({partial.have(), 0});
      Status done = Download(http, context, file, partial, on_progress).run();
      if (!done) {
        if (partial.have() == 0) partial.discard();
        if (done.error().code() == ErrorCode::kCorrupt)
          return fail(std::move(done).error().within(context.request.repo));
        return done;
      }
      RETORT_TRY_STATUS(partial.publish(context.cache.blob(file.hash)));
    }
  }
  on_progress({*file.size, 0});
  return {};
}

}  // namespace retort
