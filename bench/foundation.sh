#!/usr/bin/env bash
# The figures that the foundation promises, in one sitting: what the processor allows, the kernels against it, tokenizer,
# sampler, and the real checkpoint from start to first token and on. Medians of five.
#
#   bench/foundation.sh MODEL.gguf [TEXT]        TEXT: English, for the tokenizer; without it, words are made up
#
# On a machine that does nothing else; results of such runs are kept in bench/results/.
set -euo pipefail
cd "$(dirname "$0")/.."
model=${1:?usage: bench/foundation.sh MODEL.gguf [TEXT]}
export RETORT_BENCH_TOKENIZER=$model
if [ $# -ge 2 ]; then export RETORT_BENCH_TEXT=$2; fi

build=build/bench
{
  cmake --preset bench
  cmake --build --preset bench
} >&2

date -u +%F
printf 'commit %s\n' "$(git describe --always --dirty 2>/dev/null || echo unknown)"
for file in "$@"; do printf 'sha256 %s %s\n' "$(sha256sum <"$file" | cut -d' ' -f1)" "$(basename "$file")"; done
$build/bin/retort --version
for program in roofline_bench kernels_bench sampler_bench tokenizer_bench; do
  printf '\n== %s\n' "$program"
  $build/bin/$program --benchmark_repetitions=5 --benchmark_min_time=0.2 --benchmark_report_aggregates_only=true 2>&1 |
    grep -vE '_(mean|stddev|cv) |^-+$|^\*\*\*WARNING|^Running |^[0-9]{4}-'
done
printf '\n== bench/first_token.sh\n'
bench/first_token.sh "$model" $build/bin/retort
