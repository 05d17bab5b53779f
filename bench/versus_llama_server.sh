#!/usr/bin/env bash
# A task answered by retort in its own process, and by a llama-server from the same file: time, scores, and whether they
# differ.
#
#   bench/versus_llama_server.sh LLAMA_SERVER MODEL.gguf DATA_ROOT [-t humaneval] [-m 512] [-j 16] [-o OUTPUT]
#     [-- more of retort eval's options, for both]
#
# Greedy; -m tokens of an answer at most; -j answers under way at a time, for both. The server's time begins when it
# answers /health, retort's own holds loading the model. Both leave their samples in OUTPUT: run again, it goes on.
set -euo pipefail
cd "$(dirname "$0")/.."

build=${RETORT_BUILD:-build/release}
if [ $# -lt 3 ]; then
  sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//' >&2
  exit 2
fi
server=$1 model=$2 data=$3
shift 3
task=humaneval tokens=512 jobs=16 output=
while [ $# -gt 0 ]; do
  case $1 in
    -t) task=$2 && shift 2 ;;
    -m) tokens=$2 && shift 2 ;;
    -j) jobs=$2 && shift 2 ;;
    -o) output=$2 && shift 2 ;;
    --) shift && break ;;
    *) echo "$0: unknown option $1" >&2 && exit 2 ;;
  esac
done
[ -n "$output" ] || output=$(mktemp -d)
for program in "$server" "$build/bin/retort"; do
  [ -x "$program" ] || { echo "$0: $program is not there or cannot be run" >&2; exit 1; }
done

port=$((20000 + RANDOM % 20000))
log=$output/llama-server.log
mkdir -p "$output"
"$server" -m "$model" -c $((jobs * 4096)) -np "$jobs" -t "$(nproc)" --host 127.0.0.1 --port "$port" >"$log" 2>&1 &
peer=$!
trap 'kill "$peer" 2>/dev/null || true' EXIT
for _ in $(seq 600); do
  if curl -sf "http://127.0.0.1:$port/health" >/dev/null; then break; fi
  kill -0 "$peer" 2>/dev/null || { tail -n 5 "$log" >&2; echo "$0: the server ended" >&2; exit 1; }
  sleep 0.5
done

evaluate() { # where it goes, options
  local folder=$1 begin
  shift
  begin=$(date +%s.%N)
  "$build/bin/retort" eval "$task" --temperature 0 --top-p 1 --n 1 --max-tokens "$tokens" --data-root "$data" \
    --concurrency "$jobs" --output "$folder" "$@" >&2
  python3 -c "import sys; print(f'{float(sys.argv[2]) - float(sys.argv[1]):.1f}')" "$begin" "$(date +%s.%N)"
}

echo "# $("$build/bin/retort" --version | tr '\n' ';') commit $(git rev-parse --short HEAD)"
echo "# peer: $(basename "$server") sha256 $(sha256sum "$server" | cut -c1-16), $("$server" --version 2>&1 | grep -m 1 '^version' || true)"
echo "# model: $(basename "$model") sha256 $(sha256sum "$model" | cut -c1-16); $task, greedy, $tokens tokens, $jobs at a time; $(date -u +%F)"
theirs=$(evaluate "$output/peer" --endpoint "http://127.0.0.1:$port/v1" --model "$(basename "$model")" "$@")
kill "$peer" 2>/dev/null || true
wait "$peer" 2>/dev/null || true
ours=$(evaluate "$output/retort" --model "$model" "$@")
python3 -c "import sys; o, t = map(float, sys.argv[1:]); print(f'retort {o:.1f} s, llama-server {t:.1f} s: {t / o:.2f} times')" "$ours" "$theirs"
"$build/bin/retort" eval compare "$output/peer/$task" "$output/retort/$task"
