// All that the report's page says, in one place: a page in another language has another object here.
#include "eval/report_page.h"

namespace retort::eval {

std::string_view report_text() {
  return R"js(
const TEXT = {
  language: "en",
  title: (task, model) => `${task}: ${model}`,
  unknownModel: "unnamed model",
  skip: "Skip to the samples",
  noSamples: "The run has no samples yet.",
  facts: {
    model: "Model", date: "Begun (UTC)", version: "retort", isa: "Instruction set", quality: "Kernels' quality",
    kv_cache_dtype: "KV cache", endpoint: "Endpoint", task: "Task", task_version: "Task's version", grade: "Graded as",
    seed: "Seed", temperature: "Temperature", top_p: "Top-p", max_tokens: "Tokens at most", num_fewshot: "Examples shown",
    system: "System message", config_sha256: "Configuration, sha256", data_sha256: "Data, sha256",
  },
  scores: "Scores",
  metric: "Metric", value: "Value", stderr: "Standard error", interval: "95% interval",
  points: " points",
  intervalNote: "The first interval is a bootstrap over questions; others are 1.96 standard errors to each side. Errors are over questions, not samples. * not a share: a number, lower is better.",
  intervalOf: (low, high) => `95% interval ${low} to ${high}`,
  counts: "What came",
  counters: {
    questions: "questions", samples: "samples", right: "right", wrong: "wrong", unparsed: "unparsed", truncated: "truncated",
    timed_out: "timed out", failed: "failed", empty: "empty",
  },
  countsNote: "All samples count in the score, whatever became of them. Each is right, wrong, unparsed, timed out or failed; truncated (ended by the limit of tokens) and empty are said beside that. A score between 0 and 1 is listed as wrong.",
  fewestMost: (fewest, most) => fewest === most ? `${fewest} of each question` : `${fewest} to ${most} of each question: the run is not complete`,
  published: "Beside published scores",
  publishedNote: "Published scores come from other prompts, limits of tokens, numbers of samples and graders than this run's: a difference may be of these, not of the models. Compare two runs by retort for a fair answer.",
  thisRun: (settings) => `this run: ${settings}`,
  settings: (run, counters) => [
    run.temperature === null ? null : `temperature ${run.temperature}`, run.top_p === null ? null : `top-p ${run.top_p}`,
    run.max_tokens === null ? null : `at most ${run.max_tokens} tokens`, `${counters.questions} questions`, `${counters.samples} samples`,
  ].filter((part) => part !== null).join(", "),
  score: "Score", source: "Source",
  plots: "Plots",
  byLength: "Accuracy by length of output", byLengthNote: "Samples by tokens of output, from each column's label to less than twice that; n, the lower number, is how many. The columns are shares that were right.",
  became: "What became of the samples", becameNote: "Shares of all samples. Truncated and empty ones are among the others too.",
  byEnd: "Accuracy, by how the output ended", byEndNote: "Shares of n samples that were right. Truncated: ended by the limit of tokens.",
  finished: "finished", truncated: "truncated",
  bySubject: { subject: "Accuracy by subject", level: "Accuracy by level" },
  byGroupNote: "Means over the n questions of each group, of their samples' shares that were right; the line is one standard error to each side.",
  curves: "Score against k",
  curvesNote: "pass@k: one of k samples is right (unbiased, from all samples). maj@k: the most frequent answer among the first k samples is right.",
  tokens: "tokens", perCount: (n) => `n=${n}`,
  samples: "Samples",
  filters: { all: "all", right: "right", wrong: "wrong", unparsed: "unparsed", truncated: "truncated", timeout: "timed out", failed: "failed", empty: "empty" },
  filterBy: "Show only samples that are",
  search: "Search", searchHint: "id, answer or text",
  sort: "Order",
  orders: { row: "as in the data", id: "id", shortest: "shortest first", longest: "longest first" },
  group: "Subject", anyGroup: "any",
  shown: (from, to, all) => all === 0 ? "No samples match." : `${from} to ${to} of ${all}`,
  first: "First page", previous: "Previous", next: "Next", last: "Last page",
  signs: { right: "✓", wrong: "✗", unparsed: "?", timeout: "◷", failed: "!", scored: "–" },
  verdicts: { right: "right", wrong: "wrong", unparsed: "unparsed", timeout: "timed out", failed: "failed", scored: "scored" },
  cut: "truncated",
  gist: (answer, target) => `${answer === null ? "no answer" : answer}  (target: ${target})`,
  gistNoTarget: (answer) => answer === null ? "no answer" : answer,
  length: (tokens) => `${tokens} tokens`,
  sampleOf: (index) => `sample ${index + 1}`,
  sampleIndex: (index) => `${index + 1} (index ${index})`,
  sample: {
    id: "Question", index: "Sample", prompt: "Prompt, sha256", target: "Target", answer: "Extracted answer", reason: "Reason",
    score: "Score", finish: "Ended by", tokens: "Tokens (prompt + output)", seconds: "Seconds", subject: "Subject", level: "Level",
  },
  noAnswer: "none found", byTests: "tests decide",
  question: "Question as asked (without examples)", reasoning: (size) => `Reasoning (${size} characters)`, output: "Answer", whole: "Output",
  nothing: "nothing",
  leftOut: (bytes) => `${bytes} bytes in the middle are left out here, at [...]; samples_TASK.jsonl has all.`,
  steps: (right, wrong, all) => `Steps found: ${all}, of them ${right} right and ${wrong} wrong`,
  stepsLeftOut: (count) => `${count} more steps are not listed.`,
  stepsNote: "Equations in reasoning and answer, worked out one by one. ✓ both sides are equal (or an equation with variables says what an earlier one says), ≈ equal within the decimals written, ✗ not equal, – not checked or says nothing new.",
  stepSigns: { right: "✓", rounded: "≈", wrong: "✗", rewriting: "✓", unchecked: "–", trivial: "–", duplicate: "–" },
  stepVerdicts: {
    right: "right", rounded: "right as far as its decimals go", wrong: "wrong", rewriting: "says what an earlier step says",
    unchecked: "not checked", trivial: "says nothing", duplicate: "stood there before",
  },
  verifies: "verifies the answer", unknownOperands: (list) => `numbers from nowhere: ${list}`,
};
)js";
}

}  // namespace retort::eval
