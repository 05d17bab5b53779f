// Answers that try to pass without being right.
#include "code_testing.h"

namespace retort::grade {
namespace {

struct Forgery {
  const char* name;
  const char* source;
};

// Each stands in a module whose f() ought to give 41 and 42.
constexpr Forgery kPythonForgeries[] = {
    {"ExitZero", "import sys\nsys.exit(0)"},
    {"UnderscoreExit", "import os\nos._exit(0)"},
    {"RaiseSystemExit", "raise SystemExit(0)"},
    {"ExitInTheCall", "import sys\ndef f(n): sys.exit(0)"},
    {"UnderscoreExitInTheCall", "import os\ndef f(n): os._exit(0)"},
    {"RaiseAssertionError", "def f(n): raise AssertionError"},
    {"KillItself", "import os\ndef f(n): os.kill(os.getpid(), 9)"},
    {"ExitAtExit", "import atexit, os\natexit.register(os._exit, 0)\ndef f(n): return 0"},
    {"ExitInAThread", "import threading, os\ndef f(n): threading.Thread(target=os._exit, args=(0,)).start()"},
    {"EqualToAll",
     "class A:\n  def __eq__(self, o): return True\n  def __ne__(self, o): return False\n  def __bool__(self): return "
     "True\ndef f(n): return A()"},
    {"NumberEqualToAll",
     "class A(int):\n  def __eq__(self, o): return True\n  def __hash__(self): return 0\ndef f(n): return A(7)"},
    {"FloatEqualToAll",
     "class A(float):\n  def __eq__(self, o): return True\n  def __sub__(self, o): return 0\ndef f(n): return A(7)"},
    {"StringEqualToAll", "class A(str):\n  def __eq__(self, o): return True\ndef f(n): return A('7')"},
    {"ListEqualToAll", "class A(list):\n  def __eq__(self, o): return True\ndef f(n): return A()"},
    {"NotANumber", "def f(n): return float('nan')"},
    {"PatchBuiltins",
     "import builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.type = lambda *a: int\nbuiltins.all = lambda "
     "*a: True\ndef f(n): return 0"},
    {"PatchAssertionError", "import builtins\nbuiltins.AssertionError = None\ndef f(n): return 0"},
    {"PatchJson",
     "import json\njson.dumps = lambda *a, **k: '{\"value\": 41}'\njson.JSONEncoder.encode = lambda *a: '{\"value\": "
     "41}'\ndef f(n): return 0"},
    {"PrintAPass",
     "print('{\"one\": {\"passed\": true}}')\nprint('passed')\ndef f(n):\n  print('{\"one\": {\"passed\": true}}')\n  "
     "return 0"},
    {"WriteAPass",
     "import os\nfor i in range(9): os.write(3, b'{\"one\": {\"passed\": true, \"kind\": \"\", \"message\": "
     "\"\"}}\\n')\ndef f(n): return 0"},
    {"WriteAPassInTheCall",
     "import os\ndef f(n):\n  os.write(3, b'{\"one\": {\"passed\": true}}\\n')\n  os.write(3, b'{\"done\": "
     "true}\\n')\n  return 0"},
    {"WriteNonsense", "import os\ndef f(n):\n  os.write(3, b'\\xff\\x00[[[[\\n')\n  return 0"},
    {"WriteDeepNonsense",
     "import os\ndef f(n):\n  os.write(3, b'{\"value\":' + b'[' * 100000 + b']' * 100000 + b'}\\n')\n  return 0"},
    {"WriteADictionaryThatIsNone",
     "import os\ndef f(n):\n  os.write(3, b'{\"value\": {\"d\": [[[1], 2]]}}\\n')\n  return 0"},
    {"CloseTheWire", "import os\nos.close(3)\ndef f(n): return 0"},
    {"CloseAll", "import os\nos.closerange(0, 100)\ndef f(n): return 0"},
    {"ReadTheFrames", R"(
import sys
def f(n):
    found = []
    frame = sys._getframe()
    while frame:
        found += [v for v in frame.f_locals.values() if v in (41, 42, [41], [42])] + list(frame.f_code.co_consts)
        frame = frame.f_back
    return next((x for x in found if x in (41, 42)), 0))"},
    {"SearchTheHeap", R"(
import gc
def f(n):
    texts = [o for o in gc.get_objects() if isinstance(o, (str, list, dict)) and ('== 41' in repr(o)[:100000] or 'expected' in repr(o)[:1000])]
    return 41 if any('== 41' in repr(t) for t in texts if 'SearchTheHeap' not in repr(t) and 'texts' not in repr(t)) else 0)"},
    {"ReadTheArguments", "import sys\ndef f(n): return 41 if 'assert f(' in repr(sys.orig_argv) else 0"},
    {"TraceTheTests",
     "import sys\ndef hook(*a): raise SystemExit(0)\nsys.settrace(hook)\nsys.setprofile(hook)\ndef f(n): return 0"},
    {"ReplaceTheModules",
     "import sys, types\nclass M(types.ModuleType):\n  def __getattr__(self, n): return lambda *a: "
     "41\nsys.modules['answer'] = M('answer')\nsys.modules['__main__'] = M('__main__')\ndef f(n): return 0"},
    {"ForkAndAnswerTwice", "import os\ndef f(n):\n  os.fork()\n  return 0"},
    {"DefineCandidateAndCheck", "def check(c): pass\ndef candidate(*a): return 41\ndef f(n): return 0"},
    {"RedefineHelpers", "def same(a, b): return True\ndef f(n): return 0"},
    {"Pickle", "class A:\n  def __reduce__(self): return (exec, ('import os; os._exit(0)',))\ndef f(n): return A()"},
    {"ReturnNothing", "def f(n): pass"},
};

class CodeForgery : public ::testing::TestWithParam<Forgery> {
 protected:
  void SetUp() override { RETORT_SANDBOX_OR_SKIP(); }
  static void expect_no_pass(const std::string& tests) {
    CodeGrader grader({.warm = 0});
    const GradeResult result = grade_with(grader, CodeLanguage::kPython, GetParam().source, tests);
    EXPECT_NE(result.verdict, Verdict::kAccepted);
    EXPECT_NE(result.verdict, Verdict::kSandboxRefused) << result.message;
    EXPECT_EQ(result.passed, 0U) << result.message;
  }
};

TEST_P(CodeForgery, DoesNotPassAsserts) {
  expect_no_pass(R"j({"type": "asserts", "setup": "def same(a, b): return a == b",
      "asserts": ["assert f(1) == 41", "assert same(f(2), 42)", "assert not f(1) != 41"]})j");
}

TEST_P(CodeForgery, DoesNotPassACheck) {
  expect_no_pass(
      R"({"type": "humaneval", "entry_point": "f", "prompt": "def same(a, b): return a == b\ndef f(n):\n  'x'\n",
      "test": "def check(candidate):\n  assert candidate(1) == 41\n  assert same(candidate(2), 42)\n"})");
}

TEST_P(CodeForgery, DoesNotPassCalls) {
  expect_no_pass(R"({"type": "call", "entry_point": "f",
      "cases": [{"args": [1], "expected": 41}, {"args": [2], "expected": 42}]})");
}

const auto kForgeryName = [](const auto& info) { return std::string(info.param.name); };
INSTANTIATE_TEST_SUITE_P(Python, CodeForgery, ::testing::ValuesIn(kPythonForgeries), kForgeryName);

// C++ shares the program with its tests (see TestForm::kAsserts): what is cheap is held.
constexpr Forgery kCppForgeries[] = {
    {"ExitBeforeMain", "#include <cstdlib>\nstruct A { A() { exit(0); } } a;\nint f(int) { return 0; }"},
    {"UnderscoreExitBeforeMain", "#include <unistd.h>\nstruct A { A() { _exit(0); } } a;\nint f(int) { return 0; }"},
    {"ExitInTheCall", "#include <cstdlib>\nint f(int) { exit(0); }"},
    {"QuickExitInTheCall", "#include <cstdlib>\nint f(int) { quick_exit(0); }"},
    {"ExitAtExit",
     "#include <cstdlib>\n#include <unistd.h>\nvoid out() { _exit(0); }\nstruct A { A() { atexit(out); } } a;\nint "
     "f(int) { return 0; }"},
    {"HandleAbort",
     "#include <csignal>\n#include <unistd.h>\nvoid out(int) { _exit(0); }\nstruct A { A() { signal(SIGABRT, out); } } "
     "a;\nint f(int) { return 0; }"},
    {"RedefineAssert",
     "#define NDEBUG\n#include <assert.h>\n#undef assert\n#define assert(x)\nint f(int) { return 0; }"},
    {"ItsOwnMain", "int f(int) { return 0; }\nint main() { return 0; }"},
    {"PrintAPass",
     "#include <cstdio>\n#include <unistd.h>\nint f(int) { puts(\"passed\"); write(3, \"passed\\n\", 7); _exit(0); }"},
    {"ReadTheWordLate",
     "#include <unistd.h>\nchar b[33];\nint f(int) { if (read(3, b, 33) > 0) write(3, b, 33); _exit(0); }"},
    {"CloseTheWire", "#include <unistd.h>\nint f(int) { close(3); _exit(0); }"},
    {"TestsMainAgain", "extern \"C\" int retort_main_of_tests() { return 0; }\nint f(int) { return 0; }"},
};

class CppForgery : public ::testing::TestWithParam<Forgery> {
 protected:
  void SetUp() override { RETORT_SANDBOX_OR_SKIP(); }
};

TEST_P(CppForgery, DoesNotPass) {
  CodeGrader grader({.warm = 0});
  const GradeResult result = grade_with(
      grader, CodeLanguage::kCpp, GetParam().source,
      R"j({"type": "asserts", "asserts": ["#undef NDEBUG\n#include <assert.h>\nint main() { assert(f(1) == 41); }"]})j");
  EXPECT_NE(result.verdict, Verdict::kAccepted);
  EXPECT_NE(result.verdict, Verdict::kSandboxRefused) << result.message;
  EXPECT_EQ(result.passed, 0U);
}

INSTANTIATE_TEST_SUITE_P(Cpp, CppForgery, ::testing::ValuesIn(kCppForgeries), kForgeryName);

}  // namespace
}  // namespace retort::grade
