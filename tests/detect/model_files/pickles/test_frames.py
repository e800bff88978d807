"""Frames: no pickler lets an instruction go on behind the end of its frame, and readers differ in what follows then."""

import io
import pickle
import struct

import joblib
import numpy as np
import pytest

from detect.model_files.pickles.reading import read

DOUBT = "does not end with its frame"


def framed(body: bytes, length: int | None = None, after: bytes = b"") -> bytes:
    announced = len(body) if length is None else length
    return b"\x80\x05\x95" + struct.pack("<Q", announced) + body + after


@pytest.mark.parametrize(
    ("body", "length"),
    [
        (b"B\x14\0\0\0" + b"A" * 20, 5),
        (b"B\x14\0\0\0" + b"A" * 20, 1),
        (b"\x8c\x14" + b"A" * 20, 3),
        (b"X\x05\0\0\0hello", 7),
        (b"ccollections\nOrderedDict\n", 4),
        (b"ccollections\nOrderedDict\n", 20),
        (b"Vhello world\n", 5),
        (b"J\x07\0\0\0", 2),
        (b"\x8a\x04\0\0\0\x01", 3),
        (b"G" + bytes(8), 8),
    ],
)
def test_an_instruction_that_leaves_its_frame_is_doubted(body: bytes, length: int) -> None:
    reading = read(framed(body, length, b"."))
    assert any(DOUBT in doubt for doubt in reading.ledger.doubts)
    assert not reading.is_clean
    whole = read(framed(body, None, b"."))
    assert not whole.ledger.doubts
    assert whole.is_clean


def test_a_frame_inside_a_frame_is_doubted() -> None:
    inner = b"\x95" + struct.pack("<Q", 1) + b"N"
    assert any(DOUBT in doubt for doubt in read(framed(b"N0" + inner, 30, b".")).ledger.doubts)
    # One after the other is what picklers write.
    assert read(framed(b"N0", None, inner + b".")).is_clean


@pytest.mark.parametrize("protocol", [4, 5])
@pytest.mark.parametrize("size", [1, 100, 70_000, 300_000])
def test_frames_of_picklers_are_clean(protocol: int, size: int) -> None:
    values = [b"x" * size, "y" * size, list(range(min(size, 5_000))), bytearray(b"z" * size)]
    assert read(pickle.dumps(values, protocol=protocol)).is_clean
    stream = io.BytesIO()
    pickle.Pickler(stream, protocol).dump(values)
    assert read(stream.getvalue()).is_clean


@pytest.mark.parametrize("shape", [(3,), (1000, 20), (0,)])
def test_arrays_of_joblib_follow_a_frame_that_has_ended(shape: tuple[int, ...]) -> None:
    stream = io.BytesIO()
    joblib.dump({"a": np.ones(shape), "b": ["x" * 1000, np.zeros(shape, dtype=np.int8)], "c": "end"}, stream)
    reading = read(stream.getvalue())
    assert not reading.ledger.doubts
    assert reading.is_clean
