// The tests of a LiveCodeBench row. A release file is JSONL; `public_test_cases` is JSON text, and `private_test_cases`
// is the same, or base64 of a zlib stream of a Python pickle of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/json_fwd.h"

namespace retort::eval {

struct ContestTest {
  std::string input;
  std::string output;
};

struct ContestTests {
  std::vector<ContestTest> tests;  ///< public ones first
  std::string function;  ///< the method of `Solution` that is called; empty: input and output are the program's
};

/// kCorrupt names the field. A test of the kind "functional" needs `metadata` with "func_name".
Expected<ContestTests> livecodebench_tests(const OrderedJson& row);

/// The text in a pickle that holds one text and nothing else. Nothing of it is run: any other opcode is kUnsupported.
Expected<std::string> text_of_pickle(std::string_view pickle);

/// kCorrupt for a letter that is none of base64's.
Expected<std::string> decode_base64(std::string_view text);

}  // namespace retort::eval
