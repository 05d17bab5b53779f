// retort inspect, on small models made here and on published ones.
#include <gtest/gtest.h>

#include "core/json.h"
#include "testing/gguf_builder.h"
#include "testing/quantized_checkpoint.h"
#include "testing/run_program.h"
#include "testing/shared_data.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

using ::retort::testing::ProgramResult;
using ::retort::testing::run_program;
using ::retort::testing::TempDir;
using ::retort::testing::tiny_gguf;

ProgramResult inspect(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "inspect");
  return run_program(RETORT_BINARY, arguments);
}

Json inspect_json(const std::string& model) {
  const ProgramResult result = inspect({model, "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  const auto json = parse_json(result.out, "inspect --json");
  EXPECT_TRUE(json) << result.out;
  return json.value_or(Json());
}

TEST(Inspect, TellsWhatAModelIs) {
  const TempDir dir;
  const std::string model = dir.write("m.gguf", tiny_gguf().build());
  for (const auto& arguments : {std::vector<std::string>{model}, std::vector<std::string>{"--model", model}}) {
    const ProgramResult result = inspect(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    for (const auto* part : {"tiny", "Qwen2ForCausalLM", "2 heads over 1 key/value heads of 4", "F32", "per token"}) {
      EXPECT_NE(result.out.find(part), std::string::npos) << part << " is not in\n" << result.out;
    }
    EXPECT_EQ(result.out.find('\x1b'), std::string::npos) << "no colours into a file";
    EXPECT_EQ(result.out.find(" \n"), std::string::npos) << "spaces at the end of a line";
  }
}

TEST(Inspect, JsonHasTheFactsAndThePlan) {
  const TempDir dir;
  const Json report = inspect_json(dir.write("m.gguf", tiny_gguf({.architecture = "qwen2moe"}).build()));
  EXPECT_EQ(report["format"], "gguf");
  EXPECT_EQ(report["runnable"], true);
  EXPECT_EQ(report["config"]["architecture"], "Qwen2MoeForCausalLM");
  EXPECT_EQ(report["config"]["moe"]["num_experts"], 3);
  EXPECT_EQ(report["memory"]["kv_bytes_per_token"]["f32"], 2 * 2 * 4 * 4) << "2 layers, K and V, 4 dimensions";
  EXPECT_EQ(report["memory"]["lengths"].back()["max_model_len"], 64);
  EXPECT_EQ(report["memory"]["lengths"].back()["kv_bytes"]["bf16"], 64 * 2 * 2 * 4 * 2);
}

TEST(Inspect, TellsHowWeightsAreQuantized) {
  const TempDir dir;
  const std::string model = dir.path() / "quantized";
  for (const testing::QuantizedForm& form : testing::quantized_forms()) {
    if (std::string_view(form.name) != "gptq_order") continue;
    ASSERT_TRUE(testing::write_quantized_model(model, dir.path() / "plain", form));
  }
  const Json report = inspect_json(model);
  EXPECT_EQ(report["runnable"], true) << report["problem"];
  EXPECT_EQ(report["config"]["quantization"]["method"], "gptq");
  const Json& scheme = report["config"]["quantization"]["schemes"][0];
  EXPECT_EQ(scheme["bits"], 4);
  EXPECT_EQ(scheme["group_size"], 16);
  EXPECT_EQ(scheme["symmetric"], false);
  EXPECT_EQ(scheme["activation_order"], true);
  EXPECT_EQ(report["weights"]["types"][1]["quantization"], "int4 g16");
  EXPECT_EQ(report["memory"]["loaded_weight_bytes"], 4 * report["weights"]["parameters"].get<std::int64_t>());
  const ProgramResult text = inspect({model});
  for (const auto* part :
       {"gptq: 4-bit integers in groups of 16, asymmetric, in the order of activations", "int4 g16", "when loaded"}) {
    EXPECT_NE(text.out.find(part), std::string::npos) << part << " is not in\n" << text.out;
  }
}

TEST(Inspect, PlansTheLengthAskedFor) {
  const TempDir dir;
  const std::string model = dir.write("m.gguf", tiny_gguf().build());
  const ProgramResult result = inspect({model, "--max-model-len", "48", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json report = parse_json(result.out, "json").value();
  ASSERT_EQ(report["memory"]["lengths"].size(), 1U);
  EXPECT_EQ(report["memory"]["lengths"][0]["max_model_len"], 48);
  const ProgramResult beyond = inspect({model, "--max-model-len", "65"});
  EXPECT_EQ(beyond.exit_code, 2);
  EXPECT_NE(beyond.err.find("64"), std::string::npos) << beyond.err;
}

TEST(Inspect, FailuresGoToStderr) {
  const ProgramResult missing = inspect({"/nonexistent/model"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_EQ(missing.out, "");
  EXPECT_NE(missing.err.find("/nonexistent/model"), std::string::npos);
  EXPECT_EQ(inspect({}).exit_code, 2);
  EXPECT_EQ(inspect({"a", "--model", "b"}).exit_code, 2);
  EXPECT_EQ(inspect({"a", "--no-such-option"}).exit_code, 2);
}

TEST(Inspect, AHeaderAloneIsShownAndSaidToBeIncomplete) {
  RETORT_SHARED_OR_SKIP(header, "data/golden/r1_distill/qwen_7b_header.gguf.xz");
  const TempDir dir;
  const std::string model = dir.write("r1.gguf", testing::read_text(header));
  const Json report = inspect_json(model);
  EXPECT_EQ(report["name"], "DeepSeek R1 Distill Qwen 7B");
  EXPECT_EQ(report["runnable"], false);
  EXPECT_NE(report["problem"].get<std::string>().find("tensor data is missing"), std::string::npos);
  EXPECT_EQ(report["weights"]["tensors"], 339);
  EXPECT_EQ(report["memory"]["kv_bytes_per_token"]["bf16"], 56 * 1024) << "the published figure";
  EXPECT_EQ(report["tokenizer"]["merges"], 151387);
  EXPECT_EQ(report["tokenizer"]["bos"]["id"], 151646);
  EXPECT_NE(report["chat_template"]["source"].get<std::string>().find("</think>"), std::string::npos);
  EXPECT_NE(inspect({model}).out.find("cannot be run"), std::string::npos);
}

TEST(Inspect, EveryTinyCheckpoint) {
  RETORT_SHARED_OR_SKIP(tiny, "data/golden/tiny");
  for (const auto& entry : std::filesystem::directory_iterator(tiny)) {
    const Json report = inspect_json(entry.path().string());
    EXPECT_EQ(report["runnable"], true) << entry.path();
    EXPECT_EQ(report["name"], entry.path().filename().string());
  }
}

}  // namespace
}  // namespace retort
