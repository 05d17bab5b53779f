// Abuses in C++: of the sandbox at run time, and of the compiler.
#include "abuses.h"

namespace retort::grade {

const std::vector<Abuse>& cpp_abuses() {
  constexpr Verdict kError = Verdict::kRuntimeError;
  constexpr Verdict kTime = Verdict::kTimeLimit;
  constexpr Verdict kMemory = Verdict::kMemoryLimit;
  constexpr Verdict kCompile = Verdict::kCompileError;
  constexpr CodeLanguage kCpp = CodeLanguage::kCpp;
  static const std::vector<Abuse> table = {
      {"CppForkBomb", "#include <unistd.h>\nint main() { for (;;) fork(); }", {kTime}, kCpp},
      {"CppMemory",
       "#include <vector>\nint main() { std::vector<char*> v; for (;;) { char* p = new char[1 << 20]; "
       "for (int i = 0; i < 1 << 20; i += 64) p[i] = 1; v.push_back(p); } }",
       {kMemory},
       kCpp},
      {"CppMemoryAtOnce",
       "#include <vector>\nint main() { std::vector<char> v(1L << 42); return v[5]; }",
       {kMemory},
       kCpp},
      {"CppEndlessRecursion",
       "int f(volatile int n) { volatile int a[100]; a[n % 100] = n; return f(n + 1) + a[n % 50]; }\nint main() { "
       "return f(0); }",
       {kError},
       kCpp},
      {"CppNullPointer", "int main() { volatile int* p = nullptr; return *p; }", {kError}, kCpp},
      {"CppAbort", "#include <cstdlib>\nint main() { abort(); }", {kError}, kCpp},
      {"CppBusy", "int main() { for (volatile int i = 0;; ++i) {} }", {kTime}, kCpp},
      {"CppSystemCallOf32Bits",
       R"(
#include <cstdio>
int main() {
  long result = 0;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(359), "b"(1), "c"(1), "d"(0) : "memory");  // socket
  puts(result < 0 ? "refused" : "LEAK");
})",
       {kError, Verdict::kAccepted},
       kCpp},
      {"CppSystemCallOfX32",
       R"(
#include <cstdio>
#include <unistd.h>
int main() { puts(syscall(0x40000000 | 41, 2, 1, 0) < 0 ? "refused" : "LEAK"); })",
       {kError, Verdict::kAccepted},
       kCpp},
      {"CppShellOut",
       R"(
#include <cstdio>
#include <cstdlib>
int main() { puts(system("cat /etc/shadow @CANARY@ 2>/dev/null") == 0 ? "LEAK" : "refused"); })",
       {Verdict::kAccepted},
       kCpp},
      {"CompileIncludeShadow", "#include \"/etc/shadow\"\nint main() {}", {kCompile}, kCpp},
      {"CompileIncludeTheCanary", "#include \"@CANARY@\"\nint main() {}", {kCompile}, kCpp},
      {"CompileIncludeZero", "#include \"/dev/zero\"\nint main() {}", {kCompile}, kCpp},
      {"CompileIncbinTheCanary", "__asm__(\".incbin \\\"@CANARY@\\\"\");\nint main() {}", {kCompile}, kCpp},
      {"CompileIncludeItself", "#include __FILE__\n#include __FILE__\nint main() {}", {kCompile}, kCpp},
      {"CompileHugeArray", "int a[1L << 31] = {1};\nint main() { return a[7]; }", {kCompile}, kCpp},
      {"CompileTemplateBomb",
       "template <int N> struct A { typename A<N - 1>::type a, b; using type = A; A<N - 1> c; A<2 * N> d; };\n"
       "int main() { A<100> a; }",
       {kCompile},
       kCpp},
      {"CompileMacroBomb",
       "#define A(x) x x x x x x x x x x\n#define B(x) A(A(A(x)))\n#define C(x) B(B(B(x)))\nint main() { C(C(int a;)) "
       "}",
       {kCompile},
       kCpp},
      {"CompileNothing", "this is no program", {kCompile}, kCpp},
      {"CompileEndsTheSource", "int main() {} \xff\xfe @", {kCompile}, kCpp},
  };
  return table;
}

}  // namespace retort::grade
