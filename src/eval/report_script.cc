// The report's heading, its counts and its tables. Data reaches the page as text nodes and attributes alone.
#include "eval/report_page.h"

namespace retort::eval {

std::string_view report_script() {
  return R"js(
const DATA = JSON.parse(document.getElementById("data").textContent);
const GENERATES = DATA.task.generates;
const JUDGED = DATA.task.grade !== "perplexity";

/// An element with attributes, and children that are elements or texts. Nothing is ever parsed as HTML.
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}
const known = (value) => value !== null && value !== undefined && value !== "";
const percent = (share) => known(share) ? `${(100 * share).toFixed(1)}%` : "–";
const metricText = (metric, value) => !known(value) ? "–" : metric.share ? percent(value) : value.toFixed(4);

/// A model named by its path goes by its file's name; the facts have the whole.
const modelName = () => known(DATA.run.model) ? String(DATA.run.model).replace(/\/+$/, "").replace(/^.*\//, "") : TEXT.unknownModel;

function fact(term, value) {
  return make("div", {}, make("dt", {}, term), make("dd", { class: "data" }, String(value)));
}

function heading() {
  const { task, run, counters, metrics } = DATA;
  const model = modelName();
  document.documentElement.lang = TEXT.language;
  document.title = TEXT.title(task.title, model);
  document.querySelector(".skip").textContent = TEXT.skip;
  const head = make("header", {}, make("h1", { class: "data" }, TEXT.title(task.title, model)));
  if (known(task.description)) head.append(make("p", { class: "soft data" }, task.description));
  if (metrics.length > 0 && counters.samples > 0) {
    const first = metrics[0];
    // One question tells nothing of how questions differ.
    const line = make("p", { class: "score" }, make("strong", {}, metricText(first, first.value)), make("span", {}, first.name));
    if (counters.questions > 1 && known(first.low)) line.append(make("span", { class: "soft" }, TEXT.intervalOf(metricText(first, first.low), metricText(first, first.high))));
    head.append(line);
  } else {
    head.append(make("p", { class: "score" }, TEXT.noSamples));
  }
  const values = { ...run, task: task.name, task_version: task.version, grade: task.grade };
  const facts = make("dl", { class: "facts" });
  for (const [name, term] of Object.entries(TEXT.facts)) {
    if (known(values[name])) facts.append(fact(term, values[name]));
  }
  head.append(facts);
  return head;
}

/// A cell knows its column's heading, which stands beside it where the page is narrow.
function table(columns, rows) {
  const cell = (value, i) => make("td", { class: columns[i].number ? "number" : columns[i].brief ? "brief" : "data", "data-label": columns[i].label }, make("span", {}, value));
  return make("div", { class: "scroll" }, make("table", { class: "stacks" },
    make("thead", {}, make("tr", {}, columns.map((column) => make("th", { scope: "col", class: column.number ? "number" : null }, column.label)))),
    make("tbody", {}, rows.map((row) => make("tr", { class: row.ours ? "ours" : null }, row.cells.map(cell))))));
}

function scores() {
  if (DATA.counters.samples === 0 || DATA.metrics.length === 0) return null;
  const columns = [{ label: TEXT.metric, brief: true }, { label: TEXT.value, number: true }, { label: TEXT.stderr, number: true }, { label: TEXT.interval, number: true }];
  const several = DATA.counters.questions > 1;
  const rows = DATA.metrics.map((metric) => ({ cells: [
    metric.share ? metric.name : `${metric.name} *`,
    metricText(metric, metric.value),
    several && known(metric.stderr) ? (100 * metric.stderr).toFixed(2) + TEXT.points : "–",
    several && known(metric.low) ? `${metricText(metric, metric.low)} – ${metricText(metric, metric.high)}` : "–",
  ] }));
  return make("section", {}, make("h2", {}, TEXT.scores), table(columns, rows), make("p", { class: "note" }, TEXT.intervalNote));
}

function counts() {
  const { counters } = DATA;
  const list = make("dl", { class: "counts" });
  for (const [name, term] of Object.entries(TEXT.counters)) {
    if (!JUDGED && (name === "right" || name === "wrong")) continue;
    const share = name === "questions" || name === "samples" || counters.samples === 0 ? null
      : make("small", {}, ` ${percent(counters[name] / counters.samples)}`);
    list.append(make("div", {}, make("dt", {}, term), make("dd", {}, String(counters[name]), share)));
  }
  const note = counters.samples > 0 ? `${TEXT.fewestMost(counters.fewest_samples, counters.most_samples)}. ` : "";
  return make("section", {}, make("h2", {}, TEXT.counts), list, make("p", { class: "note" }, note + TEXT.countsNote));
}

function published() {
  if (DATA.published.length === 0) return null;
  const columns = [{ label: TEXT.facts.model }, { label: TEXT.metric, brief: true }, { label: TEXT.score, number: true }, { label: TEXT.source }];
  const settings = TEXT.thisRun(TEXT.settings(DATA.run, DATA.counters));
  const model = modelName();
  const rows = DATA.counters.samples === 0 ? [] : DATA.metrics.slice(0, 1).map((metric) => ({
    ours: true, cells: [model, metric.name, metric.share && known(metric.value) ? (100 * metric.value).toFixed(1) : metricText(metric, metric.value), settings],
  }));
  for (const entry of DATA.published) {
    rows.push({ cells: [entry.model, entry.metric, known(entry.score) ? String(entry.score) : "–", entry.source] });
  }
  return make("section", {}, make("h2", {}, TEXT.published), make("p", { class: "note" }, TEXT.publishedNote), table(columns, rows));
}
)js";
}

}  // namespace retort::eval
