#include <gtest/gtest.h>
#include <string>

#include "io/hub.h"
#include "testing/scoped_env.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {
using testing::ScopedEnv;
using testing::TempDir;

// Everything that settings look at, gone.
class HubSettingsTest : public ::testing::Test {
 protected:
  TempDir home_;
  ScopedEnv env_{
      {"HOME", home_.path().c_str()}, {"XDG_CACHE_HOME", nullptr},         {"HF_ENDPOINT", nullptr},
      {"HF_HOME", nullptr},           {"HF_HUB_CACHE", nullptr},           {"HUGGINGFACE_HUB_CACHE", nullptr},
      {"HF_TOKEN", nullptr},          {"HUGGING_FACE_HUB_TOKEN", nullptr}, {"HF_TOKEN_PATH", nullptr},
      {"HF_HUB_OFFLINE", nullptr},    {"TRANSFORMERS_OFFLINE", nullptr},   {"CURL_CA_BUNDLE", nullptr},
      {"SSL_CERT_FILE", nullptr},     {"REQUESTS_CA_BUNDLE", nullptr}};
};

TEST_F(HubSettingsTest, DefaultsAreThoseOfThePythonTools) {
  const auto settings = hub_settings_from_environment();
  EXPECT_EQ(settings.endpoint, "https://huggingface.co");
  EXPECT_EQ(settings.token, "");
  EXPECT_EQ(settings.cache, home_.path() / ".cache/huggingface/hub");
  EXPECT_EQ(settings.ca_file, "");
  EXPECT_FALSE(settings.offline);
}

TEST_F(HubSettingsTest, EndpointLosesItsTrailingSlashes) {
  env_.set("HF_ENDPOINT", " https://mirror.example/hf// \n");
  EXPECT_EQ(hub_settings_from_environment().endpoint, "https://mirror.example/hf");
}

TEST_F(HubSettingsTest, CacheFolderInOrderOfPrecedence) {
  env_.set("XDG_CACHE_HOME", "/xdg");
  EXPECT_EQ(hub_settings_from_environment().cache, "/xdg/huggingface/hub");
  env_.set("HF_HOME", "~/hf");
  EXPECT_EQ(hub_settings_from_environment().cache, home_.path() / "hf/hub");
  env_.set("HUGGINGFACE_HUB_CACHE", "/old");
  EXPECT_EQ(hub_settings_from_environment().cache, "/old");
  env_.set("HF_HUB_CACHE", "/new");
  EXPECT_EQ(hub_settings_from_environment().cache, "/new");
  env_.set("HF_HUB_CACHE", "");  // empty is unset
  EXPECT_EQ(hub_settings_from_environment().cache, "/old");
}

TEST_F(HubSettingsTest, TokenInOrderOfPrecedenceAndTrimmed) {
  home_.write(".cache/huggingface/token", "from_home\r\n");
  EXPECT_EQ(hub_settings_from_environment().token, "from_home");
  env_.set("HF_TOKEN_PATH", home_.write("elsewhere", "  from_path\n").c_str());
  EXPECT_EQ(hub_settings_from_environment().token, "from_path");
  env_.set("HUGGING_FACE_HUB_TOKEN", "from_old_name");
  EXPECT_EQ(hub_settings_from_environment().token, "from_old_name");
  env_.set("HF_TOKEN", " from_env\n");
  EXPECT_EQ(hub_settings_from_environment().token, "from_env");
}

TEST_F(HubSettingsTest, ATokenPathThatIsNoFileIsNoToken) {
  env_.set("HF_TOKEN_PATH", "/dev/zero");
  EXPECT_EQ(hub_settings_from_environment().token, "");
  env_.set("HF_TOKEN_PATH", home_.path().c_str());
  EXPECT_EQ(hub_settings_from_environment().token, "");
}

TEST_F(HubSettingsTest, OfflineAndCertificates) {
  for (const auto* word : {"1", "true", "YES", "on"}) {
    env_.set("HF_HUB_OFFLINE", word);
    EXPECT_TRUE(hub_settings_from_environment().offline) << word;
  }
  env_.set("HF_HUB_OFFLINE", "0");
  EXPECT_FALSE(hub_settings_from_environment().offline);
  env_.set("REQUESTS_CA_BUNDLE", "/r.pem");
  EXPECT_EQ(hub_settings_from_environment().ca_file, "/r.pem");
  env_.set("SSL_CERT_FILE", "/s.pem");
  EXPECT_EQ(hub_settings_from_environment().ca_file, "/s.pem");
  env_.set("CURL_CA_BUNDLE", "/c.pem");
  EXPECT_EQ(hub_settings_from_environment().ca_file, "/c.pem");
}

}  // namespace
}  // namespace retort
