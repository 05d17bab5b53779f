// The report's list of samples: filters, search, order, and pages, so that only a page of samples is ever drawn.
#include "eval/report_page.h"

namespace retort::eval {

std::string_view report_list_script() {
  return R"js(
const PAGE_SIZE = 50;

const FILTERS = {
  all: () => true,
  right: (sample) => sample.verdict === "right",
  wrong: (sample) => sample.verdict === "wrong",
  unparsed: (sample) => sample.verdict === "unparsed",
  truncated: (sample) => sample.truncated,
  timeout: (sample) => sample.verdict === "timeout",
  failed: (sample) => sample.verdict === "failed",
  empty: (sample) => sample.empty,
};

const idOf = (sample) => DATA.questions[sample.question].id;
const ORDERS = {
  row: (a, b) => a.question - b.question || a.index - b.index,
  id: (a, b) => idOf(a).localeCompare(idOf(b), undefined, { numeric: true }) || a.index - b.index,
  shortest: (a, b) => a.output_tokens - b.output_tokens || a.question - b.question,
  longest: (a, b) => b.output_tokens - a.output_tokens || a.question - b.question,
};

/// Case does not count. Texts are looked through as they are, without a copy of all of them in memory.
function containsText(sample, wanted) {
  const question = DATA.questions[sample.question];
  return [question.id, question.target, sample.answer, sample.reason, sample.output, sample.reasoning, question.text]
    .some((text) => known(text) && text.toLowerCase().includes(wanted));
}

function choice(label, options, onchange) {
  return make("label", {}, label, make("select", { onchange: (event) => onchange(event.target.value) },
    options.map(([value, text]) => make("option", { value }, text))));
}

function sampleList() {
  if (DATA.samples.length === 0) return null;
  const state = { filter: "all", search: "", order: "row", group: "", page: 0 };
  const list = make("ol", { class: "samples" });
  const status = make("p", { class: "note", role: "status" });
  let found = [];

  const pages = () => Math.max(1, Math.ceil(found.length / PAGE_SIZE));
  const turn = {};
  const show = () => {
    state.page = Math.min(Math.max(0, state.page), pages() - 1);
    const from = state.page * PAGE_SIZE;
    const shown = found.slice(from, from + PAGE_SIZE);
    list.replaceChildren(...shown.map(sampleItem));
    status.textContent = TEXT.shown(from + 1, from + shown.length, found.length);
    for (const button of [...turn.first, ...turn.previous]) button.disabled = state.page === 0;
    for (const button of [...turn.next, ...turn.last]) button.disabled = state.page >= pages() - 1;
    for (const row of turn.rows) row.hidden = pages() === 1;
  };
  const select = () => {
    const wanted = state.search.trim().toLowerCase();
    found = DATA.samples.filter((sample) => FILTERS[state.filter](sample) &&
      (state.group === "" || DATA.questions[sample.question].subject === state.group) && (wanted === "" || containsText(sample, wanted)));
    found.sort(ORDERS[state.order]);
    state.page = 0;
    show();
  };

  turn.first = []; turn.previous = []; turn.next = []; turn.last = []; turn.rows = [];
  const pager = (after) => {
    const row = make("nav", { class: "row", "aria-label": TEXT.samples });
    const moves = { first: () => 0, previous: () => state.page - 1, next: () => state.page + 1, last: () => pages() - 1 };
    for (const [name, to] of Object.entries(moves)) {
      const button = make("button", { type: "button", onclick: () => { state.page = to(); show(); if (after) top.scrollIntoView(); } }, TEXT[name]);
      turn[name].push(button);
      row.append(button);
    }
    turn.rows.push(row);
    return row;
  };

  const filters = make("div", { class: "row", role: "group", "aria-label": TEXT.filterBy });
  for (const [name, text] of Object.entries(TEXT.filters)) {
    const count = DATA.samples.filter(FILTERS[name]).length;
    if (!JUDGED && (name === "right" || name === "wrong")) continue;
    const button = make("button", { type: "button", "aria-pressed": String(name === "all"), onclick: () => {
      for (const other of filters.children) other.setAttribute("aria-pressed", String(other === button));
      state.filter = name;
      select();
    } }, `${text} (${count})`);
    button.disabled = count === 0;
    filters.append(button);
  }
  let waiting = 0;
  const search = make("label", { class: "grow" }, TEXT.search, make("input", { type: "search", placeholder: TEXT.searchHint, oninput: (event) => {
    clearTimeout(waiting);
    state.search = event.target.value;
    waiting = setTimeout(select, 200);
  } }));
  const controls = make("div", { class: "row" }, search, choice(TEXT.sort, Object.entries(TEXT.orders), (value) => { state.order = value; select(); }));
  const groups = [...new Set(DATA.questions.map((question) => question.subject).filter(known))].sort();
  if (groups.length > 1) {
    controls.append(choice(TEXT.group, [["", TEXT.anyGroup], ...groups.map((name) => [name, name])], (value) => { state.group = value; select(); }));
  }
  const top = make("section", { id: "samples", tabindex: "-1" }, make("h2", {}, TEXT.samples), filters, controls, status, pager(false), list, pager(true));
  select();
  return top;
}

document.getElementById("page").replaceChildren(
  ...[heading(), scores(), counts(), published(), plots(), sampleList()].filter((part) => part !== null));
)js";
}

}  // namespace retort::eval
