// retort run, as a person or a script runs it, on a model that recites what the test gave it.
#include <gtest/gtest.h>

#include "core/json.h"
#include "testing/run_program.h"
#include "testing/temp_dir.h"
#include "testing/terminal_session.h"
#include "testing/tiny_checkpoint.h"

namespace retort::testing {
namespace {

constexpr const char* kThinking = "<think>";

class Run : public ::testing::Test {
 protected:
  void recite(Recitation recitation) { ASSERT_TRUE(write_reciting_model(directory_.path(), recitation)); }
  ProgramResult run(std::vector<std::string> arguments) {
    std::vector<std::string> all = {"run", "--model", directory_.path(), "--log-level", "warn"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run_program(RETORT_BINARY, all);
  }
  Json json(std::vector<std::string> arguments) {
    arguments.push_back("--json");
    const ProgramResult result = run(std::move(arguments));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const auto parsed = parse_json(result.out, "output");
    EXPECT_TRUE(parsed) << result.out;
    return parsed.value_or(Json::object());
  }
  TempDir directory_;
};

TEST_F(Run, Answers) {
  recite({.pieces = in_order({"Two", " and", " two", " are", " 四."})});
  const ProgramResult result = run({"--prompt", "2+2?"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "Two and two are 四.\n");
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(run({"2+2?", "--verbose"}).out, result.out);  // the prompt may stand alone
  EXPECT_NE(run({"2+2?", "--verbose"}).err.find("6 tokens"), std::string::npos);
}

TEST_F(Run, JsonTellsEverything) {
  recite({.pieces = in_order({"hm", "</think>\n\n", "Four", " ok."}), .opening = "<think>\n"});
  const Json answer = json({"2+2?", "--logprobs", "2", "--temperature", "0"});
  EXPECT_EQ(answer["text"], "hm</think>\n\nFour ok.");
  EXPECT_EQ(answer["reasoning"], "hm");
  EXPECT_EQ(answer["answer"], "Four ok.");
  EXPECT_EQ(answer["finish_reason"], "stop");
  EXPECT_EQ(answer["usage"]["completion_tokens"], 5);
  ASSERT_EQ(answer["logprobs"]["content"].size(), 4u);
  EXPECT_EQ(answer["logprobs"]["content"][2]["token"], "Four");
  EXPECT_EQ(answer["logprobs"]["content"][2]["top_logprobs"].size(), 2u);
  EXPECT_NEAR(answer["logprobs"]["content"][2]["logprob"].get<double>(), 0.0, 1e-4);
  for (const char* key : {"timings", "version", "isa", "model", "sampling"}) EXPECT_TRUE(answer.contains(key)) << key;
}

TEST_F(Run, ThinkingIsShownOrHidden) {
  recite({.pieces = in_order({kThinking, "hm", "</think>", "\n\nFour."})});
  EXPECT_EQ(run({"?"}).out, "<think>hm</think>\n\nFour.\n");  // no terminal: as it is, and no codes
  EXPECT_EQ(run({"?", "--reasoning", "hide"}).out, "Four.\n");
  EXPECT_EQ(run({"?", "--reasoning", "loud"}).exit_code, 2);
}

TEST_F(Run, AStopStringIsNeverPrintedInPart) {
  recite({.pieces = in_order({"one ", "FIN", "ITE ", "FI", "NI", "SH two"})});
  EXPECT_EQ(run({"?", "--stop", "FINISH "}).out, "one FINITE \n");
  const Json answer = json({"?", "--stop", "never", "--stop", "FINISH "});
  EXPECT_EQ(answer["finish_reason"], "stop");
  EXPECT_EQ(answer["stop_reason"], "FINISH ");
  EXPECT_EQ(run({"?", "--stop", ""}).exit_code, 2);
}

TEST_F(Run, LimitsAndForcedBeginnings) {
  recite({.pieces = {{"go ", 1}, {"on ", 0}}});  // for ever
  EXPECT_EQ(run({"?", "--max-tokens", "5"}).out, "go on go on go \n");
  EXPECT_EQ(json({"?", "--max-tokens", "5"})["finish_reason"], "length");
  EXPECT_EQ(run({"?", "--max-tokens", "3", "--force-prefix", "on "}).out, "on go on \n");
  const ProgramResult refused = run({std::string(300, 'x'), "--max-model-len", "100"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.err.find("the prompt has 308 tokens and --max-model-len is 100"), std::string::npos) << refused.err;
  EXPECT_EQ(refused.out, "");
}

TEST_F(Run, TakesTheEnginesOptions) {
  recite({.pieces = in_order({"Two", " and", " two."})});
  for (const char* dtype : {"auto", "f32", "bf16", "fp8", "fp8_e4m3", "int8"}) {
    const ProgramResult result = run({"2+2?", "--kv-cache-dtype", dtype, "--kv-cache-memory", "8M", "--kv-edge-layers",
                                      "1", "--max-model-len", "500", "--max-num-batched-tokens", "3"});
    EXPECT_EQ(result.out, "Two and two.\n") << dtype << result.err;
  }
  EXPECT_EQ(run({"?", "--gpu-memory-utilization", "0.5", "--quality", "exact"}).out, "Two and two.\n");
  for (const auto& [flag, value] :
       std::vector<std::pair<std::string, std::string>>{{"--kv-cache-dtype", "int4"},
                                                        {"--kv-cache-memory", "much"},
                                                        {"--gpu-memory-utilization", "2"},
                                                        {"--max-num-batched-tokens", "0"},
                                                        {"--max-num-batched-tokens", "9223372036854775807"},
                                                        {"--max-num-seqs", "9223372036854775807"},
                                                        {"--max-model-len", "-1"},
                                                        {"--max-model-len", "5000"}}) {
    const ProgramResult refused = run({"?", flag, value});
    EXPECT_EQ(refused.exit_code, 2) << flag;
    EXPECT_NE(refused.err.find(flag), std::string::npos) << refused.err;
  }
}

TEST_F(Run, TooLittleMemoryIsToldBeforeAnythingRuns) {
  recite({.pieces = in_order({"never"})});
  const ProgramResult refused = run({"?", "--kv-cache-memory", "20K"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_EQ(refused.out, "");
  for (const char* told : {"a sequence of --max-model-len 2,048 needs", "--kv-cache-memory gives 20.00 KiB",
                           "raise --kv-cache-memory", "lower --max-model-len to ", "--kv-cache-dtype"}) {
    EXPECT_NE(refused.err.find(told), std::string::npos) << told << ": " << refused.err;
  }
  const ProgramResult share = run({"?", "--gpu-memory-utilization", "0.000001"});
  EXPECT_EQ(share.exit_code, 1);
  EXPECT_NE(share.err.find("raise --gpu-memory-utilization"), std::string::npos) << share.err;
}

TEST_F(Run, TheMemoryPlanIsToldToThoseWhoAsk) {
  recite({.pieces = in_order({"yes"})});
  const auto errors = [&](std::vector<std::string> more) {
    std::vector<std::string> all = {"run", "--model", directory_.path(), "?"};
    all.insert(all.end(), more.begin(), more.end());
    return run_program(RETORT_BINARY, all).err;
  };
  EXPECT_EQ(errors({}), "");
  EXPECT_NE(errors({"--verbose"}).find("memory: weights"), std::string::npos);
  EXPECT_NE(errors({"--log-level", "debug"}).find("memory: weights"), std::string::npos);
}

TEST_F(Run, NumbersThatAreNoneEndItNamingLayerAndToken) {
  recite({.pieces = in_order({"never"}), .broken = true});
  const ProgramResult failed = run({"?"});
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_EQ(failed.out, "");
  EXPECT_NE(failed.err.find("layer 0 gives values that are not finite for token 0"), std::string::npos) << failed.err;
}

TEST_F(Run, IgnoresEosWhenTold) {
  recite({.pieces = in_order({"once"})});
  EXPECT_EQ(json({"?", "--ignore-eos", "--max-tokens", "4", "--temperature", "0"})["finish_reason"], "length");
}

TEST_F(Run, RawAndMessagesAndSystem) {
  recite({.pieces = in_order({"A1", "B2", "C3"})});
  EXPECT_EQ(run({"--raw", "--prompt", "xA1"}).out, "B2C3\n");
  const std::string messages = directory_.write("m.json", R"([{"role": "user", "content": "?"}])");
  EXPECT_EQ(run({"--messages", messages, "--system", "Be brief."}).out, "A1B2C3\n");
  EXPECT_EQ(run({"--messages", directory_.write("bad.json", "[")}).exit_code, 1);
  EXPECT_EQ(run({"--raw", "--system", "x", "y"}).exit_code, 2);
  EXPECT_EQ(run({}).exit_code, 2);
}

TEST_F(Run, WithoutATemplateSaysWhatToDo) {
  recite({.pieces = in_order({"A1", "B2"}), .chat_template = Recitation::Template::kWithout});
  const ProgramResult refused = run({"?"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.err.find("--raw"), std::string::npos);
  EXPECT_NE(refused.err.find("--chat-template"), std::string::npos);
  EXPECT_EQ(run({"--raw", "A1"}).out, "B2\n");
  const std::string file = directory_.write("t.jinja", "{{ messages[0].content }}{{ ending }}");
  EXPECT_EQ(run({"?", "--chat-template", file, "--kwargs", R"({"ending": "A1"})"}).out, "B2\n");
}

TEST_F(Run, DefaultsComeFromTheCheckpoint) {
  recite({.pieces = in_order({"A1"}), .generation_config = R"({"do_sample": false, "top_k": 7, "max_new_tokens": 1})"});
  const Json answer = json({"?"});
  EXPECT_EQ(answer["sampling"]["temperature"], 0.0);
  EXPECT_EQ(answer["sampling"]["top_k"], 7);
  EXPECT_EQ(answer["finish_reason"], "length");
  EXPECT_EQ(json({"?", "--temperature", "0.5", "--seed", "3"})["sampling"]["seed"], 3);
}

TEST_F(Run, ATerminalIsDimmedAndNeverDriven) {
  recite({.pieces = in_order({kThinking, "\nhm", "\n</think>\n\n", "red\x1b[31m", "!!"})});
  const std::vector<std::string> arguments = {"run", "--model", directory_.path(), "?"};
  TerminalSession dimmed(RETORT_BINARY, arguments);
  EXPECT_EQ(dimmed.wait_exit(), 0);
  EXPECT_NE(dimmed.output().find("\x1b[2mhm\x1b[0m\r\n\r\nred\\x1b[31m!!\r\n"), std::string::npos) << dimmed.output();
  TerminalSession plain(RETORT_BINARY, arguments, {"NO_COLOR=1"});
  EXPECT_EQ(plain.wait_exit(), 0);
  EXPECT_EQ(plain.output().find('\x1b'), std::string::npos) << plain.output();
}

TEST_F(Run, CtrlCEndsTheAnswer) {
  recite({.pieces = {{"go ", 1}, {"on ", 0}}, .max_position_embeddings = 200'000});
  TerminalSession session(RETORT_BINARY, {"run", "--model", directory_.path(), "?"});
  ASSERT_TRUE(session.wait_for("go on go on")) << session.output();
  session.send("\x03");
  EXPECT_EQ(session.wait_exit(), 1);
  EXPECT_NE(session.output().find("abort"), std::string::npos) << session.output().substr(0, 300);
}

}  // namespace
}  // namespace retort::testing
