// Pulls that go well.
#include <algorithm>
#include <chrono>
#include <thread>

#include "pull_fixture.h"

namespace retort {
namespace {
namespace fs = std::filesystem;
using testing::HubHttpRequest;
using testing::HubHttpResponse;

TEST_F(PullTest, MakesTheLayoutOfThePythonTools) {
  serve_model();
  const auto result = pull_model();
  expect_complete(result);
  EXPECT_EQ(result->snapshot, cache_.path() / "models--org--name/snapshots" / hub_.commit());
  EXPECT_EQ(result->commit, hub_.commit());
  ASSERT_EQ(result->files.size(), 2u);
  EXPECT_EQ(result->files[0].path, "config.json");
  EXPECT_EQ(result->files[1].bytes, weights_.size());
  EXPECT_EQ(result->downloaded_bytes, weights_.size() + std::string(kConfig).size());
  const fs::path repo = cache_.path() / "models--org--name";
  EXPECT_EQ(testing::read_text(repo / "refs/main"), hub_.commit());
  EXPECT_EQ(fs::read_symlink(result->snapshot / "model.safetensors"), "../../blobs/" + testing::sha256_hex(weights_));
  EXPECT_EQ(fs::read_symlink(result->snapshot / "config.json"), "../../blobs/" + testing::git_blob_hash(kConfig));
  EXPECT_EQ(find_in_cache(settings(), "org/name"), result->snapshot);
  EXPECT_FALSE(fs::exists(result->snapshot / "README.md"));
}

TEST_F(PullTest, ASecondPullLoadsNothing) {
  serve_model();
  expect_complete(pull_model());
  const auto before = hub_.requests("resolve").size();
  const auto result = pull_model();
  expect_complete(result);
  EXPECT_EQ(result->downloaded_bytes, 0u);
  EXPECT_EQ(hub_.requests("resolve").size(), before);
}

TEST_F(PullTest, ABlobOfTheWrongSizeIsLoadedAnew) {
  serve_model();
  expect_complete(pull_model());
  fs::resize_file(weights_blob(), 1000);
  expect_complete(pull_model());
}

TEST_F(PullTest, BlobsThatAreLinksIntoASharedStoreCount) {
  serve_model();
  ASSERT_TRUE(layout().make_folders());
  fs::create_symlink(cache_.write("store/x", weights_), weights_blob());
  const auto result = pull_model();
  expect_complete(result);
  EXPECT_EQ(result->downloaded_bytes, std::string(kConfig).size());
}

TEST_F(PullTest, EndpointWithAPath) {
  hub_.set_prefix("/mirror/hf");
  serve_model();
  expect_complete(pull_model());
}

TEST_F(PullTest, ByCommitThereIsNoRef) {
  serve_model();
  auto by_commit = request();
  by_commit.revision = hub_.commit();
  expect_complete(pull(settings(), by_commit, nullptr, cancel_));
  EXPECT_TRUE(fs::is_empty(cache_.path() / "models--org--name/refs"));
  EXPECT_TRUE(find_in_cache(settings(), "org/name", hub_.commit()));
}

TEST_F(PullTest, NestedAndEmptyAndOddlyNamedFiles) {
  hub_.add("sub/folder/a b#%?.json", "nested");
  hub_.add("empty", "");
  hub_.add("n\xc3\xa4me", "umlaut", true);
  const auto result = pull(settings(), request({"*"}), nullptr, cancel_);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(testing::read_text(result->snapshot / "sub/folder/a b#%?.json"), "nested");
  EXPECT_TRUE(fs::exists(result->snapshot / "empty"));
  EXPECT_EQ(testing::read_text(result->snapshot / "n\xc3\xa4me"), "umlaut");
}

TEST_F(PullTest, ManyFilesOnManyThreads) {
  for (int i = 0; i < 40; ++i) {
    hub_.add(fmt::format("part-{:02}", i),
             testing::made_bytes(static_cast<std::size_t>(1000 * i), 7U + static_cast<unsigned>(i)), i % 2 == 0);
  }
  auto many = request({"part-*"});
  many.parallel_files = 8;
  std::uint64_t last_done = 0;
  std::uint64_t total = 0;
  int inside = 0;  // no atomic: calls come one at a time, which TSan confirms
  const auto result = pull(
      settings(), many,
      [&](const PullProgress& progress) {
        EXPECT_EQ(++inside, 1);
        EXPECT_LE(progress.done_bytes, progress.total_bytes);
        last_done = progress.all_done_bytes;
        total = progress.all_total_bytes;
        --inside;
      },
      cancel_);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->files.size(), 40u);
  EXPECT_EQ(last_done, total);
  EXPECT_EQ(total, 1000u * (39 * 40 / 2));
}

TEST_F(PullTest, TwoPullsOfTheSameRepoLoadItOnce) {
  serve_model(2'000'000);
  hub_.hook("/cdn/model.safetensors", 10, [](const HubHttpRequest&, HubHttpResponse& response) {
    response.chunk_bytes = 200'000;
    response.pause_ms = 20;
  });
  CancelToken never;
  Expected<PullResult> other = fail(ErrorCode::kNotFound, "not run");
  std::thread second([&] { other = pull(settings(), request(), nullptr, never); });
  const auto result = pull_model();
  second.join();
  expect_complete(result);
  expect_complete(other);
  EXPECT_EQ(hub_.requests("/cdn/model.safetensors").size(), 1u);
  EXPECT_EQ(result->downloaded_bytes + other->downloaded_bytes, weights_.size() + std::string(kConfig).size());
}

TEST_F(PullTest, OfflineOnlyLooks) {
  serve_model();
  auto offline = settings();
  offline.offline = true;
  const auto missing = pull(offline, request(), nullptr, cancel_);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::kNotFound);
  EXPECT_NE(missing.error().message().find("HF_HUB_OFFLINE"), std::string::npos);
  EXPECT_TRUE(hub_.requests().empty());
  expect_complete(pull_model());
  const auto before = hub_.requests().size();
  const auto found = pull(offline, request(), nullptr, cancel_);
  expect_complete(found);
  ASSERT_EQ(found->files.size(), 2u);
  EXPECT_EQ(found->files[1].path, "model.safetensors");
  EXPECT_EQ(found->files[1].bytes, weights_.size());
  EXPECT_EQ(hub_.requests().size(), before);
}

TEST_F(PullTest, AMirrorThatListsNoHashesIsAskedForThem) {
  serve_model();
  hub_.set_listing(
      fmt::format(R"({{"sha":"{}","siblings":[{{"rfilename":"config.json"}},{{"rfilename":"model.safetensors"}}]}})",
                  hub_.commit()));
  expect_complete(pull_model());
  EXPECT_TRUE(fs::exists(weights_blob()));  // by X-Linked-Etag
  EXPECT_TRUE(fs::exists(layout().blob(testing::git_blob_hash(kConfig))));
}

TEST_F(PullTest, AMirrorWithoutUsableEtagIsRefused) {
  serve_model();
  hub_.set_listing(fmt::format(R"({{"sha":"{}","siblings":[{{"rfilename":"model.safetensors"}}]}})", hub_.commit()));
  hub_.hook("resolve", 10, [](const HubHttpRequest&, HubHttpResponse& response) {
    response.set_header("X-Linked-Etag", "\"../../../evil\"");
  });
  const Error error = failed_pull();
  EXPECT_EQ(error.code(), ErrorCode::kNetwork);
  EXPECT_NE(error.message().find("no usable hash"), std::string::npos) << error.message();
  expect_nothing_published();
}

TEST_F(PullTest, WrongArgumentsNeverReachTheHub) {
  serve_model();
  const auto code_of = [&](HubSettings with, const PullRequest& what) {
    const auto result = pull(with, what, nullptr, cancel_);
    return result ? ErrorCode::kNotFound : result.error().code();
  };
  auto wrong = request();
  wrong.repo = "../name";
  EXPECT_EQ(code_of(settings(), wrong), ErrorCode::kInvalidArgument);
  wrong = request();
  wrong.revision = "../../x";
  EXPECT_EQ(code_of(settings(), wrong), ErrorCode::kInvalidArgument);
  for (const int parallel : {0, -1, 33}) {
    wrong = request();
    wrong.parallel_files = parallel;
    EXPECT_EQ(code_of(settings(), wrong), ErrorCode::kInvalidArgument);
  }
  auto with = settings();
  with.endpoint = "file:///etc";
  EXPECT_EQ(code_of(with, request()), ErrorCode::kInvalidArgument);
  with = settings();
  with.token = "abc\r\nX-Evil: 1";
  EXPECT_EQ(code_of(with, request()), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(hub_.requests().empty());
}

}  // namespace
}  // namespace retort
