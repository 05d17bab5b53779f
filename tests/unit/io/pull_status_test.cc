// Refusals, hubs in trouble, redirects, and who gets to see the token.
#include <chrono>

#include "pull_fixture.h"

namespace retort {
namespace {
using testing::HubHttpRequest;
using testing::HubHttpResponse;
using testing::HubServer;

class PullStatusTest : public PullTest {
 protected:
  static HubServer::Hook status(int code, std::vector<std::pair<std::string, std::string>> headers = {}) {
    return [code, headers](const HubHttpRequest&, HubHttpResponse& response) {
      response = HubHttpResponse();
      response.status = code;
      response.headers = headers;
      response.body = "no";
    };
  }
  static bool says(const Error& error, std::string_view part) {
    return error.message().find(part) != std::string::npos;
  }
  Error failed_pull_with_token() {
    auto with = settings();
    with.token = "hf_secret";
    const auto result = pull(with, request(), nullptr, cancel_);
    return result ? Error(ErrorCode::kNotFound, "it did not fail") : result.error();
  }
};

TEST_F(PullStatusTest, UnknownRepo) {
  serve_model();
  auto unknown = request();
  unknown.repo = "org/nmae";
  const auto result = pull(settings(), unknown, nullptr, cancel_);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(says(result.error(), "org/nmae")) << result.error().message();
  EXPECT_TRUE(says(result.error(), "check the spelling"));
  EXPECT_EQ(hub_.requests().size(), 1u);  // not tried again
}

TEST_F(PullStatusTest, UnknownRevision) {
  serve_model();
  auto unknown = request();
  unknown.revision = "v9";
  const auto result = pull(settings(), unknown, nullptr, cancel_);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(says(result.error(), "no branch, tag or commit 'v9'")) << result.error().message();
}

TEST_F(PullStatusTest, MissingFileBehindTheListing) {
  serve_model();
  hub_.hook("resolve", 100, status(404, {{"X-Error-Code", "EntryNotFound"}}));
  const Error error = failed_pull();
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_TRUE(says(error, "no such file")) << error.message();
}

TEST_F(PullStatusTest, Http401WithAndWithoutToken) {
  serve_model();
  hub_.hook("/api/", 100, status(401));
  const Error without = failed_pull();
  EXPECT_TRUE(says(without, "check the spelling")) << without.message();
  EXPECT_TRUE(says(without, "HF_TOKEN must hold a token")) << without.message();
  const Error with = failed_pull_with_token();
  EXPECT_TRUE(says(with, "refused the token")) << with.message();
  EXPECT_FALSE(says(with, "hf_secret"));
}

TEST_F(PullStatusTest, GatedRepo) {
  serve_model();
  for (const int code : {401, 403}) {
    hub_.hook("resolve", 100, status(code, {{"X-Error-Code", "GatedRepo"}}));
    const Error error = failed_pull_with_token();
    EXPECT_TRUE(says(error, "accept its licence at " + hub_.endpoint() + "/org/name")) << error.message();
  }
  EXPECT_TRUE(says(failed_pull(), "put a token of that account into HF_TOKEN"));
}

TEST_F(PullStatusTest, Http403) {
  serve_model();
  hub_.hook("/api/", 100, status(403));
  EXPECT_TRUE(says(failed_pull(), "set HF_TOKEN"));
  EXPECT_TRUE(says(failed_pull_with_token(), "no right to read it"));
}

TEST_F(PullStatusTest, HubsInTroubleRecover) {
  for (const int code : {408, 429, 500, 502, 503, 504}) {
    HubServer hub;
    hub.add("model.safetensors", "content", true);
    testing::TempDir cache;
    auto with = settings();
    with.endpoint = hub.endpoint();
    with.cache = cache.path();
    hub.hook("/api/", 2, status(code));
    hub.hook("resolve", 1, status(code));
    hub.hook("/cdn/", 2, status(code));
    const auto result = pull(with, request(), nullptr, cancel_);
    ASSERT_TRUE(result) << code << ": " << result.error().message();
    EXPECT_EQ(hub.requests("/api/").size(), 3u);
    EXPECT_EQ(hub.requests("/cdn/").size(), 3u);
  }
}

TEST_F(PullStatusTest, HubsThatStayInTroubleAreGivenUp) {
  serve_model();
  hub_.hook("/api/", 100, status(503));
  const Error error = failed_pull();
  EXPECT_EQ(error.code(), ErrorCode::kNetwork);
  EXPECT_TRUE(says(error, "HTTP 503")) << error.message();
  EXPECT_TRUE(says(error, "tried 4 times")) << error.message();
}

TEST_F(PullStatusTest, RetryAfterIsHeeded) {
  serve_model();
  hub_.hook("/api/", 1, status(429, {{"Retry-After", "1"}}));
  const auto start = std::chrono::steady_clock::now();
  expect_complete(pull_model());
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

TEST_F(PullStatusTest, NobodyListens) {
  auto with = settings();
  {
    const HubServer gone;
    with.endpoint = gone.endpoint();
  }
  const auto result = pull(with, request(), nullptr, cancel_);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::kNetwork);
  EXPECT_TRUE(says(result.error(), "HF_ENDPOINT")) << result.error().message();
}

TEST_F(PullStatusTest, AHubThatIsGoneMentionsWhatTheCacheHas) {
  serve_model();
  expect_complete(pull_model());
  hub_.hook("/api/", 100, status(500));
  EXPECT_TRUE(says(failed_pull(), "the cache has it as it was when last pulled"));
}

TEST_F(PullStatusTest, AnAnswerThatIsNoHubs) {
  serve_model();
  hub_.hook("/api/", 100, [](const HubHttpRequest&, HubHttpResponse& response) { response.body = "<html>Log in"; });
  const Error error = failed_pull();
  EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
  EXPECT_TRUE(says(error, "did not answer as a hub does")) << error.message();
}

TEST_F(PullStatusTest, TheTokenGoesToTheEndpointOnly) {
  serve_model();
  auto with = settings();
  with.token = "hf_secret";
  expect_complete(pull(with, request(), nullptr, cancel_));
  int at_hub = 0;
  int at_cdn = 0;
  for (const auto& seen : hub_.requests()) {
    EXPECT_EQ(seen.header("authorization"), seen.cdn ? "" : "Bearer hf_secret") << seen.target;
    ++(seen.cdn ? at_cdn : at_hub);
  }
  EXPECT_EQ(at_hub, 3);
  EXPECT_EQ(at_cdn, 1);
}

TEST_F(PullStatusTest, NorDoesItComeBackWithARedirectFromElsewhere) {
  // hub -> CDN -> hub: the last hop is the endpoint's own origin again, and may see it; another host's name for the
  // same machine may not.
  serve_model();
  auto with = settings();
  with.token = "hf_secret";
  hub_.hook("/resolve/", 100, [&](const HubHttpRequest&, HubHttpResponse& response) {
    std::string elsewhere = hub_.endpoint() + "/elsewhere";
    elsewhere.replace(elsewhere.find("127.0.0.1"), 9, "localhost");
    response = HubHttpResponse();
    response.status = 307;
    response.set_header("Location", elsewhere);
  });
  const auto result = pull(with, request(), nullptr, cancel_);
  EXPECT_FALSE(result);
  ASSERT_FALSE(hub_.requests("/elsewhere").empty());
  for (const auto& seen : hub_.requests("/elsewhere")) EXPECT_EQ(seen.header("authorization"), "");
}

TEST_F(PullStatusTest, RelativeRedirectsStayWithTheHub) {
  serve_model();
  hub_.hook("?again", 100, [](const HubHttpRequest&, HubHttpResponse& response) {
    response = HubHttpResponse();
    response.body = kConfig;
  });
  hub_.hook("config.json", 100, [](const HubHttpRequest& request, HubHttpResponse& response) {
    response = HubHttpResponse();
    response.status = 307;
    response.set_header("Location", request.target + "?again");
  });
  expect_complete(pull_model());
}

TEST_F(PullStatusTest, RedirectsToOtherSchemesAreRefused) {
  for (const auto* target : {"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x", "dict://127.0.0.1/x",
                             "http://user:secret@127.0.0.1/x"}) {
    HubServer hub;
    hub.add("model.safetensors", "content", true);
    auto with = settings();
    with.endpoint = hub.endpoint();
    hub.hook("resolve", 100,
             [target](const HubHttpRequest&, HubHttpResponse& response) { response.set_header("Location", target); });
    const auto result = pull(with, request(), nullptr, cancel_);
    ASSERT_FALSE(result) << target;
    EXPECT_EQ(result.error().code(), ErrorCode::kNetwork);
    EXPECT_FALSE(says(result.error(), "secret")) << result.error().message();
    EXPECT_EQ(hub.requests("resolve").size(), 1u);
  }
}

TEST_F(PullStatusTest, EndlessRedirectsEnd) {
  serve_model();
  hub_.hook("resolve", 1000, [](const HubHttpRequest& request, HubHttpResponse& response) {
    response = HubHttpResponse();
    response.status = 302;
    response.set_header("Location", request.target);
  });
  const Error error = failed_pull();
  EXPECT_TRUE(says(error, "more than 8 redirects")) << error.message();
}

TEST_F(PullStatusTest, ARedirectWithoutLocation) {
  serve_model();
  hub_.hook("resolve", 1000, status(302));
  EXPECT_TRUE(says(failed_pull(), "redirects to nowhere"));
}

TEST_F(PullStatusTest, SignedUrlsAreNotShown) {
  serve_model();
  hub_.hook("/cdn/", 1000, status(403));
  const Error error = failed_pull();
  EXPECT_EQ(error.code(), ErrorCode::kNetwork);
  EXPECT_TRUE(says(error, hub_.cdn())) << error.message();
  EXPECT_FALSE(says(error, "Signature")) << error.message();
  EXPECT_FALSE(says(error, "HF_TOKEN")) << error.message();
}

}  // namespace
}  // namespace retort
