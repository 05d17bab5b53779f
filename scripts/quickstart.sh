#!/usr/bin/env bash
# Installs the packages, builds retort, and asks a model one reasoning question. Run again, it only asks.
#
# usage: scripts/quickstart.sh [MODEL]
#   MODEL   a Hugging Face folder, a .gguf file, or a hub id such as Qwen/Qwen2.5-0.5B-Instruct.
#           Without one, the smallest DeepSeek-R1-Distill is taken from the hub (3.6 GB, kept in ~/.cache/huggingface).
set -euo pipefail
. "$(dirname "$0")/lib.sh"

default_model=deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B
question="A train leaves at 9:40 and arrives at 13:05. How long is the journey? Think first, then answer."

case ${1:-} in
  -h | --help)
    print_help
    exit 0
    ;;
  -*) usage_error "unknown option $1" ;;
esac
[ $# -le 1 ] || usage_error "one MODEL is enough, $# are given"
model=${1:-}

begin=$SECONDS
"$root/scripts/bootstrap.sh" build
say "build: the release preset, into build/release (minutes the first time)"
build_preset release retort
retort=$root/build/release/bin/retort
"$retort" --version

if [ -z "$model" ]; then
  model=$default_model
  say "model: none was named, so $model from ${HF_ENDPOINT:-https://huggingface.co} (3.6 GB the first time)"
  note "others: scripts/quickstart.sh FOLDER, FILE.gguf or ORG/NAME; HF_ENDPOINT names a mirror of the hub"
fi

# A hub id is ORG/NAME that is no path here. pull ends at once when all of it is in the cache already.
if [ ! -e "$model" ]; then
  [[ $model =~ ^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$ && $model != *.gguf ]] ||
    die "$model: no such folder or file, and no hub id (ORG/NAME) either"
  if ! "$retort" pull "$model"; then
    cat >&2 <<MESSAGE

retort is built, but $model could not be fetched. What to do:
  no network here   copy a model over from elsewhere, as a folder or a .gguf file, and name it:
                    scripts/quickstart.sh FOLDER   or   scripts/quickstart.sh FILE.gguf
  the hub is slow   name a mirror: HF_ENDPOINT=https://MIRROR scripts/quickstart.sh
  access refused    accept the model's terms on the hub, then: HF_TOKEN=... scripts/quickstart.sh $model
A download that broke off goes on where it stopped.
MESSAGE
    say "quickstart.sh: built, but no model to ask"
    exit 1
  fi
fi

say "question: $question"
"$retort" run --model "$model" --prompt "$question" --max-tokens 1024 --seed 1
echo
say "quickstart.sh: done in $(duration $((SECONDS - begin))). Talk to it: build/release/bin/retort chat --model $model"
