// A hub that lists what no repo can hold.
#include <algorithm>
#include <string>

#include "pull_fixture.h"

namespace retort {
namespace {
namespace fs = std::filesystem;
using std::string_literals::operator""s;

class PullHostileTest : public PullTest {
 protected:
  // Pulls a repo whose listing has `name` (as JSON writes it) beside a model, and everything is asked for.
  Error pull_listing(const std::string& name) {
    hub_.set_listing(
        fmt::format(R"({{"sha":"{}","siblings":[{{"rfilename":"model.safetensors","size":1,"blobId":"{}"}},)"
                    R"({{"rfilename":"{}","size":4,"blobId":"{}"}}]}})",
                    hub_.commit(), testing::git_blob_hash("x"), name, testing::git_blob_hash("evil")));
    const auto result = pull(settings(), request({"*"}), nullptr, cancel_);
    return result ? Error(ErrorCode::kNotFound, "it did not fail") : result.error();
  }

  // Files and links below the cache's parent, but for the cache's own empty folders.
  [[nodiscard]] std::size_t files_written() const {
    return static_cast<std::size_t>(
        std::count_if(fs::recursive_directory_iterator(cache_.path()), fs::recursive_directory_iterator(),
                      [](const fs::directory_entry& entry) { return !entry.is_directory() || entry.is_symlink(); }));
  }
};

TEST_F(PullHostileTest, NamesThatLeadElsewhere) {
  for (const auto& name : {"../evil"s, "../../../../../../tmp/evil"s, "/tmp/evil"s, "a/../../evil"s, ".."s, "."s,
                           "./evil"s, "a//evil"s, "evil/"s, R"(evil\u0000.safetensors)"s, R"(evil\n)"s,
                           R"(\u001b]0;evil\u0007)"s, ""s, std::string(300, 'a'), "a/" + std::string(300, 'b'), [] {
                             std::string deep = "a";
                             while (deep.size() < 2000) deep += "/a";
                             return deep;
                           }()}) {
    const Error error = pull_listing(name);
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt) << name << ": " << error.message();
    EXPECT_EQ(files_written(), 0u) << name;
    EXPECT_TRUE(hub_.requests("resolve").empty()) << name;
    for (const char c : error.message()) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << name;
  }
}

TEST_F(PullHostileTest, ANameInUseForAFolder) {
  const Error error = pull_listing("model.safetensors/evil");
  EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
  EXPECT_NE(error.message().find("as a file and as a folder"), std::string::npos) << error.message();
}

TEST_F(PullHostileTest, TheSameNameTwice) { EXPECT_EQ(pull_listing("model.safetensors").code(), ErrorCode::kCorrupt); }

TEST_F(PullHostileTest, NamesThatDifferInCaseAreTwoFiles) {
  hub_.add("Model.safetensors", "upper", true);
  hub_.add("model.safetensors", "lower", true);
  const auto result = pull_model();
  ASSERT_TRUE(result) << result.error().message();  // on a file system that knows case
  EXPECT_EQ(testing::read_text(result->snapshot / "Model.safetensors"), "upper");
  EXPECT_EQ(testing::read_text(result->snapshot / "model.safetensors"), "lower");
}

TEST_F(PullHostileTest, ACommitThatIsAPath) {
  hub_.set_listing(R"({"sha":"../../../../tmp/evil","siblings":[]})");
  EXPECT_EQ(failed_pull().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(files_written(), 0u);
}

TEST_F(PullHostileTest, ASizeThatNoDiskHas) {
  hub_.set_listing(
      fmt::format(R"({{"sha":"{}","siblings":[{{"rfilename":"model.safetensors","size":{},"blobId":"{}"}}]}})",
                  hub_.commit(), std::int64_t{1} << 50, testing::git_blob_hash("x")));
  const Error error = failed_pull();
  EXPECT_EQ(error.code(), ErrorCode::kIo);
  EXPECT_NE(error.message().find("1.00 PiB (1125899906842624 bytes) needed"), std::string::npos) << error.message();
  EXPECT_NE(error.message().find("HF_HOME"), std::string::npos) << error.message();
  EXPECT_TRUE(hub_.requests("resolve").empty());
}

}  // namespace
}  // namespace retort
