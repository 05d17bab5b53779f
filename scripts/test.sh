#!/usr/bin/env bash
# Installs what the tests need, builds, and runs every test: the release build with all labels, ASan+UBSan, TSan for
# what has threads, each fuzz target for 20 seconds, the benchmarks (built, not run: no time that a test measures means
# anything), and scripts/check.sh.
#
# usage: scripts/test.sh [options]
#   --fast          only the fast tests of the release build, and the checks that take seconds
#   --label L       only the tests with the label L (fast, slow, real, threads), in the release build or in --preset
#   --preset P      only this part: release, asan, tsan, fuzz, bench or check. May be given several times
#   --no-install    do not look for missing packages
#
# Tests that need real data or a real checkpoint are skipped where those are missing, and say so; docs/testing.md tells
# where they are looked for. The last line says what ran and whether it passed; the exit code is 0 only if all did.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

fast=no
label=
install=yes
parts=()
while [ $# -gt 0 ]; do
  case $1 in
    --fast) fast=yes ;;
    --label)
      [ -n "${2:-}" ] || usage_error "--label takes a label: fast, slow, real or threads"
      label=$2
      shift
      ;;
    --preset)
      case ${2:-} in
        release | asan | tsan | fuzz | bench | check | dev) parts+=("$2") ;;
        *) usage_error "--preset takes release, asan, tsan, fuzz, bench, check or dev" ;;
      esac
      shift
      ;;
    --no-install) install=no ;;
    -h | --help)
      print_help
      exit 0
      ;;
    *) usage_error "unknown option $1" ;;
  esac
  shift
done
if [ "${#parts[@]}" -eq 0 ]; then
  if [ "$fast" = yes ]; then
    parts=(release check)
  elif [ -n "$label" ]; then
    parts=(release)
  else
    parts=(release asan tsan fuzz bench check)
  fi
fi

if [ "$install" = yes ]; then "$root/scripts/bootstrap.sh" test bench check; fi

# Sanitized programs stop at the first report. ThreadSanitizer of GCC 12 wants the address space laid out as usual,
# which kernels with more address randomization do not give it: run it without, where that is allowed.
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:${ASAN_OPTIONS:-}
export UBSAN_OPTIONS=print_stacktrace=1:${UBSAN_OPTIONS:-}
export TSAN_OPTIONS=second_deadlock_stack=1:${TSAN_OPTIONS:-}
plain_layout=()
if setarch "$(uname -m)" -R true 2>/dev/null; then plain_layout=(setarch "$(uname -m)" -R); fi

# run_tests PRESET [ctest options]; tests labelled real or slow run one at a time (cmake/RetortModule.cmake).
run_tests() {
  local preset=$1
  shift
  (cd "$root" && ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)" "$@")
}

# The best ISA that /proc/cpuinfo promises must be the one that the program chose, or the machine's best kernels went
# untested. RETORT_ISA forces another on purpose.
report_isa() {
  local said expected=ref flags
  said=$("$root/build/$1/bin/retort" --version)
  printf '%s\n' "$said" | sed 's/^/   /'
  flags=" $(sed -n 's/^flags[^:]*: //p' /proc/cpuinfo | head -n 1) "
  has() { for flag in "$@"; do [[ $flags == *" $flag "* ]] || return 1; done; }
  if [ -d "$root/src/kernels/avx2" ] && has avx2 fma f16c; then expected=avx2; fi
  if [ -d "$root/src/kernels/avx512" ] && has avx2 fma f16c avx512f avx512bw avx512dq avx512vl avx512_vnni; then expected=avx512; fi
  if [ -d "$root/src/kernels/amx" ] && [ "$expected" = avx512 ] && has amx_tile amx_bf16 avx512_bf16 avx512vbmi; then expected=amx; fi
  expected=${RETORT_ISA:-$expected}
  case $said in
    *"kernels: $expected"*) note "kernels that ran: $expected, as this processor promises" ;;
    *) note "this processor promises the $expected kernels, but the program chose otherwise" && return 1 ;;
  esac
}

part_release() {
  build_preset release || return 1
  report_isa release || return 1
  if [ "$fast" = yes ]; then
    run_tests release -L fast
  else
    run_tests release ${label:+-L "$label"}
  fi
}
part_dev() { build_preset dev && report_isa dev && run_tests dev ${label:+-L "$label"}; }
part_asan() { build_preset asan && run_tests asan -L "${label:-fast}"; }
part_tsan() { build_preset tsan threaded_tests && "${plain_layout[@]}" ctest --test-dir "$root/build/tsan" \
  --output-on-failure --no-tests=error -j "$(nproc)" -L threads; }
part_fuzz() { build_preset fuzz fuzzers && "$root/scripts/fuzz.sh"; }
part_bench() { build_preset bench; }
part_check() { if [ "$fast" = yes ]; then "$root/scripts/check.sh"; else "$root/scripts/check.sh" --tidy; fi; }

command -v ccache >/dev/null && export CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-5G}
begin=$SECONDS
results=()
failed=()
for part in "${parts[@]}"; do
  say "$part: begins"
  part_begin=$SECONDS
  if "part_$part"; then
    results+=("$part ok ($(duration $((SECONDS - part_begin))))")
  else
    results+=("$part FAILED ($(duration $((SECONDS - part_begin))))")
    failed+=("$part")
  fi
  say "${results[-1]}"
done

summary=$(printf '%s, ' "${results[@]}")
if [ "${#failed[@]}" -gt 0 ]; then
  say "test.sh: FAILED: ${failed[*]}. ${summary%, } in $(duration $((SECONDS - begin)))"
  exit 1
fi
say "test.sh: all passed. ${summary%, } in $(duration $((SECONDS - begin)))"
