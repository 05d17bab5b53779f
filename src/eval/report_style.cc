// How the report looks: light and dark as the reader's system says, from 360 px on. Colour never says a thing alone.
#include "eval/report_page.h"

namespace retort::eval {

std::string_view report_style() {
  return R"css(
:root {
  --ground: #ffffff; --raised: #f5f6f8; --line: #d5d9e0; --text: #1b1f26; --soft: #596273;
  --link: #1a56b0; --right: #1d7a3e; --wrong: #b3261e; --near: #8a5a00; --bar: #3d6fb8; --bar2: #b0672a;
  --right-ground: #e5f4ea; --wrong-ground: #fbe9e7; --near-ground: #fbf1dd;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171c; --raised: #1d2128; --line: #363d49; --text: #e4e7ec; --soft: #a0a9b8;
    --link: #8ab4f8; --right: #7ccf96; --wrong: #f2948c; --near: #e3b75f; --bar: #6b9ae0; --bar2: #d79a63;
    --right-ground: #16301f; --wrong-ground: #3a1c1a; --near-ground: #352a12;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; background: var(--ground); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.25rem 0 .75rem; }
h3 { font-size: 1rem; margin: 0 0 .5rem; }
h4 { font-size: .875rem; margin: 1rem 0 .25rem; color: var(--soft); }
p { margin: .25rem 0 .75rem; }
.soft, .note { color: var(--soft); }
.note { font-size: .875rem; }
.data { overflow-wrap: anywhere; unicode-bidi: isolate; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--ground); color: var(--link); padding: .5rem; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }

.score { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1rem; margin: 1rem 0; }
.score strong { font-size: 2.6rem; line-height: 1.1; font-variant-numeric: tabular-nums; }
dl.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(15rem, 100%), 1fr)); gap: .5rem 1.5rem; margin: 0; }
dl.facts dt { color: var(--soft); font-size: .8125rem; }
dl.facts dd { margin: 0; overflow-wrap: anywhere; }
dl.counts { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.75rem, 1fr)); gap: .5rem; margin: 0 0 .5rem; }
dl.counts div { background: var(--raised); border: 1px solid var(--line); border-radius: .375rem; padding: .375rem .625rem; }
dl.counts dt { color: var(--soft); font-size: .8125rem; }
dl.counts dd { margin: 0; font-weight: 600; font-variant-numeric: tabular-nums; }
dl.counts small { font-weight: 400; color: var(--soft); }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem; }
th, td { text-align: left; padding: .375rem .75rem .375rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 500; font-size: .8125rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.brief { white-space: nowrap; }
tr.ours td { font-weight: 600; background: var(--raised); }
tr.ours td:first-child { padding-left: .5rem; }
@media (max-width: 34rem) {
  dl.facts div { display: grid; grid-template-columns: 9rem minmax(0, 1fr); gap: .75rem; align-items: baseline; }
  dl.facts { gap: .25rem; }
  table.stacks thead { position: absolute; left: -99rem; }
  table.stacks tr { display: block; padding: .375rem 0; border-bottom: 1px solid var(--line); }
  table.stacks td { display: flex; gap: .75rem; justify-content: space-between; border: 0; padding: .0625rem .5rem; white-space: normal; text-align: right; overflow-wrap: anywhere; }
  table.stacks td::before { content: attr(data-label); color: var(--soft); font-weight: 400; font-size: .8125rem; text-align: left; flex: none; }
}

.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 1rem; }
figure { margin: 0; padding: .875rem; min-width: 0; border: 1px solid var(--line); border-radius: .5rem; }
figure.wide { grid-column: 1 / -1; }
figcaption { color: var(--soft); font-size: .8125rem; margin-top: .375rem; }
svg { display: block; width: 100%; }
svg text { fill: var(--text); font-size: 12px; font-family: inherit; }
svg text.faint { fill: var(--soft); }
svg .axis { stroke: var(--line); }
svg .bar { fill: var(--bar); }
svg .bar.right { fill: var(--right); } svg .bar.wrong { fill: var(--wrong); } svg .bar.other { fill: var(--near); }
svg .ground { fill: var(--raised); }
svg .whisker { stroke: var(--text); stroke-width: 1.5; }
svg .halo { stroke: var(--ground); stroke-width: 3.5; }
svg .curve { fill: none; stroke: var(--bar); stroke-width: 2; }
svg .curve.second { stroke: var(--bar2); stroke-dasharray: 5 4; }
svg .mark { fill: var(--bar); } svg .mark.second { fill: var(--bar2); }

button, select, input { font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--line);
  border-radius: .375rem; padding: .3125rem .625rem; max-width: 100%; min-width: 0; }
button { cursor: pointer; }
button:disabled { opacity: .45; cursor: default; }
button[aria-pressed="true"] { background: var(--text); color: var(--ground); border-color: var(--text); }
.row { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: 0 0 .625rem; }
.row label { display: flex; gap: .5rem; align-items: center; font-size: .875rem; color: var(--soft); min-width: 0; max-width: 100%; }
.row label > * { color: var(--text); font-size: .9375rem; }
.row .grow { flex: 1 1 14rem; } .row .grow input { flex: 1; }

ol.samples { list-style: none; margin: 0; padding: 0; border-top: 1px solid var(--line); }
ol.samples > li { border-bottom: 1px solid var(--line); }
summary { cursor: pointer; }
ol.samples > li > details > summary { display: grid; grid-template-columns: 7.5rem minmax(0, 1fr) auto; gap: 0 .75rem; padding: .5rem .25rem; list-style: none; }
ol.samples > li > details > summary::-webkit-details-marker { display: none; }
ol.samples > li > details > summary:hover { background: var(--raised); }
summary .gist { grid-column: 2 / -1; color: var(--soft); font-size: .875rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
summary .id { font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
summary .length { color: var(--soft); font-size: .875rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
@media (max-width: 34rem) {
  ol.samples > li > details > summary { grid-template-columns: minmax(0, 1fr) auto; }
  summary .badge { grid-row: 2; grid-column: 2; justify-self: end; }
  summary .gist { grid-row: 2; grid-column: 1; }
}
.badge { font-size: .875rem; font-weight: 600; white-space: nowrap; }
.badge.right, .step.right .sign { color: var(--right); }
.badge.wrong, .step.wrong .sign { color: var(--wrong); }
.badge.other, .step.rounded .sign { color: var(--near); }
.opened { padding: .25rem .25rem 1.25rem; }
pre { margin: 0; padding: .625rem .75rem; background: var(--raised); border: 1px solid var(--line); border-radius: .375rem;
  font: .875rem/1.5 ui-monospace, "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; max-height: 36rem; overflow-y: auto; }
details.fold { margin-top: 1rem; } details.fold > summary { font-size: .875rem; font-weight: 600; color: var(--soft); padding: .125rem 0; }
ul.steps { list-style: none; margin: 0; padding: 0; font-size: .9375rem; }
.step { display: grid; grid-template-columns: 1.25rem minmax(0, 1fr); gap: .5rem; padding: .1875rem .5rem; border-left: 3px solid var(--line); margin-bottom: .1875rem; overflow-wrap: anywhere; }
.step .sign { font-weight: 700; text-align: center; }
.step.right { border-color: var(--right); background: var(--right-ground); }
.step.wrong { border-color: var(--wrong); background: var(--wrong-ground); }
.step.rounded { border-color: var(--near); background: var(--near-ground); }
@media print { .row, .skip { display: none; } pre { max-height: none; } }
)css";
}

}  // namespace retort::eval
