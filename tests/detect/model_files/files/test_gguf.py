"""GGUF: templates are judged, and every byte belongs to a note or a tensor."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.detect.artifact import Limits, Verdict
from caponier.detect.model_files.files import gguf
from caponier.detect.model_files.files.part import Budget
from detect.model_files.files.building import HARMFUL, judged, zipped

CHAT = "{% for m in messages %}{{ m.content }}{% endfor %}"
CLIMB = "{{ ''.__class__.__mro__[1].__subclasses__() }}"
Tensor = tuple[tuple[int, ...], int, int]
"""Sides, type, place."""


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def note(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def model(
    *notes: bytes, tensors: tuple[Tensor, ...] = (((4, 2), 0, 0),), body: bytes = bytes(32), version: int = 3
) -> bytes:
    content = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(notes)) + b"".join(notes)
    for number, (sides, kind, place) in enumerate(tensors):
        content += text(f"t{number}") + struct.pack("<I", len(sides)) + struct.pack(f"<{len(sides)}Q", *sides)
        content += struct.pack("<IQ", kind, place)
    return content + bytes(-len(content) % 32) + body


def chat(template: str, key: str = "tokenizer.chat_template") -> bytes:
    return note(key, 8, text(template))


TOKENS = note("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, 3) + text("a") + text("{{") + text("}}"))


@pytest.mark.parametrize(
    "content",
    [
        model(),
        model(chat(CHAT), TOKENS, version=2),
        model(note("a", 9, struct.pack("<IQ", 6, 1000) + bytes(4000)), note("b", 7, b"\1"), note("c", 12, bytes(8))),
        model(tensors=(((2, 4), 0, 0), ((256,), 12, 32)), body=bytes(32 + 144)),
        model(tensors=(((256,), 12, 0), ((2, 4), 0, 160)), body=bytes(192)),
        model(tensors=(), body=b""),
        model(note("general.alignment", 4, struct.pack("<I", 8)), tensors=(((1,), 0, 0), ((1,), 0, 8)), body=bytes(12)),
    ],
    ids=range(7),
)
def test_a_model_that_holds_what_it_says_is_clean(content: bytes) -> None:
    judgement = judged(content)
    assert (judgement.verdict, judgement.kind) == (Verdict.CLEAN, "gguf"), judgement.reason


@pytest.mark.parametrize("key", ["tokenizer.chat_template", "tokenizer.chat_template.tool_use", "general.description"])
def test_a_template_that_climbs_is_unsafe_wherever_it_stands(key: str) -> None:
    assert judged(model(chat(CLIMB, key))).verdict is Verdict.UNSAFE
    inside = note(key, 9, struct.pack("<IQ", 9, 1) + struct.pack("<IQ", 8, 1) + text(CLIMB))
    assert judged(model(inside)).verdict is Verdict.UNSAFE


def test_a_template_that_cannot_be_told_is_unknown() -> None:
    assert judged(model(chat("{{ messages[a ~ b] }}"))).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (model(version=1), "version"),
        (model(version=3 << 24), "version"),
        (model(body=bytes(31)), "missing"),
        (model(body=bytes(32) + b"\x80\x04N."), "more in it"),
        (model(tensors=(((2, 4), 0, 0), ((2, 4), 0, 0))), "overlap"),
        (model(tensors=(((2, 4), 0, 0), ((2, 4), 0, 64)), body=bytes(32) + b"x" * 32 + bytes(32)), "gaps"),
        (model(tensors=(((2, 4), 99, 0),)), "type"),
        (model(tensors=(((255,), 12, 0),), body=bytes(144)), "size or place"),
        (model(tensors=(((2, 4), 0, 1),), body=bytes(64)), "size or place"),
        (model(tensors=(((1 << 60, 1 << 60), 0, 0),)), "size or place"),
        (model(tensors=(((1,) * 9, 0, 0),)), "sides"),
        (model(note("general.alignment", 4, struct.pack("<I", 3))), "alignment"),
        (model(note("general.alignment", 8, text("32"))), "alignment"),
        (model(note("a", 77, b"")), "type"),
        (model(note("a", 9, struct.pack("<IQ", 9, 1) * 6)), "type"),
        (model(note("a", 9, struct.pack("<IQ", 0, 1 << 60))), "ends early"),
        (model(note("a", 9, struct.pack("<IQ", 8, 1 << 60))), "notes"),
        (model()[:20], "ends early"),
        (b"GGUF", "ends early"),
    ],
    ids=range(19),
)  # fmt: skip
def test_a_model_that_holds_something_else_is_unknown(content: bytes, why: str) -> None:
    judgement = judged(content)
    assert judgement.verdict is Verdict.UNKNOWN
    assert why in judgement.reason


def test_an_archive_behind_the_tensors_is_judged() -> None:
    assert judged(model() + zipped({"a.pkl": HARMFUL})).verdict is Verdict.UNSAFE


@given(st.binary(max_size=80))
def test_any_bytes_are_read_without_an_error(tail: bytes) -> None:
    content = memoryview(b"GGUF\3\0\0\0" + tail)
    gguf.read(content, Budget.of(Limits(), len(content)))
