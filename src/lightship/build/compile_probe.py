"""Compiles modules; run by the target's own Python, on the build machine.

It reads sources from its standard input and writes bytecode to its standard output (PEP 552, unchecked
hash), each after its length: 4 bytes, little-endian. Before a source stands the path that tracebacks will
name. What does not compile becomes nothing, as pip leaves it out.

A module's bytecode depends on nothing that was compiled before it: marshal writes every interned string as
one that may be referred to, whatever else in the process has it, and what else is shared is shared within
the module.
"""

# All of these are in the interpreter. Debian ships its library without bytecode: to import a module of that
# takes longer than to compile an application.
import _warnings
import marshal
import sys
from _frozen_importlib_external import MAGIC_NUMBER
from _imp import source_hash

_warnings.filters.insert(0, ("ignore", None, Warning, None, 0))  # as warnings.simplefilter() does

# The characters of Latin-1 exist once in a process, and stay interned once they were: `*` by the first
# `from x import *`, letters by the first name that is one. So all that can be are from the begin.
for character in map(chr, range(256)):
    if character == "*" or character.isidentifier():
        sys.intern(character)

UNCHECKED = (0b01).to_bytes(4, "little")
KEY = int.from_bytes(MAGIC_NUMBER, "little")


def read() -> bytes:
    return sys.stdin.buffer.read(int.from_bytes(sys.stdin.buffer.read(4), "little"))


def bytecode(path: str, source: bytes) -> bytes:
    try:
        code = compile(source, path, "exec", dont_inherit=True)
        return b"".join((MAGIC_NUMBER, UNCHECKED, source_hash(KEY, source), marshal.dumps(code)))
    except Exception:  # noqa: BLE001 - whatever is wrong with a module, the others are compiled
        return b""


while name := read():
    result = bytecode(name.decode("utf-8", "surrogatepass"), read())
    sys.stdout.buffer.write(len(result).to_bytes(4, "little") + result)
