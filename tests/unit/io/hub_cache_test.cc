#include "io/hub_cache.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <string>

#include "io/hub.h"
#include "testing/shared_data.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {
namespace fs = std::filesystem;
using testing::TempDir;

const std::string kCachedCommit(40, 'c');
const std::string kHash(64, 'b');

HubSettings settings_for(const TempDir& folder) {
  HubSettings settings;
  settings.cache = folder.path();
  return settings;
}

TEST(HubCache, FindsWhatThePythonToolsLeave) {
  const TempDir folder;
  folder.write("models--org--name/refs/main", kCachedCommit);
  folder.write("models--org--name/refs/refs/pr/1", kCachedCommit + "\n");
  folder.write("models--org--name/snapshots/" + kCachedCommit + "/config.json", "{}");
  const auto settings = settings_for(folder);
  const fs::path snapshot = folder.path() / "models--org--name/snapshots" / kCachedCommit;
  EXPECT_EQ(find_in_cache(settings, "org/name"), snapshot);
  EXPECT_EQ(find_in_cache(settings, "org/name", "refs/pr/1"), snapshot);
  EXPECT_EQ(find_in_cache(settings, "org/name", kCachedCommit), snapshot);
  EXPECT_EQ(find_in_cache(settings, "org/name", "other"), std::nullopt);
  EXPECT_EQ(find_in_cache(settings, "org/name", std::string(40, 'd')), std::nullopt);
  EXPECT_EQ(find_in_cache(settings, "org/other"), std::nullopt);
}

TEST(HubCache, HostileNamesAndRefsFindNothing) {
  const TempDir folder;
  folder.write("models--org--name/refs/main", "../../../../etc");
  folder.write("models--org--name/refs/long", std::string(100'000, 'a'));
  folder.write("models--org--name/refs/empty", "");
  folder.write("models--org--name/refs/dangling", kCachedCommit);
  const auto settings = settings_for(folder);
  for (const auto* revision : {"main", "long", "empty", "dangling", "../main", "..", "", "/etc/passwd"}) {
    EXPECT_EQ(find_in_cache(settings, "org/name", revision), std::nullopt) << revision;
  }
  for (const auto* repo : {"../org/name", "org", "", "org/../name"}) {
    EXPECT_EQ(find_in_cache(settings, repo), std::nullopt) << repo;
  }
}

TEST(HubCache, LinksAreRelativeAndReplaced) {
  const TempDir folder;
  const HubCache cache(folder.path(), "org/name");
  ASSERT_TRUE(cache.make_folders());
  folder.write("models--org--name/blobs/" + kHash, "content");
  ASSERT_TRUE(cache.link(kCachedCommit, "config.json", kHash));
  ASSERT_TRUE(cache.link(kCachedCommit, "sub/folder/x.json", kHash));
  const fs::path snapshot = cache.snapshot(kCachedCommit);
  EXPECT_EQ(fs::read_symlink(snapshot / "config.json"), "../../blobs/" + kHash);
  EXPECT_EQ(fs::read_symlink(snapshot / "sub/folder/x.json"), "../../../../blobs/" + kHash);
  EXPECT_EQ(testing::read_text(snapshot / "config.json"), "content");
  EXPECT_EQ(testing::read_text(snapshot / "sub/folder/x.json"), "content");

  const std::string other(40, 'e');
  folder.write("models--org--name/blobs/" + other, "newer");
  ASSERT_TRUE(cache.link(kCachedCommit, "config.json", other));
  EXPECT_EQ(testing::read_text(snapshot / "config.json"), "newer");
}

TEST(HubCache, DoesNotWalkThroughASymlinkOutOfTheSnapshot) {
  const TempDir folder;
  const TempDir elsewhere;
  const HubCache cache(folder.path(), "org/name");
  ASSERT_TRUE(cache.make_folders());
  fs::create_directories(cache.snapshot(kCachedCommit));
  fs::create_directory_symlink(elsewhere.path(), cache.snapshot(kCachedCommit) / "sub");
  const auto status = cache.link(kCachedCommit, "sub/x.json", kHash);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::kIo);
  EXPECT_TRUE(fs::is_empty(elsewhere.path()));
}

TEST(HubCache, RefsAreWrittenForBranchesOnly) {
  const TempDir folder;
  const HubCache cache(folder.path(), "org/name");
  ASSERT_TRUE(cache.make_folders());
  ASSERT_TRUE(cache.write_ref("main", kCachedCommit));
  ASSERT_TRUE(cache.write_ref("refs/pr/1", kCachedCommit));
  ASSERT_TRUE(cache.write_ref(kCachedCommit, kCachedCommit));
  EXPECT_EQ(testing::read_text(folder.path() / "models--org--name/refs/main"),
            kCachedCommit);  // no newline: Python compares
  EXPECT_EQ(cache.commit_of("refs/pr/1"), kCachedCommit);
  EXPECT_FALSE(fs::exists(folder.path() / "models--org--name/refs" / kCachedCommit));
  ASSERT_TRUE(cache.write_ref("main", std::string(40, 'd')));
  EXPECT_EQ(cache.commit_of("main"), std::string(40, 'd'));
}

}  // namespace
}  // namespace retort
