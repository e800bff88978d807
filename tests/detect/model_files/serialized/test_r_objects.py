"""Objects of R: data are clean, whatever R would carry out is not, and nothing is read beyond what the stream says.

The streams are written here, number by number, as the manual of R's internals describes the XDR form.
"""

import bz2
import gzip
import lzma
import struct

import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import HARMFUL, judged, verdict

NIL, GLOBAL, BASE = struct.pack(">i", 254), struct.pack(">i", 253), struct.pack(">i", 241)
OBJECT, ATTRIBUTES, TAG = 0x100, 0x200, 0x400


def ints(*values: int) -> bytes:
    return struct.pack(f">{len(values)}i", *values)


def letters(text: bytes) -> bytes:
    return ints(0x40009, len(text)) + text


def symbol(name: str) -> bytes:
    return ints(1) + letters(name.encode())


def texts(*words: str) -> bytes:
    return ints(16, len(words)) + b"".join(letters(word.encode()) for word in words)


def numbers(*values: float, flags: int = 0) -> bytes:
    return ints(14 | flags, len(values)) + struct.pack(f">{len(values)}d", *values)


def pairs(*items: tuple[str, bytes]) -> bytes:
    return b"".join(ints(2 | TAG) + symbol(name) + value for name, value in items) + NIL


def call(function: bytes, *arguments: bytes) -> bytes:
    return ints(6) + function + b"".join(ints(2) + argument for argument in arguments) + NIL


def listed(*items: bytes, attributes: bytes = b"") -> bytes:
    flags = 19 | (ATTRIBUTES | OBJECT if attributes else 0)
    return ints(flags, len(items)) + b"".join(items) + attributes


def environment(frame: bytes) -> bytes:
    return ints(4, 0) + GLOBAL + frame + NIL + NIL


def stream(item: bytes, version: int = 3) -> bytes:
    return (
        b"X\n"
        + ints(version, 262_657, 197_888 if version == 3 else 131_840)
        + (ints(5) + b"UTF-8") * (version == 3)
        + item
    )


FRAME = listed(
    numbers(1.5, 2.5, float("nan")),
    texts("low", "high", "low (sea level)"[:3]),
    attributes=pairs(
        ("names", texts("height", "place")), ("class", texts("data.frame")), ("row.names", ints(13, 2, -(2**31), -3))
    ),
)
FORMULA = call(symbol("~"), symbol("y"), call(symbol("+"), symbol("x"), call(symbol("log"), symbol("z"))))
PLACED = call(call(symbol("::"), symbol("stats"), symbol("lm")), FORMULA)
MODEL = listed(numbers(0.25), FORMULA, call(symbol("lm"), FORMULA, symbol("train")), PLACED, environment(NIL))
RUNS = call(symbol("system"), texts("id"))
COMPACT = ints(238) + ints(2) + symbol("compact_intseq") + ints(2) + symbol("base") + ints(2) + ints(13, 1, 13) + NIL
COMPACT += numbers(5.0, 1.0, 1.0) + NIL


@pytest.mark.parametrize("item", [FRAME, MODEL, COMPACT, numbers(3.0), NIL, ints(13, -1, 0, 1, 7)])
@pytest.mark.parametrize("version", [2, 3])
def test_data_and_models_that_hold_no_function_are_clean(item: bytes, version: int) -> None:
    judgement = judged(stream(item, version))
    assert (judgement.verdict, judgement.kind) == (Verdict.CLEAN, "r objects"), judgement.reason


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_what_save_writes_is_read_in_every_compression(pack: object) -> None:
    content = b"RDX3\n" + stream(pairs(("sizes", FRAME), ("fit", MODEL)))
    assert verdict(pack(content)) is Verdict.CLEAN  # type: ignore[operator]
    assert verdict(pack(content + b"\0")) is Verdict.UNKNOWN  # type: ignore[operator]


CLOSURE = ints(3) + GLOBAL + NIL + RUNS
HOSTILE = {
    "function": CLOSURE,
    "quiet function": ints(3) + GLOBAL + NIL + symbol("x"),
    "function in a list": listed(FRAME, CLOSURE),
    "function in an environment": environment(pairs(("log", CLOSURE))),
    "function as an attribute": listed(NIL, attributes=pairs(("srcref", CLOSURE))),
    "promise": ints(5) + NIL + RUNS,
    "promise in an environment": environment(pairs(("x", ints(5) + NIL + call(symbol("log"), NIL)))),
    "active name": environment(ints(2 | TAG | 1 << 27) + symbol("x") + numbers(1.0) + NIL),
    "formula": call(symbol("~"), symbol("y"), RUNS),
    "call in an expression": ints(20, 1) + RUNS,
    "call in the rest of a list": ints(2) + NIL + RUNS,
    "call of a package's": call(call(symbol("::"), symbol("base"), symbol("system")), texts("id")),
    "call of an unknown package's": call(call(symbol("::"), symbol("evil"), symbol("log")), NIL),
    "call of a computed function": call(call(symbol("get"), texts("system")), texts("id")),
    "call of what a text names": call(symbol("do.call"), texts("system")),
    "call of a function itself": call(CLOSURE, texts("id")),
    "referred call": listed(symbol("system"), call(ints(0x1FF), texts("id"))),
    "call with attributes of a known one": ints(6) + ints(6 | ATTRIBUTES) + symbol("::") + RUNS + NIL,
    "term": texts("x", "system('id')"),
    "term with a gap": texts("base::system  ('id')"),
    "term in marks": texts("`system`('id')"),
    "term of a computed function": texts("(log)('id')"),
    "term of an own function": texts(r"\(x) x"),
    "compiled function": ints(21, 1),
    "built-in function": ints(8, 6) + b"system",
    "namespace": ints(249, 0, 1) + letters(b"evil"),
    "hook": ints(247, 0, 1) + letters(b"id"),
    "mapped file": COMPACT.replace(b"\0\0\0\x0ecompact_intseq", b"\0\0\0\x09mmap_real"),
    "vector of a package's": COMPACT.replace(b"\0\0\0\4base", b"\0\0\0\4evil"),
    "raw pickle": ints(24, len(HARMFUL)) + HARMFUL,
    "text pickle": ints(16, 1) + letters(HARMFUL),
}


@pytest.mark.parametrize("item", HOSTILE.values(), ids=HOSTILE)
def test_what_r_would_carry_out_is_not_clean(item: bytes) -> None:
    for content in (stream(item), b"RDX3\n" + stream(pairs(("x", item)))):
        assert verdict(content) is not Verdict.CLEAN


@pytest.mark.parametrize("name", ["formula", "promise", "call of a package's", "referred call", "raw pickle"])
def test_a_call_of_a_program_is_unsafe(name: str) -> None:
    assert verdict(stream(HOSTILE[name])) is Verdict.UNSAFE


BROKEN = {
    "trailing bytes": stream(FRAME) + HARMFUL,
    "two streams": stream(FRAME) * 2,
    "cut": stream(FRAME)[:-1],
    "length beyond the end": stream(ints(14, 1 << 30)),
    "negative length": stream(ints(14, -7)),
    "long length": stream(ints(14, -1, 1 << 20, 0)),
    "reference to nothing": stream(ints(0x5FF)),
    "reference to itself": stream(ints(0xFF, 0)),
    "unknown kind": stream(ints(200)),
    "unknown version": b"X\n" + ints(4, 0, 0) + FRAME,
    "long encoding": b"X\n" + ints(3, 0, 0, 100_000) + b"a" * 100_000 + FRAME,
    "deep": stream(ints(19, 1) * 5_000 + NIL),
    "many": stream(ints(19, 600_000) + NIL * 600_000),
    "no stream": b"RDX3\n" + FRAME,
    "letters alone": b"X\n\0\0\0\3",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_read_to_its_end_is_unknown(content: bytes) -> None:
    judgement = judged(content)
    assert judgement.verdict is Verdict.UNKNOWN
    assert judgement.reasons
