// One sample in the report's list: its line, and what it shows when it is opened.
#include "eval/report_page.h"

namespace retort::eval {

std::string_view report_sample_script() {
  return R"js(
function badge(sample) {
  const verdict = JUDGED || sample.verdict === "failed" ? sample.verdict : "scored";
  const kind = verdict === "right" || verdict === "wrong" ? verdict : "other";
  return make("span", { class: `badge ${kind}` }, `${TEXT.signs[verdict]} ${TEXT.verdicts[verdict]}${sample.truncated ? ", " + TEXT.cut : ""}`);
}

function textBlock(text, leftOut) {
  const parts = [make("pre", { tabindex: "0" }, known(text) && text.trim() !== "" ? text.replace(/^\s*\n/, "") : TEXT.nothing)];
  if (leftOut) parts.push(make("p", { class: "note" }, TEXT.leftOut(leftOut)));
  return parts;
}

/// Folded; its text is put into the page only once it is opened.
function fold(title, fill) {
  let filled = false;
  const box = make("details", { class: "fold", ontoggle: () => {
    if (filled || !box.open) return;
    filled = true;
    box.append(...fill());
  } }, make("summary", {}, title));
  return box;
}

function stepList(sample) {
  const kinds = { right: "right", rewriting: "right", rounded: "rounded", wrong: "wrong" };
  const lines = sample.steps.map((step) => {
    const remarks = [TEXT.stepVerdicts[step.verdict]];
    if (step.verifies) remarks.push(TEXT.verifies);
    if (step.unknown) remarks.push(TEXT.unknownOperands(step.unknown.join(", ")));
    return make("li", { class: `step ${kinds[step.verdict] || "plain"}` },
      make("span", { class: "sign", "aria-hidden": "true" }, TEXT.stepSigns[step.verdict] || "–"),
      make("span", {}, make("span", { class: "data" }, `${step.left} = ${step.right}`), make("span", { class: "note" }, ` (${remarks.join("; ")})`)));
  });
  const count = (...verdicts) => sample.steps.filter((step) => verdicts.includes(step.verdict)).length;
  const more = sample.steps_left_out || 0;
  const parts = [make("h4", {}, TEXT.steps(count("right", "rounded"), count("wrong"), sample.steps.length)), make("p", { class: "note" }, TEXT.stepsNote), make("ul", { class: "steps" }, lines)];
  if (more > 0) parts.push(make("p", { class: "note" }, TEXT.stepsLeftOut(more)));
  return parts;
}

function openedSample(sample) {
  const question = DATA.questions[sample.question];
  const facts = make("dl", { class: "facts" });
  const add = (name, value) => { if (known(value)) facts.append(fact(TEXT.sample[name], value)); };
  add("id", question.id);
  add("index", TEXT.sampleIndex(sample.index));
  add("target", known(question.target) ? question.target : TEXT.byTests);
  add("answer", known(sample.answer) ? clip(sample.answer, 400) : TEXT.noAnswer);
  add("reason", sample.reason);
  add("score", known(sample.score) ? String(sample.score) : null);
  add("finish", sample.finish_reason);
  if (GENERATES) add("tokens", `${sample.prompt_tokens} + ${sample.output_tokens}`);
  add("seconds", known(sample.seconds) ? sample.seconds.toFixed(1) : null);
  add("subject", question.subject);
  add("level", question.level);
  for (const [name, value] of Object.entries(sample.metrics || {})) facts.append(fact(name, known(value) ? value : "–"));
  add("prompt", sample.prompt_sha256);
  const body = make("div", { class: "opened" }, facts);
  if (known(question.text)) body.append(fold(TEXT.question, () => textBlock(question.text)));
  if (known(sample.reasoning)) {
    body.append(fold(TEXT.reasoning(sample.reasoning.length), () => textBlock(sample.reasoning, sample.reasoning_left_out)));
  }
  if (GENERATES) {
    body.append(make("h4", {}, known(sample.reasoning) ? TEXT.output : TEXT.whole), ...textBlock(sample.output, sample.output_left_out));
  }
  if (sample.steps) body.append(...stepList(sample));
  return body;
}

function sampleItem(sample) {
  const question = DATA.questions[sample.question];
  const answer = known(sample.answer) ? clip(sample.answer.replace(/\s+/g, " "), 200) : null;
  const gist = known(question.target) ? TEXT.gist(answer, clip(question.target, 100)) : TEXT.gistNoTarget(answer);
  const name = DATA.counters.most_samples > 1 ? `${question.id}, ${TEXT.sampleOf(sample.index)}` : question.id;
  let filled = false;
  const box = make("details", { ontoggle: () => {
    if (filled || !box.open) return;
    filled = true;
    box.append(openedSample(sample));
  } }, make("summary", {}, badge(sample), make("span", { class: "id data" }, name),
    make("span", { class: "length" }, GENERATES ? TEXT.length(sample.output_tokens) : ""), make("span", { class: "gist data" }, GENERATES || JUDGED ? gist : "")));
  return make("li", {}, box);
}
)js";
}

}  // namespace retort::eval
