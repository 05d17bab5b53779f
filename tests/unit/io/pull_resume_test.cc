// Going on from what an earlier try left.
#include <fstream>

#include "pull_fixture.h"

namespace retort {
namespace {
namespace fs = std::filesystem;
using testing::HubHttpRequest;
using testing::HubHttpResponse;

class PullResumeTest : public PullTest {
 protected:
  void leave_partial(const std::string& content) {
    ASSERT_TRUE(layout().make_folders());
    std::ofstream(weights_partial(), std::ios::binary) << content;
  }
  [[nodiscard]] std::vector<HubHttpRequest> weight_requests() const { return hub_.requests("/cdn/model.safetensors"); }
};

TEST_F(PullResumeTest, AsksForTheRestOnly) {
  serve_model();
  leave_partial(weights_.substr(0, 123'456));
  const auto result = pull_model();
  expect_complete(result);
  ASSERT_EQ(weight_requests().size(), 1u);
  EXPECT_EQ(weight_requests()[0].range_from(), 123'456u);
  EXPECT_EQ(result->downloaded_bytes, weights_.size() - 123'456 + std::string(kConfig).size());
}

TEST_F(PullResumeTest, AConnectionThatDropsAgainAndAgain) {
  serve_model(5'000'000);
  hub_.hook("/cdn/model.safetensors", 12, [](const HubHttpRequest&, HubHttpResponse& response) {
    response.drop_after = 400'000;  // less than what counts as progress, but it adds up
  });
  expect_complete(pull_model());
  EXPECT_EQ(weight_requests().size(), 13u);  // more than the 4 attempts without progress
}

TEST_F(PullResumeTest, CompleteButNotRenamed) {
  serve_model();
  leave_partial(weights_);
  expect_complete(pull_model());
  EXPECT_TRUE(weight_requests().empty());
}

TEST_F(PullResumeTest, PartialOfOtherContentIsFoundOutAndLoadedAnew) {
  serve_model();
  leave_partial(std::string(100'000, 'x'));
  expect_complete(pull_model());
  ASSERT_EQ(weight_requests().size(), 2u);
  EXPECT_EQ(weight_requests()[1].range_from(), std::nullopt);
}

TEST_F(PullResumeTest, CompletePartialOfOtherContent) {
  serve_model();
  leave_partial(std::string(weights_.size(), 'x'));
  expect_complete(pull_model());
}

TEST_F(PullResumeTest, PartialThatIsTooLong) {
  serve_model();
  leave_partial(weights_ + "and more");
  expect_complete(pull_model());
  EXPECT_EQ(weight_requests().at(0).range_from(), std::nullopt);
}

TEST_F(PullResumeTest, AServerThatIgnoresRange) {
  serve_model();
  leave_partial(weights_.substr(0, 100'000));
  hub_.hook("/cdn/model.safetensors", 1, [&](const HubHttpRequest& request, HubHttpResponse& response) {
    EXPECT_TRUE(request.range_from());
    response.status = 200;
    response.body = weights_;
    std::erase_if(response.headers, [](const auto& header) { return header.first == "Content-Range"; });
  });
  expect_complete(pull_model());
  EXPECT_EQ(weight_requests().size(), 1u);
}

TEST_F(PullResumeTest, AServerThatSendsAnotherRange) {
  serve_model();
  leave_partial(weights_.substr(0, 100'000));
  hub_.hook("/cdn/model.safetensors", 1, [&](const HubHttpRequest&, HubHttpResponse& response) {
    response.body = weights_.substr(50'000);
    response.set_header("Content-Range", "bytes 50000-299999/300000");
  });
  expect_complete(pull_model());
  EXPECT_EQ(weight_requests().size(), 2u);
}

TEST_F(PullResumeTest, A206WithoutContentRange) {
  serve_model();
  leave_partial(weights_.substr(0, 100'000));
  hub_.hook("/cdn/model.safetensors", 1, [&](const HubHttpRequest&, HubHttpResponse& response) {
    std::erase_if(response.headers, [](const auto& header) { return header.first == "Content-Range"; });
  });
  expect_complete(pull_model());
}

TEST_F(PullResumeTest, A416StartsAnew) {
  serve_model();
  leave_partial(weights_.substr(0, 100'000));
  hub_.hook("/cdn/model.safetensors", 1, [](const HubHttpRequest&, HubHttpResponse& response) {
    response.status = 416;
    response.body.clear();
  });
  expect_complete(pull_model());
  ASSERT_EQ(weight_requests().size(), 2u);
  EXPECT_EQ(weight_requests()[1].range_from(), std::nullopt);
}

TEST_F(PullResumeTest, APartialThatIsALinkIsNotFollowed) {
  serve_model();
  ASSERT_TRUE(layout().make_folders());
  const auto victim = cache_.write("victim", "precious");
  fs::create_symlink(victim, weights_partial());
  EXPECT_EQ(failed_pull().code(), ErrorCode::kIo);
  EXPECT_EQ(testing::read_text(victim), "precious");
  fs::remove(weights_partial());
  fs::create_directory(weights_partial());
  EXPECT_EQ(failed_pull().code(), ErrorCode::kIo);
}

TEST_F(PullResumeTest, AnotherCommitReusesUnchangedBlobs) {
  serve_model();
  expect_complete(pull_model());
  const auto before = weight_requests().size();
  const std::string second(40, 'd');
  auto listing = hub_.listing();
  listing.replace(listing.find(hub_.commit()), 40, second);
  hub_.set_listing(listing);
  const auto result = pull_model();
  expect_complete(result);
  EXPECT_EQ(result->commit, second);
  EXPECT_EQ(weight_requests().size(), before);
  EXPECT_EQ(layout().commit_of("main"), second);
  EXPECT_TRUE(find_in_cache(settings(), "org/name", hub_.commit()));
}

TEST_F(PullResumeTest, TheRestOfAFileOfAnotherLength) {
  serve_model();
  leave_partial(weights_.substr(0, 100'000));
  hub_.hook("/cdn/model.safetensors", 1, [](const HubHttpRequest&, HubHttpResponse& response) {
    response.set_header("Content-Range", "bytes 100000-299999/300001");
  });
  expect_complete(pull_model());
  ASSERT_EQ(weight_requests().size(), 2u);
  EXPECT_EQ(weight_requests()[1].range_from(), std::nullopt);
}

}  // namespace
}  // namespace retort
