#!/usr/bin/env bash
# Usage: scripts/check_isa_symbols.sh BUILD_DIR
#
# An inline function that a file compiled for AVX-512 emits may be the copy that the linker keeps for the whole program,
# which then dies of SIGILL on a processor without AVX-512. So the objects of src/kernels/avx2, avx512 and amx may give the
# linker nothing but the functions that fill the kernel table: no weak symbols (inline functions, templates), no others.
set -euo pipefail

if [ $# -ne 1 ]; then
  echo "usage: $0 BUILD_DIR" >&2
  exit 2
fi
build=$1
objects=$(find "$build/src/kernels" -path '*/a[vm]x*' -name '*.o' 2> /dev/null | sort)
if [ -z "$objects" ]; then
  echo "check_isa_symbols: no objects below $build/src/kernels; build the target retort_kernels first" >&2
  exit 1
fi

status=0
count=0
for object in $objects; do
  # Local symbols have small letters in nm's listing, but u (unique), v and w (weak); U and a lone w are wanted from
  # elsewhere, not given.
  given=$(nm --defined-only "$object" | awk '$2 ~ /^[A-Zuvw]$/ { print $2, $3 }' | c++filt)
  leaks=$(grep -Ev '^T retort::fill_(avx2|avx512|amx)_[a-z]+\(retort::KernelTable&\)$' <<< "$given" || true)
  exports=$(grep -c '^T ' <<< "$given" || true)
  if [ -n "$leaks" ]; then
    echo "check_isa_symbols: ${object#"$build"/} gives the linker symbols that it must keep to itself (put them in an" >&2
    echo "anonymous namespace, or do not use inline functions from elsewhere):" >&2
    sed 's/^/  /' <<< "$leaks" >&2
    status=1
  elif [ "$exports" -ne 1 ]; then
    echo "check_isa_symbols: ${object#"$build"/} exports $exports functions, expected the one that fills the table" >&2
    status=1
  fi
  count=$((count + 1))
done
[ $status -ne 0 ] || echo "check_isa_symbols: $count objects, nothing leaks"
exit $status
