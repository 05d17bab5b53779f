// The Python side of judging: one script, which a fresh interpreter runs before it gets its work.
//
// It talks over descriptor 3, a line of JSON each way, and takes one of three parts:
//
//   program    {"part": "program", "source"}: answers {"parsed": true}, closes the descriptor, and runs the source as a
//              script would be run.
//   functions  {"part": "functions", "source", "path"}: runs the source, answers {"ready": true}, then answers
//              {"call": name, "args": [...], "kwargs": [[name, value]...]} with {"value": ...} or {"raised": type,
//              "message"}.
//   tests      {"part": "tests", "setup", "tests": [...], "entry"}: runs the tests, which call the functions of another
//              process: it sends {"call", "args", "kwargs"} as above, and after each test
//              {"one": {"passed", "kind", "message"}}; kind is "raised" where the answer raised, else "failed".
//
// Whether a source parses is told as {"syntax": message}. In `functions`, the judged code can write to the descriptor
// itself. That gains it nothing: all that it can forge is what its functions return, and whoever reads it holds the
// expected values. In `tests`, no judged code runs: values come in as plain data, never pickled.
//
// Values: null, booleans, strings, integers below 2^53 and lists as in JSON; otherwise an object with one key: "i" an
// integer in hex, "f" a float as repr, "s" a string with code points that are not characters, "b" bytes in hex,
// "c" complex, "t" tuple, "S" set, "F" frozenset, "d" dict as pairs, "q" deque, "D" Decimal, "Q" Fraction,
// "it" an iterator's items, "o" an object that stays where it is, by number, with "type".
#pragma once

#include <string_view>

namespace retort::grade {

std::string_view python_harness();

}  // namespace retort::grade
