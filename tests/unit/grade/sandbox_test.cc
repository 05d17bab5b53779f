// The sandbox itself: what a command gets, what it says, how it ends, and what happens where there is none.
#include "grade/code/sandbox.h"

#include <chrono>
#include <csignal>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "code_testing.h"
#include "testing/expect_error.h"
#include "testing/temp_dir.h"

namespace retort::grade {
namespace {

using testing::expect_error;

class Sandbox : public ::testing::Test {
 protected:
  void SetUp() override { RETORT_SANDBOX_OR_SKIP(); }
  static SandboxResult shell(const std::string& script, std::string input = "") {
    const Expected<SandboxResult> result =
        run_sandboxed({.argv = {"/bin/sh", "-c", script}, .input = std::move(input), .limits = quick_limits()});
    if (!result) {
      ADD_FAILURE() << result.error().message();
      return {};
    }
    return *result;
  }
};

TEST_F(Sandbox, GivesBackOutputErrorsAndTheExitCode) {
  const SandboxResult result = shell("cat; echo oops >&2; exit 7", "hello");
  EXPECT_EQ(result.end, SandboxEnd::kExited);
  EXPECT_EQ(result.out, "hello");
  EXPECT_EQ(result.err, "oops\n");
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_GT(result.wall_ms, 0);
  EXPECT_GT(result.cpu_ms, 0);
}

TEST_F(Sandbox, CarriesMoreThanAPipeHolds) {
  const std::string input(900'000, 'x');
  EXPECT_EQ(shell("cat", input).out, input);
}

TEST_F(Sandbox, ACommandMayLeaveItsInputUnread) {
  EXPECT_EQ(shell("echo done", std::string(3'000'000, 'x')).out, "done\n");
}

TEST_F(Sandbox, TellsASignalAsTheShellDoes) {
  const SandboxResult result = shell("sh -c 'kill -9 $$'; exit $?");
  EXPECT_EQ(result.exit_code, 128 + 9);
}

TEST_F(Sandbox, HoldsOnlySevenVariables) {
  const SandboxResult result = shell("env | sed 's/=.*//' | sort | tr '\\n' ' '");
  EXPECT_EQ(result.out, "HOME LANG MALLOC_ARENA_MAX PATH PWD PYTHONHASHSEED TMPDIR ");
}

TEST_F(Sandbox, HoldsTheFilesOfTheCommandReadOnly) {
  const Expected<SandboxResult> result = run_sandboxed(
      {.argv = {"/bin/sh", "-c", "cat /box/a; /box/b; echo x >/box/a || echo refused"},
       .files = {{"/box/a", "from a\n"}, {"/box/b", "#!/bin/sh\necho from b\n", SandboxFile::Mode::kExecute}}});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out, "from a\nfrom b\nrefused\n");
}

TEST_F(Sandbox, KeepsTheBeginningAndTheEndOfErrors) {
  const SandboxResult result = shell("echo first >&2; head -c 500000 /dev/zero | tr '\\0' x >&2; echo last >&2");
  EXPECT_LE(result.err.size(), 64U << 10);
  EXPECT_TRUE(result.err.starts_with("first"));
  EXPECT_TRUE(result.err.ends_with("last\n"));
}

TEST_F(Sandbox, EndsWithItsFirstProcess) {
  const SandboxResult result = shell("(sleep 100; echo late) & echo early");
  EXPECT_EQ(result.out, "early\n");
  EXPECT_LT(result.wall_ms, 2500);
}

TEST_F(Sandbox, MeasuresTheProcessorOfAllProcesses) {
  const SandboxResult result = shell("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done");
  EXPECT_GT(result.cpu_ms, 20);
  EXPECT_LT(result.cpu_ms, result.wall_ms * 2 + 50);
}

TEST_F(Sandbox, SeesTheMemoryThatIsUsed) {
  const Expected<SandboxResult> result = run_sandboxed(
      {.argv = {"/usr/bin/python3", "-c", "x = bytearray(b'x') * (100 << 20)\nimport time\ntime.sleep(0.2)"}});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->exit_code, 0) << result->err;
  EXPECT_GT(result->peak_memory, 100 << 20);
  EXPECT_LT(result->peak_memory, 200 << 20);
}

// What a process left behind comes to the subreaper, which is this one.
TEST_F(Sandbox, DiesWithTheProgramThatStartedIt) {
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  const pid_t program = fork();
  ASSERT_GE(program, 0);
  if (program == 0) {
    (void)run_sandboxed({.argv = {"/bin/sh", "-c", "sleep 100 & sleep 100"}, .limits = {.cpu_ms = 100'000}});
    _exit(0);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  kill(program, SIGKILL);
  int left = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < deadline) {
    const pid_t gone = waitpid(-1, nullptr, WNOHANG);
    left = gone < 0 ? 0 : 1;
    if (left == 0) break;
    if (gone == 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(left, 0) << "something outlived it";
}

TEST_F(Sandbox, AFloodOfMessagesIsEnded) {
  CodeGrader grader({.warm = 0});
  const GradeResult result =
      grade_with(grader, CodeLanguage::kPython, "import os\nwhile True: os.write(3, b'1' * 65536)",
                 R"({"type": "call", "entry_point": "f", "cases": [{"args": [], "expected": 1}]})");
  EXPECT_EQ(result.verdict, Verdict::kRuntimeError) << result.message;
}

TEST_F(Sandbox, RefusesPathsThatLeadElsewhere) {
  for (const char* path : {"/etc/passwd", "/box/../etc/passwd", "box/a", ""}) {
    expect_error(run_sandboxed({.argv = {"/usr/bin/true"}, .files = {{path, "x"}}}), ErrorCode::kInvalidArgument,
                 {"sandbox: file", "/box"});
  }
  expect_error(run_sandboxed({.argv = {"true"}}), ErrorCode::kInvalidArgument, {"absolute path"});
}

TEST_F(Sandbox, RefusesLimitsThatMakeNoSense) {
  expect_error(run_sandboxed({.argv = {"/usr/bin/true"}, .limits = {.memory_bytes = 5}}), ErrorCode::kInvalidArgument,
               {"memory_bytes", "5"});
}

TEST_F(Sandbox, ACommandThatIsNotThereIsARefusal) {
  expect_error(run_sandboxed({.argv = {"/usr/bin/no-such-program"}}), ErrorCode::kUnsupported, {"no-such-program"});
}

// Where there is no bubblewrap, nothing may run outside: the command would leave a file.
TEST(SandboxMissing, RunsNothing) {
  const testing::TempDir folder;
  const std::string trace = (folder.path() / "trace").string();
  const SandboxCommand command = {.argv = {"/bin/sh", "-c", "touch " + trace}};
  expect_error(run_sandboxed(command, {.bwrap = "/nonexistent/bwrap"}), ErrorCode::kUnsupported,
               {"/nonexistent/bwrap", "install bubblewrap"});
  // Something that is no bubblewrap, or one that cannot make namespaces.
  expect_error(run_sandboxed(command, {.bwrap = "/usr/bin/false"}), ErrorCode::kUnsupported, {"could not build it"});
  const std::string broken =
      folder.write("bwrap", "#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2\nexit 1\n");
  std::filesystem::permissions(broken, std::filesystem::perms::all);
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  expect_error(run_sandboxed(command, {.bwrap = broken}), ErrorCode::kUnsupported,
               {"No permissions", "user namespaces"});
  EXPECT_FALSE(std::filesystem::exists(trace));
}

TEST(SandboxMissing, IsAVerdict) {
  CodeGrader grader({.tools = {.bwrap = "/nonexistent/bwrap"}, .warm = 1});
  for (const CodeLanguage language : {CodeLanguage::kPython, CodeLanguage::kCpp}) {
    const GradeResult result = grade_with(grader, language, "print('x')", stdio_tests("", "x"));
    EXPECT_EQ(result.verdict, Verdict::kSandboxRefused);
    EXPECT_NE(result.message.find("/nonexistent/bwrap"), std::string::npos) << result.message;
    EXPECT_EQ(result.passed, 0U);
    EXPECT_EQ(result.total, 1U);
  }
}

}  // namespace
}  // namespace retort::grade
