"""Headers of numpy's format, held against numpy's own reader, which is never allowed to load objects."""

import io
import struct
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from caponier.detect.artifact import Verdict
from caponier.detect.model_files.files import numpy_file
from detect.model_files.files.building import HARMFUL, SMALL, fresh, judged, verdict, zipped


def npy(header: str, body: bytes = b"", version: int = 1) -> bytes:
    raw = header.encode("latin-1")
    length = struct.pack("<H" if version == 1 else "<I", len(raw))
    return b"\x93NUMPY" + bytes([version, 0]) + length + raw + body


def described(descr: Any, shape: Any, order: bool = False) -> str:
    return repr({"descr": descr, "fortran_order": order, "shape": shape}) + "\n"


def saved(value: Any) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names that are no ASCII need the third version of the format
        np.save(stream, value, allow_pickle=False)
    return stream.getvalue()


def as_numpy_reads(content: bytes) -> np.ndarray | None:
    """Return the array, or None if numpy refuses it; objects are refused, so nothing is unpickled."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    except Exception:  # noqa: BLE001 - a hostile header may raise anything there
        return None


dtypes = arrays.scalar_dtypes() | arrays.array_dtypes(max_size=3)


@given(arrays.arrays(dtypes, arrays.array_shapes(min_dims=0, max_dims=3, max_side=3)))
@settings(max_examples=60, deadline=None)
def test_whatever_numpy_saves_without_objects_is_clean(value: np.ndarray) -> None:
    assert verdict(saved(value)) is Verdict.CLEAN


@given(arrays.arrays(dtypes, arrays.array_shapes(max_dims=2, max_side=3)), st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_an_array_of_another_length_is_not(value: np.ndarray, count: int) -> None:
    content = saved(value)
    assert verdict(content + bytes(count)) is Verdict.UNKNOWN
    part, _ = numpy_file.read(memoryview(content[: len(content) - min(count, value.nbytes)]), fresh())
    assert bool(part.unknown) == bool(value.nbytes)


HEADERS = [
    described("<f8", (281474976710655,) * 400),
    described("<f8", (281474976710655,) * 3_500),
    described([("a", "<f8", (1 << 40,) * 60)] * 3, (1 << 40,)),
    described("<f8", (1 << 47, 1 << 47, 0)),
    described("<f8", (-1,)),
    described("<f8", (1.5,)),
    described("<f8", "3"),
    described("<f8", None),
    described("<f3", (1,)),
    described("f8,O", (1,)),
    described(["O"], (1,)),
    described([("a",)], (1,)),
    described({"names": ["a"], "formats": ["O"]}, (1,)),
    described(None, (1,)),
    described(3, (1,)),
    described("<f8", (1 << 63,)),
    "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "9" * 5_000 + ",)}",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)",
    "{'descr': __import__('os').system('id'), 'fortran_order': False, 'shape': (1,)}",
    "[" * 9_000,
    "-" * 9_000 + "1",
    "{'descr': '<f8', 'shape': (L1,), 'fortran_order': False}",
    "",
    "\x00" * 64,
]


@pytest.mark.parametrize("at", range(len(HEADERS)))
@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_header_that_says_nothing_sure_is_open(at: int, version: int) -> None:
    content = npy(HEADERS[at], b"\0" * 8, version)
    judgement = judged(content)
    assert judgement.verdict is not Verdict.CLEAN
    assert as_numpy_reads(content) is None or judgement.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize(
    "descr",
    [
        "|O",
        "O",
        "|O8",
        [("a", "<i4"), ("b", "|O")],
        [("a", [("b", [("c", "|O")])])],
        ("|O", (2,)),
        [("a", ("|O", (2,)))],
    ],
)
def test_objects_at_any_depth_are_a_pickle(version: int, descr: Any) -> None:
    content = npy(described(descr, (1,)), HARMFUL, version)
    assert as_numpy_reads(content) is None, "numpy refuses it as well, unless it may unpickle"
    assert verdict(content) is Verdict.UNSAFE


@pytest.mark.parametrize("shape", [(0,), (1,), (1 << 47,), ()])
def test_how_many_objects_there_are_said_to_be_does_not_matter(shape: Any) -> None:
    assert verdict(npy(described("|O", shape), HARMFUL)) is Verdict.UNSAFE
    assert verdict(npy(described("|O", shape), b"\x80\x04]." + HARMFUL)) is Verdict.UNSAFE


def test_objects_without_a_pickle_are_not_clean() -> None:
    for body in (b"", b"\0", b"words"):
        assert verdict(npy(described("|O", (1,)), body)) is not Verdict.CLEAN


def test_an_archive_of_arrays_is_as_its_worst_array() -> None:
    good, bad = saved(np.arange(3)), npy(described("|O", (1,)), HARMFUL)
    assert verdict(zipped({"x.npy": good, "y.npy": good})) is Verdict.CLEAN
    judgement = judged(zipped({"x.npy": good, "y.npy": bad}))
    assert judgement.reasons[0].startswith("y.npy: calls os.system")


@pytest.mark.parametrize("length", [0, 5, 1 << 15, (1 << 32) - 1])
def test_a_length_of_the_header_that_lies_is_no_error(length: int) -> None:
    content = bytearray(npy(described("<f8", (1,)), bytes(8), 2))
    content[8:12] = struct.pack("<I", length)
    assert verdict(bytes(content)) is Verdict.UNKNOWN


simple = st.recursive(
    st.sampled_from(["<f8", "|O", "<i4", "S3", "", "x"]) | st.integers(-1, 3),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.tuples(st.just("a"), inner, inner),
    max_leaves=8,
)


@given(simple, st.lists(st.integers(-1, 3), max_size=3).map(tuple) | simple, st.binary(max_size=48))
@settings(max_examples=400, deadline=None)
def test_no_header_is_clean_that_numpy_reads_in_another_way(descr: Any, shape: Any, body: bytes) -> None:
    content = npy(described(descr, shape), body)
    array = as_numpy_reads(content)
    if judged(content, SMALL).verdict is Verdict.CLEAN and array is not None:
        assert not array.dtype.hasobject
        assert len(content) - len(body) + array.nbytes == len(content)


@given(st.binary(max_size=200), st.integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_no_bytes_behind_the_magic_make_it_fail(tail: bytes, version: int) -> None:
    judged(b"\x93NUMPY" + bytes([version]) + tail, SMALL)


@pytest.mark.filterwarnings("ignore:Reading `.npy`")
@pytest.mark.parametrize("shape", ["(1L,)", "(1L, 1L)", "(1,1L)"])
@pytest.mark.parametrize("version", [1, 2, 3])
def test_lengths_of_python_2_are_read_as_numpy_reads_them(shape: str, version: int) -> None:
    header = f"{{'descr': '<f8', 'shape': {shape}, 'fortran_order': False}}"
    content = npy(header, b"\0" * 8, version)
    assert (as_numpy_reads(content) is not None) == (version < 3)
    assert verdict(content) is (Verdict.CLEAN if version < 3 else Verdict.UNKNOWN)
    assert verdict(content + b"\0") is Verdict.UNKNOWN
