#include <string>

#include "fuzz/seeds.h"

namespace retort::fuzz {

void write_eval_data_seeds(const SeedWriter& seeds) {
  seeds.write("jsonl", "l{\"id\": \"a\", \"q\": \"x\xE2\x80\xA8y\"}\n\n{\"id\": 2, \"q\": null}\r\n");
  seeds.write("json", "j[{\"id\": 1}, {\"id\": 2}]");
  seeds.write("csv", "c\xEF\xBB\xBFid,q\n\"a, \"\"b\"\"\nc\",2\r\n,\n");
  // A gzip member with one stored block of 9 bytes, {"a": 1}\n.
  seeds.write("gzip",
              std::string("g\x1f\x8b\x08\0\0\0\0\0\0\x03\x01\x09\0\xf6\xff{\"a\": 1}\n\x2b\x26\xd3\x4a\x09\0\0\0", 33));
  seeds.write("standings", R"(s{"contests": [{"id": 1, "problems": [{"index": "A", "points": 500}, {"index": "B"}],)"
                           R"("contestants": [{"rating": 1500, "points": 450, "penalty": 2}]}]})");
  seeds.write("histogram", R"(s{"-5": 1, "1500": 20})");
  seeds.write("pickle", std::string("p\x80\x04\x95\x06\0\0\0\0\0\0\0\x8c\x02[]\x94.", 18));
  seeds.write("livecodebench", R"(l{"public_test_cases": "[{\"input\": \"1\", \"output\": \"2\"}]",)"
                               R"( "private_test_cases": "eJw=", "metadata": "{\"func_name\": \"f\"}"})");
}

void write_eval_task_seeds(const SeedWriter& seeds) {
  const std::string head = "name = \"t\"\ntitle = \"T\"\ndescription = \"d\"\nversion = 2\n";
  seeds.write("maths.toml", head +
                                "[data]\nfile = \"a.jsonl\"\nformat = \"csv\"\nfields = [\"q\", \"a\"]\nid = \"q\"\n"
                                "[fewshot]\nfile = \"s.jsonl\"\ncount = 5\nsame = \"q\"\n[prompt]\nsystem = \"s\"\n"
                                "directive = 'd \\boxed{}'\nuser = \"\"\"\n{{ q }} {{ directive }}\"\"\"\n[grade]\n"
                                "kind = \"maths\"\nprofile = \"p\"\nthink = \"require\"\ntarget = \"{{ a }}\"\n"
                                "[sampling]\ntemperature = 0.6\ntop_p = 0.95\nmax_tokens = 9\nsamples = 4\n"
                                "stop = [\"x\"]\n[[published]]\nmodel = \"m\"\nmetric = \"pass@1\"\nscore = 1.5\n"
                                "source = \"s\"\n");
  seeds.write("choices.toml", head +
                                  "[data]\nfields = [\"c\", \"a\"]\n[choices]\nlist = \"c\"\nanswer = \"a\"\n"
                                  "shuffle_seed = 7\ncontinuation = \" {{ letter }}\"\n[prompt]\nstyle = \"text\"\n"
                                  "user = \"{% for x in choices %}{{ x.letter }}{% endfor %}\"\n[grade]\n"
                                  "kind = \"loglikelihood-choices\"\n");
  seeds.write("perplexity.toml",
              head + "[data]\nformat = \"text\"\nfields = [\"text\"]\n[grade]\nkind = \"perplexity\"\n");
}

}  // namespace retort::fuzz
