"""Builds pickles from a grammar of instructions, allow-listed globals and the known classes of tricks, by seed.

A program is a row of statements. Each leaves the stack as it found it, so that most programs run to their end. Some
statements reach for the canary, by a trick of a class; the rest is what picklers write, and noise.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bench.machinery.hostile.assembly import LOAD, array, call, data, harm, named, new, row, state, table, text
from bench.machinery.hostile.pickles import PICKLES
from caponier.detect.model_files.pickles.rules import GlobalRole, shipped

_SIMPLE: Final = (
    b"N", b"\x88", b"\x89", b")", b"]", b"}", b"\x8f", b"K\x07", b"M\x07\x01", b"J\1\0\0\0", b"I7\n", b"I01\n",
    b"L7L\n", b"F1.5\n", b"G" + bytes(8), b"\x8a\x01\x07", b"\x8b\1\0\0\0\x07", b"S'a'\n", b"Va\n",
    b"T\1\0\0\0a", b"U\x01a", b"\x8c\x01a", b"X\1\0\0\0a", b"\x8d\1\0\0\0\0\0\0\0a", b"C\x01a", b"B\1\0\0\0a",
    b"\x8e\1\0\0\0\0\0\0\0a", b"\x96\1\0\0\0\0\0\0\0a", b"(l", b"(d", b"(t", b"(\x91", b"(K\1K\2l", b"(K\1K\2d",
    b"(K\1t", b"K\1\x85", b"K\1K\2\x86", b"K\1K\2K\3\x87", b"]K\1a", b"](K\1K\2e", b"}K\1K\2s", b"}(K\1K\2u",
    b"\x8f(K\1\x90", b"N2\x86", b"N0N", b"(N1N", b"N\x94", b"N\x94h\0", b"Np7\n0Ng7\n\x86", b"Nq\x090h\x09",
    b"Nr\x0b\0\0\0" + b"0j\x0b\0\0\0", b"\x80\x04N", b"\x95\1\0\0\0\0\0\0\0N",
)  # fmt: skip
"""One statement for each instruction that makes a plain value or moves one."""


_ENDS: Final = (b"P7\n0", b"K\7Q0", b"\x82\7", b"\x83\7\0", b"\x84\7\0\0\0", b"\x970", b"C\1a\x980")
"""What needs something that is not in the file: the plain loader ends there."""


@dataclass
class Program:
    """A pickle, with what it is made of."""

    content: bytes
    classes: list[str] = field(default_factory=list)
    loader: str = "pickle"


class Grammar:
    """Programs for one path of a canary; the same seed gives the same programs."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        rules = shipped()
        self._by_role = {
            role: sorted(
                (what for what, roles in rules.allowed.items() if role in roles and "." not in what.name), key=str
            )
            for role in (GlobalRole.CALL, GlobalRole.NEW, GlobalRole.BUILD, GlobalRole.ITEMS)
        }
        self._tricks = sorted(_TRICKS)
        self._whole = sorted(PICKLES)

    def program(self, canary: str) -> Program:
        """Build a program that may reach the canary."""
        if self._chance.random() < 0.2:
            name = self._chance.choice(self._whole)
            loader, build = PICKLES[name]
            return Program(build(canary), [name], loader)
        steps, classes = [b"\x80" + bytes([self._chance.choice((2, 3, 4, 5))])], list[str]()
        steps += [self._statement() for _ in range(self._chance.randint(1, 8))]
        if self._chance.random() < 0.7:
            name = self._chance.choice(self._tricks)
            classes.append(name)
            steps.insert(self._chance.randint(1, len(steps)), _TRICKS[name](self, canary))
        if self._chance.random() < 0.1:
            steps.append(self._chance.choice(_ENDS))
        return Program(b"".join(steps) + b"N.", classes)

    def mutated(self, content: bytes) -> bytes:
        """Change some bytes, or the order of some stretches."""
        changed = bytearray(content)
        for _ in range(self._chance.randint(1, 3)):
            at = self._chance.randrange(len(changed))
            way = self._chance.randrange(4)
            if way == 0:
                changed[at] = self._chance.randrange(256)
            elif way == 1:
                del changed[at : at + self._chance.randint(1, 4)]
            elif way == 2:
                changed[at:at] = self._chance.choice(_SIMPLE)
            else:
                end = min(len(changed), at + self._chance.randint(1, 16))
                changed[at:at] = changed[at:end]
            if not changed:
                return content
        return bytes(changed)

    def _statement(self) -> bytes:
        kind = self._chance.randrange(6)
        if kind < 3:
            return self._chance.choice(_SIMPLE) + b"0"
        if kind == 3:
            return self._object() + b"0"
        return self._called() + b"0"

    def _called(self) -> bytes:
        """A listed function, with plain arguments: most of them fail, and so end the program."""
        what = self._chance.choice(_HARMLESS_CALLS) if self._chance.random() < 0.9 else self._any(GlobalRole.CALL)
        return call(what, *([b"]"] if what[1] in ("OrderedDict", "list", "deque", "set", "frozenset") else []))

    def _object(self) -> bytes:
        what = self._chance.choice(_PLAIN_CLASSES) if self._chance.random() < 0.9 else self._any(GlobalRole.NEW)
        made = self._chance.choice((new(what), b"(" + named(*what) + b"o", named(*what) + b")}\x92"))
        if self._chance.random() < 0.3:
            made = b"(i" + f"{what[0]}\n{what[1]}\n".encode()
        return made + (state(table(a=b"N")) if self._chance.random() < 0.5 else b"")

    def _any(self, role: GlobalRole) -> tuple[str, str]:
        what = self._chance.choice(self._by_role[role])
        return what.module, what.name


_PLAIN_CLASSES: Final = (
    ("sklearn.svm._classes", "SVC"), ("sklearn.linear_model._logistic", "LogisticRegression"),
    ("sklearn.model_selection._split", "KFold"), ("sklearn.utils._bunch", "Bunch"), ("collections", "OrderedDict"),
    ("sklearn.preprocessing._data", "StandardScaler"), ("argparse", "Namespace"),
    ("torch.nn.modules.linear", "Identity"),
)  # fmt: skip
_HARMLESS_CALLS: Final = (
    ("collections", "OrderedDict"), ("builtins", "list"), ("builtins", "set"), ("builtins", "frozenset"),
    ("collections", "deque"), ("builtins", "bytearray"), ("builtins", "object"),
    ("numpy.random._pickle", "__bit_generator_ctor"),
)  # fmt: skip
Trick = Callable[[Grammar, str], bytes]


def _direct(_: Grammar, canary: str) -> bytes:
    return harm(canary)[:-1] + b"0"


def _stacked(_: Grammar, canary: str) -> bytes:
    return text("posix") + text("mkdir") + b"\x93" + text(canary) + b"\x85R0"


def _instance(_: Grammar, canary: str) -> bytes:
    return b"(" + text(canary) + b"iposix\nmkdir\n0"


def _object_of(_: Grammar, canary: str) -> bytes:
    return b"(" + named("posix", "mkdir") + text(canary) + b"o0"


def _hidden_in(_: Grammar, canary: str) -> bytes:
    return call(LOAD, data(harm(canary))) + b"0"


def _hidden_twice(_: Grammar, canary: str) -> bytes:
    return call(LOAD, data(b"\x80\x04" + call(LOAD, data(harm(canary))) + b".")) + b"0"


def _hidden_text(grammar: Grammar, canary: str) -> bytes:
    codec = grammar._chance.choice(("latin1", "latin-1", "utf-8"))
    return call(LOAD, call(("_codecs", "encode"), text(harm(canary).decode()), text(codec))) + b"0"


def _hidden_array(_: Grammar, canary: str) -> bytes:
    return call(LOAD, array(harm(canary))) + b"0"


def _generated(grammar: Grammar, canary: str) -> bytes:
    name = grammar._chance.choice(("__generator_ctor", "__randomstate_ctor"))
    return call(("numpy.random._pickle", name), data(harm(canary)), named(*LOAD)) + b"0"


def _rebuilt(_: Grammar, canary: str) -> bytes:
    inner = named(*LOAD) + named("torch", "Tensor") + row(data(harm(canary))) + b"N"
    return named("torch._tensor", "_rebuild_from_type_v2") + b"(" + inner + b"tR0"


def _attribute_of(_: Grammar, canary: str) -> bytes:
    return (
        call(("builtins", "getattr"), call(("builtins", "__import__"), text("posix")), text("mkdir"))
        + row(text(canary))
        + b"R0"
    )


def _state_first(grammar: Grammar, canary: str) -> bytes:
    """An attribute in the place of a method: `__setstate__` or `append`."""
    name, use = grammar._chance.choice((("__setstate__", b"b"), ("append", b"a")))
    armed = b"ccollections\nOrderedDict\n)R" + state(b"}" + text(name) + named(*LOAD) + b"s")
    return armed + data(harm(canary)) + use + b"0"


def _memoized(_: Grammar, canary: str) -> bytes:
    return named("posix", "mkdir") + b"q\xfa0" + text(canary) + b"q\xfb0h\xfa(h\xfbtR0"


def _keyword(_: Grammar, canary: str) -> bytes:
    kind = b"csubprocess\nPopen\n"
    return kind + row(row(text("mkdir"), text(canary))) + b"R0"


def _mapped(_: Grammar, canary: str) -> bytes:
    mapped = call(("builtins", "map"), named("posix", "mkdir"), b"]" + text(canary) + b"a")
    return call(("builtins", "list"), mapped) + b"0"


def _pointless(_: Grammar, canary: str) -> bytes:
    """The name of the canary and nothing that reaches it."""
    return text(canary) + b"0"


_TRICKS: Final[dict[str, Trick]] = {
    "called": _direct,
    "called by its name on the stack": _stacked,
    "made as an instance": _instance,
    "made as an object": _object_of,
    "loaded from bytes": _hidden_in,
    "loaded from bytes twice": _hidden_twice,
    "loaded from a text": _hidden_text,
    "loaded from an array": _hidden_array,
    "called by a generator": _generated,
    "called by a tensor": _rebuilt,
    "taken as an attribute": _attribute_of,
    "called as a method": _state_first,
    "called from the memo": _memoized,
    "called in another process": _keyword,
    "called by an iterator": _mapped,
    "not called at all": _pointless,
}


def counted(programs: list[Program]) -> Counter[str]:
    """Return how often each class occurs."""
    return Counter(name for program in programs for name in program.classes)
