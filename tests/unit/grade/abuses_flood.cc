// Attempts to use up what there is, in Python.
#include "abuses.h"

namespace retort::grade {

const std::vector<Abuse>& floods() {
  constexpr Verdict kOk = Verdict::kAccepted;
  constexpr Verdict kError = Verdict::kRuntimeError;
  constexpr Verdict kTime = Verdict::kTimeLimit;
  constexpr Verdict kMemory = Verdict::kMemoryLimit;
  static const std::vector<Abuse> table = {
      {"ForkBomb", "while True: os.fork()", {kError, kTime}},
      {"ForkBombThatGoesOn",
       R"(
while True:
    try: os.fork()
    except OSError: pass)",
       {kTime}},
      {"ThreadBomb",
       R"(
import threading
while True: threading.Thread(target=time.sleep, args=(60,)).start())",
       {kError, kTime}},
      {"ZombieBomb", R"(
try:
    for i in range(1000):
        if os.fork() == 0: os._exit(0)
    print('LEAK')
except OSError:
    print('refused'))"},
      {"ExecForEver",
       "os.execv(sys.executable, [sys.executable, '-c', 'import os, sys; os.execv(sys.executable, sys.orig_argv)'])",
       {kTime}},
      {"MemoryBitByBit", "x = []\nwhile True: x.append(bytearray(1 << 20))", {kMemory}},
      {"MemoryAtOnce", "x = bytearray(1 << 40)", {kMemory}},
      {"MemoryOfChildren",
       R"(
for i in range(20):
    if os.fork() == 0:
        x = bytearray(b'x') * (60 << 20)
        time.sleep(60)
time.sleep(60))",
       {kMemory}},
      {"MemoryThatForksShare", R"(
x = bytearray(b'x') * (60 << 20)
children = []
for i in range(8):
    children.append(os.fork())
    if children[-1] == 0:
        time.sleep(0.2)
        os._exit(0)
for child in children: os.waitpid(child, 0)
print('refused'))"},
      {"MemoryShared",
       R"(
import mmap
held = []
while True:
    m = mmap.mmap(-1, 8 << 20)
    m.write(b'x' * (8 << 20))
    held.append(m))",
       {kMemory}},
      {"HugeNumber", "print(len(str(7 ** (10 ** 9))))", {kTime, kMemory, kError}},
      {"ReadZeroes", "open('/dev/zero', 'rb').read()", {kMemory, kTime}},
      {"FillTheDisk", R"(
try:
    with open('/tmp/big', 'wb') as f:
        for i in range(10000): f.write(b'x' * (1 << 20))
    print('LEAK')
except OSError:
    print('refused'))"},
      {"FillTheDiskWithMany", R"(
try:
    for i in range(1000):
        with open('/tmp/big%d' % i, 'wb') as f: f.write(b'x' * (1 << 20))
    print('LEAK')
except OSError:
    print('refused'))"},
      {"SparseFile", "f = open('/tmp/sparse', 'wb')\nattempt(os.truncate, '/tmp/sparse', 1 << 40)", {kOk, kError}},
      {"ManyFiles",
       R"(
i = 0
while True:
    i += 1
    os.close(os.open('/tmp/f%d' % i, os.O_CREAT | os.O_WRONLY)))",
       {kError}},
      {"DeepFolders",
       R"(
while True:
    os.mkdir('d')
    os.chdir('d'))",
       {kError}},
      {"ManyDescriptors", R"(
held = []
try:
    while True: held.append(os.dup(1))
except OSError:
    print('refused' if len(held) < 5000 else 'LEAK'))"},
      {"EndlessOutput", "while True: print('x' * 1000)", {kError}},
      {"EndlessOutputOfAChild",
       R"(
if os.fork() == 0:
    while True: os.write(1, b'x' * 1000)
time.sleep(60))",
       {kError}},
      {"EndlessErrors", "while True: os.write(2, b'x' * 1000)", {kTime}},
      {"Busy", "while True: pass", {kTime}},
      {"BusyChildren",
       R"(
for i in range(8): os.fork()
while True: pass)",
       {kTime, kError}},
      {"Sleep", "time.sleep(1000)", {kTime}},
      {"IgnoreSignals",
       R"(
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True: pass)",
       {kTime}},
      {"IgnoreTerminationOfChildren", R"(
if os.fork() == 0:
    for number in range(1, 65):
        try: signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError): pass
    os.setsid()
    if os.fork() == 0:
        time.sleep(1000)
    os._exit(0)
print('refused'))"},
      {"DaemonThatKeepsTheOutput", R"(
print('refused', flush=True)
if os.fork() == 0:
    os.setsid()
    time.sleep(1000))"},
      {"CloseAllAndLoop", "os.closerange(0, 4096)\nwhile True: pass", {kTime}},
      {"StopAChildAndWait",
       R"(
child = os.fork()
if child == 0:
    os.kill(os.getpid(), signal.SIGSTOP)
    os._exit(0)
os.waitpid(child, 0))",
       {kTime}},
      {"StopItself", "os.kill(os.getpid(), signal.SIGSTOP)\nprint('refused')", {kOk, kTime}},
      {"KillItself", "os.kill(os.getpid(), signal.SIGSEGV)\nctypes.string_at(0)", {kError}},
      {"DeepRecursion", "def f(n): return f(n + 1)\nf(0)", {kError}},
      {"DeepRecursionWithoutALimit",
       "sys.setrecursionlimit(10 ** 9)\ndef f(n): return [f(n + 1)]\nf(0)",
       {kError, kMemory, kTime}},
      {"RegularExpression", "import re\nre.match('(a+)+$', 'a' * 40 + 'b')", {kTime}},
      {"WaitForInputThatNeverComes", "sys.stdin.read(); sys.stdin.read(); print('refused')"},
      {"PipeThatNobodyReads", "r, w = os.pipe()\nwhile True: os.write(w, b'x' * 65536)", {kTime}},
      {"EndsWithoutAWord", "os._exit(0)", {Verdict::kWrongAnswer}},
      {"ExitCode", "print('refused'); sys.exit(3)", {kError}},
  };
  return table;
}

}  // namespace retort::grade
