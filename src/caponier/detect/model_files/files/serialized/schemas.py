"""Models that are one protocol buffer of a known shape: Core ML, Caffe's weights and SentencePiece.

None of them has a way to call anything of Python's. Each message is held against the fields that its library has; a
file with one more is none, for readers pass over what they do not know. What calls a layer that somebody else brings,
names another file, or is in a form of Apple's own is never clean.
"""

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from caponier.detect.model_files.files import text
from caponier.detect.model_files.files.part import Budget, PartReport
from caponier.detect.model_files.files.wire import WireError, messages

_DEEPEST: Final = 60
_EACH: Final = 3
"""A message takes so many times as long to begin as a field of it."""
_MOST: Final = 5
_LONGEST_NAME: Final = 1_000
_LONGEST_TEXT, _MOST_LETTERS = 1 << 16, 1 << 20
_LINE_END: Final = b"\n"


class Message(NamedTuple):
    """The fields that a kind of message may have."""

    plain: frozenset[int] = frozenset()
    """Fields that hold numbers, names and weights, and nothing that refers to anything."""
    numbers: frozenset[int] = frozenset()
    """Those of them that hold one number each."""
    inner: Mapping[int, str] = {}
    """Fields that are messages, by the names of their kinds."""
    judged: Mapping[int, Callable[[str], str | None]] = {}
    """Fields whose text decides, by what says why it is not known."""


def _always(reason: str) -> Callable[[str], str | None]:
    return lambda _: reason


def _place(name: str) -> str | None:
    """Say what is wrong with the place of weights: it stands for the folder of the model."""
    path = PurePosixPath(name.replace("\\", "/"))
    within = path.parts[:1] == ("@model_path",) and ".." not in path.parts
    return None if within else f"reads its weights from {name[:200]!r}, outside its own folder"


def _operation(name: str) -> str | None:
    return f"calls an operation of somebody else's: {name[:100]}" if name.startswith("custom") else None


def _caffe_layer(name: str) -> str | None:
    if name == "Python":
        return "has Caffe import a layer of Python"
    return "has Caffe write a file" if name == "HDF5Output" else None


_ITS_OWN: Final = _always("holds what only Apple's frameworks read: export the model that it was made of")
_CUSTOM: Final = _always("calls code of the app that loads it")
_PYTHON: Final = _always("has Caffe import a layer of Python")
_WRITES: Final = _always("has Caffe write a file")
_NETWORK: Final = Message(frozenset({2, 5, 6, 10, 100, 101, 200}), inner={1: "layer"})
_VALUES: Final = {1: "value"}
CORE_ML: Final[Mapping[str, Message]] = {
    "model": Message(
        frozenset({1, 10, 300, 301, 302, 304, 400, 401, 402, 501, 560, *range(600, 611), 900}),
        inner={
            2: "description", 200: "of pipeline", 201: "of pipeline", 202: "pipeline", 303: "network",
            403: "network", 500: "network", 502: "program",
        },
        judged={404: _ITS_OWN, 555: _CUSTOM, 556: _always("is linked with another file"), 3000: _ITS_OWN}
        | dict.fromkeys(range(2000, 2007), _ITS_OWN),
    ),
    "description": Message(frozenset({1, 10, 11, 12, 13, 20, 21, 50, 100})),
    "of pipeline": Message(inner={1: "pipeline"}),
    "pipeline": Message(frozenset({2}), inner={1: "model"}),
    "network": _NETWORK,
    "layer": Message(
        frozenset({1, 2, 3, 4, 5, 10, *range(100, 1472)} - {500, 605, 615}),
        inner={605: "branch", 615: "loop"},
        judged={500: _CUSTOM},
    ),
    "branch": Message(inner={1: "network", 2: "network"}),
    "loop": Message(frozenset({1, 2}), inner={3: "network", 4: "network"}),
    "program": Message(frozenset({1, 3}), inner={2: "function of name", 4: "value of name"}),
    "function of name": Message(frozenset({1}), inner={2: "function"}),
    "function": Message(frozenset({1, 2}), inner={3: "block of name", 4: "value of name"}),
    "block of name": Message(frozenset({1}), inner={2: "block"}),
    "block": Message(frozenset({1, 2}), inner={3: "operation", 4: "value of name"}),
    "operation": Message(
        frozenset({3}), inner={2: "argument of name", 4: "block", 5: "value of name"}, judged={1: _operation}
    ),
    "argument of name": Message(frozenset({1}), inner={2: "argument"}),
    "argument": Message(inner={1: "binding"}),
    "binding": Message(frozenset({1}), inner={2: "value"}),
    "value of name": Message(frozenset({1}), inner={2: "value"}),
    "value": Message(frozenset({1, 2}), inner={3: "held", 5: "file"}),
    "held": Message(frozenset({1}), inner={2: "values", 3: "values", 4: "pairs"}),
    "values": Message(inner=_VALUES),
    "pairs": Message(inner={1: "pair"}),
    "pair": Message(inner={1: "value", 2: "value"}),
    "file": Message(frozenset({2}), judged={1: _place}),
}  # fmt: skip
_OF_SSD: Final = (200, 201, 202, 203, 206)
"""Parameters of layers that were added to find objects; another one of those layers, 204, writes files."""
CAFFE: Final[Mapping[str, Message]] = {
    "model": Message(frozenset({1, 3, 4, 5, 6, 7, 8}), inner={2: "old layer", 100: "layer"}),
    "old layer": Message(
        frozenset({*range(2, 43), 1001, 1002} - {6, 14}), inner={6: "weights"}, judged={14: _WRITES}
    ),
    "layer": Message(
        frozenset({1, 3, 4, 5, 6, 8, 9, 10, 11, *range(100, 149), *_OF_SSD} - {113, 130}),
        inner={7: "weights"},
        judged={2: _caffe_layer, 113: _WRITES, 130: _PYTHON},
    ),
    "weights": Message(frozenset(range(1, 10))),
}  # fmt: skip
SENTENCEPIECE: Final[Mapping[str, Message]] = {
    "model": Message(inner={1: "piece", 2: "trainer", 3: "normalizer", 4: "tests", 5: "normalizer"}),
    "piece": Message(frozenset({1, 2, 3}), frozenset({2, 3})),
    "trainer": Message(
        frozenset({*range(1, 8), *range(10, 27), *range(30, 37), *range(40, 55)}),
    ),
    "normalizer": Message(frozenset(range(1, 7))),
    "tests": Message(inner={1: "test"}),
    "test": Message(frozenset({1, 2})),
}
_FORMATS: Final = (
    ("core ml", CORE_ML, frozenset({1, 2})),
    ("caffe", CAFFE, frozenset({2, 100})),
    ("sentencepiece", SENTENCEPIECE, frozenset({1, 2, 3})),
)
"""Each with the fields that tell it: Core ML and SentencePiece have all of them, Caffe has one."""
_ANY, _OF_APPLE, _FIRST_KIND = "caffe", "core ml", 200


def read(content: memoryview, budget: Budget) -> PartReport | None:
    """Read a model of one of these formats; None if this is of none."""
    for kind, schema, telling in _FORMATS:
        part, seen = PartReport(kind), set[int]()
        lines = list[memoryview]()
        try:
            _walk(content, schema, "model", part, budget, lines, seen=seen)
        except WireError:
            continue
        # Without a kind Core ML has no model; other messages have the same two fields.
        whole = telling <= seen and (kind != _OF_APPLE or max(seen) >= _FIRST_KIND)
        if telling & seen if kind == _ANY else whole:
            _judge_lines(lines, part, budget)
            part.unknown = list(dict.fromkeys(part.unknown))[:_MOST]
            return part
    return None


def _judge_lines(lines: list[memoryview], part: PartReport, budget: Budget) -> None:
    """Judge names and notes of several lines as texts: a shell would pass over what stands around them."""
    left = _MOST_LETTERS
    for value in lines:
        words = text.decode(value, _LONGEST_TEXT)
        if words is None and len(value) <= _LONGEST_TEXT:
            # Numbers, most likely; so would be a script behind a sign that no text has.
            words = text.decode(memoryview(bytes(value).translate(text.WITHOUT_SIGNS)), _LONGEST_TEXT)
        left -= len(words or "")
        if left < 0:
            part.unknown.append("has more text in it than a scan reads")
            return
        if words is not None:
            also = text.read(words, budget)
            part.unknown += [*also.unsafe, *also.unknown]


def _walk(
    content: memoryview,
    schema: Mapping[str, Message],
    kind: str,
    part: PartReport,
    budget: Budget,
    lines: list[memoryview],
    depth: int = 0,
    seen: set[int] | None = None,
) -> None:
    """Walk through one message.

    Raises:
        WireError: If it has a field that its kind has not, or cannot be read.
    """
    if depth > _DEEPEST:
        raise WireError
    message = schema[kind]
    budget.fields_left -= _EACH
    for number, value in messages(content, budget):
        if seen is not None:
            seen.add(number)
        if (inner := message.inner.get(number)) is not None:
            _walk(value, schema, inner, part, budget, lines, depth + 1)
            continue
        if (doubt := message.judged.get(number)) is not None:
            if (reason := doubt(bytes(value[:_LONGEST_NAME]).decode("utf-8", "replace"))) is not None:
                part.unknown.append(reason)
        elif number not in message.plain or (len(value) and number in message.numbers):
            raise WireError
        if len(value) and _LINE_END in bytes(value[:_LONGEST_TEXT]):
            lines.append(value)
