"""Universal binary JSON, as XGBoost writes it: read to its last byte, or unknown."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.detect.artifact import Limits, Verdict
from caponier.detect.model_files.files.part import Budget
from caponier.detect.model_files.files.serialized.ubjson import is_ubjson, read
from detect.model_files.files.building import judged


def key(name: str) -> bytes:
    return b"L" + struct.pack(">q", len(name)) + name.encode()


def text(value: str) -> bytes:
    return b"S" + key(value)


def typed(kind: bytes, count: int, body: bytes) -> bytes:
    return b"[$" + kind + b"#L" + struct.pack(">q", count) + body


MODEL = (
    b"{" + key("learner") + b"{" + key("weights") + typed(b"d", 2, bytes(8)) + key("names") + b"[" + text("age") + b"]"
    + key("base") + b"D" + bytes(8) + key("none") + b"Z" + key("yes") + b"T" + b"}"
    + key("version") + b"[#i\3" + b"i\3i\1i\0" + b"}"
)  # fmt: skip


def test_a_model_is_clean_and_told_by_its_name() -> None:
    judgement = judged(MODEL)
    assert (judgement.verdict, judgement.kind) == (Verdict.CLEAN, "xgboost (ubjson)"), judgement.reason


def test_a_document_of_nobody_is_unknown() -> None:
    judgement = judged(b"{" + key("other") + b"i\1}")
    assert judgement.verdict is Verdict.UNKNOWN
    assert "UBJSON" in judgement.reason


@pytest.mark.parametrize("cut", range(9, len(MODEL), 7))
def test_what_is_cut_is_unknown(cut: int) -> None:
    assert judged(MODEL[:cut]).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "broken",
    [
        MODEL + b"x",
        MODEL + b"\x80\x04N.",
        b"{" + key("learner") + typed(b"L", 1 << 60, b"") + b"}",
        b"{" + key("learner") + typed(b"i", -1, b"") + b"}",
        b"{" + key("learner") + b"[$i]" + b"}",
        b"{L" + struct.pack(">q", -5) + b"a}",
        b"{" + key("learner") + b"q}",
        b"{" + key("learner") + b"[" * 100 + b"]" * 100 + b"}",
        b"{" + key("learner") + b"[$Z#L" + struct.pack(">q", 1 << 62) + b"}}",
        b"{$[#L" + struct.pack(">q", 3),
    ],
    ids=range(10),
)
def test_lengths_that_lie_are_unknown(broken: bytes) -> None:
    assert judged(broken).verdict is not Verdict.CLEAN


def test_containers_of_no_bytes_cost_fields_and_not_time() -> None:
    budget = Budget.of(Limits(), 1)
    empty = b"{" + key("learner") + b"[$[#L" + struct.pack(">q", 1 << 40) + b"]" * 100 + b"}"
    assert read(memoryview(empty), budget).unknown


@given(st.binary(max_size=60))
def test_any_bytes_are_read_without_an_error(tail: bytes) -> None:
    content = memoryview(b"{L" + tail)
    assert is_ubjson(content) == (len(content) > 3)
    read(content, Budget.of(Limits(), len(content)))
