"""Mutated and random streams, held against Python's own unpickler with harmless stand-ins for every global."""

import collections
import io
import pickle
import pickletools
import re
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.detect.artifact import Limits, Verdict
from caponier.detect.model_files.files.judge import judge
from caponier.detect.model_files.pickles.homes import is_foreign_class
from caponier.detect.model_files.pickles.rules import AllowLevel, GlobalRole, canonical, shipped
from caponier.detect.model_files.pickles.values import Global
from detect.model_files.pickles.reading import read

RULES = shipped()
LIMITS = Limits(opcodes=20_000, stack=5_000, text_bytes=1 << 16, expanded_bytes=1 << 20)
FRAGMENTS = [
    b"Nb",
    b"K\x01",
    b"(u",
    b"(e",
    b"I0x1\n",
    b"cos\nsystem\n",
    b"csome.where\nrun\n",
    b"ccollections\nOrderedDict\n",
    b"c__builtin__\neval\n",
    b"cnumpy\nfloat64\n",
    b"U\x02os",
    b"U\x06system",
    b"\x8c\x05numpy",
    b"\x8c\x07float64",
    b"\x93",
    b"(",
    b"t",
    b"R",
    b"o",
    b"b",
    b"\x81",
    b"\x92",
    b"ios\nsystem\n",
    b")",
    b"}",
    b"]",
    b"N",
    b"K\x01",
    b"\x85",
    b"\x86",
    b"\x87",
    b"0",
    b"1",
    b"2",
    b"q\x01",
    b"h\x01",
    b"\x94",
    b"h\x00",
    b"a",
    b"e",
    b"s",
    b"u",
    b"l",
    b"d",
    b"\x8f",
    b"\x90",
    b"\x91",
    b"\x80\x02",
    b"\x80\x04",
    b".",
    b"I01\n",
    b"\x82\x01",
    b"Q",
    b"S'id'\n",
    b"Vid\n",
    b"\x88",
    b"\xff",
]
SEEDS = [
    *(pickle.dumps([{"a": (1, b"x")}, collections.OrderedDict(x=[1.5]), {1}, np.float32(1)], p) for p in range(6)),
    b"cos\nsystem\n(S'id'\ntR.",
    b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94.",
    b"(S'id'\nios\nsystem\n.",
    b"csome.where\nThing\n)\x81}b.",
]


class Recorder(type):
    """A stand-in for a global: notes what is done with it, and does nothing."""

    log: list[tuple[Global, GlobalRole]]
    what: Global

    def __call__(cls, *_: Any, **__: Any) -> Any:
        cls.log.append((cls.what, GlobalRole.CALL))
        return object.__new__(cls)


def stand_in(what: Global, log: list[tuple[Global, GlobalRole]]) -> Recorder:
    def new(cls: Any, *_: Any, **__: Any) -> Any:
        log.append((what, GlobalRole.NEW))
        return object.__new__(cls)

    def note(role: GlobalRole) -> Any:
        return lambda *_: log.append((what, role))

    body = {
        "__new__": new,
        "__setstate__": note(GlobalRole.BUILD),
        "append": note(GlobalRole.ITEMS),
        "extend": note(GlobalRole.ITEMS),
    }
    body |= {"__setitem__": note(GlobalRole.ITEMS), "add": note(GlobalRole.ITEMS), "what": what, "log": log}
    return Recorder("StandIn", (), body)


class Witness(pickle._Unpickler):  # type: ignore[misc, name-defined]
    """Python's own unpickler; no global is ever looked up."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content))
        self.log: list[tuple[Global, GlobalRole]] = []
        self.proto = 0

    def find_class(self, module: str, name: str) -> Any:
        if not module or not name:
            raise ImportError("nothing is without a name")
        return stand_in(canonical(module, name) if self.proto < 3 else Global(module, name), self.log)


def really_run(content: bytes) -> list[tuple[Global, GlobalRole]]:
    """Return what the first pickle of a stream would have done, up to where it breaks."""
    witness = Witness(content)
    try:
        witness.load()
    except Exception:  # noqa: BLE001 - a broken stream may raise anything in the real unpickler
        return witness.log
    return witness.log


def check(content: bytes) -> None:
    judgement = judge(memoryview(content), LIMITS)
    if b"\x96" in content:
        return  # the real one reserves as much memory as such an instruction asks for
    # The real function gives bytes, which have no code to run; its stand-in gives an object.
    gives_bytes = {(Global("_codecs", "encode"), role) for role in (GlobalRole.BUILD, GlobalRole.ITEMS)}
    forbidden = [
        use for use in really_run(content) if RULES.standing(*use) >= AllowLevel.UNLISTED and use not in gives_bytes
    ]
    # A class of somebody's own that is called with words alone leaves a file open.
    open_ = [(what, role) for what, role in forbidden if role is GlobalRole.CALL and is_foreign_class(what)]
    if forbidden:
        assert judgement.verdict is not Verdict.CLEAN, (content, forbidden)
    if len(forbidden) > len(open_):
        assert judgement.verdict is Verdict.UNSAFE, (content, forbidden)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=25).map(b"".join))
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_random_stream_is_cleaner_than_what_it_does(content: bytes) -> None:
    check(content)
    check(content + b".")


@given(st.sampled_from(SEEDS), st.data())
@settings(max_examples=500, deadline=None)
def test_no_mutated_pickle_is_cleaner_than_what_it_does(seed: bytes, data: st.DataObject) -> None:
    content = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        how = data.draw(st.sampled_from(["change", "insert", "remove", "cut"]))
        if how == "insert":
            content[at:at] = data.draw(st.sampled_from(FRAGMENTS))
        elif how == "change":
            content[at : at + 1] = data.draw(st.binary(min_size=1, max_size=1))
        elif how == "remove":
            del content[at : at + data.draw(st.integers(1, 8))]
        else:
            del content[at:]
    check(bytes(content))


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_no_bytes_make_it_fail(content: bytes) -> None:
    judge(memoryview(content), LIMITS)
    reading = read(content, LIMITS)
    assert reading.ledger.expense.opcodes <= LIMITS.opcodes + 1
    assert len(reading.machine.memo) + len(reading.machine.stack) <= LIMITS.stack + 1


def test_the_witness_sees_what_really_runs() -> None:
    """The measure itself: a stand-in is called where the real function would have been."""
    assert (Global("os", "system"), GlobalRole.CALL) in really_run(b"cos\nsystem\n(S'id'\ntR.")
    log = really_run(b"csome.where\nThing\n)\x81}b.")
    assert log == [(Global("some.where", "Thing"), GlobalRole.NEW), (Global("some.where", "Thing"), GlobalRole.BUILD)]
    assert {opcode.name for opcode, _, _ in pickletools.genops(SEEDS[6])} >= {"GLOBAL", "REDUCE"}
    assert re.search(rb"system", SEEDS[7])
