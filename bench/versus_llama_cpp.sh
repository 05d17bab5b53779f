#!/usr/bin/env bash
# retort beside llama.cpp: prompt, decode, depth, on the same file, in one sitting. Prints medians and ratios.
#
#   bench/versus_llama_cpp.sh LLAMA_BENCH MODEL.gguf [-r 5] [-p 512] [-n 64] [-d 0,4096] [-- more of llama-bench's options]
#
# LLAMA_BENCH is the path of a llama-bench. ik_llama.cpp's will do at depth 0, which is the only one that it has an equal
# of; `-- -rtr 1` has it repack its weights. Both sides run a test's repetitions one right after
# the other, test by test, so that a machine that others use treats them alike. The bandwidth is read_memory's of
# roofline_bench, measured before and after; "of bandwidth" is bytes of weights, keys and values read per token over the
# time of a token, sampling and everything included, as a share of its best.
set -euo pipefail
cd "$(dirname "$0")/.."

build=${RETORT_BUILD:-build/release}
bench_build=${RETORT_BENCH_BUILD:-build/bench}
if [ $# -lt 2 ]; then
  sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//' >&2
  exit 2
fi
llama=$1 model=$2
shift 2
repetitions=5 prompts=512 gens=64 depths=0
while [ $# -gt 0 ]; do
  case $1 in
    -r) repetitions=$2 && shift 2 ;;
    -p) prompts=$2 && shift 2 ;;
    -n) gens=$2 && shift 2 ;;
    -d) depths=$2 && shift 2 ;;
    --) shift && break ;;
    *) echo "$0: unknown option $1" >&2 && exit 2 ;;
  esac
done
for program in "$llama" "$build/bin/retort" "$bench_build/bin/roofline_bench"; do
  [ -x "$program" ] || { echo "$0: $program is not there or cannot be run" >&2; exit 1; }
done
threads=$("$build/bin/retort" --version >/dev/null && nproc)

bandwidth() {
  "$bench_build/bin/roofline_bench" --benchmark_filter='read_memory' --benchmark_format=json --benchmark_min_time=1 2>/dev/null |
    python3 -c 'import json, sys; print(max(b["bytes_per_second"] for b in json.load(sys.stdin)["benchmarks"]) / 1e9)'
}

echo "# $("$build/bin/retort" --version | tr '\n' ';') commit $(git rev-parse --short HEAD)"
version=$("$llama" --version 2>&1 | grep -m 1 "^version") || true
echo "# peer: $(basename "$(dirname "$(dirname "$llama")")") ${version:-of unknown version}, sha256 $(sha256sum "$llama" | cut -c1-16), $*"
echo "# model: $(basename "$model") sha256 $(sha256sum "$model" | cut -c1-16); $threads threads; medians of $repetitions; $(date -u +%F)"
before=$(bandwidth)
printf '| %-16s | %10s | %10s | %6s | %8s | %12s |\n' test retort peer ratio GB/s 'of bandwidth'
printf '| %-16s | %10s | %10s | %6s | %8s | %12s |\n' --- ---: ---: ---: ---: ---:

one() { # name, depth, options for both
  local name=$1 depth=$2
  shift 2
  local ours theirs deep=()
  [ "$depth" = 0 ] || deep=(-d "$depth")
  ours=$("$build/bin/retort" bench --model "$model" "$@" -d "$depth" -r "$repetitions" --output json)
  theirs=$("$llama" -m "$model" "$@" "${deep[@]}" -r "$repetitions" -t "$threads" -o json "${more[@]}" 2>/dev/null)
  OURS=$ours THEIRS=$theirs python3 - "$name" "$before" <<'PY'
import json, os, statistics, sys
ours = json.loads(os.environ["OURS"])[0]
theirs = json.loads(os.environ["THEIRS"])[0]
a, b = ours["median_ts"], statistics.median(theirs["samples_ts"])
rate = ours["gb_per_second"]
share = f"{100 * rate / float(sys.argv[2]):.0f}%" if rate else ""
print(f"| {sys.argv[1]:<16} | {a:10.2f} | {b:10.2f} | {a / b:6.2f} | {rate if rate else 0:8.2f} | {share:>12} |")
PY
}
more=("$@")
IFS=, read -r -a depth_list <<<"$depths"
IFS=, read -r -a prompt_list <<<"$prompts"
IFS=, read -r -a gen_list <<<"$gens"
for depth in "${depth_list[@]}"; do
  for n in "${prompt_list[@]}"; do [ "$n" = 0 ] || one "pp$n @ d$depth" "$depth" -p "$n" -n 0; done
  for n in "${gen_list[@]}"; do [ "$n" = 0 ] || one "tg$n @ d$depth" "$depth" -p 0 -n "$n"; done
done
echo "# bandwidth: $before GB/s before, $(bandwidth) GB/s after"
