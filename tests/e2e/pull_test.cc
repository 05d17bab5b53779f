// retort pull as a person runs it: exit codes, what is printed, kill -9 and Ctrl-C, certificates, the Python tools.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "testing/child_process.h"
#include "testing/hub_server.h"
#include "testing/scoped_env.h"
#include "testing/shared_data.h"
#include "testing/temp_dir.h"
#include "testing/tiny_checkpoint.h"

namespace retort {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using testing::ChildProcess;
using testing::HubHttpRequest;
using testing::HubHttpResponse;

class PullCommand : public ::testing::Test {
 protected:
  PullCommand() : weights_(testing::made_bytes(3'000'000, 3)) {
    hub_.add("config.json", "{}");
    hub_.add("model.safetensors", weights_, true);
  }

  struct Done {
    int exit_code;
    std::string out;
    std::string err;
  };
  static Done retort(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), RETORT_BINARY);
    ChildProcess child(arguments);
    const int code = child.wait();
    return {code, child.out(), child.err()};
  }

  // The weights come in pieces, slowly, until `times` requests have been answered.
  void slow_down(int times) {
    hub_.hook("/cdn/model.safetensors", times, [](const HubHttpRequest&, HubHttpResponse& response) {
      response.chunk_bytes = 100'000;
      response.pause_ms = 300;
    });
  }

  [[nodiscard]] fs::path repo() const { return home_.path() / "hub/models--org--name"; }
  [[nodiscard]] fs::path partial() const { return repo() / "blobs" / (testing::sha256_hex(weights_) + ".incomplete"); }
  [[nodiscard]] bool wait_for_partial(std::uintmax_t bytes) const {
    for (int i = 0; i < 1000; ++i) {
      std::error_code error;
      if (fs::file_size(partial(), error) >= bytes && !error) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  void expect_complete() const {
    const fs::path snapshot = repo() / "snapshots" / hub_.commit();
    EXPECT_TRUE(testing::read_text(snapshot / "model.safetensors") == weights_);
    EXPECT_EQ(testing::read_text(snapshot / "config.json"), "{}");
    EXPECT_FALSE(fs::exists(partial()));
  }

  testing::HubServer hub_;
  testing::TempDir home_;
  std::string weights_;
  testing::ScopedEnv env_{{"HF_ENDPOINT", hub_.endpoint().c_str()},
                          {"HF_HOME", home_.path().c_str()},
                          {"HF_HUB_CACHE", nullptr},
                          {"HUGGINGFACE_HUB_CACHE", nullptr},
                          {"HF_TOKEN", nullptr},
                          {"HUGGING_FACE_HUB_TOKEN", nullptr},
                          {"HF_TOKEN_PATH", nullptr},
                          {"HF_HUB_OFFLINE", nullptr},
                          {"TRANSFORMERS_OFFLINE", nullptr},
                          {"HF_HUB_DISABLE_XET", "1"},
                          {"RETORT_LOG_LEVEL", nullptr},
                          {"no_proxy", "*"}};
};

TEST_F(PullCommand, JsonIsAllThatStandardOutputGets) {
  const Done done = retort({"pull", "org/name", "--json"});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  const json result = json::parse(done.out);
  EXPECT_EQ(result["repo"], "org/name");
  EXPECT_EQ(result["revision"], "main");
  EXPECT_EQ(result["commit"], hub_.commit());
  EXPECT_EQ(result["path"], (repo() / "snapshots" / hub_.commit()).string());
  EXPECT_EQ(result["files"],
            json::parse(R"([{"path":"config.json","bytes":2},{"path":"model.safetensors","bytes":3000000}])"));
  EXPECT_EQ(result["downloaded_bytes"], 3'000'002);
  EXPECT_TRUE(result["seconds"].is_number());
  expect_complete();
}

TEST_F(PullCommand, PrintsThePathAndIsQuietWhenAsked) {
  const Done done = retort({"pull", "org/name", "--quiet"});
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_EQ(done.out, (repo() / "snapshots" / hub_.commit()).string() + "\n");
  EXPECT_EQ(done.err, "");
}

TEST_F(PullCommand, ProgressInAFileIsPlainLines) {
  const Done done = retort({"pull", "org/name"});
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_NE(done.err.find("100%  2.86 MiB of 2.86 MiB"), std::string::npos) << done.err;
  EXPECT_EQ(done.err.find('\r'), std::string::npos);
  EXPECT_EQ(done.err.find('\x1b'), std::string::npos);
}

TEST_F(PullCommand, GgufChoices) {
  hub_.set_listing(R"({"sha":")" + hub_.commit() + R"(","siblings":[{"rfilename":"a.gguf"},{"rfilename":"b.gguf"}]})");
  const Done done = retort({"pull", "org/name"});
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_NE(done.err.find("--include 'b.gguf'"), std::string::npos) << done.err;
  EXPECT_EQ(done.out, "");
}

TEST_F(PullCommand, ExitCodes) {
  EXPECT_EQ(retort({"pull"}).exit_code, 2);
  EXPECT_EQ(retort({"pull", "not a repo"}).exit_code, 2);
  EXPECT_EQ(retort({"pull", "org/name", "--parallel", "0"}).exit_code, 2);
  EXPECT_EQ(retort({"pull", "org/name", "--parallel", "x"}).exit_code, 2);
  EXPECT_EQ(retort({"pull", "org/name", "--no-such-flag"}).exit_code, 2);
  const Done unknown = retort({"pull", "org/nmae"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_NE(unknown.err.find("check the spelling"), std::string::npos) << unknown.err;
}

TEST_F(PullCommand, KilledMidwayItGoesOnFromThere) {
  slow_down(1);
  ChildProcess first({RETORT_BINARY, "pull", "org/name"});
  ASSERT_TRUE(wait_for_partial(200'000)) << first.err();
  first.signal(SIGKILL);
  EXPECT_EQ(first.wait(), 128 + SIGKILL);
  EXPECT_FALSE(fs::exists(repo() / "snapshots" / hub_.commit()));
  EXPECT_FALSE(fs::exists(repo() / "blobs" / testing::sha256_hex(weights_)));
  const auto left = fs::file_size(partial());

  const Done second = retort({"pull", "org/name", "--json"});
  ASSERT_EQ(second.exit_code, 0) << second.err;
  expect_complete();
  EXPECT_EQ(hub_.requests("/cdn/model.safetensors").at(1).range_from(), left);
  EXPECT_LE(json::parse(second.out)["downloaded_bytes"], weights_.size() - left + 2);
}

TEST_F(PullCommand, CtrlCSaysThatItCanBeResumedAndExits1) {
  slow_down(1);
  ChildProcess child({RETORT_BINARY, "pull", "org/name"});
  ASSERT_TRUE(wait_for_partial(200'000)) << child.err();
  child.signal(SIGINT);
  EXPECT_EQ(child.wait(), 1);
  EXPECT_NE(child.err().find("interrupted"), std::string::npos) << child.err();
  EXPECT_NE(child.err().find("the same command goes on from there"), std::string::npos) << child.err();
  EXPECT_EQ(child.out(), "");
  EXPECT_EQ(retort({"pull", "org/name"}).exit_code, 0);
  expect_complete();
}

TEST_F(PullCommand, TwoProcessesLoadItOnce) {
  hub_.hook("/cdn/model.safetensors", 1, [](const HubHttpRequest&, HubHttpResponse& response) {
    response.chunk_bytes = 1'000'000;
    response.pause_ms = 300;
  });
  ChildProcess first({RETORT_BINARY, "pull", "org/name"});
  ChildProcess second({RETORT_BINARY, "pull", "org/name"});
  EXPECT_EQ(first.wait(), 0) << first.err();
  EXPECT_EQ(second.wait(), 0) << second.err();
  expect_complete();
  EXPECT_EQ(hub_.requests("/cdn/model.safetensors").size(), 1u);
}

TEST_F(PullCommand, AFolderIsLookedAtNotPulled) {
  const testing::TempDir folder;
  const std::string path = folder.path().string();
  ASSERT_TRUE(testing::write_random_model(folder.path(), {}));
  const Done complete = retort({"pull", path});
  EXPECT_EQ(complete.exit_code, 0) << complete.err;
  EXPECT_NE(complete.out.find("is a folder here and a complete model"), std::string::npos) << complete.out;

  folder.write("model.safetensors",
               "version https://git-lfs.github.com/spec/v1\noid sha256:" + std::string(64, 'a') + "\nsize 1234\n");
  const Done pointers = retort({"pull", path, "--json"});
  EXPECT_EQ(pointers.exit_code, 1);
  EXPECT_NE(pointers.err.find("git lfs pull"), std::string::npos) << pointers.err;
  const json result = json::parse(pointers.out);
  EXPECT_EQ(result["complete"], false);
  EXPECT_EQ(result["lfs_pointers"], json::array({"model.safetensors"}));
  EXPECT_TRUE(hub_.requests().empty());
}

// A hub over TLS whose certificate no one knows: files below a folder, served by OpenSSL's own test server.
TEST_F(PullCommand, CertificatesAreChecked) {
  const testing::TempDir site;
  const std::string key = site.path() / "key.pem";
  const std::string certificate = site.path() / "certificate.pem";
  ChildProcess make({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                     "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"});
  if (make.wait() != 0) GTEST_SKIP() << "no openssl command to make a certificate with";
  const auto serve = [&](const std::string& path, const std::string& body) {  // the files are whole responses
    site.write(path, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
                         "\r\n\r\n" + body);
  };
  serve("api/models/org/name/revision/main?blobs=true", hub_.listing());
  serve("org/name/resolve/" + hub_.commit() + "/config.json", "{}");
  serve("org/name/resolve/" + hub_.commit() + "/model.safetensors", weights_);
  // A port that was free a moment ago.
  std::string port;
  {
    const testing::HubServer gone;
    port = gone.endpoint().substr(gone.endpoint().rfind(':') + 1);
  }
  ChildProcess server({"openssl", "s_server", "-accept", port, "-key", key, "-cert", certificate, "-HTTP", "-quiet"},
                      site.path());
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  if (!server.running()) GTEST_SKIP() << "openssl s_server does not run: " << server.err();
  env_.set("HF_ENDPOINT", ("https://localhost:" + port).c_str());
  for (const auto* name : {"CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "https_proxy", "HTTPS_PROXY",
                           "ALL_PROXY", "all_proxy"}) {
    env_.set(name, nullptr);
  }
  const Done refused = retort({"pull", "org/name"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.err.find("CURL_CA_BUNDLE"), std::string::npos) << refused.err;
  EXPECT_FALSE(fs::exists(repo()));
  for (const auto* name : {"CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"}) {
    fs::remove_all(repo());
    env_.set(name, certificate.c_str());
    const Done trusted = retort({"pull", "org/name"});
    EXPECT_EQ(trusted.exit_code, 0) << name << ": " << trusted.err;
    expect_complete();
    env_.set(name, nullptr);
  }
}

// The cache is shared with huggingface_hub in both directions. RETORT_HF_PYTHON names an interpreter that has it.
class PythonInterop : public PullCommand {
 protected:
  static std::string python() {
    const char* chosen = std::getenv("RETORT_HF_PYTHON");
    return chosen ? chosen : "python3";
  }
  static bool have_library() {
    ChildProcess probe({python(), "-c", "import huggingface_hub"});
    return probe.wait() == 0;
  }
  static Done run_python(const std::string& code) {
    ChildProcess child({python(), "-c", code});
    const int exit_code = child.wait();
    return {exit_code, child.out(), child.err()};
  }
};

TEST_F(PythonInterop, PythonFindsWhatRetortPulled) {
  if (!have_library()) GTEST_SKIP() << "no Python with huggingface_hub (set RETORT_HF_PYTHON)";
  const Done pulled = retort({"pull", "org/name", "--quiet"});
  ASSERT_EQ(pulled.exit_code, 0) << pulled.err;
  const auto before = hub_.requests("org/name").size();
  const Done found = run_python(
      "import huggingface_hub as h\n"
      "print(h.snapshot_download('org/name', local_files_only=True))\n"
      "print(h.hf_hub_download('org/name', 'model.safetensors', local_files_only=True))\n"
      "info = h.scan_cache_dir()\n"
      "print(len(info.warnings), [f.file_name for r in info.repos for v in r.revisions for f in sorted(v.files, "
      "key=lambda f: f.file_name)], [sorted(v.refs) for r in info.repos for v in r.revisions])\n");
  ASSERT_EQ(found.exit_code, 0) << found.err;
  const std::string snapshot = pulled.out.substr(0, pulled.out.size() - 1);
  EXPECT_EQ(found.out,
            snapshot + "\n" + snapshot + "/model.safetensors\n0 ['config.json', 'model.safetensors'] [['main']]\n");
  EXPECT_EQ(hub_.requests("org/name").size(), before);
}

TEST_F(PythonInterop, PythonAsksAndNeedsNothingMore) {
  if (!have_library()) GTEST_SKIP() << "no Python with huggingface_hub (set RETORT_HF_PYTHON)";
  ASSERT_EQ(retort({"pull", "org/name", "--quiet"}).exit_code, 0);
  const auto before = hub_.requests("/cdn/").size();
  const Done found =
      run_python("import huggingface_hub as h; print(h.hf_hub_download('org/name', 'model.safetensors'))");
  ASSERT_EQ(found.exit_code, 0) << found.err;
  EXPECT_EQ(hub_.requests("/cdn/").size(), before);
}

TEST_F(PythonInterop, RetortFindsWhatPythonLoaded) {
  if (!have_library()) GTEST_SKIP() << "no Python with huggingface_hub (set RETORT_HF_PYTHON)";
  const Done loaded = run_python(
      "import huggingface_hub as h\n"
      "print(h.hf_hub_download('org/name', 'config.json'))\n"
      "print(h.hf_hub_download('org/name', 'model.safetensors'))\n");
  ASSERT_EQ(loaded.exit_code, 0) << loaded.err;
  const Done pulled = retort({"pull", "org/name", "--json"});
  ASSERT_EQ(pulled.exit_code, 0) << pulled.err;
  EXPECT_EQ(json::parse(pulled.out)["downloaded_bytes"], 0);
  expect_complete();
  env_.set("HF_HUB_OFFLINE", "1");
  EXPECT_EQ(retort({"pull", "org/name", "--json"}).exit_code, 0);
}

}  // namespace
}  // namespace retort
