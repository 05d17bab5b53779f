// Every abuse of abuses.h: its verdict is right, nothing left the sandbox, and the harness lives.
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abuses.h"
#include "code_testing.h"
#include "grade/code/owned_fd.h"
#include "testing/scoped_env.h"
#include "testing/shared_data.h"
#include "testing/temp_dir.h"

namespace retort::grade {
namespace {

constexpr const char* kSecret = "a0b5-secret-7f3c";

// Sockets that must not be connected to.
class Listeners {
 public:
  Listeners()
      : tcp_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
        udp_(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
        unix_(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    EXPECT_EQ(bind(tcp_.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(tcp_.get(), 5), 0);
    EXPECT_EQ(getsockname(tcp_.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
    port_ = ntohs(address.sin_port);
    EXPECT_EQ(bind(udp_.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    unix_name_ = "retort-canary-" + std::to_string(getpid());
    unix_name_.copy(name.sun_path + 1, sizeof(name.sun_path) - 2);
    const auto unix_length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + unix_name_.size());
    EXPECT_EQ(bind(unix_.get(), reinterpret_cast<sockaddr*>(&name), unix_length), 0);
    EXPECT_EQ(listen(unix_.get(), 5), 0);
  }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] const std::string& unix_name() const { return unix_name_; }
  void expect_silence() const {
    char buffer[16];
    EXPECT_EQ(accept(tcp_.get(), nullptr, nullptr), -1) << "it reached a TCP socket";
    EXPECT_EQ(accept(unix_.get(), nullptr, nullptr), -1) << "it reached a UNIX socket";
    EXPECT_EQ(recv(udp_.get(), buffer, sizeof(buffer), 0), -1) << "it reached a UDP socket";
  }

 private:
  OwnedFd tcp_, udp_, unix_;
  int port_ = 0;
  std::string unix_name_;
};

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
  return text;
}

// Processes that this one started, and those whom they left behind: they come to this one, as the subreaper.
std::string children_of_this_process() {
  std::string found;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    found += testing::read_text(task.path() / "children");
  }
  return found;
}

class CodeAbuse : public ::testing::TestWithParam<Abuse> {
 protected:
  void SetUp() override {
    RETORT_SANDBOX_OR_SKIP();
    ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    canary_ = folder_.write("canary", kSecret);
    // Readable to anyone, so that nothing but the sandbox stands before it.
    std::filesystem::permissions(folder_.path(), std::filesystem::perms::all);
    std::filesystem::permissions(canary_, std::filesystem::perms::all);
  }

  testing::TempDir folder_;
  std::filesystem::path canary_;
  testing::ScopedEnv environment_{{"RETORT_CANARY", kSecret}};
  Listeners listeners_;
};

TEST_P(CodeAbuse, IsHeld) {
  const Abuse& abuse = GetParam();
  std::string source = abuse.language == CodeLanguage::kPython ? kAbusePrelude : "";
  source += abuse.source;
  source = replaced(source, "@CANARY@", canary_.string());
  source = replaced(source, "@FOLDER@", folder_.path().string());
  source = replaced(source, "@SECRET@", kSecret);
  source = replaced(source, "@PORT@", std::to_string(listeners_.port()));
  source = replaced(source, "@UNIX@", listeners_.unix_name());
  source = replaced(source, "@PID@", std::to_string(getpid()));
  CodeGrader grader({.compile_limits = {.cpu_ms = 3000,
                                        .memory_bytes = 512 << 20,
                                        .output_bytes = 8 << 20,
                                        .file_bytes = 64 << 20,
                                        .processes = 16},
                     .warm = 0});
  const GradeResult result = grade_with(grader, abuse.language, source, stdio_tests("", "refused"));
  EXPECT_NE(std::find(abuse.verdicts.begin(), abuse.verdicts.end(), result.verdict), abuse.verdicts.end())
      << to_string(result.verdict) << ": " << result.message;
  EXPECT_EQ(result.message.find("LEAK"), std::string::npos) << result.message;
  EXPECT_EQ(replaced(result.message, "@SECRET@", "").find(kSecret), std::string::npos) << result.message;

  EXPECT_EQ(testing::read_text(canary_), kSecret);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator(folder_.path())) ++files;
  EXPECT_EQ(files, 1U) << "it left a file";
  listeners_.expect_silence();
  EXPECT_EQ(children_of_this_process(), "") << "it left processes";
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);

  // The next one is judged as if nothing had been.
  EXPECT_EQ(grade_with(grader, CodeLanguage::kPython, "print('refused')", stdio_tests("", "refused")).verdict,
            Verdict::kAccepted);
}

// What the table relies on: an attempt that gets something is told, and fails its test.
TEST(CodeAbusePrelude, TellsALeak) {
  RETORT_SANDBOX_OR_SKIP();
  CodeGrader grader({.warm = 0});
  for (const char* attempt : {"attempt(read, '/usr/bin/env')", "attempt(os.listdir, '/usr')", "attempt(syscall, 39)",
                              "attempt(write, '/tmp/mine')"}) {
    const GradeResult result =
        grade_with(grader, CodeLanguage::kPython, kAbusePrelude + std::string(attempt), stdio_tests("", "refused"));
    EXPECT_EQ(result.verdict, Verdict::kWrongAnswer);
    EXPECT_NE(result.message.find("LEAK"), std::string::npos) << result.message;
  }
}

const auto kAbuseName = [](const auto& info) { return std::string(info.param.name); };
INSTANTIATE_TEST_SUITE_P(Escape, CodeAbuse, ::testing::ValuesIn(escapes()), kAbuseName);
INSTANTIATE_TEST_SUITE_P(Flood, CodeAbuse, ::testing::ValuesIn(floods()), kAbuseName);
INSTANTIATE_TEST_SUITE_P(Cpp, CodeAbuse, ::testing::ValuesIn(cpp_abuses()), kAbuseName);

}  // namespace
}  // namespace retort::grade
