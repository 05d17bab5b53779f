// Servers that send the wrong thing: what comes is not trusted until its hash has been seen.
#include <chrono>
#include <thread>

#include "pull_fixture.h"

namespace retort {
namespace {
namespace fs = std::filesystem;
using testing::HubHttpRequest;
using testing::HubHttpResponse;

class PullTransferTest : public PullTest {
 protected:
  void change_weights(int times, testing::HubServer::Hook change) {
    hub_.hook("/cdn/model.safetensors", times, std::move(change));
  }
};

TEST_F(PullTransferTest, WrongContentOfTheRightSize) {
  serve_model();
  change_weights(100, [](const HubHttpRequest&, HubHttpResponse& response) { response.body[1000] ^= 1; });
  const Error error = failed_pull();
  EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
  EXPECT_NE(error.message().find("sha256"), std::string::npos) << error.message();
  EXPECT_NE(error.message().find("model.safetensors"), std::string::npos) << error.message();
  expect_nothing_published();
  EXPECT_FALSE(fs::exists(weights_partial()));  // known to be wrong: not resumed from
}

TEST_F(PullTransferTest, WrongContentOfASmallFile) {
  serve_model();
  hub_.hook("config.json", 100, [](const HubHttpRequest&, HubHttpResponse& response) { response.body[0] = '['; });
  const Error error = failed_pull();
  EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
  EXPECT_NE(error.message().find("git blob hash"), std::string::npos) << error.message();
  // The weights beside it may have come whole by then, and stay; the wrong file and the snapshot must not.
  EXPECT_FALSE(fs::exists(layout().blob(testing::git_blob_hash(kConfig))));
  EXPECT_FALSE(fs::exists(layout().snapshot(hub_.commit())));
}

TEST_F(PullTransferTest, AnotherLengthThanListed) {
  serve_model();
  change_weights(100, [](const HubHttpRequest&, HubHttpResponse& response) { response.body += "more"; });
  const Error error = failed_pull();
  EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
  EXPECT_NE(error.message().find("300000 bytes"), std::string::npos) << error.message();
  EXPECT_NE(error.message().find("300004"), std::string::npos) << error.message();
  expect_nothing_published();
}

TEST_F(PullTransferTest, EndlessBodyIsCutOff) {
  serve_model();
  change_weights(100, [](const HubHttpRequest&, HubHttpResponse& response) { response.endless = true; });
  const Error error = failed_pull();
  EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
  EXPECT_NE(error.message().find("more than the 300000 bytes"), std::string::npos) << error.message();
  expect_nothing_published();
  EXPECT_FALSE(fs::exists(weights_partial()));
}

TEST_F(PullTransferTest, EndlessListingIsCutOff) {
  serve_model();
  hub_.hook("/api/", 100, [](const HubHttpRequest&, HubHttpResponse& response) {
    response.body = std::string(1 << 20, ' ');
    response.endless = true;
    response.chunk_bytes = 1 << 20;
  });
  const Error error = failed_pull();
  EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
  EXPECT_NE(error.message().find("listing is longer"), std::string::npos) << error.message();
}

TEST_F(PullTransferTest, EndlessHeadersAreCutOff) {
  serve_model();
  hub_.hook("/api/", 100, [](const HubHttpRequest&, HubHttpResponse& response) {
    for (int i = 0; i < 5000; ++i) response.headers.emplace_back(fmt::format("X-{}", i), std::string(1000, 'x'));
  });
  EXPECT_EQ(failed_pull().code(), ErrorCode::kNetwork);
}

TEST_F(PullTransferTest, TruncatedBodyOnceIsMadeGood) {
  serve_model();
  change_weights(1, [](const HubHttpRequest&, HubHttpResponse& response) {
    response.send_length = false;  // so that only the listing tells that something is missing
    response.body.resize(100'000);
  });
  expect_complete(pull_model());
  EXPECT_EQ(hub_.requests("/cdn/model.safetensors").at(1).range_from(), 100'000u);
}

TEST_F(PullTransferTest, BodyThatIsAlwaysTruncatedIsGivenUp) {
  serve_model();
  change_weights(100, [](const HubHttpRequest&, HubHttpResponse& response) {
    response.send_length = false;
    response.body.clear();
  });
  const Error error = failed_pull();
  EXPECT_EQ(error.code(), ErrorCode::kNetwork);
  EXPECT_NE(error.message().find("0 of 300000 bytes (tried 4 times)"), std::string::npos) << error.message();
  EXPECT_EQ(hub_.requests("/cdn/model.safetensors").size(), 4u);
  expect_nothing_published();
}

TEST_F(PullTransferTest, StalledBodyTimesOutAndIsResumed) {
  serve_model();
  change_weights(1, [](const HubHttpRequest&, HubHttpResponse& response) {
    response.chunk_bytes = 50'000;
    response.pause_ms = 30'000;
  });
  const auto start = std::chrono::steady_clock::now();
  expect_complete(pull_model());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  EXPECT_EQ(hub_.requests("/cdn/model.safetensors").at(1).range_from(), 50'000u);
}

TEST_F(PullTransferTest, SlowButSteadyBodyIsLeftAlone) {
  serve_model();
  change_weights(1, [](const HubHttpRequest&, HubHttpResponse& response) {
    response.chunk_bytes = 20'000;
    response.pause_ms = 100;
  });
  expect_complete(pull_model());
  EXPECT_EQ(hub_.requests("/cdn/model.safetensors").size(), 1u);
}

TEST_F(PullTransferTest, CompressedAgainstItsWillIsDecoded) {
  serve_model();
  hub_.hook("", 100, [](const HubHttpRequest& request, HubHttpResponse& response) {
    EXPECT_EQ(request.header("accept-encoding"), "identity");
    if (response.status != 200) return;
    response.body = testing::gzip_stored(response.body);
    response.set_header("Content-Encoding", "gzip");
  });
  expect_complete(pull_model());
}

TEST_F(PullTransferTest, CompressedPartIsNotGluedToAPlainOne) {
  serve_model();
  change_weights(1, [](const HubHttpRequest&, HubHttpResponse& response) { response.drop_after = 100'000; });
  change_weights(1, [](const HubHttpRequest& request, HubHttpResponse& response) {
    EXPECT_TRUE(request.range_from());
    response.body = testing::gzip_stored(response.body);
    response.set_header("Content-Encoding", "gzip");
  });
  expect_complete(pull_model());
  EXPECT_EQ(hub_.requests("/cdn/model.safetensors").size(), 3u);
}

TEST_F(PullTransferTest, GzipThatIsNone) {
  serve_model();
  change_weights(
      100, [](const HubHttpRequest&, HubHttpResponse& response) { response.set_header("Content-Encoding", "gzip"); });
  EXPECT_EQ(failed_pull().code(), ErrorCode::kNetwork);
  expect_nothing_published();
}

TEST_F(PullTransferTest, CompressedBombIsCutOff) {
  serve_model();
  change_weights(100, [](const HubHttpRequest&, HubHttpResponse& response) {
    response.body = testing::gzip_stored(std::string(10'000'000, '\0'));
    response.set_header("Content-Encoding", "gzip");
  });
  EXPECT_EQ(failed_pull().code(), ErrorCode::kCorrupt);
  expect_nothing_published();
}

TEST_F(PullTransferTest, AFileThatChangedOnTheHubMeanwhile) {
  serve_model();
  hub_.hook("resolve", 100, [](const HubHttpRequest& request, HubHttpResponse& response) {
    if (request.target.find("model") != std::string::npos) {
      response.set_header("X-Linked-Etag", "\"" + std::string(64, 'e') + "\"");
    }
  });
  const Error error = failed_pull();
  EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
  EXPECT_NE(error.message().find("changed meanwhile"), std::string::npos) << error.message();
  EXPECT_FALSE(fs::exists(weights_partial()));  // seen before gigabytes were loaded
  expect_nothing_published();
}

TEST_F(PullTransferTest, CtrlCLeavesAResumableState) {
  serve_model();
  change_weights(1, [](const HubHttpRequest&, HubHttpResponse& response) {
    response.chunk_bytes = 100'000;
    response.pause_ms = 60'000;
  });
  std::thread person([&] {
    std::error_code none_yet;
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (fs::file_size(weights_partial(), none_yet) != 100'000 && std::chrono::steady_clock::now() < patience) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    cancel_.cancel();
  });
  auto patient = settings();
  patient.patience.low_speed_seconds = 60;
  const auto start = std::chrono::steady_clock::now();
  const auto result = pull(patient, request(), nullptr, cancel_);
  person.join();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::kCancelled);
  EXPECT_NE(result.error().message().find("the same command goes on"), std::string::npos) << result.error().message();
  expect_nothing_published();
  EXPECT_EQ(fs::file_size(weights_partial()), 100'000u);

  cancel_.reset();
  expect_complete(pull_model());
  EXPECT_EQ(hub_.requests("/cdn/model.safetensors").at(1).range_from(), 100'000u);
}

}  // namespace
}  // namespace retort
