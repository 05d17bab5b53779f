// A hub, an empty cache, and settings that lose patience quickly.
#pragma once

#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "core/log.h"
#include "io/hub.h"
#include "io/hub_cache.h"
#include "testing/hub_server.h"
#include "testing/scoped_env.h"
#include "testing/shared_data.h"
#include "testing/temp_dir.h"

namespace retort {

class PullTest : public ::testing::Test {
 protected:
  PullTest() { set_log_level(LogLevel::kOff); }
  ~PullTest() override { set_log_level(LogLevel::kInfo); }

  /// config.json (small) and model.safetensors (large, `weights` bytes).
  void serve_model(std::size_t weights = 300'000) {
    weights_ = testing::made_bytes(weights, 1);
    hub_.add("config.json", kConfig);
    hub_.add("model.safetensors", weights_, true);
    hub_.add("README.md", "not wanted");
  }

  [[nodiscard]] HubSettings settings() const {
    HubSettings settings;
    settings.endpoint = hub_.endpoint();
    settings.cache = cache_.path();
    settings.patience = {.connect_timeout_ms = 2000,
                         .low_speed_bytes_per_second = 1000,
                         .low_speed_seconds = 2,
                         .attempts = 4,
                         .first_backoff_ms = 2,
                         .max_backoff_ms = 20};
    return settings;
  }

  [[nodiscard]] static PullRequest request(std::vector<std::string> include = {}) {
    PullRequest request;
    request.repo = std::string(testing::HubServer::kRepo);
    request.include = std::move(include);
    return request;
  }

  Expected<PullResult> pull_model() { return pull(settings(), request(), nullptr, cancel_); }

  /// pull_model() that must fail.
  Error failed_pull() {
    auto result = pull_model();
    if (result) return {ErrorCode::kNotFound, "it did not fail"};
    return result.error();
  }

  [[nodiscard]] HubCache layout() const { return {cache_.path(), testing::HubServer::kRepo}; }
  [[nodiscard]] std::filesystem::path weights_blob() const { return layout().blob(testing::sha256_hex(weights_)); }
  [[nodiscard]] std::filesystem::path weights_partial() const {
    return layout().incomplete(testing::sha256_hex(weights_));
  }

  /// The snapshot holds exactly what the hub serves.
  void expect_complete(const Expected<PullResult>& result) const {
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(testing::read_text(result->snapshot / "config.json"), kConfig);
    EXPECT_TRUE(testing::read_text(result->snapshot / "model.safetensors") == weights_);
    EXPECT_FALSE(std::filesystem::exists(weights_partial()));
  }

  /// Nothing under a final name but what is right; no snapshot.
  void expect_nothing_published() const {
    EXPECT_FALSE(std::filesystem::exists(weights_blob()));
    EXPECT_EQ(find_in_cache(settings(), testing::HubServer::kRepo), std::nullopt);
    EXPECT_FALSE(std::filesystem::exists(layout().snapshot(hub_.commit())));
  }

  testing::ScopedEnv no_proxy_{{"no_proxy", "*"}};
  static constexpr const char* kConfig = R"({"model_type":"qwen2"})";
  testing::HubServer hub_;
  testing::TempDir cache_;
  CancelToken cancel_;
  std::string weights_;
};

}  // namespace retort
