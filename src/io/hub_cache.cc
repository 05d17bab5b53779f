#include "io/hub_cache.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "io/hub.h"
#include "io/hub_names.h"

namespace retort {
namespace fs = std::filesystem;
namespace {

std::string folder_name(std::string_view repo) {
  std::string name = "models--" + std::string(repo);
  if (const auto slash = name.find('/'); slash != std::string::npos) name.replace(slash, 1, "--");
  return name;
}

tl::unexpected<Error> io_error(const fs::path& path, std::string_view doing, int code) {
  return fail(ErrorCode::kIo, "{}: cannot {}: {}", path.string(), doing, std::strerror(code));
}

Status make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return io_error(path, "make the folder", error.value());
  return {};
}

// Makes the folders of `relative` below `base`, refusing to walk through a symlink that leads out of it.
Status make_folders_below(const fs::path& base, const fs::path& relative) {
  fs::path folder = base;
  for (const auto& part : relative) {
    folder /= part;
    if (mkdir(folder.c_str(), 0777) == 0) continue;
    if (errno != EEXIST) return io_error(folder, "make the folder", errno);
    struct stat info {};
    if (lstat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
      return fail(ErrorCode::kIo, "{}: expected a folder here but found something else; remove it and pull again",
                  folder.string());
    }
  }
  return {};
}

}  // namespace

HubCache::HubCache(fs::path root, std::string_view repo)
    : root_(std::move(root)), name_(folder_name(repo)), repo_(root_ / name_) {}

fs::path HubCache::incomplete(std::string_view hash) const {
  return repo_ / "blobs" / (std::string(hash) + ".incomplete");
}

fs::path HubCache::lock(std::string_view hash) const {
  return root_ / ".locks" / name_ / (std::string(hash) + ".lock");
}

std::optional<std::string> HubCache::commit_of(std::string_view revision) const {
  if (is_git_hash(revision)) return std::string(revision);
  std::error_code ignored;
  if (!fs::is_regular_file(ref(revision), ignored)) return std::nullopt;
  std::ifstream file(ref(revision), std::ios::binary);
  std::string text(64, '\0');  // a commit has 40
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (!is_git_hash(text)) return std::nullopt;
  return text;
}

Status HubCache::make_folders() const {
  RETORT_TRY_STATUS(make_folder(repo_ / "blobs"));
  RETORT_TRY_STATUS(make_folder(repo_ / "snapshots"));
  RETORT_TRY_STATUS(make_folder(repo_ / "refs"));
  return make_folder(root_ / ".locks" / name_);
}

Status HubCache::link(std::string_view commit, std::string_view path, std::string_view hash) const {
  const fs::path relative = path;
  const fs::path base = snapshot(commit);
  RETORT_TRY_STATUS(make_folder(base));
  RETORT_TRY_STATUS(make_folders_below(base, relative.parent_path()));

  // One "../" for each folder between the link and models--org--name: snapshots, COMMIT, and those of `path`.
  fs::path target = "../..";
  for (const auto& part : relative.parent_path()) {
    static_cast<void>(part);
    target /= "..";
  }
  target = target / "blobs" / hash;

  const fs::path place = base / relative;
  std::error_code error;
  const fs::path existing = fs::read_symlink(place, error);
  if (!error && existing == target) return {};
  // Made aside and renamed, so that no reader finds the name missing; the rename replaces whatever file was there.
  // Not in the snapshot: what a crash leaves there would count as a file of the repo.
  const fs::path aside = repo_ / fmt::format(".link-{}-{}", gettid(), hash);
  unlink(aside.c_str());
  if (symlink(target.c_str(), aside.c_str()) != 0) return io_error(aside, "make a symlink", errno);
  if (rename(aside.c_str(), place.c_str()) != 0) {
    const int code = errno;
    unlink(aside.c_str());
    return io_error(place, "put the symlink in place", code);
  }
  return {};
}

Status HubCache::write_ref(std::string_view revision, std::string_view commit) const {
  if (revision == commit || commit_of(revision) == commit) return {};
  const fs::path place = ref(revision);
  RETORT_TRY_STATUS(make_folders_below(repo_ / "refs", fs::path(revision).parent_path()));
  const fs::path aside = fmt::format("{}.{}.tmp", place.string(), gettid());
  {
    std::ofstream file(aside, std::ios::binary | std::ios::trunc);
    file << commit;
    file.flush();
    if (!file) return io_error(aside, "write", errno);
  }
  if (rename(aside.c_str(), place.c_str()) != 0) {
    const int code = errno;
    unlink(aside.c_str());
    return io_error(place, "write the ref", code);
  }
  return {};
}

std::optional<fs::path> find_in_cache(const HubSettings& settings, std::string_view repo, std::string_view revision) {
  if (!looks_like_repo_id(repo) || !check_revision(revision)) return std::nullopt;
  const HubCache cache(settings.cache, repo);
  const auto commit = cache.commit_of(revision);
  if (!commit) return std::nullopt;
  const fs::path snapshot = cache.snapshot(*commit);
  std::error_code ignored;
  if (!fs::is_directory(snapshot, ignored)) return std::nullopt;
  return snapshot;
}

}  // namespace retort
