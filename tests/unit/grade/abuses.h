// Programs that try to leave the sandbox or to use more than they may, and what must become of each.
//
// A program that only tries prints "refused" where it got nothing, and "LEAK ..." where it did: "accepted" means that
// it printed "refused" and ended well. Words between @ stand for what is outside: @CANARY@ a file and @FOLDER@ its
// folder,
// @SECRET@ what the file and an environment variable hold, @PORT@ and @UNIX@ sockets that listen, @PID@ the test.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "grade/code/code_tests.h"
#include "grade/code/verdict.h"

namespace retort::grade {

struct Abuse {
  const char* name;
  const char* source;
  std::vector<Verdict> verdicts = {Verdict::kAccepted};  ///< any of them is right
  CodeLanguage language = CodeLanguage::kPython;
};

/// Python: reach for files, processes, the network and the kernel.
const std::vector<Abuse>& escapes();
/// Python: use up time, memory, disk, processes, output.
const std::vector<Abuse>& floods();
/// C++, at run time and at compile time.
const std::vector<Abuse>& cpp_abuses();

/// Stands before every Python source.
extern const char* const kAbusePrelude;

}  // namespace retort::grade
