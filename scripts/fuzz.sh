#!/usr/bin/env bash
# Runs every fuzz target for a while from a freshly generated seed corpus. Build first: cmake --preset fuzz, and
# cmake --build --preset fuzz --target fuzzers (scripts/test.sh does).
#
# usage: scripts/fuzz.sh [--seconds N] [TARGET...]      20 seconds each by default, as many at once as there are cores
#
# build/fuzz/bin/make_corpus writes the seeds of every target into build/fuzz/corpus/NAME. What a run finds stays there
# too (and makes the next run start further on); an input that crashed, hung or took too much memory is kept in
# build/fuzz/findings/NAME. Run one again with: build/fuzz/bin/NAME FILE
set -euo pipefail
. "$(dirname "$0")/lib.sh"

seconds=20
targets=()
while [ $# -gt 0 ]; do
  case $1 in
    --seconds)
      [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || usage_error "--seconds takes a whole number"
      seconds=$2
      shift
      ;;
    -h | --help)
      print_help
      exit 0
      ;;
    -*) usage_error "unknown option $1" ;;
    *) targets+=("$1") ;;
  esac
  shift
done

build=$root/build/fuzz
if [ "${#targets[@]}" -eq 0 ]; then
  for binary in "$build"/bin/fuzz_*; do
    [ -x "$binary" ] && targets+=("$(basename "$binary")")
  done
fi
[ "${#targets[@]}" -gt 0 ] || die "no fuzz target in $build/bin; run: cmake --preset fuzz && cmake --build --preset fuzz --target fuzzers"

# A single input may take 10 s and 2 GiB under ASan and UBSan: ten times what any honest one does. Leaks count.
run_one() {
  local name=$1 corpus=$build/corpus/$1 findings=$build/findings/$1
  mkdir -p "$corpus" "$findings"
  "$build/bin/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$findings/" "$corpus" >"$build/$name.log" 2>&1
}

failed=()
running=()
finish_first() {
  local name=${running[0]%%:*} process=${running[0]##*:}
  running=("${running[@]:1}")
  if wait "$process"; then
    note "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$name.log") runs, $(find "$build/corpus/$name" -type f | wc -l) inputs in the corpus"
  else
    failed+=("$name")
    printf '   %s: FAILED; the input is in %s. The log ends:\n' "$name" "$build/findings/$name"
    tail -n 40 "$build/$name.log" | sed 's/^/   | /'
  fi
}

say "fuzz: ${#targets[@]} targets, $seconds s each"
mkdir -p "$build/corpus"
"$build/bin/make_corpus" "$build/corpus"
for name in "${targets[@]}"; do
  [ -x "$build/bin/$name" ] || die "no fuzz target $build/bin/$name"
  while [ "${#running[@]}" -ge "$(nproc)" ]; do finish_first; done
  run_one "$name" &
  running+=("$name:$!")
done
while [ "${#running[@]}" -gt 0 ]; do finish_first; done

if [ "${#failed[@]}" -gt 0 ]; then
  say "fuzz: ${#failed[@]} of ${#targets[@]} targets FAILED: ${failed[*]}"
  exit 1
fi
say "fuzz: ${#targets[@]} targets found nothing"
