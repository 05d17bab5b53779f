// C++: compiled once, then run for each test.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fmt/format.h>
#include <string>
#include <sys/random.h>
#include <utility>

#include "grade/code/cpp_compile.h"
#include "grade/code/grade_parts.h"

namespace retort::grade {
namespace {

// Linked in front of the answer. Takes the word before any of the answer's code runs, keeps it in another form than it
// came in, and gives it back where main() has ended; no exit code and no output of the answer says as much.
constexpr std::string_view kRunner = R"C(
#include <unistd.h>
static volatile unsigned char kept[32];
extern int retort_main_of_tests(void);
__attribute__((constructor(101))) static void retort_take(void) {
  unsigned char word[33];
  long have = 0;
  while (have < 33) {
    long n = read(3, word + have, 33 - have);
    if (n <= 0) _exit(125);
    have += n;
  }
  for (int i = 0; i < 32; ++i) kept[i] = word[i] ^ (unsigned char)(0x5a + 7 * i);
  for (int i = 0; i < 33; ++i) ((volatile unsigned char*)word)[i] = 0;
}
int main(void) {
  int code = retort_main_of_tests();
  if (code == 0) {
    unsigned char word[33];
    for (int i = 0; i < 32; ++i) word[i] = kept[i] ^ (unsigned char)(0x5a + 7 * i);
    word[32] = '\n';
    if (write(3, word, 33) != 33) return 125;
  }
  return code;
}
)C";

std::string random_word() {
  unsigned char bytes[16] = {};
  RETORT_CHECK(getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes), "the kernel gives no random bytes");
  std::string word;
  for (const unsigned char byte : bytes) word += fmt::format("{:02x}", byte);
  return word;
}

// The answer may have a main() of its own, to try it out: it is not the tests'. The tests' main() gets another name for
// the linker, and stays main() for the compiler, which lets it end without a return.
std::string source_with_tests(const GradeRequest& request) {
  return fmt::format(
      "{}\n#define main retort_main_of_answer\n#line 1 \"answer.cc\"\n{}\n#undef main\n#undef assert\n"
      "int main() __asm__(\"retort_main_of_tests\");\n#line 1 \"tests.cc\"\n{}\n",
      request.tests.setup, request.source, request.tests.asserts.front());
}

Expected<GradeResult> grade_cpp_asserts(const GradeRequest& request, const GradeContext& context) {
  const SandboxTools& tools = context.options.tools;
  RETORT_TRY(CppProgram program, compile_cpp({.source = source_with_tests(request), .runner = std::string(kRunner)},
                                             context.options.compile_limits, tools));
  if (!program.compiled) return all_failed(request, Verdict::kCompileError, std::move(program.message));
  RETORT_TRY(SandboxProcess process,
             SandboxProcess::start({.argv = {"/box/answer"},
                                    .files = {{"/box/answer", std::move(program.binary), SandboxFile::Mode::kExecute}},
                                    .limits = context.limits},
                                   tools));
  process.restart_clock(context.limits.cpu_ms, wall_limit_ms(context.limits));
  process.set_input("");
  const std::string word = random_word();
  process.send_line(word);
  SandboxProcess* const all[] = {&process};
  SandboxProcess::pump(all, [] { return false; });
  if (std::optional<Error> error = process.refused()) return fail(*std::move(error));
  TestResult result = result_of_run(process.result());
  if (result.verdict == Verdict::kRuntimeError && process.result().err.find("Assertion `") != std::string::npos) {
    result.verdict = Verdict::kWrongAnswer;
  } else if (result.verdict == Verdict::kAccepted && process.take_line() != word) {
    result.verdict = Verdict::kRuntimeError;
    result.message = "it ended before the tests did";
  }
  GradeResult grade;
  add_result(request, std::move(result), grade);
  return grade;
}

}  // namespace

Expected<GradeResult> grade_cpp(const GradeRequest& request, const GradeContext& context) {
  if (request.tests.form == TestForm::kCall) {
    return fail(ErrorCode::kInvalidArgument, "tests of form call are for Python; give C++ tests of form asserts");
  }
  if (request.tests.form == TestForm::kAsserts) return grade_cpp_asserts(request, context);
  const SandboxTools& tools = context.options.tools;
  RETORT_TRY(CppProgram program, compile_cpp({.source = request.source}, context.options.compile_limits, tools));
  if (!program.compiled) return all_failed(request, Verdict::kCompileError, std::move(program.message));
  SandboxCommand command = {.argv = {"/box/answer"},
                            .files = {{"/box/answer", std::move(program.binary), SandboxFile::Mode::kExecute}},
                            .limits = context.limits};
  return grade_programs(request, context, [&](const std::string& input) {
    command.input = input;
    return run_sandboxed(command, tools);
  });
}

}  // namespace retort::grade
