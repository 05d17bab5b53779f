// Any text as a chat template: a compile error, a render error, or a prompt within the limits; never more time or
// memory than the limits allow.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.h"
#include "text/chat_request.h"
#include "text/chat_template.h"

namespace {

retort::ChatRequest fixed_request() {
  retort::ChatRequest request;
  request.messages = retort::OrderedJson::parse(
      R"([{"role":"system","content":"Be brief."},{"role":"user","content":"Caf\u00e9 <b>?"},)"
      R"({"role":"assistant","content":"<think>\nhm\n</think>\n\nYes","tool_calls":[{"function":)"
      R"({"name":"add","arguments":{"a":1,"b":[2.5,null,true,18446744073709551615]}}}]}])");
  request.tools = retort::OrderedJson::parse(R"([{"type":"function","function":{"name":"add"}}])");
  request.kwargs = retort::OrderedJson::parse(R"({"x":7,"s":"some text","l":[3,1,2],"d":{"k":"v"}})");
  request.bos_token = "<s>";
  request.eos_token = "</s>";
  request.now = std::chrono::system_clock::time_point(std::chrono::seconds(1'800'000'000));
  return request;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const retort::ChatRequest request = fixed_request();
  retort::TemplateLimits limits;
  limits.max_source_bytes = 1 << 16;
  limits.max_steps = 50'000;
  limits.max_output_bytes = 1 << 18;
  limits.max_value_bytes = 1 << 20;
  const auto compiled = retort::ChatTemplate::compile({reinterpret_cast<const char*>(data), size}, limits);
  if (!compiled) return 0;
  const auto rendered = compiled->render(request);
  if (!rendered) return 0;
  RETORT_CHECK(rendered->size() <= limits.max_output_bytes);
  // The same request gives the same prompt.
  const auto again = compiled->render(request);
  RETORT_CHECK(again && *again == *rendered);
  return 0;
}
