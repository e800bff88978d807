"""Safetensors, held against the library that defines the format; ONNX weights wherever a model may keep them."""

import base64
import json
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.numpy import load, save

from caponier.detect.artifact import Limits, Verdict
from caponier.detect.model_files.files import onnx
from caponier.detect.model_files.files.part import Budget
from detect.model_files.files.building import HARMFUL, SMALL, field, judged, verdict
from pace import Stopwatch


def tensors(header: Any, body: bytes = b"") -> bytes:
    raw = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return struct.pack("<Q", len(raw)) + raw + body


def tensor(dtype: Any, shape: Any, start: Any, end: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def refused(content: bytes) -> bool:
    try:
        load(content)
    except (SafetensorError, ValueError, KeyError, OverflowError, TypeError):
        return True
    return False


shapes = st.lists(st.integers(0, 4), max_size=3)
kinds = st.sampled_from(["float32", "float64", "int8", "uint8", "int64", "bool", "float16"])


@given(st.dictionaries(st.text(min_size=1, max_size=6), st.tuples(kinds, shapes), max_size=4))
@settings(max_examples=150, deadline=None)
def test_whatever_the_library_saves_is_clean(parts: dict[str, tuple[str, list[int]]]) -> None:
    content = save({name: np.zeros(shape, kind) for name, (kind, shape) in parts.items() if name != "__metadata__"})
    assert verdict(content) is Verdict.CLEAN


numbers = st.integers(-2, 20) | st.sampled_from([1 << 31, 1 << 63, 1 << 64, True, None, 1.5, "4"])


@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "c"]),
        st.builds(
            tensor, st.sampled_from(["F32", "U8", "I64", "X", None]), st.lists(numbers, max_size=3), numbers, numbers
        ),
        min_size=1,
        max_size=3,
    ),
    st.integers(0, 24),
)
@settings(max_examples=300, deadline=None)
def test_no_header_is_clean_that_the_library_refuses(header: dict[str, Any], size: int) -> None:
    content = tensors(header, bytes(size))
    plain = all(type(n) is int for t in header.values() for n in [*t["shape"], *t["data_offsets"]])
    if plain and refused(content):
        assert verdict(content, SMALL) is not Verdict.CLEAN, header


@pytest.mark.parametrize(
    "header",
    [
        {"a": tensor("F32", [1 << 62] * 3, 0, 8)},
        {"a": tensor("F32", [9_999_999_999_999_999_999] * 50_000, 0, 8)},
        {"a": tensor(["F32"], [2], 0, 8)},
        {"a": tensor("F32", {"2": 1}, 0, 8)},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4, 8]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": "08"}},
        {"a": {"dtype": "F32", "shape": [2]}},
        {"a": None},
        b'{"a": {"dtype": "F32", "shape": [' + b"9" * 5_000 + b'], "data_offsets": [0, 8]}}',
        b"{" * 5_000,
        b'{"a": ' * 5_000,
        b"{\xff}",
    ],
    ids=range(12),
)
def test_headers_that_lie_are_open_and_cost_little(header: Any) -> None:
    with Stopwatch() as watch:
        assert verdict(tensors(header, bytes(8))) is Verdict.UNKNOWN
    assert watch.seconds < 2


@pytest.mark.parametrize("shape", [[0, 1 << 63], [1 << 63, 0], [0, 1 << 64]])
def test_a_side_that_nothing_can_have_is_open_even_in_an_empty_tensor(shape: list[int]) -> None:
    content = tensors({"a": tensor("F32", shape, 0, 0)})
    assert refused(content)
    assert verdict(content) is Verdict.UNKNOWN


@pytest.mark.parametrize("length", [0, 1, 7, 1 << 20, 1 << 40, (1 << 64) - 1])
def test_a_length_of_the_header_that_lies_is_not_clean(length: int) -> None:
    content = tensors({"a": tensor("F32", [2], 0, 8)}, bytes(8))
    assert verdict(struct.pack("<Q", length) + content[8:]) is not Verdict.CLEAN


def test_bytes_behind_the_tensors_are_told_and_what_is_no_whole_pickle_is_numbers() -> None:
    header = {"a": tensor("U8", [len(HARMFUL)], 0, len(HARMFUL))}
    assert verdict(tensors(header, HARMFUL[::-1])) is Verdict.CLEAN
    assert verdict(tensors(header, HARMFUL[::-1]) + HARMFUL) is Verdict.UNKNOWN


@pytest.mark.parametrize("extra", range(6))
def test_a_header_whose_length_looks_like_a_pickle_is_one_of_tensors(extra: int) -> None:
    """128 bytes and 256 more: in little-endian that is the first instruction of a pickle, and its protocol."""
    raw = json.dumps({"a": tensor("U8", [2], 0, 2)}).encode()
    raw += b" " * (128 + 256 * extra - len(raw))
    content = tensors(raw, b"ab")
    assert content[:2] == bytes([0x80, extra])
    judgement = judged(content)
    assert (judgement.verdict, judgement.kind) == (Verdict.CLEAN, "safetensors")


# ONNX: fields by their numbers in onnx.proto3.


def external(place: bytes) -> bytes:
    """A tensor whose numbers lie in another file."""
    return field(8, b"w") + field(13, field(1, b"location") + field(2, place))


def node(attribute: bytes) -> bytes:
    return field(1, field(5, attribute))


def model(graph: bytes, more: bytes = b"") -> bytes:
    return field(1, 8) + field(7, graph) + field(8, field(2, 17)) + more


def placed(place: bytes) -> dict[str, bytes]:
    tensor_, sparse = external(place), field(1, external(place))
    harmless = field(1, field(4, b"Relu"))
    return {
        "an initializer": model(field(5, tensor_)),
        "a sparse initializer": model(field(15, sparse)),
        "the indices of a sparse initializer": model(field(15, field(2, tensor_))),
        "an attribute": model(node(field(5, tensor_))),
        "a list of an attribute": model(node(field(10, tensor_))),
        "a sparse attribute": model(node(field(22, sparse))),
        "a list of sparse attributes": model(node(field(23, sparse))),
        "a branch": model(node(field(6, field(5, tensor_)))),
        "a list of branches": model(node(field(11, field(5, tensor_)))),
        "a branch of a branch": model(node(field(6, node(field(6, field(5, tensor_)))))),
        "a function": model(harmless, field(25, field(7, field(5, field(5, tensor_))))),
        "a default of a function": model(harmless, field(25, field(11, field(5, tensor_)))),
        "a training step": model(harmless, field(20, field(2, field(5, tensor_)))),
        "the start of training": model(harmless, field(20, field(1, field(5, tensor_)))),
        "a second graph": model(harmless, field(7, field(5, tensor_))),
    }


@pytest.mark.parametrize("where", placed(b""))
def test_weights_outside_the_folder_are_found_in(where: str) -> None:
    judgement = judged(placed(b"../../etc/passwd")[where])
    assert (judgement.verdict, judgement.kind) == (Verdict.UNSAFE, "onnx")
    assert "outside its own folder" in judgement.reason


@pytest.mark.parametrize("where", placed(b""))
def test_weights_in_a_file_beside_it_are_numbers_in(where: str) -> None:
    assert judged(placed(b"weights.bin")[where]).verdict is Verdict.CLEAN
    assert judged(placed(b"part/weights.bin")[where]).verdict is Verdict.CLEAN


@pytest.mark.parametrize("place", [b"", b".", b"./"])
def test_weights_in_no_file_leave_it_open(place: bytes) -> None:
    assert judged(placed(place)["an initializer"]).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "place", [b"/etc/passwd", b"..\\x", b"a/../../x", b"C:\\x", b"file:///etc/passwd", b"\\\\host\\x"]
)
def test_places_outside_have_many_names(place: bytes) -> None:
    assert verdict(placed(place)["an initializer"]) is Verdict.UNSAFE


def test_a_place_that_is_said_twice_is_the_last_one() -> None:
    twice = field(13, field(1, b"location") + field(2, b"a.bin") + field(2, b"/etc/passwd"))
    assert verdict(model(field(5, twice))) is Verdict.UNSAFE


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_no_bytes_behind_a_version_make_it_fail(tail: bytes) -> None:
    onnx.read(memoryview(field(1, 8) + tail), Budget.of(Limits(), 1))
    judged(model(tail), SMALL)


def test_no_beginning_of_a_model_is_judged_with_an_error(tmp_path: Path) -> None:
    content = placed(b"../x")["a training step"]
    for end in range(len(content)):
        judged(content[:end])


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ({"format": "pt", "modelspec.title": "x", "ss_tag_frequency": '{"a": {"b": 3}}'}, Verdict.CLEAN),
        ({"format": 3}, Verdict.UNKNOWN),
        (["pt"], Verdict.UNKNOWN),
        ({"chat_template": "{{ x.__class__.__base__ }}"}, Verdict.UNSAFE),
        ({"init": "__import__('os').system('id')"}, Verdict.UNKNOWN),
        (
            {"objects": base64.b64encode(b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.").decode()},
            Verdict.UNSAFE,
        ),
    ],
)
def test_notes_are_judged_as_the_configurations_that_they_are(notes: Any, expected: Verdict) -> None:
    assert verdict(tensors({"__metadata__": notes, "a": tensor("F32", [1], 0, 4)}, bytes(4))) is expected


@pytest.mark.parametrize("again", [b'"a":%s', b'"__metadata__":{},"__metadata__":{}'])
def test_a_key_twice_in_a_header_is_unknown(again: bytes) -> None:
    one = json.dumps(tensor("F32", [1], 0, 4)).encode()
    header = b'{"a":' + one + b"," + again.replace(b"%s", one) + b"}"
    assert verdict(tensors(header, bytes(4))) is Verdict.UNKNOWN


def beginning_with(letter: bytes, body: bytes) -> bytes:
    """Safetensors whose length begins with a letter: spaces behind a header count for nothing."""
    header = json.dumps({"a": tensor("U8", [len(body)], 0, len(body))}).encode()
    return tensors(header + b" " * ((letter[0] - len(header)) % 256), body)


@pytest.mark.parametrize("behind", [b"\n\x82\x07.", b"\n\x84\x01\2\3\4.", b"\nc\xf0\xc2\nx\xff\n", b"\n)R.", b"\nN."])
def test_a_length_by_which_a_pickle_asks_for_something_outside_is_a_length(behind: bytes) -> None:
    """Nothing that reads a whole file can give an object from outside of it; what follows is numbers by chance."""
    content = beginning_with(b"P", behind + bytes(9))
    assert load(content)["a"].nbytes == len(behind) + 9
    with pytest.raises(pickle.UnpicklingError, match="persistent"):
        pickle.loads(content)
    expected = Verdict.CLEAN if b"R" not in behind else Verdict.UNSAFE
    assert verdict(content) is expected


def test_what_such_a_pickle_would_run_for_a_reader_of_its_own_counts() -> None:
    assert verdict(beginning_with(b"P", b"\n" + HARMFUL)) is Verdict.UNSAFE
    assert verdict(beginning_with(b"P", b"\ncmymodel\nrun\n)R.")) is Verdict.UNSAFE


@pytest.mark.parametrize("letter", [b"N", b"P", b"]", b"x"])
def test_tensors_that_are_the_bytes_of_a_pickle_are_judged_as_a_value_that_is_one(letter: bytes) -> None:
    judgement = judged(beginning_with(letter, b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R."))
    assert judgement.verdict is Verdict.UNSAFE
    assert "carries a pickle as a value that calls posix.system" in judgement.reason


def test_numbers_of_numpy_that_are_the_bytes_of_a_pickle_are_judged_so(tmp_path: Path) -> None:
    for number, values in enumerate([np.frombuffer(HARMFUL, np.uint8), np.array([HARMFUL]), np.void(HARMFUL)]):
        np.save(tmp_path / f"{number}.npy", values)
        assert verdict((tmp_path / f"{number}.npy").read_bytes()) is Verdict.UNSAFE
    np.save(tmp_path / "x.npy", np.frombuffer(b"\x80\x04cosine\nof\n", np.uint8))
    assert verdict((tmp_path / "x.npy").read_bytes()) is Verdict.CLEAN
