#!/usr/bin/env bash
# retort beside llama.cpp where several sequences generate side by side, on the same file, in one sitting: medians, ratios.
#
#   bench/versus_llama_batched.sh LLAMA_BATCHED_BENCH MODEL.gguf [-r 5] [-n 32] [-s 8,16,32]
#
# LLAMA_BATCHED_BENCH is the path of a llama-batched-bench. The two sides take turns, run by run, so that a machine that
# others use treats them alike. Each sequence has a prompt of 16 tokens on their side and of none on ours (-n tokens are
# then generated behind the first); what counts is the time of the generated tokens alone.
set -euo pipefail
cd "$(dirname "$0")/.."

build=${RETORT_BUILD:-build/release}
if [ $# -lt 2 ]; then
  sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//' >&2
  exit 2
fi
llama=$1 model=$2
shift 2
repetitions=5 gens=32 sequences=8,16,32
while [ $# -gt 0 ]; do
  case $1 in
    -r) repetitions=$2 && shift 2 ;;
    -n) gens=$2 && shift 2 ;;
    -s) sequences=$2 && shift 2 ;;
    *) echo "$0: unknown option $1" >&2 && exit 2 ;;
  esac
done
for program in "$llama" "$build/bin/retort"; do
  [ -x "$program" ] || { echo "$0: $program is not there or cannot be run" >&2; exit 1; }
done
threads=$(nproc)

echo "# $("$build/bin/retort" --version | tr '\n' ';') commit $(git rev-parse --short HEAD)"
echo "# model: $(basename "$model") sha256 $(sha256sum "$model" | cut -c1-16); $threads threads; medians of $repetitions; $(date -u +%F)"
runs=$(mktemp)
trap 'rm -f "$runs"' EXIT
for _ in $(seq "$repetitions"); do
  "$build/bin/retort" bench --model "$model" -p 0 -n "$gens" --n-seqs "$sequences" -r 1 --output json |
    python3 -c 'import json, sys; [print("ours", row["n_seqs"], row["median_ts"]) for row in json.load(sys.stdin)]' >>"$runs"
  "$llama" -m "$model" -c 16384 -b 2048 -ub 512 -npp 16 -ntg "$gens" -npl "$sequences" -t "$threads" 2>/dev/null |
    awk -F'|' '$4 + 0 > 0 { print "theirs", $4 + 0, $9 + 0 }' >>"$runs"
done
python3 - "$runs" <<'PY'
import collections, statistics, sys
rates = collections.defaultdict(list)
for line in open(sys.argv[1]):
    side, sequences, rate = line.split()
    rates[side, int(sequences)].append(float(rate))
print("| sequences | retort tokens/s | peer | ratio |")
print("| ---: | ---: | ---: | ---: |")
for side, n in sorted(rates):
    if side != "ours":
        continue
    ours, theirs = statistics.median(rates[side, n]), statistics.median(rates["theirs", n])
    print(f"| {n} | {ours:.1f} | {theirs:.1f} | {ours / theirs:.2f} |")
PY
