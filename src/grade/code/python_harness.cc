#include "grade/code/python_harness.h"

namespace retort::grade {

std::string_view python_harness() {
  return R"PYTHON(
import builtins, json, os, sys, types

LONGEST = 1 << 20  # items of an iterator that are carried over


class Remote(Exception):
    """What the judged code raised, where Python has no exception of that name."""


class Opaque:
    """An object that stays in the other process."""

    def __init__(self, number, type_name):
        self.number = number
        self.type_name = type_name

    def __repr__(self):
        return '<%s object of the answer>' % self.type_name


class Codec:
    def __init__(self):
        self.kept = []

    def encode(self, v, depth=0):
        if v is None or v is True or v is False:
            return v
        if depth > 100:
            raise RecursionError('a value that is nested more than 100 deep')
        e = lambda items: [self.encode(x, depth + 1) for x in items]
        t = type(v)
        if isinstance(v, int):
            v = int.__index__(v)
            return v if -(1 << 53) < v < (1 << 53) else {'i': hex(v)}
        if isinstance(v, float):
            return {'f': float.__repr__(v)}
        if isinstance(v, str):
            v = str.__str__(v)
            try:
                v.encode('utf-8')
                return v
            except UnicodeEncodeError:
                return {'s': [ord(c) for c in v]}
        if isinstance(v, list):
            return e(list.__iter__(v))
        if isinstance(v, tuple):
            return {'t': e(tuple.__iter__(v))}
        if isinstance(v, dict):
            return {'d': [[self.encode(k, depth + 1), self.encode(x, depth + 1)] for k, x in dict.items(v)]}
        if isinstance(v, set):
            return {'S': e(set.__iter__(v))}
        if isinstance(v, frozenset):
            return {'F': e(frozenset.__iter__(v))}
        if isinstance(v, (bytes, bytearray)):
            return {'b': bytes(v).hex()}
        if isinstance(v, complex):
            return {'c': [float.__repr__(v.real), float.__repr__(v.imag)]}
        if isinstance(v, Opaque):
            return {'o': v.number}
        where = (t.__module__, t.__name__)
        if where == ('collections', 'deque'):
            return {'q': e(v)}
        if where == ('decimal', 'Decimal'):
            return {'D': str(v)}
        if where == ('fractions', 'Fraction'):
            return {'Q': [hex(v.numerator), hex(v.denominator)]}
        if where[0] == 'numpy' and hasattr(v, 'tolist'):
            return self.encode(v.tolist(), depth + 1)
        if hasattr(t, '__next__') or t in (range, type({}.keys()), type({}.values()), type({}.items())):
            items = []
            for x in v:
                items.append(self.encode(x, depth + 1))
                if len(items) > LONGEST:
                    raise ValueError('an iterator of more than %d items' % LONGEST)
            return {'it': items}
        self.kept.append(v)
        return {'o': len(self.kept) - 1, 'type': str(t.__name__)}

    def decode(self, v):
        if isinstance(v, list):
            return [self.decode(x) for x in v]
        if not isinstance(v, dict):
            return v
        key = next((k for k in v if k != 'type'), None)
        x = v.get(key)
        d = lambda items: [self.decode(i) for i in items]
        if key == 'i':
            return int(x, 16)
        if key == 'f':
            return float(x)
        if key == 's':
            return ''.join(map(chr, x))
        if key == 'b':
            return bytes.fromhex(x)
        if key == 'c':
            return complex(float(x[0]), float(x[1]))
        if key == 't':
            return tuple(d(x))
        if key == 'S':
            return set(d(x))
        if key == 'F':
            return frozenset(d(x))
        if key == 'd':
            return {self.decode(k): self.decode(i) for k, i in x}
        if key == 'q':
            from collections import deque
            return deque(d(x))
        if key == 'D':
            from decimal import Decimal
            return Decimal(x)
        if key == 'Q':
            from fractions import Fraction
            return Fraction(int(x[0], 16), int(x[1], 16))
        if key == 'it':
            return iter(d(x))
        if key == 'o':
            return self.kept[x] if 'type' not in v else Opaque(x, v['type'])
        raise ValueError('a value that is none')


class Wire:
    def __init__(self):
        self.file = os.fdopen(3, 'rb')
        # Bound here: what judged code puts in their place in the modules is not used.
        self.write = os.write
        self.leave = os._exit
        self.dump = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(',', ':')).encode
        self.load = json.JSONDecoder().decode

    def send(self, message):
        line = self.dump(message).encode('ascii') + b'\n'
        while line:
            line = line[self.write(3, line):]

    def receive(self):
        line = self.file.readline()
        if not line:
            self.leave(0)  # the parent has what it wanted
        return self.load(line.decode('ascii'))

    def close(self):
        self.file.close()


def parsed(wire, source, name):
    import warnings
    warnings.simplefilter('ignore')
    try:
        code = compile(source, name, 'exec', dont_inherit=True)
    except MemoryError:
        raise
    except BaseException as e:  # SyntaxError; ValueError for a null byte; RecursionError
        wire.send({'syntax': '%s: %s' % (type(e).__name__, str(e)[:500])})
        wire.close()
        os._exit(1)
    return code


def module_of(name, source, file):
    import linecache
    module = types.ModuleType(name)
    module.__file__ = file
    module.__builtins__ = builtins
    sys.modules[name] = module
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    return module


def show(e):
    import traceback
    trace = e.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == '<string>':
        trace = trace.tb_next
    traceback.print_exception(type(e), e, trace)


def program(wire, job):
    code = parsed(wire, job['source'], 'answer.py')
    wire.send({'parsed': True})
    wire.close()
    module = module_of('__main__', job['source'], 'answer.py')
    sys.argv = ['answer.py']
    try:
        exec(code, module.__dict__)
    except SystemExit:
        raise
    except BaseException as e:
        try:
            show(e)
            sys.stdout.flush()
        finally:
            os._exit(1)


def find(module, path):
    """'f', or 'Solution.f': a method of a new object."""
    names = path.split('.')
    found = getattr(module, names[0]) if hasattr(module, names[0]) else getattr(builtins, names[0])
    for name in names[1:]:
        if isinstance(found, type):
            found = found()
        found = getattr(found, name)
    return found


def functions(wire, job):
    codec = Codec()
    code = parsed(wire, job['source'], 'answer.py')
    module = module_of('answer', job['source'], 'answer.py')
    try:
        exec(code, module.__dict__)
    except BaseException as e:
        show(e)
        wire.send({'raised': type(e).__name__, 'message': str(e)[:500]})
        os._exit(1)
    wire.send({'ready': True})
    while True:
        job = wire.receive()
        try:
            f = find(module, job['call'])
            args = [codec.decode(x) for x in job['args']]
            kwargs = {k: codec.decode(x) for k, x in job['kwargs']}
            reply = {'value': codec.encode(f(*args, **kwargs))}
        except BaseException as e:
            try:
                reply = {'raised': type(e).__name__, 'message': str(e)[:500]}
            except BaseException:
                reply = {'raised': 'Exception', 'message': ''}
        wire.send(reply)


class Call:
    """A function of the answer, as the tests see it."""

    def __init__(self, tests, name):
        self.tests = tests
        self.__name__ = name

    def __call__(self, *args, **kwargs):
        return self.tests.call(self.__name__, args, kwargs)


class Tests:
    def __init__(self, wire):
        self.wire = wire
        self.codec = Codec()
        self.raised = None

    def call(self, name, args, kwargs):
        self.wire.send({'call': name, 'args': [self.codec.encode(x) for x in args],
                        'kwargs': [[k, self.codec.encode(x)] for k, x in kwargs.items()]})
        reply = self.wire.receive()
        if 'value' in reply:
            try:
                return self.codec.decode(reply['value'])
            except (TypeError, ValueError, KeyError, IndexError, ArithmeticError, AttributeError, RecursionError) as e:
                # Written by the judged code itself, or a set of objects that are values only there.
                self.raised = Remote('a value that cannot be carried over: %s' % e)
                raise self.raised
        kind = getattr(builtins, str(reply.get('raised')), None)
        message = str(reply.get('message'))
        if isinstance(kind, type) and issubclass(kind, Exception):
            try:
                self.raised = kind(message)
            except TypeError:
                self.raised = Remote('%s: %s' % (kind.__name__, message))
        else:
            self.raised = Remote('%s: %s' % (reply.get('raised'), message))
        raise self.raised

    def run(self, job):
        module = module_of('__main__', '', 'tests.py')
        names = module.__dict__
        exec(compile(job['setup'], 'setup.py', 'exec', dont_inherit=True), names)
        codes = [compile(x, 'tests.py', 'exec', dont_inherit=True) for x in job['tests']]
        entry = job['entry']
        if entry:
            names[entry] = Call(self, entry)
        # Whatever else the tests name and nobody has is the answer's: its functions, or a module that it imports.
        for code in codes:
            read, modules = used_names(code)
            for name in read:
                if name in names or hasattr(builtins, name):
                    continue
                if name in modules and name in sys.stdlib_module_names:
                    names[name] = __import__(name)
                else:
                    names[name] = Call(self, name)
        if entry:
            names['candidate'] = names[entry]
        for code in codes:
            self.wire.send({'one': self.run_one(code, names)})

    def run_one(self, code, names):
        self.raised = None
        try:
            exec(code, names)
            return {'passed': True, 'kind': '', 'message': ''}
        except BaseException as e:
            kind = 'raised' if e is self.raised else 'failed'
            return {'passed': False, 'kind': kind, 'message': ('%s: %s' % (type(e).__name__, e))[:500]}


def used_names(code):
    """The global names that a code object reads and does not write; and which of them it takes an attribute of."""
    import dis
    read, written, bases, todo = set(), set(), set(), [code]
    while todo:
        c = todo.pop()
        before = None
        for op in dis.get_instructions(c):
            if op.opname in ('LOAD_GLOBAL', 'LOAD_NAME'):
                read.add(op.argval)
            elif op.opname in ('STORE_GLOBAL', 'STORE_NAME'):
                written.add(op.argval)
            if op.opname in ('LOAD_ATTR', 'LOAD_METHOD') and before in read:
                bases.add(before)
            before = op.argval if op.opname in ('LOAD_GLOBAL', 'LOAD_NAME') else None
        todo.extend(x for x in c.co_consts if isinstance(x, types.CodeType))
    return read - written, bases


def tests(wire, job):
    Tests(wire).run(job)
    os._exit(0)


def main():
    wire = Wire()
    job = wire.receive()
    {'program': program, 'functions': functions, 'tests': tests}[job['part']](wire, job)


main()
)PYTHON";
}

}  // namespace retort::grade
