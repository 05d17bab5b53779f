#include "grade/code/code_tests.h"

#include <fmt/format.h>
#include <utility>

#include "core/json.h"
#include "grade/code/value_compare.h"

namespace retort::grade {
namespace {

constexpr double kCallTolerance = 1e-6;

Error at(Error error, std::string_view what) { return std::move(error).within(what); }

Expected<const Json*> array_field(const Json& json, std::string_view key) {
  const Json* field = json_find(json, key);
  if (field == nullptr) return fail(ErrorCode::kNotFound, "'{}' is missing: expected a list", key);
  if (!field->is_array())
    return fail(ErrorCode::kCorrupt, "'{}': expected a list but found {}", key, field->type_name());
  return field;
}

Expected<std::vector<std::string>> string_list(const Json& json, std::string_view key) {
  RETORT_TRY(const Json* const list, array_field(json, key));
  std::vector<std::string> strings;
  for (const Json& item : *list) {
    if (!item.is_string())
      return fail(ErrorCode::kCorrupt, "'{}': expected strings but found {}", key, item.type_name());
    strings.push_back(item.get<std::string>());
  }
  return strings;
}

Status some_case(const std::vector<CodeCase>& cases) {
  if (!cases.empty()) return {};
  return fail(ErrorCode::kCorrupt, "no test: expected at least one case");
}

// "cases": [{"input", "output"}], or the two lists "inputs" and "outputs".
Expected<std::vector<CodeCase>> stdio_cases(const Json& json, TestForm form) {
  std::vector<CodeCase> cases;
  if (json_find(json, "cases") == nullptr && json_find(json, "inputs") != nullptr) {
    RETORT_TRY(std::vector<std::string> inputs, string_list(json, "inputs"));
    RETORT_TRY(std::vector<std::string> outputs, string_list(json, "outputs"));
    if (inputs.size() != outputs.size()) {
      return fail(ErrorCode::kCorrupt, "{} inputs but {} outputs: expected as many", inputs.size(), outputs.size());
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) cases.push_back({std::move(inputs[i]), std::move(outputs[i])});
  } else {
    RETORT_TRY(const Json* const list, array_field(json, "cases"));
    for (const Json& one : *list) {
      RETORT_TRY(std::string input, json_string(one, "input", ""));
      // A checker may need no expected output.
      const std::optional<std::string> fallback =
          form == TestForm::kChecker ? std::optional<std::string>("") : std::nullopt;
      RETORT_TRY(std::string output, json_string(one, "output", fallback));
      cases.push_back({std::move(input), std::move(output)});
    }
  }
  RETORT_TRY_STATUS(some_case(cases));
  return cases;
}

Status read_checker(const Json& json, CodeTests& tests) {
  RETORT_TRY(tests.cases, stdio_cases(json, TestForm::kChecker));
  const Json* checker = json_find(json, "checker");
  if (checker == nullptr) return fail(ErrorCode::kNotFound, "'checker' is missing: expected an object with 'source'");
  RETORT_TRY(tests.checker, json_string(*checker, "source"));
  RETORT_TRY(const std::string language, json_string(*checker, "language", "python"));
  const std::optional<CodeLanguage> known = code_language_from(language);
  if (!known) return fail(ErrorCode::kCorrupt, "checker: expected language python or cpp but found '{}'", language);
  tests.checker_language = *known;
  return {};
}

Status read_calls(const Json& json, CodeLanguage language, CodeTests& tests) {
  if (language != CodeLanguage::kPython) {
    return fail(ErrorCode::kUnsupported, "tests of type call are for Python; give C++ tests of type asserts");
  }
  RETORT_TRY(tests.entry_point, json_string(json, "entry_point"));
  RETORT_TRY(tests.tolerance, json_number(json, "tolerance", kCallTolerance));
  RETORT_TRY(const Json* const list, array_field(json, "cases"));
  for (const Json& one : *list) {
    RETORT_TRY(const Json* const args, array_field(one, "args"));
    if (!one.contains("expected")) return fail(ErrorCode::kNotFound, "'expected' is missing: expected a value");
    RETORT_TRY(const Json encoded, encoded_value(*args));
    tests.cases.push_back(
        {json_text(encoded, {.non_ascii = JsonTextOptions::NonAscii::kEscape}), json_text(one["expected"])});
  }
  return some_case(tests.cases);
}

Status read_asserts(const Json& json, CodeTests& tests) {
  RETORT_TRY(tests.entry_point, json_string(json, "entry_point", ""));
  RETORT_TRY(tests.setup, json_string(json, "setup", ""));
  RETORT_TRY(tests.prompt, json_string(json, "prompt", ""));
  RETORT_TRY(tests.asserts, string_list(json, "asserts"));
  return {};
}

Status read_humaneval(const Json& json, CodeLanguage language, CodeTests& tests) {
  RETORT_TRY(tests.prompt, json_string(json, "prompt"));
  RETORT_TRY(std::string test, json_string(json, "test"));
  if (language == CodeLanguage::kCpp) {
    RETORT_TRY(tests.entry_point, json_string(json, "entry_point", ""));
    tests.asserts = {std::move(test)};
    return {};
  }
  RETORT_TRY(tests.entry_point, json_string(json, "entry_point"));
  tests.setup = tests.prompt;  // its helpers, and a function that does nothing, in whose place the answer's stands
  tests.asserts = {test + "\ncheck(candidate)\n"};
  return {};
}

Status read_mbpp(const Json& json, CodeTests& tests) {
  RETORT_TRY(tests.entry_point, json_string(json, "entry_point", ""));
  RETORT_TRY(tests.asserts, string_list(json, "test_list"));
  if (json_find(json, "test_imports") != nullptr) {
    RETORT_TRY(const std::vector<std::string> imports, string_list(json, "test_imports"));
    for (const std::string& line : imports) tests.setup += line + "\n";
  }
  return {};
}

Status read_form(const Json& json, CodeLanguage language, std::string_view type, CodeTests& tests) {
  RETORT_TRY(tests.tolerance, json_number(json, "tolerance", 0.0));
  if (!(tests.tolerance >= 0 && tests.tolerance <= 1)) {
    return fail(ErrorCode::kCorrupt, "tolerance: expected a number from 0 to 1 but found {}", tests.tolerance);
  }
  if (type == "stdio") {
    RETORT_TRY(tests.cases, stdio_cases(json, TestForm::kStdio));
    return {};
  }
  if (type == "checker") {
    tests.form = TestForm::kChecker;
    return read_checker(json, tests);
  }
  if (type == "call") {
    tests.form = TestForm::kCall;
    return read_calls(json, language, tests);
  }
  tests.form = TestForm::kAsserts;
  if (type == "asserts") {
    RETORT_TRY_STATUS(read_asserts(json, tests));
  } else if (type == "humaneval") {
    RETORT_TRY_STATUS(read_humaneval(json, language, tests));
  } else if (type == "mbpp") {
    RETORT_TRY_STATUS(read_mbpp(json, tests));
  } else {
    return fail(ErrorCode::kCorrupt, "type: expected stdio, checker, call, asserts, humaneval or mbpp but found '{}'",
                type);
  }
  if (tests.asserts.empty()) return fail(ErrorCode::kCorrupt, "no test: expected at least one statement");
  if (language == CodeLanguage::kCpp && tests.asserts.size() != 1) {
    return fail(ErrorCode::kCorrupt, "asserts: expected one C++ text with main() but found {} texts",
                tests.asserts.size());
  }
  return {};
}

}  // namespace

std::optional<CodeLanguage> code_language_from(std::string_view name) {
  if (name == "python" || name == "py" || name == "python3") return CodeLanguage::kPython;
  if (name == "cpp" || name == "c++" || name == "cxx") return CodeLanguage::kCpp;
  return std::nullopt;
}

std::string_view to_string(CodeLanguage language) { return language == CodeLanguage::kPython ? "python" : "cpp"; }

std::string_view to_string(TestForm form) {
  switch (form) {
    case TestForm::kStdio:
      return "stdio";
    case TestForm::kChecker:
      return "checker";
    case TestForm::kCall:
      return "call";
    case TestForm::kAsserts:
      return "asserts";
  }
  return "unknown";
}

Expected<CodeTests> read_code_tests(const Json& json, CodeLanguage language, std::string_view what) {
  if (!json.is_object()) {
    return fail(ErrorCode::kCorrupt, "{}: expected an object with 'type' but found {}", what, json.type_name());
  }
  CodeTests tests;
  const Expected<std::string> type = json_string(json, "type");
  if (!type) return fail(at(type.error(), what));
  const Status read = read_form(json, language, *type, tests);
  if (!read) return fail(at(read.error(), what));
  return tests;
}

}  // namespace retort::grade
