#!/usr/bin/env python3
"""Runs clang-tidy over the sources of a configured build, and only over what changed since it last passed.

A file's verdict depends on the file with all its headers, its compile command, .clang-tidy and clang-tidy itself. A hash
of those is kept in ~/.cache/retort-tidy for each file that passed, as ccache does for objects; so the whole tree is
always judged, and a file that nothing touched costs a preprocessor run.

usage: scripts/tidy.py [--minutes N] BUILD_DIR [FILE...]     all files of the build's compile_commands.json by default
  --minutes N   begin no further file after N minutes, and say how many were left; the next run takes them up
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIDY = "clang-tidy-14"
CLANG = "clang++-14"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "retort-tidy"


def clang_arguments(command: str) -> list[str]:
    """The compile command without launcher, compiler, input and outputs, as clang takes it."""
    words = shlex.split(command)
    while words and not words[0].startswith("-"):
        words.pop(0)
    kept, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in ("-o", "-MF", "-MT", "-c"):
            skip = True
        elif word != "-MD":
            kept.append(word)
    return kept


def key_of(entry: dict, base: bytes) -> str | None:
    arguments = clang_arguments(entry["command"])
    # Comments stay in (-C): NOLINT is one.
    done = subprocess.run([CLANG, *arguments, "-E", "-C", "-P", "-w", entry["file"]], cwd=entry["directory"],
                          capture_output=True, check=False)
    if done.returncode != 0:
        return None
    digest = hashlib.sha256(base)
    relative = [word.replace(str(ROOT), "") for word in arguments]
    digest.update("\0".join(relative).encode())
    digest.update(done.stdout)
    return digest.hexdigest()


def judge(entry: dict, build: pathlib.Path, base: bytes, deadline: float) -> tuple[str, str, float, str]:
    """(file, "cached" | "passed" | "failed" | "left", seconds, output)"""
    begin = time.monotonic()
    name = os.path.relpath(entry["file"], ROOT)
    if begin > deadline:
        return name, "left", 0.0, ""
    key = key_of(entry, base)
    stamp = CACHE / key if key else None
    if stamp and stamp.exists():
        stamp.touch()
        return name, "cached", time.monotonic() - begin, ""
    done = subprocess.run([TIDY, "-p", str(build), "--quiet", "--extra-arg=-Wno-unknown-warning-option",
                           entry["file"]], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        if stamp:
            stamp.parent.mkdir(parents=True, exist_ok=True)
            stamp.touch()
        return name, "passed", time.monotonic() - begin, ""
    return name, "failed", time.monotonic() - begin, done.stdout.strip() + "\n" + done.stderr.strip()


def main() -> int:
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if len(sys.argv) > 1 else 2
    arguments = sys.argv[1:]
    deadline = float("inf")
    if arguments[0] == "--minutes":
        deadline = time.monotonic() + 60 * float(arguments[1])
        arguments = arguments[2:]
    build = pathlib.Path(arguments[0])
    wanted = {str((pathlib.Path.cwd() / name).resolve()) for name in arguments[1:]}
    database = json.loads((build / "compile_commands.json").read_text())
    entries = {entry["file"]: entry for entry in database if pathlib.Path(entry["file"]).suffix == ".cc" and
               not pathlib.Path(entry["file"]).is_relative_to(ROOT / "build")}
    if wanted:
        entries = {name: entry for name, entry in entries.items() if name in wanted}
    version = subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
    base = version + (ROOT / ".clang-tidy").read_bytes()

    counts = {"cached": 0, "passed": 0, "failed": 0, "left": 0}
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as pool:
        for name, verdict, seconds, output in pool.map(lambda entry: judge(entry, build, base, deadline),
                                                         entries.values()):
            counts[verdict] += 1
            if verdict == "failed":
                print(f"{name} ({seconds:.1f} s):\n{output}", flush=True)
    print(f"clang-tidy: {len(entries)} files, {counts['cached']} unchanged since they passed, {counts['passed']} passed, "
          f"{counts['failed']} failed, {counts['left']} left for want of time, {time.monotonic() - begin:.0f} s")
    # Stamps that nothing asked for in a month have no file any more.
    if CACHE.is_dir():
        for stamp in CACHE.iterdir():
            if time.time() - stamp.stat().st_mtime > 30 * 86400:
                stamp.unlink(missing_ok=True)
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
