#!/usr/bin/env bash
# Start to first token, and tokens per second after it, of `retort run`: medians of five, from a warm page cache.
#
#   bench/first_token.sh MODEL [BINARY]
#
# Start to first token is the whole run of a process that says one token (its end included: an upper bound).
set -euo pipefail
model=${1:?usage: bench/first_token.sh MODEL [BINARY]}
binary=${2:-build/release/bin/retort}
prompt='Write a C++ function that returns the median of two sorted arrays.'
runs=5

median() { sort -n | sed -n "$(((runs + 1) / 2))p"; }

run() { "$binary" run --model "$model" --prompt "$prompt" --temperature 0 --ignore-eos --json "$@"; }

"$binary" --version
run --max-tokens 1 > /dev/null # warms the page cache
for ((i = 0; i < runs; ++i)); do
  start=$(date +%s%N)
  run --max-tokens 1 > /dev/null
  echo $((($(date +%s%N) - start) / 1000000))
done | median | sed 's/.*/start to first token: & ms (median of '$runs')/'
for ((i = 0; i < runs; ++i)); do
  run --max-tokens 64 | sed 's/.*"tokens_per_second":\([0-9.]*\).*/\1/'
done | median | sed 's/.*/decode: & tokens\/s over 63 tokens (median of '$runs')/'
