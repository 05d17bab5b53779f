// The report's plots: SVG that the page's script draws, as wide as there is room, and drawn again when that changes.
#include "eval/report_page.h"

namespace retort::eval {

std::string_view report_plots_script() {
  return R"js(
function draw(tag, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}
const ruler = document.createElement("canvas").getContext("2d");
function textWidth(text) {
  ruler.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  return ruler.measureText(text).width;
}
const widest = (texts) => Math.ceil(Math.max(...texts.map(textWidth)));
function clipTo(text, room) {
  if (textWidth(text) <= room) return text;
  let most = text.length - 1;
  while (most > 1 && textWidth(clip(text, most)) > room) --most;
  return clip(text, most);
}
const clip = (text, most) => text.length > most ? `${text.slice(0, Math.max(1, most - 1))}…` : text;

/// `paint(width)` gives {height, parts}. `words` says the same to those who do not see it.
function figure(title, note, words, paint, wide) {
  const svg = draw("svg", { role: "img", "aria-label": `${title}: ${words}` });
  const box = make("figure", { class: wide ? "wide" : null }, make("h3", {}, title), svg, make("figcaption", {}, note));
  let drawn = 0;
  const paintNow = () => {
    const width = Math.floor(svg.parentNode.clientWidth - 28);
    if (width <= 0 || width === drawn) return;
    drawn = width;
    const { height, parts } = paint(width);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("height", height);
    svg.replaceChildren(...parts);
  };
  // In a frame of its own: to change the height within the observer would call it again.
  new ResizeObserver(() => requestAnimationFrame(paintNow)).observe(box);
  return box;
}

/// Horizontal bars. Rows: {label, share, text, error, kind}.
function bars(title, note, rows, wide) {
  const words = rows.map((row) => `${row.label} ${row.text}`).join("; ");
  return figure(title, note, words, (width) => {
    const step = 26;
    const left = Math.min(widest(rows.map((row) => row.label)) + 8, Math.floor(width * 0.4));
    const right = widest(rows.map((row) => row.text)) + 10;
    const room = Math.max(20, width - left - right);
    const parts = [];
    rows.forEach((row, i) => {
      const y = i * step;
      const label = draw("text", { x: left - 8, y: y + 17, "text-anchor": "end" }, clipTo(row.label, left - 8));
      label.append(draw("title", {}, row.label));
      parts.push(label, draw("rect", { class: "ground", x: left, y: y + 4, width: room, height: step - 8 }));
      parts.push(draw("rect", { class: `bar ${row.kind || ""}`, x: left, y: y + 4, width: room * row.share, height: step - 8 }));
      if (row.error > 0) {
        const from = left + room * Math.max(0, row.share - row.error), to = left + room * Math.min(1, row.share + row.error);
        const line = { x1: from, x2: to, y1: y + step / 2, y2: y + step / 2 };
        parts.push(draw("line", { class: "halo", ...line }), draw("line", { class: "whisker", ...line }));
      }
      parts.push(draw("text", { class: "faint", x: left + room + 8, y: y + 17 }, row.text));
    });
    return { height: rows.length * step, parts };
  }, wide);
}

/// Columns of shares over buckets of length.
function columns(title, note, rows) {
  const words = rows.map((row) => `${row.label} ${TEXT.tokens}: ${percent(row.share)}, ${TEXT.perCount(row.count)}`).join("; ");
  return figure(title, note, words, (width) => {
    const height = 220, top = 20, bottom = 40, left = 40, room = height - top - bottom;
    const step = (width - left) / rows.length;
    const fits = (texts) => widest(texts) + 8 <= step;
    const whole = fits(rows.map((row) => row.label)), marked = fits(rows.map((row) => row.short)), counted = fits(rows.map((row) => TEXT.perCount(row.count)));
    const parts = [];
    for (const share of [0, 0.5, 1]) {
      const y = top + room * (1 - share);
      parts.push(draw("line", { class: "axis", x1: left, x2: width, y1: y, y2: y }));
      parts.push(draw("text", { class: "faint", x: left - 6, y: y + 4, "text-anchor": "end" }, `${100 * share}%`));
    }
    rows.forEach((row, i) => {
      const middle = left + step * (i + 0.5), size = Math.min(48, step * 0.7), tall = room * row.share;
      const bar = draw("rect", { class: "bar", x: middle - size / 2, y: top + room - tall, width: size, height: Math.max(tall, 1) });
      bar.append(draw("title", {}, `${row.label} ${TEXT.tokens}: ${percent(row.share)}, ${TEXT.perCount(row.count)}`));
      parts.push(bar, draw("text", { x: middle, y: top + room - tall - 5, "text-anchor": "middle" }, `${Math.round(100 * row.share)}`));
      const label = whole ? row.label : marked ? row.short : row.short.replace("≥", "");
      parts.push(draw("text", { x: middle, y: height - bottom + 16, "text-anchor": "middle" }, label));
      parts.push(draw("text", { class: "faint", x: middle, y: height - bottom + 32, "text-anchor": "middle" }, counted ? TEXT.perCount(row.count) : `${row.count}`));
    });
    return { height, parts };
  });
}

/// Shares against k, k on a scale of logarithms. Each curve has its own mark and stroke.
function curvesPlot(title, note, curves) {
  const words = curves.map((curve) => curve.points.map((p) => `${curve.name}@${p.k} ${percent(p.value)}`).join("; ")).join("; ");
  return figure(title, note, words, (width) => {
    const height = 220, top = 24, bottom = 28, left = 44, right = 56, room = height - top - bottom;
    const most = Math.max(...curves.flatMap((curve) => curve.points.map((p) => p.k)));
    const x = (k) => left + 24 + (width - left - right - 24) * (most > 1 ? Math.log(k) / Math.log(most) : 0);
    const y = (share) => top + room * (1 - share);
    const parts = [];
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      parts.push(draw("line", { class: "axis", x1: left, x2: width - right + 8, y1: y(share), y2: y(share) }));
      parts.push(draw("text", { class: "faint", x: left - 6, y: y(share) + 4, "text-anchor": "end" }, `${100 * share}%`));
    }
    for (const k of new Set(curves.flatMap((curve) => curve.points.map((p) => p.k)))) {
      parts.push(draw("text", { class: "faint", x: x(k), y: height - 8, "text-anchor": "middle" }, `k=${k}`));
    }
    const ends = [];
    curves.forEach((curve, i) => {
      const second = i > 0 ? " second" : "";
      parts.push(draw("polyline", { class: `curve${second}`, points: curve.points.map((p) => `${x(p.k)},${y(p.value)}`).join(" ") }));
      for (const p of curve.points) {
        const mark = i > 0 ? draw("rect", { class: `mark${second}`, x: x(p.k) - 4, y: y(p.value) - 4, width: 8, height: 8 })
          : draw("circle", { class: "mark", cx: x(p.k), cy: y(p.value), r: 4.5 });
        mark.append(draw("title", {}, `${curve.name}@${p.k}: ${percent(p.value)} ± ${(100 * p.stderr).toFixed(1)}`));
        parts.push(mark, draw("text", { x: x(p.k), y: y(p.value) + (i > 0 ? 18 : -9), "text-anchor": "middle" }, (100 * p.value).toFixed(1)));
      }
      ends.push({ name: curve.name, at: y(curve.points[curve.points.length - 1].value) });
    });
    // Names at the curves' ends, kept apart where these meet.
    if (ends.length > 1 && ends[1].at - ends[0].at < 14) ends[1].at = ends[0].at + 14;
    for (const end of ends) parts.push(draw("text", { x: width - right + 26 - 8, y: end.at + 4 }, end.name));
    return { height, parts };
  });
}

const isRight = (sample) => sample.verdict === "right";
const shareRight = (samples) => samples.filter(isRight).length / samples.length;

function lengthRows() {
  const buckets = new Map();
  for (const sample of DATA.samples) {
    const bucket = sample.output_tokens > 0 ? Math.floor(Math.log2(sample.output_tokens)) : -1;
    if (!buckets.has(bucket)) buckets.set(bucket, []);
    buckets.get(bucket).push(sample);
  }
  const short = (n) => n >= 1024 ? `${n / 1024}k` : `${n}`;
  return [...buckets].sort((a, b) => a[0] - b[0]).map(([bucket, samples]) => ({
    label: bucket < 0 ? "0" : bucket === 0 ? "1" : `${2 ** bucket}–${2 ** (bucket + 1) - 1}`,
    short: bucket < 0 ? "0" : `≥${short(2 ** bucket)}`, share: shareRight(samples), count: samples.length,
  }));
}

function groupRows(field) {
  const groups = new Map();
  for (const sample of DATA.samples) {
    const name = DATA.questions[sample.question][field];
    if (!known(name)) continue;
    if (!groups.has(name)) groups.set(name, new Map());
    const questions = groups.get(name);
    if (!questions.has(sample.question)) questions.set(sample.question, []);
    questions.get(sample.question).push(sample);
  }
  return [...groups].sort((a, b) => a[0].localeCompare(b[0], undefined, { numeric: true })).map(([name, questions]) => {
    const means = [...questions.values()].map(shareRight);
    const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
    const square = means.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return { label: name, share: mean, error: means.length > 1 ? Math.sqrt(square / (means.length * (means.length - 1))) : 0,
      text: `${percent(mean)} (${TEXT.perCount(means.length)})` };
  });
}

function plots() {
  if (DATA.samples.length === 0 || !JUDGED) return null;
  const { counters } = DATA;
  const grid = make("div", { class: "plots" });
  if (GENERATES) grid.append(columns(TEXT.byLength, TEXT.byLengthNote, lengthRows()));
  const curves = [{ name: "pass", points: DATA.at_k.pass }, { name: "maj", points: DATA.at_k.maj }].filter((curve) => curve.points.length > 0);
  if (DATA.at_k.pass.length > 1) grid.append(curvesPlot(TEXT.curves, TEXT.curvesNote, curves));
  const kinds = { right: "right", wrong: "wrong" };
  const rows = Object.keys(TEXT.counters).slice(2).filter((name) => GENERATES || name in kinds).map((name) => ({
    label: TEXT.counters[name], share: counters[name] / counters.samples, kind: kinds[name] || "other",
    text: `${percent(counters[name] / counters.samples)} (${counters[name]})`,
  }));
  grid.append(bars(TEXT.became, TEXT.becameNote, rows));
  const cut = DATA.samples.filter((sample) => sample.truncated), whole = DATA.samples.filter((sample) => !sample.truncated);
  if (cut.length > 0 && whole.length > 0) {
    grid.append(bars(TEXT.byEnd, TEXT.byEndNote, [[TEXT.finished, whole], [TEXT.truncated, cut]].map(([label, samples]) => ({
      label, share: shareRight(samples), text: `${percent(shareRight(samples))} (${TEXT.perCount(samples.length)})` }))));
  }
  for (const field of ["subject", "level"]) {
    const groups = groupRows(field);
    if (groups.length > 1) grid.append(bars(TEXT.bySubject[field], TEXT.byGroupNote, groups, groups.length > 12));
  }
  return make("section", {}, make("h2", {}, TEXT.plots), grid);
}
)js";
}

}  // namespace retort::eval
