// A whole pull: what the hub lists, what of it is wanted, several files at a time, and at last the snapshot.
#include <algorithm>
#include <atomic>
#include <mutex>
#include <numeric>
#include <system_error>
#include <thread>
#include <utility>

#include "core/log.h"
#include "core/units.h"
#include "io/disk_space.h"
#include "io/download.h"
#include "io/hub.h"
#include "io/hub_api.h"
#include "io/hub_cache.h"
#include "io/hub_names.h"
#include "io/pull_select.h"

namespace retort {
namespace {
namespace fs = std::filesystem;

constexpr int kMaxParallelFiles = 32;

Status check_request(const HubSettings& settings, const PullRequest& request) {
  if (!looks_like_repo_id(request.repo)) {
    return fail(ErrorCode::kInvalidArgument,
                "'{}' is not the name of a repo: expected ORG/NAME, such as Qwen/Qwen2.5-0.5B-Instruct",
                shown_name(request.repo));
  }
  RETORT_TRY_STATUS(check_revision(request.revision));
  if (request.parallel_files < 1 || request.parallel_files > kMaxParallelFiles) {
    return fail(ErrorCode::kInvalidArgument, "{} parallel files: expected 1 to {}", request.parallel_files,
                kMaxParallelFiles);
  }
  RETORT_TRY_STATUS(check_endpoint(settings.endpoint));
  const auto printable = [](char c) { return c > 0x20 && c < 0x7f; };
  if (!std::all_of(settings.token.begin(), settings.token.end(), printable)) {
    return fail(ErrorCode::kInvalidArgument, "the token (HF_TOKEN) holds blanks or characters that no token has");
  }
  return {};
}

Expected<PullResult> pull_offline(const HubSettings& settings, const PullRequest& request) {
  const auto snapshot = find_in_cache(settings, request.repo, request.revision);
  if (!snapshot) {
    return fail(ErrorCode::kNotFound,
                "{} at '{}' is not in the cache {}, and HF_HUB_OFFLINE forbids asking the hub; unset it to load it",
                request.repo, request.revision, settings.cache.string());
  }
  PullResult result{*snapshot, snapshot->filename().string(), {}, 0};
  std::error_code error;
  for (auto entry = fs::recursive_directory_iterator(*snapshot, error);
       !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    if (!entry->is_regular_file(ignored)) continue;
    result.files.push_back({entry->path().lexically_relative(*snapshot).string(), entry->file_size(ignored)});
  }
  std::sort(result.files.begin(), result.files.end(),
            [](const PulledFile& a, const PulledFile& b) { return a.path < b.path; });
  return result;
}

// The threads of one pull, and what they report.
class Team {
 public:
  Team(const PullContext& context, const std::vector<HubFile>& files,
       const std::function<void(const PullProgress&)>& on_progress)
      : context_(context), files_(files), on_progress_(on_progress), done_(files.size()), order_(files.size()) {
    for (const HubFile& file : files) total_ += *file.size;
    // Large ones first, so that the last to finish is a small one.
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::stable_sort(order_.begin(), order_.end(), [&](auto a, auto b) { return *files[a].size > *files[b].size; });
  }

  Status run(int threads) {
    std::vector<std::thread> helpers;
    const auto wanted = std::min(static_cast<std::size_t>(threads), files_.size());
    try {
      while (helpers.size() + 1 < wanted) helpers.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      log(LogLevel::kDebug, "no more threads to be had; loading {} files at a time", helpers.size() + 1);
    }
    work();
    for (auto& helper : helpers) helper.join();
    if (error_) return fail(std::move(*error_));
    return {};
  }

  [[nodiscard]] std::uint64_t received() const { return received_; }
  [[nodiscard]] std::uint64_t on_disk() const { return all_done_; }
  [[nodiscard]] std::uint64_t total() const { return total_; }

 private:
  void work() {
    HttpClient http(context_.settings, [this] { return stopped(); });
    PullContext context = context_;
    context.stop = [this] { return stopped(); };
    while (!stopped()) {
      const std::size_t turn = next_.fetch_add(1);
      if (turn >= order_.size()) return;
      const std::size_t index = order_[turn];
      auto status =
          download_file(http, context, files_[index], [&](const DownloadProgress& progress) { tell(index, progress); });
      if (!status) give_up(std::move(status).error());
    }
  }

  [[nodiscard]] bool stopped() const { return failed_.load() || context_.stop(); }

  // The first error counts: those of the others are mostly that they were told to stop.
  void give_up(Error error) {
    const std::scoped_lock lock(mutex_);
    failed_ = true;
    if (!error_) error_ = std::move(error);
  }

  void tell(std::size_t index, const DownloadProgress& progress) {
    const std::scoped_lock lock(mutex_);
    received_ += progress.received;
    all_done_ += progress.have - done_[index];  // modulo 2^64: right also when it shrinks
    done_[index] = progress.have;
    if (on_progress_) on_progress_({files_[index].path, done_[index], *files_[index].size, all_done_, total_});
  }

  const PullContext& context_;
  const std::vector<HubFile>& files_;
  const std::function<void(const PullProgress&)>& on_progress_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;  // for what follows
  std::vector<std::uint64_t> done_;
  std::vector<std::size_t> order_;
  std::uint64_t all_done_ = 0;
  std::uint64_t total_ = 0;
  std::uint64_t received_ = 0;
  std::optional<Error> error_;
};

// What the missing files will still take.
std::uint64_t missing_bytes(const HubCache& cache, const std::vector<HubFile>& files) {
  std::uint64_t missing = 0;
  for (const HubFile& file : files) {
    if (is_downloaded(cache, file)) continue;
    std::error_code error;
    const auto partial = fs::file_size(cache.incomplete(file.hash), error);
    missing += *file.size - (error || partial > *file.size ? 0 : partial);
  }
  return missing;
}

Status link_snapshot(const PullContext& context, const std::vector<HubFile>& files) {
  for (const HubFile& file : files) RETORT_TRY_STATUS(context.cache.link(context.commit, file.path, file.hash));
  // A file system that takes "A" and "a" for one name would have let one link replace the other.
  for (const HubFile& file : files) {
    std::error_code error;
    const auto target = fs::read_symlink(context.cache.snapshot(context.commit) / file.path, error);
    if (error || target.filename() != file.hash) {
      return fail(ErrorCode::kIo,
                  "{}: this file system cannot hold '{}' beside another file whose name differs only in case",
                  context.request.repo, file.path);
    }
  }
  return context.cache.write_ref(context.request.revision, context.commit);
}

Expected<PullResult> pull_online(const HubSettings& settings, const PullRequest& request,
                                 const std::function<void(const PullProgress&)>& on_progress,
                                 const CancelToken& cancel) {
  const std::function<bool()> stop = [&] { return cancel.cancelled(); };
  HttpClient http(settings, stop);
  HubPatience listing_patience = settings.patience;
  listing_patience.attempts = std::min(listing_patience.attempts, 4);  // nothing has come yet: tell sooner
  Retrier retrier(listing_patience, stop);
  RETORT_TRY(const HubRepo repo, fetch_hub_repo(http, retrier, settings, request));
  RETORT_TRY(auto files, choose_files(repo, request.include, request.repo));
  for (HubFile& file : files) {
    if (!file.hash.empty() && file.size) continue;
    RETORT_TRY_STATUS(complete_hub_file(http, retrier, settings, request, repo.commit, file));
  }

  const HubCache cache(settings.cache, request.repo);
  RETORT_TRY_STATUS(cache.make_folders());
  RETORT_TRY_STATUS(check_free_space(cache.repo(), missing_bytes(cache, files)));
  const PullContext context{settings, request, cache, repo.commit, stop};
  Team team(context, files, on_progress);
  if (auto status = team.run(request.parallel_files); !status) {
    if (!cancel.cancelled()) return fail(std::move(status).error());
    return fail(ErrorCode::kCancelled, "interrupted with {} of {} on disk; the same command goes on from there",
                format_bytes(team.on_disk()), format_bytes(team.total()));
  }
  RETORT_TRY_STATUS(cancel.check());
  RETORT_TRY_STATUS(link_snapshot(context, files));

  PullResult result{cache.snapshot(repo.commit), repo.commit, {}, team.received()};
  for (const HubFile& file : files) result.files.push_back({file.path, *file.size});
  return result;
}

}  // namespace

Expected<PullResult> pull(const HubSettings& settings, const PullRequest& request,
                          const std::function<void(const PullProgress&)>& on_progress, const CancelToken& cancel) {
  RETORT_TRY_STATUS(check_request(settings, request));
  if (settings.offline) return pull_offline(settings, request);
  auto result = pull_online(settings, request, on_progress, cancel);
  if (!result && result.error().code() == ErrorCode::kNetwork) {
    if (const auto cached = find_in_cache(settings, request.repo, request.revision)) {
      return fail(ErrorCode::kNetwork, "{}; the cache has it as it was when last pulled: {}", result.error().message(),
                  cached->string());
    }
  }
  return result;
}

}  // namespace retort
